// Reads a command from each line and answers `done`: write PATH and read PATH open a file; size BYTES sets the size of
// the file open for writing (sparse); limit BYTES sets the soft RLIMIT_FSIZE; close closes every file. The end of input
// ends it.
#define _FILE_OFFSET_BITS 64
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int main(void) {
  char line[600], verb[16], word[500];
  int writing = -1, reading = -1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  while (fgets(line, sizeof line, stdin)) {
    word[0] = 0;
    sscanf(line, "%15s %499s", verb, word);
    if (!strcmp(verb, "write") && (writing = open(word, O_WRONLY | O_CREAT, 0600)) < 0) return 1;
    if (!strcmp(verb, "read") && (reading = open(word, O_RDONLY)) < 0) return 1;
    if (!strcmp(verb, "size") && ftruncate(writing, atoll(word)) != 0) return 1;
    if (!strcmp(verb, "limit")) {
      struct rlimit limit;
      getrlimit(RLIMIT_FSIZE, &limit);
      limit.rlim_cur = atoll(word);
      if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    }
    if (!strcmp(verb, "close")) {
      if (writing >= 0) close(writing);
      if (reading >= 0) close(reading);
      writing = reading = -1;
    }
    puts("done");
  }
  return 0;
}
