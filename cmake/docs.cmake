# Target `docs`: the reference of the C API, in <build>/docs/html.
find_program(RUSTML_DOXYGEN doxygen)
find_package(Python3 COMPONENTS Interpreter)
if(PROJECT_IS_TOP_LEVEL AND RUSTML_DOXYGEN AND Python3_FOUND)
  configure_file(${PROJECT_SOURCE_DIR}/docs/Doxyfile.in ${PROJECT_BINARY_DIR}/docs/Doxyfile @ONLY)
  add_custom_target(docs COMMAND ${RUSTML_DOXYGEN} ${PROJECT_BINARY_DIR}/docs/Doxyfile VERBATIM)
endif()
