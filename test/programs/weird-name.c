// Names itself with blanks, parentheses, a newline and bytes that are no UTF-8. On a line it takes another name.
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
