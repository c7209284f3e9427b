// On a line: forks a child that executes this program again, and then /bin/sleep. Prints `child PID`. The end of input
// ends the child.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char line[256];
  if (argc > 1 && strcmp(argv[1], "again") == 0) {
    usleep(50000);
    execl("/bin/sleep", "sleep", "60", NULL);
    return 1;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  if (!fgets(line, sizeof line, stdin)) return 0;
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl("/proc/self/exe", argv[0], "again", NULL);
    _exit(1);
  }
  printf("child %d\n", child);
  while (fgets(line, sizeof line, stdin)) continue;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return 0;
}
