// On a line: renames itself as fast as it can for MS milliseconds, then to `at-rest`. Prints `done COUNT`.
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv) {
  long duration = argc > 1 ? atol(argv[1]) : 1000;
  long count = 0;
  char line[256];
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  if (!fgets(line, sizeof line, stdin)) return 0;
  for (long end = milliseconds() + duration; milliseconds() < end; count++) prctl(PR_SET_NAME, count % 2 ? "one" : "two");
  prctl(PR_SET_NAME, "at-rest");
  printf("done %ld\n", count + 1);
  while (fgets(line, sizeof line, stdin)) continue;
  return 0;
}
