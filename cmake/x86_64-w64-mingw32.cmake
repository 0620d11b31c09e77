# Debian's MinGW-w64 (POSIX threads) for Windows x64, with the static libraries that scripts/setup_windows makes.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR AMD64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)

if(NOT RUSTML_WINDOWS_SYSROOT)
  set(RUSTML_WINDOWS_SYSROOT "$ENV{RUSTML_WINDOWS_SYSROOT}")
endif()
if(NOT RUSTML_WINDOWS_SYSROOT)
  set(RUSTML_WINDOWS_SYSROOT "$ENV{HOME}/.cache/rustml/windows")
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES RUSTML_WINDOWS_SYSROOT)
set(CMAKE_FIND_ROOT_PATH ${RUSTML_WINDOWS_SYSROOT} /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} "${RUSTML_WINDOWS_SYSROOT}/lib/pkgconfig")

# Windows 10. The libraries are static: none of their names is imported or exported again. The stack is aligned to 16 bytes only
# (GCC bug 54412, mended in Debian's compiler but not in others): wide vectors on it must not be moved as if they were aligned.
set(CMAKE_C_FLAGS_INIT "-D_WIN32_WINNT=0x0A00 -DPCRE2_STATIC -DUTF8PROC_STATIC -Wa,-muse-unaligned-vector-move")
set(CMAKE_CXX_FLAGS_INIT "${CMAKE_C_FLAGS_INIT}")
# The finer -static-libgcc -static-libstdc++ would still import libwinpthread.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-static")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-static")
