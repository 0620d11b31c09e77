# Outside libraries, all from the system; each is used by one room only (tests/checks proves it).
find_package(Threads REQUIRED)
find_package(xsimd REQUIRED)     # kernels
set_target_properties(xsimd PROPERTIES INTERFACE_LINK_LIBRARIES "")  # Debian's package names xtl, which we do not use
find_package(TBB REQUIRED)       # runtime/jobs
find_package(PkgConfig REQUIRED)
include(${PROJECT_SOURCE_DIR}/cmake/cjson.cmake)                # base/json
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)    # tokenizer/pretokenize
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)    # base/hash
if(NOT CMAKE_CROSSCOMPILING)
  pkg_check_modules(curl IMPORTED_TARGET libcurl>=7.85)         # hub/http
  pkg_check_modules(crypto IMPORTED_TARGET libcrypto>=3)        # hub/digest
endif()
if(curl_FOUND AND crypto_FOUND)
  option(RUSTML_HUB "build librustml-hub" ON)
elseif(RUSTML_HUB)
  message(FATAL_ERROR "RUSTML_HUB needs libcurl and libcrypto: apt-get install libcurl4-openssl-dev libssl-dev, or set RUSTML_HUB=OFF")
endif()
if(RUSTML_TOOLS)
  find_package(CLI11 REQUIRED)   # cli
  find_package(spdlog REQUIRED)  # cli/terminal
endif()
if(RUSTML_TESTS AND NOT CMAKE_CROSSCOMPILING)
  find_package(GTest)
  if(NOT GTest_FOUND)
    message(FATAL_ERROR "the tests need GoogleTest and more: run scripts/setup --tests, or set RUSTML_TESTS=OFF to build without them")
  endif()
endif()
if(RUSTML_BENCH)
  find_package(benchmark REQUIRED)
endif()
