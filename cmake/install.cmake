# One library out of the modules, with headers, pkg-config file and CMake package.
include(CMakePackageConfigHelpers)

get_property(clnas_modules GLOBAL PROPERTY CLNAS_MODULES)
set(clnas_objects "")
foreach(module ${clnas_modules})
  list(APPEND clnas_objects $<TARGET_OBJECTS:${module}>)
endforeach()

# The program is called clnas already, so the target has another name than the file.
add_library(libclnas ${clnas_objects})
add_library(clnas::clnas ALIAS libclnas)
set_target_properties(libclnas PROPERTIES OUTPUT_NAME clnas EXPORT_NAME clnas LINKER_LANGUAGE C
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_include_directories(libclnas INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(libclnas PRIVATE PNG::PNG JPEG::JPEG ZLIB::ZLIB OpenCL::OpenCL Threads::Threads
  PkgConfig::YAML PkgConfig::SQLITE PkgConfig::CAIRO $<$<BOOL:${PQ_FOUND}>:PkgConfig::PQ>
  $<$<BOOL:${CLNAS_WITH_CLBLAST}>:${CLBLAST_LIBRARY}> m $<BUILD_INTERFACE:clnas_flags>)
if(BUILD_SHARED_LIBS)
  # What the headers name is exported; the rest is free to be called as it likes.
  set(map ${CMAKE_SOURCE_DIR}/cmake/exports.map)
  target_link_options(libclnas PRIVATE LINKER:--version-script=${map} LINKER:--no-undefined)
  set_target_properties(libclnas PROPERTIES LINK_DEPENDS ${map})
endif()

install(TARGETS libclnas EXPORT clnas
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/nas DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.def")

if(PQ_FOUND)
  set(CLNAS_CONFIG_PQ PQ:libpq)
endif()
set(clnas_package ${CMAKE_INSTALL_LIBDIR}/cmake/clnas)
install(EXPORT clnas FILE clnasTargets.cmake NAMESPACE clnas:: DESTINATION ${clnas_package})
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/clnasConfig.cmake.in
  ${CMAKE_BINARY_DIR}/clnasConfig.cmake INSTALL_DESTINATION ${clnas_package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/clnasConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/clnasConfig.cmake ${CMAKE_BINARY_DIR}/clnasConfigVersion.cmake
  DESTINATION ${clnas_package})

# A static library brings its dependencies to the program that links it, a shared one has its own.
set(clnas_requires "libpng, libjpeg, zlib, OpenCL, yaml-0.1, sqlite3, cairo-png")
if(PQ_FOUND)
  string(APPEND clnas_requires ", libpq")
endif()
if(CLNAS_WITH_CLBLAST)
  string(APPEND clnas_requires ", clblast")
endif()
if(BUILD_SHARED_LIBS)
  set(CLNAS_PC_REQUIRES "")
  set(CLNAS_PC_REQUIRES_PRIVATE "${clnas_requires}")
  set(CLNAS_PC_LIBS "-lclnas")
else()
  set(CLNAS_PC_REQUIRES "${clnas_requires}")
  set(CLNAS_PC_REQUIRES_PRIVATE "")
  set(CLNAS_PC_LIBS "-lclnas -pthread -lm")
endif()
file(RELATIVE_PATH CLNAS_PC_TO_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(${CMAKE_SOURCE_DIR}/cmake/clnas.pc.in ${CMAKE_BINARY_DIR}/clnas.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/clnas.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
