# Debian's g++-aarch64-linux-gnu, to compile objects: the outside libraries' headers are the same on every architecture and come from
# the host's /usr/include, after the cross compiler's own; only what needs none of them is linked, and runs under qemu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
set(CMAKE_C_FLAGS_INIT "-idirafter /usr/include")
set(CMAKE_CXX_FLAGS_INIT "-idirafter /usr/include")
file(GLOB host_libraries /usr/lib/*-linux-gnu/cmake)
foreach(package TBB spdlog fmt xsimd)
  foreach(folder ${host_libraries} /usr/share/cmake)
    if(EXISTS ${folder}/${package})
      set(${package}_DIR ${folder}/${package})
    endif()
  endforeach()
endforeach()
# Keeps imported targets from putting /usr/include before the cross compiler's headers.
set(CMAKE_PROJECT_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/host-headers.cmake)
