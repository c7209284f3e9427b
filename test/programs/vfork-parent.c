// Waits in vfork(2) for a child that waits for the end of input.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

int main(void) {
  char byte;
  puts("ready");
  fflush(stdout);
  if (vfork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (read(0, &byte, 1) > 0) continue;
    _exit(0);
  }
  return 0;
}
