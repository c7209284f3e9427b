// Blocks every signal in both of its threads. Reads a command from each line and answers `done`: queue N sends itself
// the same real-time signal N times; thread sends SIGUSR2 to the other thread; take takes the pending signals.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static int toTake;

static void take(void) {
  sigset_t all;
  struct timespec none = {0, 0};
  sigfillset(&all);
  while (sigtimedwait(&all, NULL, &none) > 0) continue;
}

static void *other(void *unused) {
  (void)unused;
  pthread_mutex_lock(&turn);
  for (;;) {
    while (!toTake) pthread_cond_wait(&told, &turn);
    take();
    toTake = 0;
    pthread_cond_broadcast(&told);
  }
}

int main(void) {
  char line[64], verb[16];
  pthread_t thread;
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (pthread_create(&thread, NULL, other, NULL) != 0) return 1;
  puts("ready");
  while (fgets(line, sizeof line, stdin)) {
    int number = 1;
    sscanf(line, "%15s %d", verb, &number);
    if (!strcmp(verb, "queue"))
      for (int index = 0; index < number; index++)
        if (sigqueue(getpid(), SIGRTMIN, (union sigval){0}) != 0) return 1;
    if (!strcmp(verb, "thread")) pthread_kill(thread, SIGUSR2);
    if (!strcmp(verb, "take")) {
      take();
      pthread_mutex_lock(&turn);
      toTake = 1;
      pthread_cond_broadcast(&told);
      while (toTake) pthread_cond_wait(&told, &turn);
      pthread_mutex_unlock(&turn);
    }
    puts("done");
  }
  return 0;
}
