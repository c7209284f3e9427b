// The main thread ends; another thread runs until a line or the end of input. Prints `tid N` of that thread.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *survivor(void *leader) {
  char line[256];
  pthread_join(*(pthread_t *)leader, NULL);
  puts("ready");
  printf("tid %d\n", gettid());
  if (!fgets(line, sizeof line, stdin)) exit(0);
  exit(7);
}

int main(void) {
  static pthread_t leader;
  pthread_t thread;
  setvbuf(stdout, NULL, _IOLBF, 0);
  leader = pthread_self();
  pthread_create(&thread, NULL, survivor, &leader);
  pthread_exit(NULL);
}
