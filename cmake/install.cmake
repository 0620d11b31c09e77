# What `cmake --install` puts where. Everything is relocatable: the prefix may be moved afterwards.
# Components are the packages of cmake/packages.cmake: runtime (the libraries), tools (the program), dev (all else).
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME dev)

if(TARGET rustml)
  target_include_directories(rustml INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  install(TARGETS rustml EXPORT rustml-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime
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

  if(TARGET rustml-static)
    target_include_directories(rustml-static INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    install(TARGETS rustml-static EXPORT rustml-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    get_target_property(libraries rustml-static INTERFACE_LINK_LIBRARIES)
    list(TRANSFORM libraries PREPEND "-l" OUTPUT_VARIABLE libraries)
    list(JOIN libraries " " RUSTML_PC_LIBRARIES)
    configure_file(${PROJECT_SOURCE_DIR}/pkgconfig/rustml-static.pc.in ${PROJECT_BINARY_DIR}/rustml-static.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/rustml-static.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endif()
  if(TARGET rustml-hub)
    target_include_directories(rustml-hub INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    install(TARGETS rustml-hub EXPORT rustml-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev)
    install(FILES ${PROJECT_SOURCE_DIR}/include/rustml_hub.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    configure_file(${PROJECT_SOURCE_DIR}/pkgconfig/rustml-hub.pc.in ${PROJECT_BINARY_DIR}/rustml-hub.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/rustml-hub.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endif()

  install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
  install(DIRECTORY bindings/python/ DESTINATION ${CMAKE_INSTALL_DATADIR}/rustml/python PATTERN tests EXCLUDE PATTERN __pycache__ EXCLUDE
    PATTERN .mypy_cache EXCLUDE)
  install(DIRECTORY bindings/csharp/ DESTINATION ${CMAKE_INSTALL_DATADIR}/rustml/csharp PATTERN tests EXCLUDE PATTERN bin EXCLUDE PATTERN obj EXCLUDE)
  install(DIRECTORY bindings/go/ DESTINATION ${CMAKE_INSTALL_DATADIR}/rustml/go PATTERN *_test.go EXCLUDE)
  foreach(crate rustml-sys rustml)
    install(DIRECTORY bindings/rust/${crate} DESTINATION ${CMAKE_INSTALL_DATADIR}/rustml/rust
      PATTERN tests EXCLUDE PATTERN examples EXCLUDE PATTERN target EXCLUDE)
  endforeach()
  install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples PATTERN Cargo.toml EXCLUDE PATTERN go.mod EXCLUDE PATTERN target EXCLUDE)

  # Examples name the bindings by their path.
  function(rustml_install_manifest language name from to)
    file(RELATIVE_PATH path /${CMAKE_INSTALL_DOCDIR}/examples/${language} /${CMAKE_INSTALL_DATADIR}/rustml/${to})
    file(READ examples/${language}/${name} manifest)
    string(REPLACE "../../bindings/${from}" "${path}" manifest "${manifest}")
    file(WRITE ${PROJECT_BINARY_DIR}/examples/${language}/${name} "${manifest}")
    install(FILES ${PROJECT_BINARY_DIR}/examples/${language}/${name} DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/${language})
  endfunction()
  rustml_install_manifest(rust Cargo.toml rust/rustml rust/rustml)
  rustml_install_manifest(go go.mod go go)
endif()

if(TARGET rustml-infer)
  file(RELATIVE_PATH bin_to_lib /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
  set_target_properties(rustml-infer PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
  install(TARGETS rustml-infer RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
  install(FILES src/cli/events.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/rustml COMPONENT tools)
endif()
include(${PROJECT_SOURCE_DIR}/cmake/install-docs.cmake)
