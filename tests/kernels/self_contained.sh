#!/bin/sh
# self_contained.sh CXX SRC: every header of SRC/kernels that this compiler's processor has instructions for compiles alone.
cxx=$1
src=$2
avx2="-mavx2 -mfma -mf16c"
machine=$("$cxx" -dumpmachine)
status=0
seen=0
for header in "$src"/kernels/*.h; do
  name=$(basename "$header")
  case $machine-$name in
    *-float_ops-inl.h | *-attention-inl.h | *-linear*-inl.h) continue ;; # objects are made of each, alone (src/kernels/CMakeLists.txt)
    x86_64*-raw_sse41-inl.h) flags="-mssse3 -msse4.1" ;;
    x86_64*-raw_avxvnni-inl.h) flags="$avx2 -mavxvnni" ;;
    x86_64*-raw_avx512-inl.h | x86_64*-raw_amx-inl.h) flags="$avx2 -mavx512f -mavx512cd -mavx512bw -mavx512vl -mavx512dq -mavx512vnni" ;;
    x86_64*-raw_neon*) continue ;;
    x86_64*) flags=$avx2 ;;
    aarch64*-raw_neondot-inl.h) flags="-march=armv8.2-a+dotprod" ;;
    aarch64*-raw_neon-inl.h) flags= ;;
    aarch64*-raw_[sa]*) continue ;;
    aarch64*) flags= ;;
    *) continue ;;
  esac
  seen=$((seen + 1))
  echo "#include \"kernels/$name\"" | "$cxx" -std=c++20 -fsyntax-only -fmax-errors=1 -Wall -Wextra -Werror -Wno-unused-function -I "$src" $flags -x c++ - || status=1
done
if [ "$seen" -eq 0 ]; then
  echo "no header was compiled"
  exit 1
fi
[ "$status" -eq 0 ] && echo "$seen headers compile alone"
exit $status
