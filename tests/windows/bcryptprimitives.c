/* Wine 8 has no bcryptprimitives.dll, which programs in Go (1.22 and later) ask for random numbers when they start. For the tests' Wine
 * prefix only. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG bytes); /* advapi32's RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE out, SIZE_T n) {
  while (n > 0) {
    const ULONG part = n > 65536 ? 65536 : (ULONG)n;
    if (!SystemFunction036(out, part)) return FALSE;
    out += part;
    n -= part;
  }
  return TRUE;
}
