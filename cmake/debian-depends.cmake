# cpack runs this before it packs what is staged: says what each Debian package depends on, by dpkg-shlibdeps. CPack's own
# CPACK_DEBIAN_PACKAGE_SHLIBDEPS would add maintainer scripts that call ldconfig; Debian's policy wants the trigger instead.
if(NOT CPACK_GENERATOR STREQUAL DEB)
  return()
endif()
set(scratch ${CPACK_TOPLEVEL_DIRECTORY}/shlibdeps)
file(WRITE ${scratch}/debian/control "")  # it wants to stand in a source package
file(GLOB runtime_libraries ${CPACK_TEMPORARY_DIRECTORY}/runtime/usr/lib/librustml*.so.* ${CPACK_TEMPORARY_DIRECTORY}/runtime/usr/lib/*/librustml*.so.*)
list(GET runtime_libraries 0 library)
cmake_path(GET library PARENT_PATH library_dir)

function(depends_of variable)
  execute_process(COMMAND dpkg-shlibdeps -O -l${library_dir} --ignore-missing-info ${ARGN} WORKING_DIRECTORY ${scratch}
    OUTPUT_VARIABLE found ERROR_VARIABLE problem RESULT_VARIABLE status OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(status OR NOT found MATCHES "^shlibs:Depends=(.+)")
    message(FATAL_ERROR "dpkg-shlibdeps ${ARGN}: ${problem}")
  endif()
  set(${variable} "${CMAKE_MATCH_1}" PARENT_SCOPE)
endfunction()

depends_of(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS ${runtime_libraries})
if(tools IN_LIST CPACK_COMPONENTS_ALL)
  file(GLOB programs ${CPACK_TEMPORARY_DIRECTORY}/tools/usr/bin/*)
  depends_of(found ${programs})
  set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "${CPACK_DEBIAN_RUNTIME_PACKAGE_NAME} (= ${CPACK_PACKAGE_VERSION}), ${found}")
endif()
