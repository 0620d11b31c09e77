/* Allocations of the whole process that fail on demand. A program that links allocation.c brings its own malloc and its like,
 * mmap and dlopen, which every library in the process then uses. */
#ifndef ALLOCATION_H
#define ALLOCATION_H

/* From here on the nth allocation of any thread fails (0: none, they are only counted), and with `from_then_on` all later ones. */
void allocation_arm(long nth, int from_then_on);
long allocation_disarm(void); /* how many failed */
long allocation_count(void);  /* since it was armed */
long allocation_spared(void); /* that would have failed inside dlopen (see allocation.c) */
long allocation_blocks(void); /* alive now */
long allocation_mapped(void); /* bytes of live mappings */

#endif
