# nas_embed(OUT_VAR SYMBOL FILE...): a C source that holds the files as `const nas_embedded SYMBOL[]`
# (core/embedded.h), sorted by name and ended by a row of NULLs. Files stay valid on disk.
set(NAS_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(nas_embed out symbol)
  set(file ${CMAKE_BINARY_DIR}/${symbol}.c)
  list(SORT ARGN)
  string(REPLACE ";" "|" list "${ARGN}")
  add_custom_command(OUTPUT ${file}
    COMMAND ${CMAKE_COMMAND} -DEMBED_OUT=${file} -DEMBED_SYMBOL=${symbol} "-DEMBED_FILES=${list}" -P ${NAS_EMBED_SCRIPT}
    DEPENDS ${ARGN} ${NAS_EMBED_SCRIPT} VERBATIM)
  set(${out} ${file} PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE AND DEFINED EMBED_OUT)
  string(REPLACE "|" ";" files "${EMBED_FILES}")
  set(bodies "")
  set(rows "")
  set(i 0)
  foreach(f ${files})
    file(READ "${f}" hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
    string(REGEX REPLACE "(....................................................................................................)" "\\1\n" hex "${hex}")
    get_filename_component(name "${f}" NAME)
    string(APPEND bodies "static const unsigned char f${i}[] = {${hex}0};\n")
    string(APPEND rows "    {\"${name}\", (const char *)f${i}, sizeof f${i} - 1},\n")
    math(EXPR i "${i} + 1")
  endforeach()
  file(WRITE "${EMBED_OUT}" "/* made by cmake/embed.cmake */\n#include <core/embedded.h>\n\n${bodies}\nconst nas_embedded ${EMBED_SYMBOL}[] = {\n${rows}    {NULL, NULL, 0}};\n")
endif()
