// Starts COUNT idle children and prints their pids. A child opens 60 descriptors on SIGUSR1 and closes them on SIGUSR2.
// The end of input ends every child.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { opened = 60 };

static void child(void) {
  int fds[opened];
  sigset_t both;
  int number;
  sigemptyset(&both);
  sigaddset(&both, SIGUSR1);
  sigaddset(&both, SIGUSR2);
  for (;;) {
    if (sigwait(&both, &number) != 0) _exit(1);
    for (int index = 0; index < opened; index++) {
      if (number == SIGUSR1) fds[index] = open("/dev/null", O_RDONLY);
      else close(fds[index]);
    }
  }
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1;
  pid_t *pids = calloc(count, sizeof *pids);
  sigset_t both;
  char byte;
  setvbuf(stdout, NULL, _IOLBF, 0);
  sigemptyset(&both);
  sigaddset(&both, SIGUSR1);
  sigaddset(&both, SIGUSR2);
  sigprocmask(SIG_BLOCK, &both, NULL);
  for (int index = 0; index < count; index++) {
    pids[index] = fork();
    if (pids[index] < 0) return 1;
    if (pids[index] == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      child();
    }
  }
  puts("ready");
  for (int index = 0; index < count; index++) printf("%d ", pids[index]);
  puts("");
  while (read(0, &byte, 1) > 0) continue;
  for (int index = 0; index < count; index++) kill(pids[index], SIGKILL);
  while (wait(NULL) > 0) continue;
  return 0;
}
