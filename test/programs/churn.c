// Runs THREADS threads; each starts a successor before it ends. A line stops this, and the program prints `settled`
// when the remaining threads are idle. The end of input ends it.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pthread_attr_t attributes;
static atomic_int resting, settle;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void *live(void *seed) {
  unsigned state = (unsigned)(size_t)seed;
  struct timespec nap = {0, 200000000 + rand_r(&state) % 700000000};
  pthread_t next;
  nanosleep(&nap, NULL);
  if (!settle && pthread_create(&next, &attributes, live, (void *)(size_t)(state + 1)) == 0) return NULL;
  pthread_mutex_lock(&turn);
  resting++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&turn);
  for (;;) pause();
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 100;
  char line[16];
  setvbuf(stdout, NULL, _IOLBF, 0);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  for (int index = 0; index < threads; index++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, live, (void *)(size_t)index) != 0) return 1;
  }
  puts("ready");
  while (fgets(line, sizeof line, stdin)) {
    settle = 1;
    pthread_mutex_lock(&turn);
    while (resting < threads) pthread_cond_wait(&changed, &turn);
    pthread_mutex_unlock(&turn);
    puts("settled");
  }
  return 0;
}
