#define _GNU_SOURCE
#include "allocation.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_long count, failed, spared, blocks, mapped;
static atomic_long fail_at;
static atomic_int armed, persistent;
static _Thread_local int dlopen_depth;

void allocation_arm(long nth, int from_then_on) {
  count = failed = spared = 0;
  fail_at = nth;
  persistent = from_then_on;
  armed = 1;
}
long allocation_disarm(void) {
  armed = 0;
  return failed;
}
long allocation_count(void) { return count; }
long allocation_spared(void) { return spared; }
long allocation_blocks(void) { return blocks; }
long allocation_mapped(void) { return mapped; }

static int fails(void) {
  if (!armed) return 0;
  const long n = ++count, at = fail_at;
  if (at == 0 || (n != at && (!persistent || n < at))) return 0;
  if (dlopen_depth > 0 && persistent) {
    ++spared;
    return 0;
  }
  ++failed;
  errno = ENOMEM;
  return 1;
}
static void *counted(void *block) {
  if (block) ++blocks;
  return block;
}

void *malloc(size_t n) { return fails() ? NULL : counted(__libc_malloc(n)); }
void *calloc(size_t n, size_t size) { return fails() ? NULL : counted(__libc_calloc(n, size)); }
void *memalign(size_t alignment, size_t n) { return fails() ? NULL : counted(__libc_memalign(alignment, n)); }
void *aligned_alloc(size_t alignment, size_t n) { return memalign(alignment, n); }
int posix_memalign(void **out, size_t alignment, size_t n) {
  void *block = memalign(alignment, n);
  if (!block) return ENOMEM;
  *out = block;
  return 0;
}
void free(void *block) {
  if (!block) return;
  --blocks;
  __libc_free(block);
}
void *realloc(void *block, size_t n) {
  if (fails()) return NULL;
  void *moved = __libc_realloc(block, n);
  if (!block) return counted(moved);
  if (!moved && n == 0) --blocks;
  return moved;
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset) {
  static void *(*real)(void *, size_t, int, int, int, off_t);
  if (!real) real = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
  if (fails()) return MAP_FAILED;
  void *mapping = real(at, n, protection, flags, fd, offset);
  if (mapping != MAP_FAILED) mapped += (long)n;
  return mapping;
}
int munmap(void *mapping, size_t n) {
  static int (*real)(void *, size_t);
  if (!real) real = (int (*)(void *, size_t))dlsym(RTLD_NEXT, "munmap");
  const int answer = real(mapping, n);
  if (answer == 0) mapped -= (long)n;
  return answer;
}

/* oneTBB's first use loads libtbbmalloc. When no memory is left in the middle of that, glibc 2.36 itself crashes: dlerror could not
 * keep an inner error and dlopen, which succeeded, reads it. No caller can prevent it, so allocations inside dlopen fail once at
 * most (no crash) and are spared otherwise, and counted. */
void *dlopen(const char *name, int flags) {
  static void *(*real)(const char *, int);
  if (!real) real = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
  ++dlopen_depth;
  void *handle = real(name, flags);
  --dlopen_depth;
  return handle;
}
