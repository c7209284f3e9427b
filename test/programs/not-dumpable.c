// Sleeps as a process that is not dumpable, as programs that handle secrets do. The end of input ends it.
#include <stdio.h>
#include <sys/prctl.h>

int main(void) {
  char line[64];
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return 1;
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) continue;
  return 0;
}
