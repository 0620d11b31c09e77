# Protection of the host process against faults that are still unknown, for all that is built; tests/checks reads what came of it.
# Under link-time optimization the compiler runs again at the link, so it is told twice.
if(WIN32)
  # A stack is probed page by page there in any case. No stack protector and no _FORTIFY_SOURCE: both need libssp, whose constructor
  # asks Windows' cryptography for a random number while the loader holds its lock.
  target_link_options(rustml_flags INTERFACE -Wl,--dynamicbase,--high-entropy-va,--nxcompat)
else()
  set(hardening)
  if(NOT RUSTML_SANITIZE)  # AddressSanitizer sees more of stacks; beside the protector gcc 12 gives its frames too little alignment
    list(APPEND hardening -fstack-protector-strong -fstack-clash-protection)
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    list(APPEND hardening -fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    list(APPEND hardening -mbranch-protection=standard)
  endif()
  target_compile_options(rustml_flags INTERFACE ${hardening})
  target_link_options(rustml_flags INTERFACE ${hardening} -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
  if(NOT RUSTML_SANITIZE)  # these look at more, and would miss calls of functions with other names
    set(fortify 3)
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
      set(fortify 2)
    endif()
    # It works by optimization. Some systems' compilers define it by themselves.
    target_compile_options(rustml_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=${fortify}>)
  endif()
endif()
include(CheckPIESupported)
check_pie_supported(LANGUAGES C CXX)  # programs are linked as what they are compiled for

# A frame of the rooms' functions has at most so many bytes, and all of it is known beforehand: a call has 32 KiB of the host's stack
# (include/rustml.h), and what tests/api/stack_test.c cannot run here, as AMX, must fit too. Not without optimization, which gives each
# variable a place of its own.
set(most 6144)
add_library(rustml_small_frames INTERFACE)
if(NOT RUSTML_SANITIZE)
  target_compile_options(rustml_small_frames INTERFACE $<$<NOT:$<CONFIG:Debug>>:-Wframe-larger-than=${most}>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)  # what link-time optimization inlines
    target_link_options(rustml_small_frames INTERFACE -Wframe-larger-than=${most} $<$<BOOL:${RUSTML_WERROR}>:-Werror=frame-larger-than=${most}>)
  endif()
endif()
target_compile_options(rustml_small_frames INTERFACE -Wvla -Walloca)
