// A program that behaves for AFTER ms and then misbehaves until it is ended. It reads no input, and does not end with
// its parent.
//   flock KIND AFTER    KIND is deadlock, orphan, fds, memory, recursion or healthy
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 4096, STACK = 8 << 20 };

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void rest(long ms) {
  struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&pause, NULL);
}

static void *takes_the_other_way_round(void *unused) {
  (void)unused;
  pthread_mutex_lock(&second);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&first);
  return NULL;
}

static void *ends_as_owner(void *unused) {
  (void)unused;
  pthread_mutex_lock(&first);
  return NULL;
}

static void descend(long left) {
  volatile char frame[FRAME];
  memset((char *)frame, (int)left, sizeof frame);
  if (left % 8 == 0) rest(2);
  if (left > 0) descend(left - 1);
  else
    for (;;) rest(1000);
  frame[0] = frame[left % FRAME];
}

static void *recurses(void *unused) {
  (void)unused;
  descend((long)STACK * 80 / 100 / (FRAME + 64));
  return NULL;
}

static pthread_t begin(void *(*routine)(void *)) {
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK);
  if (pthread_create(&thread, &attributes, routine, NULL) != 0) exit(1);
  return thread;
}

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "healthy";
  pthread_barrier_init(&both, NULL, 2);
  rest(argc > 2 ? atol(argv[2]) : 0);
  if (strcmp(kind, "deadlock") == 0) {
    begin(takes_the_other_way_round);
    pthread_mutex_lock(&first);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&second);
  } else if (strcmp(kind, "orphan") == 0) {
    pthread_join(begin(ends_as_owner), NULL);
    pthread_mutex_lock(&first);
  } else if (strcmp(kind, "fds") == 0) {
    for (int opened = 0; opened < 200 && open("/dev/null", O_RDONLY) >= 0; opened++) rest(10);
  } else if (strcmp(kind, "memory") == 0) {
    for (int taken = 0; taken < 32; taken++, rest(20)) {
      char *memory = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) return 1;
      memset(memory, 1, 4 << 20);
    }
  } else if (strcmp(kind, "recursion") == 0) {
    begin(recurses);
  } else if (strcmp(kind, "healthy") != 0) {
    return 2;
  }
  for (;;) rest(1000);
}
