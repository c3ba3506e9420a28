# One library out of the modules, with headers, pkg-config file and CMake package.
