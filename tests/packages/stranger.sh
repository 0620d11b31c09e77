# Sourced by the tests here: what a stranger does with an installed librustml, as README.md says it. Each check prints one
# line, "ok NAME" or "FAILED NAME". Wanted: $model, a GGUF file.
set -uo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
version=$(sed -n 's/^project(rustml VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")
major=${version%%.*}
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

answers() {  # answers PROGRAM...: prints something and ends well
  local out
  out=$("$@") && [ -n "$out" ] && echo "$out"
}

readme() {  # readme LANGUAGE: all its blocks in README.md and docs/install.md
  awk -v fence="\`\`\`$1" '$0 == "```" { on = 0 } on; $0 == fence { on = 1 }' "$source/README.md" "$source/docs/install.md"
}

use() {  # use PREFIX: what lies there is what compilers and programs find
  prefix=$1
  lib=$(dirname "$(find "$prefix" -name "librustml.so.$major" | head -n 1)")
  export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
}

files() {  # files FOLDER: all names below it
  (cd "$1" && find . ! -type d | sort)
}

loads() {  # loads PROGRAM: it runs on the library in $lib
  ldd "$1" | grep -F "=> $lib/librustml.so.$major "
}

new_project() {  # an empty folder with README.md's program in C and a model; an example in C++ lies in the prefix
  rm -rf "$work/project"
  mkdir "$work/project" && cd "$work/project" && readme c >hello.c && [ -s hello.c ] && ln -s "$model" model.gguf
  cpp=$prefix/share/doc/rustml/examples/cpp/hello.cpp
}

# pkg-config quotes a path with blanks for the shell, so what README.md's line becomes is evaluated once more.
by_pkg_config() (
  new_project && [ "$(pkg-config --modversion rustml)" = "$version" ] || return 1
  line=$(readme sh | grep '^cc ')
  eval "$(eval "echo \"$line\"")" >said && [ -s said ] && loads ./hello || return 1
  eval "c++ -std=c++17 '$cpp' $(pkg-config --cflags --libs rustml) -o hello_cpp" && loads ./hello_cpp && answers ./hello_cpp model.gguf
)

by_cmake() (
  new_project || return 1
  {
    echo 'cmake_minimum_required(VERSION 3.25)
      project(hello LANGUAGES C CXX)'
    readme cmake
    echo "add_executable(hello_cpp \"$cpp\")
      target_link_libraries(hello_cpp PRIVATE rustml::rustml)"
  } >CMakeLists.txt
  cmake -S . -B build -DCMAKE_PREFIX_PATH="$prefix" && cmake --build build && loads build/hello && answers build/hello model.gguf &&
    answers build/hello_cpp model.gguf
)

stranger() {  # stranger WHERE: builds and runs programs on what `use` said
  check "$1: pkg-config, C and C++" by_pkg_config
  check "$1: CMake, C and C++" by_cmake
}
