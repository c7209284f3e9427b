// Takes N supplementary groups with long numbers, so that its `status` is long. Prints `ready`; ends with its input.
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  size_t count = argc > 1 ? (size_t)atoi(argv[1]) : 1200;
  gid_t *groups = calloc(count, sizeof *groups);
  for (size_t place = 0; groups && place < count; place++)
    groups[place] = (gid_t)(1000000000 + place);
  if (!groups || setgroups(count, groups) != 0) return 1;
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) continue;
  return 0;
}
