// Misbehaves in one way until its input ends: `write FILE` writes and syncs a file again and again, `fault` touches new
// pages, `switch` sleeps for moments, `zombies N` has N children that end and collects none before a line says so.
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int stopped(void) {
  struct pollfd input = {0, POLLIN, 0};
  return poll(&input, 1, 0) > 0;
}

static int write_file(const char *path) {
  static char block[1 << 20];
  int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
  if (fd < 0) return 1;
  while (!stopped()) {
    memset(block, rand(), sizeof block);
    if (pwrite(fd, block, sizeof block, 0) < 0 || fdatasync(fd) < 0) return 1;
    usleep(20000);
  }
  return 0;
}

static int fault(void) {
  size_t bytes = 4 << 20;
  while (!stopped()) {
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 1;
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
    munmap(memory, bytes);
    usleep(20000);
  }
  return 0;
}

static int switches(void) {
  while (!stopped()) usleep(1000);
  return 0;
}

static int zombies(int count) {
  char line[16];
  for (int child = 0; child < count; child++)
    if (fork() == 0) _exit(0);
  puts("forked");
  if (fgets(line, sizeof line, stdin)) {
    while (wait(NULL) > 0) {}
    puts("collected");
    while (fgets(line, sizeof line, stdin)) {}
  }
  return 0;
}

int main(int argc, char **argv) {
  const char *way = argc > 1 ? argv[1] : "";
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  if (strcmp(way, "write") == 0) return write_file(argv[2]);
  if (strcmp(way, "fault") == 0) return fault();
  if (strcmp(way, "switch") == 0) return switches();
  if (strcmp(way, "zombies") == 0) return zombies(atoi(argv[2]));
  return 2;
}
