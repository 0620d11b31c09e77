# What `cmake --install` puts where. Everything is relocatable: the prefix may be moved afterwards.
include(CMakePackageConfigHelpers)

if(TARGET rustml)
  target_include_directories(rustml INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  install(TARGETS rustml EXPORT rustml-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/include/rustml.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/rustml)
  install(EXPORT rustml-targets NAMESPACE rustml:: DESTINATION ${package_dir})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/rustml-config.cmake.in ${PROJECT_BINARY_DIR}/rustml-config.cmake
    INSTALL_DESTINATION ${package_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/rustml-config-version.cmake COMPATIBILITY SameMajorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/rustml-config.cmake ${PROJECT_BINARY_DIR}/rustml-config-version.cmake DESTINATION ${package_dir})

  # rustml.pc finds its prefix from its own place.
  file(RELATIVE_PATH RUSTML_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" RUSTML_PC_TO_PREFIX "${RUSTML_PC_TO_PREFIX}")
  configure_file(${PROJECT_SOURCE_DIR}/pkgconfig/rustml.pc.in ${PROJECT_BINARY_DIR}/rustml.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/rustml.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

  if(TARGET rustml-hub)
    target_include_directories(rustml-hub INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    install(TARGETS rustml-hub EXPORT rustml-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(FILES ${PROJECT_SOURCE_DIR}/include/rustml_hub.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    configure_file(${PROJECT_SOURCE_DIR}/pkgconfig/rustml-hub.pc.in ${PROJECT_BINARY_DIR}/rustml-hub.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/rustml-hub.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endif()

  install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
  install(DIRECTORY bindings/python/ DESTINATION ${CMAKE_INSTALL_DATADIR}/rustml/python PATTERN tests EXCLUDE PATTERN __pycache__ EXCLUDE
    PATTERN .mypy_cache EXCLUDE)
  install(DIRECTORY bindings/csharp/ DESTINATION ${CMAKE_INSTALL_DATADIR}/rustml/csharp PATTERN tests EXCLUDE PATTERN bin EXCLUDE PATTERN obj EXCLUDE)
  install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples PATTERN rust/Cargo.* EXCLUDE PATTERN target EXCLUDE)

  # The Rust crates, for `cargo add --path`; the examples find them there.
  foreach(crate rustml-sys rustml)
    install(DIRECTORY bindings/rust/${crate} DESTINATION ${CMAKE_INSTALL_DATADIR}/rustml/rust
      PATTERN tests EXCLUDE PATTERN examples EXCLUDE PATTERN target EXCLUDE)
  endforeach()
  file(RELATIVE_PATH crate_path /${CMAKE_INSTALL_DOCDIR}/examples/rust /${CMAKE_INSTALL_DATADIR}/rustml/rust/rustml)
  file(READ examples/rust/Cargo.toml manifest)
  string(REPLACE "../../bindings/rust/rustml" "${crate_path}" manifest "${manifest}")
  file(WRITE ${PROJECT_BINARY_DIR}/examples/rust/Cargo.toml "${manifest}")
  install(FILES ${PROJECT_BINARY_DIR}/examples/rust/Cargo.toml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/rust)
endif()

if(TARGET rustml-infer)
  file(RELATIVE_PATH bin_to_lib /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
  set_target_properties(rustml-infer PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
  install(TARGETS rustml-infer RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES src/cli/events.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/rustml)
endif()
include(${PROJECT_SOURCE_DIR}/cmake/install-docs.cmake)
