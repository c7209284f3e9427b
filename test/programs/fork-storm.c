// On a line: forks COUNT children that end at once, RATE a second, and waits for each. Prints `done COUNT`.
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 100;
  long rate = argc > 2 ? atol(argv[2]) : 1000;
  char line[256];
  struct timespec due;
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  if (!fgets(line, sizeof line, stdin)) return 0;
  clock_gettime(CLOCK_MONOTONIC, &due);
  for (int born = 0; born < count; born++) {
    pid_t pid = fork();
    if (pid == 0) _exit(born & 0x7f);
    if (pid < 0) {
      perror("fork");
      return 1;
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    due.tv_nsec += 1000000000 / rate;
    if (due.tv_nsec >= 1000000000) {
      due.tv_nsec -= 1000000000;
      due.tv_sec++;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
  }
  while (wait(NULL) > 0) continue;
  printf("done %d\n", count);
  while (fgets(line, sizeof line, stdin)) continue;
  return 0;
}
