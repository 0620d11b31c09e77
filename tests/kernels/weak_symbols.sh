#!/bin/sh
# weak_symbols.sh NM OBJECT...: the objects of the SIMD targets may define nothing that the linker could take for another target:
# no weak or unique symbol, and global ones in the target's own namespace alone. An inline function of the standard library compiled
# with AVX-512 instructions would be such a symbol, and kill the process on an older processor.
nm=$1
shift
status=0
seen=0
for object in "$@"; do
  target=$(expr "$object" : '.*target_\([a-z0-9]*\)_') || continue
  [ "$target" = absent ] && continue
  seen=$((seen + 1))
  # DW.ref.* is a pointer for unwinding, without code. Sanitizers add symbols of their own (__asan_*, __odr_asan*).
  bad=$("$nm" -C --defined-only "$object" | grep -E ' [A-Zuvw] ' |
        grep -vE " V DW\.ref\.| [DRT] rustml::kernels::$target::| __(odr_)?asan")
  if [ -n "$bad" ]; then
    echo "$object defines symbols that other targets could be linked to:"
    echo "$bad"
    status=1
  fi
done
if [ "$seen" -eq 0 ]; then
  echo "no object of a SIMD target was given"
  exit 1
fi
[ "$status" -eq 0 ] && echo "$seen objects define only what is in their target's namespace"
exit $status
