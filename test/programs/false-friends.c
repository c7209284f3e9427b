// Healthy programs that look deadlocked to a detector that reads their memory carelessly, and one that is deadlocked.
// A thread prints "tid" when it is about to wait. The end of input wakes it, and the program ends by itself.
//   futex N          a thread waits for a lock that is no mutex; the words beside it look like a mutex of thread N,
//                    and 0 is the thread itself
//   inherited        a forked process waits for a mutex that the forking thread had locked; its copy unlocks it
//   bare             a process created by the raw system call owns a mutex, recorded under its parent's id, and the
//                    parent waits for it
//   lent             a process created by the raw system call shares the memory of its parent and owns a mutex, and
//                    the parent waits for it
//   killed           a process ended while it owned a mutex shared with another, and stays a zombie
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
  _Atomic uint32_t word;
  uint32_t count, owner, users, kind, rest[10];
} lookalike;
static pthread_mutex_t *mutex;

static void say(void) { printf("%d\n", (int)syscall(SYS_gettid)); }

static void wait_for_end_of_input(void) {
  char byte;
  while (read(0, &byte, 1) > 0) continue;
}

static void *wait_as_a_mutex_does(void *owner) {
  lookalike.owner = owner ? (uint32_t)(long)owner : (uint32_t)syscall(SYS_gettid);
  lookalike.users = 1;
  lookalike.word = 2;
  say();
  while (lookalike.word == 2) syscall(SYS_futex, &lookalike.word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, NULL);
  return NULL;
}

static void *lock_and_unlock(void *unused) {
  (void)unused;
  say();
  pthread_mutex_lock(mutex);
  pthread_mutex_unlock(mutex);
  return NULL;
}

static void share_mutex(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  mutex = mmap(NULL, sizeof *mutex, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_init(mutex, &attributes);
}

static void wait_until_locked(void) {
  while (mutex->__data.__lock == 0) sched_yield();
}

static int lock_until_end_of_input(void *unused) {
  (void)unused;
  pthread_mutex_lock(mutex);
  wait_for_end_of_input();
  pthread_mutex_unlock(mutex);
  return 0;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  pthread_t thread;
  setvbuf(stdout, NULL, _IOLBF, 0);
  share_mutex();
  if (strcmp(what, "futex") == 0) {
    puts("ready");
    pthread_create(&thread, NULL, wait_as_a_mutex_does, (void *)(argc > 2 ? atol(argv[2]) : 0));
    wait_for_end_of_input();
    lookalike.word = 0;
    syscall(SYS_futex, &lookalike.word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
    pthread_join(thread, NULL);
  } else if (strcmp(what, "inherited") == 0) {
    static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    mutex = &own;
    pthread_mutex_lock(mutex);
    puts("ready");
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      pthread_create(&thread, NULL, lock_and_unlock, NULL);
      wait_for_end_of_input();
      pthread_mutex_unlock(mutex);
      pthread_join(thread, NULL);
      return 0;
    }
    wait(NULL);
  } else if (strcmp(what, "bare") == 0) {
    puts("ready");
    if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      pthread_mutex_lock(mutex);
      wait_for_end_of_input();
      pthread_mutex_unlock(mutex);
      _exit(0);
    }
    wait_until_locked();
    lock_and_unlock(NULL);
    wait(NULL);
  } else if (strcmp(what, "lent") == 0) {
    static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    static char stack[64 << 10];
    mutex = &own;
    puts("ready");
    clone(lock_until_end_of_input, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    wait_until_locked();
    lock_and_unlock(NULL);
    wait(NULL);
  } else if (strcmp(what, "killed") == 0) {
    puts("ready");
    pid_t child = fork();
    if (child == 0) {
      pthread_mutex_lock(mutex);
      _exit(0);
    }
    // Stays a zombie.
    siginfo_t info;
    waitid(P_PID, child, &info, WEXITED | WNOWAIT);
    pthread_create(&thread, NULL, lock_and_unlock, NULL);
    wait_for_end_of_input();
  }
  return 0;
}
