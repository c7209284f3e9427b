// Runs two idle threads and one that recurses to PERCENT of its stack and then sleeps or spins. Arguments: sleep|spin,
// PERCENT. A line makes it return from the recursion; the end of input ends the program.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 4096, STACK = 8 << 20 };

static int spins;
static long frames;
static atomic_int unwinding;
static atomic_int unwound;
static atomic_ulong counter;

static void linger(void) {
  if (spins)
    for (int turns = 0; turns < 100000; turns++) atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
  else
    nanosleep(&(struct timespec){0, 2000000}, NULL);
}

static void descend(long left) {
  volatile char frame[FRAME];
  memset((char *)frame, (int)left, sizeof frame);
  if (left % 8 == 0) linger();
  if (atomic_load(&unwinding)) return;
  if (left > 0) descend(left - 1);
  else
    while (!atomic_load(&unwinding)) linger();
  atomic_fetch_add_explicit(&counter, frame[left % FRAME], memory_order_relaxed);
}

static void *idle(void *unused) {
  (void)unused;
  for (;;) pause();
}

static void *culprit(void *unused) {
  (void)unused;
  printf("tid %d\n", gettid());
  descend(frames);
  atomic_store(&unwound, 1);
  for (;;) linger();
}

int main(int argc, char **argv) {
  char line[256];
  pthread_attr_t attributes;
  pthread_t thread;
  spins = argc > 1 && strcmp(argv[1], "spin") == 0;
  frames = (long)STACK * (argc > 2 ? atol(argv[2]) : 70) / 100 / (FRAME + 64);
  setvbuf(stdout, NULL, _IOLBF, 0);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK);
  pthread_create(&thread, &attributes, idle, NULL);
  pthread_create(&thread, &attributes, idle, NULL);
  puts("ready");
  pthread_create(&thread, &attributes, culprit, NULL);
  while (fgets(line, sizeof line, stdin)) {
    atomic_store(&unwinding, 1);
    while (!atomic_load(&unwound)) usleep(1000);
    puts("unwound");
  }
  _exit(0);
}
