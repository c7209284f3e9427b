// Gives itself a name with blanks, parentheses, a newline and invalid UTF-8. A line makes it take another name.
#include <stdio.h>
#include <sys/prctl.h>

int main(void) {
  char line[256];
  setvbuf(stdout, NULL, _IOLBF, 0);
  prctl(PR_SET_NAME, "a) R (b\n\xff\xc3\xa9 c");
  puts("ready");
  while (fgets(line, sizeof line, stdin)) {
    prctl(PR_SET_NAME, "plain");
    puts("renamed");
  }
  return 0;
}
