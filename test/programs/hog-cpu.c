// One thread spins while the main thread waits for the end of input. Prints `tid N` of the spinning thread.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_ulong counter;

static void *spin(void *unused) {
  (void)unused;
  printf("tid %d\n", gettid());
  for (;;) atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
}

int main(void) {
  char line[256];
  pthread_t thread;
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  pthread_create(&thread, NULL, spin, NULL);
  while (fgets(line, sizeof line, stdin)) continue;
  _exit(0);
}
