// Runs COUNT sleeping threads whose stacks lie side by side in one mapping, and prints their TIDs in order. The stack
// of thread N has N + 1 times 256 KiB. Arguments: library|bare, COUNT. `bare` threads are made by clone(2), without a
// descriptor of the C library. The end of input ends the program.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STEP = 256 << 10 };

static atomic_int tid;

static void *library_thread(void *unused) {
  (void)unused;
  atomic_store(&tid, gettid());
  for (;;) pause();
}

static int bare_thread(void *unused) {
  (void)unused;
  atomic_store(&tid, (int)syscall(SYS_gettid));
  for (;;) syscall(SYS_pause);
}

int main(int argc, char **argv) {
  int bare = argc > 1 && strcmp(argv[1], "bare") == 0;
  int count = argc > 2 ? atoi(argv[2]) : 8;
  size_t size = (size_t)count * (count + 1) / 2 * STEP;
  char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  char line[64];
  if (stack == MAP_FAILED) return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  for (int index = 0; index < count; index++) {
    size_t own = (size_t)(index + 1) * STEP;
    atomic_store(&tid, 0);
    if (bare) {
      int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
      if (clone(bare_thread, stack + own, flags, NULL) < 0) return 1;
    } else {
      pthread_attr_t attributes;
      pthread_t thread;
      pthread_attr_init(&attributes);
      pthread_attr_setstack(&attributes, stack, own);
      if (pthread_create(&thread, &attributes, library_thread, NULL) != 0) return 1;
    }
    while (atomic_load(&tid) == 0) usleep(100);
    printf("%d\n", atomic_load(&tid));
    stack += own;
  }
  while (fgets(line, sizeof line, stdin)) continue;
  _exit(0);
}
