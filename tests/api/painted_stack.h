/* How much stack some work needs: it runs on a thread whose stack is painted, with memory below it that nobody may touch. */
#ifndef PAINTED_STACK_H
#define PAINTED_STACK_H
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { kBelowStack = 1 << 20, kPaint = 0xA5 };

static inline unsigned char *paint_stack(size_t size) {
  void *memory = mmap(NULL, kBelowStack + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kBelowStack, PROT_NONE) != 0) exit(2);
  return (unsigned char *)memset((unsigned char *)memory + kBelowStack, kPaint, size);
}
/* Bytes at its low end that still have their paint. */
static inline size_t unused_stack(const unsigned char *stack, size_t size) {
  size_t n = 0;
  while (n < size && stack[n] == kPaint) ++n;
  return n;
}
static inline void free_stack(unsigned char *stack, size_t size) { munmap(stack - kBelowStack, kBelowStack + size); }

struct painted_run {
  void (*work)(void *argument);
  void *argument;
  unsigned char *top; /* where the frames of `work` begin */
};
static inline void *begin_painted(void *argument) {
  struct painted_run *run = (struct painted_run *)argument;
  run->top = (unsigned char *)__builtin_frame_address(0);
  run->work(run->argument);
  return NULL;
}
/* Bytes that work(argument) needs, on a thread that has `size` in all. */
static inline size_t stack_need(size_t size, void (*work)(void *argument), void *argument) {
  struct painted_run run = {work, argument, NULL};
  unsigned char *stack = paint_stack(size);
  pthread_attr_t attributes;
  pthread_t thread;
  size_t need;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstack(&attributes, stack, size) != 0 || pthread_create(&thread, &attributes, begin_painted, &run) != 0) exit(2);
  pthread_join(thread, NULL);
  pthread_attr_destroy(&attributes);
  need = (size_t)(run.top - stack) - unused_stack(stack, size);
  free_stack(stack, size);
  return need;
}

#endif
