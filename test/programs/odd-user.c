// A process of user nobody in which one thread has become another user by the bare system call, which changes only the
// calling thread. Must be started by root. Prints "ready" and the ids of the main thread, of that thread and of one
// that was created after it. The end of input ends it.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { nobody = 65534, another = 1 };
static pthread_barrier_t changed;
static int ids[2];

static void become(int user) {
  if (syscall(SYS_setresgid, user, user, user) != 0 || syscall(SYS_setresuid, user, user, user) != 0) _exit(3);
}

static void *wait_for_ever(void *id) {
  *(int *)id = (int)syscall(SYS_gettid);
  if (id == &ids[0]) become(another);
  pthread_barrier_wait(&changed);
  for (;;) pause();
  return NULL;
}

int main(void) {
  pthread_t thread;
  char byte;
  pthread_barrier_init(&changed, NULL, 2);
  pthread_create(&thread, NULL, wait_for_ever, &ids[0]);
  pthread_barrier_wait(&changed);
  become(nobody);
  pthread_create(&thread, NULL, wait_for_ever, &ids[1]);
  pthread_barrier_wait(&changed);
  // A change of the user hides the memory from the user.
  prctl(PR_SET_DUMPABLE, 1);
  printf("ready\n%d %d %d\n", getpid(), ids[0], ids[1]);
  fflush(stdout);
  while (read(0, &byte, 1) > 0) continue;
  _exit(0);
}
