#!/usr/bin/env bash
# install.sh BUILD_DIR MODEL.gguf: `cmake --install` to a prefix, which is then moved.
build=$1
model=$2
# shellcheck source=stranger.sh
. "$(dirname "$0")/stranger.sh"

check "install" cmake --install "$build" --prefix "$work/first/place"
use "$work/first/place"
stranger "where it was installed"
mkdir "$work/moved" && mv "$work/first/place" "$work/moved/prefix" && rmdir "$work/first"
use "$work/moved/prefix"
stranger "moved"

complete() {
  local file
  for file in include/rustml.h bin/rustml-infer share/rustml/events.schema.json share/doc/rustml/LICENSE share/doc/rustml/examples/c/stream.c; do
    [ -s "$prefix/$file" ] || { echo "missing: $file"; return 1; }
  done
  ! grep -rIl --exclude-dir=doc -e "$work/first" -e "$build" "$prefix" || { echo "names the folder it was built or installed in"; return 1; }
}
check "everything is there and nothing names an old place" complete

examples() {
  local name
  for name in stream long_chat cancel snapshot; do
    # shellcheck disable=SC2046  # flags are words
    cc -std=c11 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L "$source/examples/c/$name.c" $(pkg-config --cflags --libs rustml) -pthread \
      -o "$work/$name" || return 1
  done
  answers "$work/stream" "$model" "The capital of France is" && answers "$work/cancel" "$model" "Once upon a time" 20 &&
    answers "$work/long_chat" "$model" 160 <<<"Once upon a time" &&
    answers "$work/snapshot" "$model" save "$work/state" "Once upon a time" && answers "$work/snapshot" "$model" load "$work/state"
}
check "the examples build by pkg-config and run" examples

examples_by_cmake() {
  cmake -S "$prefix/share/doc/rustml/examples/c" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "$work/cmake" &&
    answers "$work/cmake/stream" "$model" "The capital of France is"
}
check "the examples build by CMake and run" examples_by_cmake

another_major() {
  mkdir "$work/major" && printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(p C)' "find_package(rustml $((major + 1)).0 REQUIRED)" >"$work/major/CMakeLists.txt"
  ! cmake -S "$work/major" -B "$work/major/build" -DCMAKE_PREFIX_PATH="$prefix" 2>"$work/message" && grep -q 'rustml-config.cmake, version: ' "$work/message"
}
check "CMake: another major version is refused" another_major

by_hand() {
  cc "$source/examples/c/stream.c" -I"$prefix/include" -L"$lib" -lrustml -o "$work/plain" && answers "$work/plain" "$model" "The capital of France is"
}
check "plain cc builds and runs" by_hand

failing() {
  "$work/plain" /no/such.gguf x 2>"$work/message"
  [ $? -eq 1 ] && grep -q '^stream: .*/no/such.gguf' "$work/message"
}
check "the example prints what went wrong" failing

unset LD_LIBRARY_PATH
check "the installed program runs" answers "$prefix/bin/rustml-infer" --gguf "$model" --prompt "The capital of France is" --max-tokens 8 --ignore-eos

[ "$failures" -eq 0 ]
