// Starts PROCESSES children with THREADS blocked threads each, and prints their pids. The end of input ends them.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void *idle(void *unused) {
  (void)unused;
  for (;;) pause();
}

static void child(int threads, int up) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  for (int index = 1; index < threads; index++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, idle, NULL) != 0) _exit(1);
  }
  if (write(up, "u", 1) != 1) _exit(1);
  close(up);
  idle(NULL);
}

int main(int argc, char **argv) {
  int processes = argc > 1 ? atoi(argv[1]) : 1;
  int threads = argc > 2 ? atoi(argv[2]) : 4;
  int up[2];
  char byte;
  pid_t *pids = calloc(processes, sizeof *pids);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (pipe(up) != 0) return 1;
  for (int index = 0; index < processes; index++) {
    pids[index] = fork();
    if (pids[index] == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(up[0]);
      child(threads, up[1]);
    }
  }
  close(up[1]);
  for (int index = 0; index < processes; index++)
    if (read(up[0], &byte, 1) != 1) return 1;
  puts("ready");
  for (int index = 0; index < processes; index++) printf("%d ", pids[index]);
  puts("");
  while (read(0, &byte, 1) > 0) continue;
  for (int index = 0; index < processes; index++) kill(pids[index], SIGKILL);
  while (wait(NULL) > 0) continue;
  return 0;
}
