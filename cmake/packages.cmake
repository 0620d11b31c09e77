# What `cpack` makes of the installation: three Debian packages and one relocatable archive with everything.
set(CPACK_PACKAGE_NAME librustml)
set(CPACK_PACKAGE_VENDOR "the librustml authors")
set(CPACK_PACKAGE_CONTACT "the librustml authors" CACHE STRING "maintainer of the packages: NAME <ADDRESS>")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)

string(TOLOWER "librustml-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR}" CPACK_PACKAGE_FILE_NAME)
set(CPACK_GENERATOR TGZ)
find_program(RUSTML_SHLIBDEPS dpkg-shlibdeps)
if(RUSTML_SHLIBDEPS)
  list(APPEND CPACK_GENERATOR DEB)
endif()
set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL runtime dev)
if(TARGET rustml-infer)
  list(APPEND CPACK_COMPONENTS_ALL tools)
endif()

set(library_package librustml${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SOURCE librustml)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME librustml-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${library_package} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME rustml-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION utils)
# The first line is the synopsis.
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "runs language models on the processor (shared library)
Opens GGUF files and Hugging Face directories, streams answers, stops at any
moment, saves and restores conversations, behind a small C API. librustml-hub,
which downloads models, is in this package too.")
set(CPACK_COMPONENT_DEV_DESCRIPTION "runs language models on the processor (development files)
Headers, pkg-config and CMake files, examples, and the bindings for Go, Rust,
C# and Python as sources.")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "runs language models on the processor (program)
rustml-infer answers, chats, measures, quantizes and fetches models.")

# A program linked with this version may use any function of it, so it needs this version or a later one.
set(control_dir ${PROJECT_BINARY_DIR}/debian)
set(shlibs "librustml ${PROJECT_VERSION_MAJOR} ${library_package} (>= ${PROJECT_VERSION})\n")
if(TARGET rustml-hub)
  string(APPEND shlibs "librustml-hub ${PROJECT_VERSION_MAJOR} ${library_package} (>= ${PROJECT_VERSION})\n")
endif()
file(WRITE ${control_dir}/shlibs "${shlibs}")
file(WRITE ${control_dir}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${control_dir}/shlibs ${control_dir}/triggers)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian-depends.cmake)

# Each Debian package has a copyright file, the archive too: ours, and those of the libraries that are compiled in.
file(WRITE ${control_dir}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: librustml

Files: *
Copyright: ${CPACK_PACKAGE_VENDOR}
License: Apache-2.0
 On Debian the text of this license is /usr/share/common-licenses/Apache-2.0.
")
foreach(text_of IN ITEMS /usr/share/doc/libxsimd-dev/copyright /usr/share/doc/libcli11-dev/copyright /usr/share/doc/libspdlog-dev/copyright
    ${RUSTML_CJSON}/copyright)
  if(EXISTS ${text_of})
    cmake_path(GET text_of PARENT_PATH package)
    cmake_path(GET package FILENAME package)
    file(READ ${text_of} text)
    file(APPEND ${control_dir}/copyright "\n\nCompiled in, in part: ${package}\n\n${text}")
  endif()
endforeach()
install(FILES ${control_dir}/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
foreach(component ${CPACK_COMPONENTS_ALL})
  string(TOUPPER ${component} upper)
  install(FILES ${control_dir}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME} COMPONENT ${component}
    EXCLUDE_FROM_ALL)
endforeach()

include(CPack)
