#!/usr/bin/env bash
# run.sh BUILD_DIR MODEL.gguf [C_FLAGS]: installs to a prefix, moves the prefix, and uses what lies there as a stranger
# would: through pkg-config, through CMake's find_package, and by plain cc. One line "ok NAME" or "FAILED NAME" each.
set -uo pipefail
build=$1
model=$2
flags=${3:-}
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

check() {  # check NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    echo "ok $name"
  else
    echo "FAILED $name: $*"
    sed 's/^/    /' "$work/log" | tail -n 30
    failures=$((failures + 1))
  fi
}

installed() {
  cmake --install "$build" --prefix "$work/first/place" && mkdir "$work/moved" && mv "$work/first/place" "$work/moved/prefix" && rmdir "$work/first"
}
check "install and move" installed
prefix=$work/moved/prefix
lib=$(dirname "$(find "$prefix" -name 'librustml.so.1' | head -n 1)")
export PKG_CONFIG_PATH=$lib/pkgconfig

complete() {
  local file
  for file in include/rustml.h bin/rustml-infer share/rustml/events.schema.json share/doc/rustml/LICENSE share/doc/rustml/examples/c/stream.c; do
    [ -s "$prefix/$file" ] || { echo "missing: $file"; return 1; }
  done
  ! grep -rIl --exclude-dir=doc -e "$work/first" -e "$build" "$prefix" || { echo "names the folder it was built or installed in"; return 1; }
}
check "everything is there and nothing names an old place" complete
check "pkg-config finds its own version" test "$(pkg-config --modversion rustml)" = "$(cd "$source" && sed -n 's/^project(rustml VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)"

answers() {  # answers PROGRAM...: prints something and ends well
  local out
  out=$("$@") && [ -n "$out" ] && echo "$out"
}

by_pkg_config() {
  local name
  for name in stream cancel snapshot; do
    # shellcheck disable=SC2046,SC2086  # flags are words
    cc -std=c11 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L $flags "$source/examples/c/$name.c" $(pkg-config --cflags --libs rustml) -pthread \
      -Wl,-rpath,"$lib" -o "$work/$name" || return 1
  done
  answers "$work/stream" "$model" "The capital of France is" && answers "$work/cancel" "$model" "Once upon a time" 20 &&
    answers "$work/snapshot" "$model" save "$work/state" "Once upon a time" && answers "$work/snapshot" "$model" load "$work/state"
}
check "pkg-config: the examples build and run" by_pkg_config

by_cmake() {
  cmake -S "$prefix/share/doc/rustml/examples/c" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="$flags" &&
    cmake --build "$work/cmake" && answers "$work/cmake/stream" "$model" "The capital of France is"
}
check "CMake: rustml::rustml builds and runs" by_cmake

another_major() {
  mkdir "$work/major" && printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(p C)' 'find_package(rustml 2.0 REQUIRED)' >"$work/major/CMakeLists.txt"
  ! cmake -S "$work/major" -B "$work/major/build" -DCMAKE_PREFIX_PATH="$prefix" 2>"$work/message" && grep -q 'rustml-config.cmake, version: ' "$work/message"
}
check "CMake: another major version is refused" another_major

by_hand() {
  # shellcheck disable=SC2086
  cc $flags "$source/examples/c/stream.c" -I"$prefix/include" -L"$lib" -lrustml -o "$work/plain" &&
    LD_LIBRARY_PATH=$lib answers "$work/plain" "$model" "The capital of France is"
}
check "plain cc builds and runs" by_hand

check "the installed program runs" answers "$prefix/bin/rustml-infer" --gguf "$model" --prompt "The capital of France is" --max-tokens 8 --ignore-eos

failing() {
  LD_LIBRARY_PATH=$lib "$work/plain" /no/such.gguf x 2>"$work/message"
  [ $? -eq 1 ] && grep -q '^stream: .*/no/such.gguf' "$work/message"
}
check "the example prints what went wrong" failing

[ "$failures" -eq 0 ]
