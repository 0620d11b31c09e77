#!/bin/sh
# neon.sh SOURCE_DIR BUILD_DIR: compiles the kernels for aarch64 and compares both NEON targets with the scalar reference under qemu.
root=$1
out=$2
cxx=aarch64-linux-gnu-g++
for tool in $cxx qemu-aarch64; do
  if ! command -v $tool >/dev/null; then
    echo "SKIPPED neon: $tool is missing (apt-get install g++-aarch64-linux-gnu qemu-user)"
    exit 0
  fi
done
mkdir -p "$out"
set -e
for source in src/tensor/dtype src/tensor/dequantize src/tensor/float16 src/tensor/quantize src/kernels/packed src/kernels/select src/kernels/scalar \
              src/kernels/target_neon src/kernels/target_neondot tests/kernels/comparison tests/kernels/compare_main; do
  case $source in *neondot) dot=-march=armv8.2-a+dotprod ;; *) dot= ;; esac
  # xsimd is headers only and the same for every processor; -idirafter keeps the host's other headers behind the target's.
  $cxx -std=c++20 -O2 -Wall -Wextra -ffp-contract=off $dot -I"$root/src" -I"$root/tests/kernels" -idirafter /usr/include \
       -c "$root/$source.cpp" -o "$out/$(basename $source).o"
done
$cxx -static "$out"/*.o -o "$out/compare"
qemu-aarch64 "$out/compare"
