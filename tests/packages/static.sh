#!/usr/bin/env bash
# static.sh BUILD_DIR MODEL.gguf: librustml.a in programs that do without librustml.so.
build=$1
model=$2
# shellcheck source=stranger.sh
. "$(dirname "$0")/stranger.sh"

check "install" cmake --install "$build" --prefix "$work/prefix"
use "$work/prefix"

only_ours() {
  diff <(nm -g --defined-only "$lib/librustml.a" | awk 'NF == 3 { print $3 }' | sort) <(sed -n 's/^ *\(rustml_[a-z_0-9]*\);$/\1/p' "$source/src/api/rustml.map" | sort)
}
check "its global symbols are the names of rustml.map" only_ours

alone() {  # alone PROGRAM...: answers without a shared librustml
  ! ldd "$1" | grep rustml && answers "$@"
}

by_pkg_config() (
  new_project || return 1
  flags=$(pkg-config --static --cflags --libs rustml-static)
  eval "cc hello.c $flags -o hello" && alone ./hello || return 1
  eval "c++ -std=c++17 '$cpp' $flags -o hello_cpp" && alone ./hello_cpp model.gguf
)
check "pkg-config, C and C++" by_pkg_config

by_cmake() (
  new_project || return 1
  echo 'cmake_minimum_required(VERSION 3.25)
    project(hello LANGUAGES C)
    find_package(rustml REQUIRED)
    add_executable(hello hello.c)
    target_link_libraries(hello PRIVATE rustml::rustml-static)' >CMakeLists.txt
  cmake -S . -B build -DCMAKE_PREFIX_PATH="$prefix" && cmake --build build && alone build/hello
)
check "CMake, C alone" by_cmake

[ "$failures" -eq 0 ]
