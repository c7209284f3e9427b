// Opens one descriptor every INTERVAL ms up to COUNT. A line closes them; the end of input ends the program.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  long interval = argc > 1 ? atol(argv[1]) : 10;
  int count = argc > 2 ? atoi(argv[2]) : 100;
  int *fds = calloc(count, sizeof *fds);
  char line[256];
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  for (int opened = 0; opened < count; opened++) {
    struct timespec pause = {interval / 1000, interval % 1000 * 1000000};
    if (interval > 0) nanosleep(&pause, NULL);
    fds[opened] = open("/dev/null", O_RDONLY);
    if (fds[opened] < 0) {
      perror("open");
      return 1;
    }
  }
  puts("opened");
  while (fgets(line, sizeof line, stdin)) {
    for (int index = 0; index < count; index++) close(fds[index]);
    puts("closed");
    count = 0;
  }
  return 0;
}
