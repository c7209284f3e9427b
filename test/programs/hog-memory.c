// The first line makes it map and touch MIB MiB and print `taken`; the next line frees them and prints `freed`.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv) {
  size_t bytes = (size_t)(argc > 1 ? atol(argv[1]) : 64) << 20;
  char line[256];
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  while (fgets(line, sizeof line, stdin)) {
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 1;
    memset(memory, 1, bytes);
    puts("taken");
    if (!fgets(line, sizeof line, stdin)) return 0;
    munmap(memory, bytes);
    puts("freed");
  }
  return 0;
}
