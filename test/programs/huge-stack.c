// Runs a thread that uses about DEPTH KiB of its stack and then spins. Arguments: huge|locked|plain, DEPTH.
// The stack of 8 MiB begins at a multiple of 2 MiB. `huge` requests huge pages for it. `locked` locks it, so that
// each of its pages is present. The end of input ends the program.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FRAME = 4096, STACK = 8 << 20, ALIGNMENT = 2 << 20 };

static volatile unsigned long turns;

static void descend(long left) {
  volatile char frame[FRAME];
  memset((char *)frame, (int)left, sizeof frame);
  if (left > 0) descend(left - 1);
  else {
    printf("%d\n", gettid());
    for (;;) turns++;
  }
  turns += frame[0];
}

static void *use_stack(void *frames) {
  descend((long)(intptr_t)frames);
  return NULL;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "plain";
  long frames = (argc > 2 ? atol(argv[2]) : 8) * 1024 / (FRAME + 64);
  char line[64];
  pthread_attr_t attributes;
  pthread_t thread;
  char *memory = mmap(NULL, STACK + ALIGNMENT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *stack = (char *)(((uintptr_t)memory + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
  if (memory == MAP_FAILED) return 1;
  if (strcmp(mode, "huge") == 0 && madvise(stack, STACK, MADV_HUGEPAGE) != 0) return 1;
  if (strcmp(mode, "plain") == 0 && madvise(stack, STACK, MADV_NOHUGEPAGE) != 0) return 1;
  if (strcmp(mode, "locked") == 0 && mlock(stack, STACK) != 0) return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, stack, STACK);
  if (pthread_create(&thread, &attributes, use_stack, (void *)(intptr_t)frames) != 0) return 1;
  while (fgets(line, sizeof line, stdin)) continue;
  _exit(0);
}
