# Flags of every room. -ffp-contract=off: results must not depend on what the compiler fuses (src/kernels/kernels.h).
# What differs between systems is in pairs of files: NAME_linux.cpp, NAME_windows.cpp.
set(RUSTML_SYSTEM linux)
if(WIN32)
  set(RUSTML_SYSTEM windows)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(RUSTML_CCACHE ccache)
if(RUSTML_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${RUSTML_CCACHE})
endif()

add_library(rustml_flags INTERFACE)
target_include_directories(rustml_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_options(rustml_flags INTERFACE -ffp-contract=off -Wall -Wextra
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Both warn about "text" + std::string (GCC bug 105329), the second one while linking with optimization.
  target_compile_options(rustml_flags INTERFACE -Wno-restrict)
  target_link_options(rustml_flags INTERFACE -Wno-restrict -Wno-stringop-overflow)
endif()
if(RUSTML_WERROR)
  target_compile_options(rustml_flags INTERFACE -Werror)
endif()
if(RUSTML_FUZZ)  # libFuzzer follows which code an input reaches
  target_compile_options(rustml_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(RUSTML_SANITIZE)
  # The code of the tests themselves is not searched for undefined behaviour: their libraries' templates take minutes so.
  set(unsanitized $<TARGET_PROPERTY:RUSTML_UNSANITIZED>)
  target_compile_options(rustml_flags INTERFACE -fsanitize=${RUSTML_SANITIZE} -fno-omit-frame-pointer
    $<$<BOOL:${unsanitized}>:-fno-sanitize=${unsanitized}>)
  target_link_options(rustml_flags INTERFACE -fsanitize=${RUSTML_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)  # the standard library's own code raises it, falsely, once it is instrumented
    target_compile_options(rustml_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(RUSTML_SANITIZE MATCHES undefined)
    target_compile_options(rustml_flags INTERFACE -fno-sanitize-recover=undefined)
  endif()
endif()
target_link_libraries(rustml_flags INTERFACE Threads::Threads)
include(${PROJECT_SOURCE_DIR}/cmake/hardening.cmake)

# Sources with instruction-set flags opt out (-fno-lto), see src/kernels/CMakeLists.txt.
if(RUSTML_IPO AND NOT RUSTML_SANITIZE)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT ipo_supported LANGUAGES CXX)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${ipo_supported})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)  # machine code too, for the test programs (see CMakeLists.txt)
    set(CMAKE_CXX_COMPILE_OPTIONS_IPO -flto=auto -ffat-lto-objects)
  endif()
endif()

# Every room's objects, nothing linked: what a cross compiler without the outside libraries can build.
add_custom_target(rustml_objects)

# With RUSTML_UNITY, several files of a target are compiled together; files with compiler flags of their own stay apart.
function(rustml_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${RUSTML_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

# A room: an object library rustml_<name> of the sources given, with the outside libraries after LINK. APART: always file by file, as
# each of them gives the same names meanings of its own.
function(rustml_room name)
  cmake_parse_arguments(arg "APART" "" "LINK" ${ARGN})
  add_library(rustml_${name} OBJECT ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(rustml_${name} PUBLIC rustml_flags ${arg_LINK} PRIVATE rustml_small_frames)
  add_dependencies(rustml_objects rustml_${name})
  if(NOT arg_APART)
    rustml_unity(rustml_${name})
  endif()
endfunction()
