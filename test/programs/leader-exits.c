// The main thread ends after MS milliseconds; another thread runs until a line or the end of input. Prints `tid N` of
// that thread. On the line `exec` that thread executes /bin/cat.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *survivor(void *leader) {
  char line[256];
  pthread_join(*(pthread_t *)leader, NULL);
  puts("ready");
  printf("tid %d\n", gettid());
  if (!fgets(line, sizeof line, stdin)) exit(0);
  if (strcmp(line, "exec\n") == 0) execl("/bin/cat", "cat", NULL);
  exit(7);
}

int main(int argc, char **argv) {
  static pthread_t leader;
  pthread_t thread;
  setvbuf(stdout, NULL, _IOLBF, 0);
  leader = pthread_self();
  pthread_create(&thread, NULL, survivor, &leader);
  usleep(argc > 1 ? atoi(argv[1]) * 1000 : 0);
  pthread_exit(NULL);
}
