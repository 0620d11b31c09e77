#!/usr/bin/env bash
# archive.sh PACKAGES_DIR BUILD_DIR MODEL.gguf: the .tar.gz, unpacked to a folder with a blank and an umlaut, which is then moved.
packages=$1
build=$2
model=$3
# shellcheck source=stranger.sh
. "$(dirname "$0")/stranger.sh"

unpack() (
  HOME="$work/Grüße an alle"
  mkdir "$HOME" && cd "$packages" && eval "$(readme sh | grep '^tar ')" && [ "$(find "$HOME" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ]
)
check "unpack" unpack
use "$(echo "$work/Grüße an alle/"*)"
stranger "unpacked"

installs_the_same() {
  cmake --install "$build" --prefix "$work/installed" && diff <(files "$work/installed") <(files "$prefix")
}
check "it holds what is installed" installs_the_same

mkdir "$work/été" && mv "$prefix" "$work/été/librustml 1" && rmdir "$work/Grüße an alle"
use "$work/été/librustml 1"
stranger "moved"
unset LD_LIBRARY_PATH
check "the program runs" answers "$prefix/bin/rustml-infer" --gguf "$model" --prompt "The capital of France is" --max-tokens 8 --ignore-eos

[ "$failures" -eq 0 ]
