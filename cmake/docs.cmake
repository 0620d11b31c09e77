# Target `docs`: the reference of the C API, in <build>/docs/html.
find_program(RUSTML_DOXYGEN doxygen)
if(RUSTML_DOXYGEN)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  configure_file(${PROJECT_SOURCE_DIR}/docs/Doxyfile.in ${PROJECT_BINARY_DIR}/docs/Doxyfile @ONLY)
  add_custom_target(docs COMMAND ${RUSTML_DOXYGEN} ${PROJECT_BINARY_DIR}/docs/Doxyfile VERBATIM)
endif()
