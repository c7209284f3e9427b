// Deadlocks of every kind, selected by name. Waiting threads print "tid address-of-the-lock" in order. The end of input
// ends the program.
//   ring KIND N     thread i owns mutex i and wants the next; with N = 1 a thread locks its mutex twice. KIND is a type
//                   of mutex, pi-hidden, or rwlock
//   polled KIND N   the same, beside a thread that the kernel adds to the process for io_uring
//   own             the only thread locks a mutex twice
//   shared KIND     a ring of two processes that map the mutexes at different addresses
//   joins N         each thread joins the next
//   mix HOW         one thread owns a mutex and joins a second, which wants the mutex. HOW is the wait of another
//                   version of glibc: old, up to 2.32, or new, since 2.43. Otherwise it is that of this version
//   orphan          a thread has ended while it owned a mutex that another wants
//   chain           a thread waits for a mutex whose owner waits for input
//   timed           two threads want each other's mutex, for at most an hour
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST 64
struct locks {
  pthread_mutex_t mutex[MOST];
  pthread_rwlock_t rwlock[MOST];
  pthread_barrier_t barrier;
  int tid[MOST];
  void *wanted[MOST];
};
static struct locks own, *locks = &own;
static pthread_t threads[MOST];
static int count = 2, timed, rwlocks, hidden;

static void initialize(const char *kind, int shared) {
  pthread_mutexattr_t attributes;
  pthread_barrierattr_t barrier;
  pthread_mutexattr_init(&attributes);
  if (strcmp(kind, "recursive") == 0) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  if (strcmp(kind, "errorcheck") == 0) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
#ifdef __GLIBC__
  if (strcmp(kind, "adaptive") == 0) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
  if (strcmp(kind, "robust-normal") == 0) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_NORMAL);
  if (strncmp(kind, "robust", 6) == 0) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  hidden = strcmp(kind, "pi-hidden") == 0;
  if (hidden || strcmp(kind, "pi") == 0) pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  rwlocks = strcmp(kind, "rwlock") == 0;
  pthread_barrierattr_init(&barrier);
  if (shared) {
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
  }
  for (int index = 0; index < MOST; index++) {
    pthread_mutex_init(&locks->mutex[index], &attributes);
    pthread_rwlock_init(&locks->rwlock[index], NULL);
  }
  pthread_barrier_init(&locks->barrier, &barrier, shared ? 2 : count + 1);
}

// Optimised, so that the address of the mutex is not on the stack.
__attribute__((optimize("O2"))) static void take_hidden(int index) { pthread_mutex_lock(&own.mutex[index]); }

static void take(int index) {
  if (hidden) {
    take_hidden(index);
    return;
  }
  // On the stack, as in most programs: the detector searches the stack of a sleeping thread for the mutex.
  pthread_mutex_t *volatile mutex = &locks->mutex[index];
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 3600;
  if (rwlocks) pthread_rwlock_wrlock(&locks->rwlock[index]);
  else if (timed) pthread_mutex_timedlock(mutex, &end);
  else pthread_mutex_lock(mutex);
}

static void note(int index, int next) {
  locks->tid[index] = syscall(SYS_gettid);
  locks->wanted[index] = rwlocks ? (void *)&locks->rwlock[next] : (void *)&locks->mutex[next];
}

static int sleeps(int tid) {
  char path[64], state = 0;
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  FILE *stat = fopen(path, "r");
  if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1) exit(1);
  fclose(stat);
  return state == 'S';
}

// Waits until the thread before this one in the ring sleeps in the kernel, waiting for this thread's mutex.
static void await_waiter(int index) {
  volatile int *word = &own.mutex[index].__data.__lock;
  while (!(*word & FUTEX_WAITERS) || !sleeps(own.tid[index - 1])) usleep(1000);
}

static void *link_of_ring(void *argument) {
  int index = (int)(long)argument, next = (index + 1) % count;
  note(index, next);
  take(index);
  pthread_barrier_wait(&locks->barrier);
  // In order, so that only the last wait closes the ring. The kernel may refuse two calls at the same time.
  if (hidden && index > 0) await_waiter(index);
  take(next);
  return NULL;
}

static void *link_of_joins(void *argument) {
  int index = (int)(long)argument;
  note(index, index);
  pthread_barrier_wait(&locks->barrier);
  pthread_join(threads[(index + 1) % count], NULL);
  return NULL;
}

// Waits like glibc up to 2.32: a plain wait for the id in the thread's descriptor.
static void join_as_old(pthread_t thread) {
  volatile int *tid = (int *)((char *)thread + 0x2d0);
  for (int seen = *tid; seen != 0; seen = *tid) syscall(SYS_futex, tid, FUTEX_WAIT, seen, NULL);
}

// Waits like glibc since 2.43: for the state in the descriptor. Versions before do not use this word for such a thread.
static void join_as_new(pthread_t thread) {
  volatile int *state = (int *)((char *)thread + 0x628);
  *state = 2;
  while (*state == 2)
    syscall(SYS_futex, state, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 2, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

static void *owner_that_joins(void *argument) {
  const char *how = argument;
  note(0, 0);
  take(0);
  pthread_barrier_wait(&locks->barrier);
  if (strcmp(how, "old") == 0) join_as_old(threads[1]);
  else if (strcmp(how, "new") == 0) join_as_new(threads[1]);
  else pthread_join(threads[1], NULL);
  return NULL;
}

static void *wants_first(void *argument) {
  note((int)(long)argument, 0);
  pthread_barrier_wait(&locks->barrier);
  take(0);
  return NULL;
}

static void *ends_as_owner(void *argument) {
  (void)argument;
  note(0, 0);
  take(0);
  pthread_barrier_wait(&locks->barrier);
  return NULL;
}

static void *reads_as_owner(void *argument) {
  int byte, ends[2];
  (void)argument;
  note(0, 0);
  take(0);
  pthread_barrier_wait(&locks->barrier);
  if (pipe(ends) != 0 || read(ends[0], &byte, 1) < 0) return NULL;
  return NULL;
}

static void begin_with(int index, void *(*routine)(void *), void *argument) {
  if (pthread_create(&threads[index], NULL, routine, argument) != 0) exit(1);
}

static void begin(int index, void *(*routine)(void *)) { begin_with(index, routine, (void *)(long)index); }

static void add_kernel_worker(void) {
  struct io_uring_params parameters = {.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 1};
  if (syscall(SYS_io_uring_setup, 1, &parameters) < 0) exit(3);
}

static void two_processes(const char *kind) {
  int memory = memfd_create("locks", 0);
  if (ftruncate(memory, sizeof *locks) != 0) exit(1);
  locks = mmap(NULL, sizeof *locks, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  initialize(kind, 1);
  int child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    void *former = locks;
    locks = mmap(NULL, sizeof *locks, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    munmap(former, sizeof *locks);
    link_of_ring((void *)1L);
    _exit(1);
  }
  begin(0, link_of_ring);
  while (*(volatile int *)&locks->tid[1] == 0 || *(void *volatile *)&locks->wanted[1] == NULL) usleep(1000);
  while (*(volatile int *)&locks->tid[0] == 0 || *(void *volatile *)&locks->wanted[0] == NULL) usleep(1000);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "ring";
  const char *kind = argc > 2 ? argv[2] : "normal";
  char byte;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (strcmp(what, "joins") == 0) count = atoi(kind);
  int polled = strcmp(what, "polled") == 0;
  if (polled) what = "ring", add_kernel_worker();
  if (strcmp(what, "ring") == 0) count = argc > 3 ? atoi(argv[3]) : 2;
  timed = strcmp(what, "timed") == 0;
  if (strcmp(what, "own") == 0) {
    initialize(kind, 0);
    note(0, 0);
    printf("ready\n%d %p\n", locks->tid[0], locks->wanted[0]);
    take(0);
    take(0);
  }
  if (strcmp(what, "shared") == 0) two_processes(kind);
  else {
    initialize(kind, 0);
    if (strcmp(what, "ring") == 0 || timed) for (int index = 0; index < count; index++) begin(index, link_of_ring);
    else if (strcmp(what, "joins") == 0) for (int index = 0; index < count; index++) begin(index, link_of_joins);
    else if (strcmp(what, "mix") == 0) begin_with(0, owner_that_joins, (void *)kind), begin(1, wants_first);
    else if (strcmp(what, "chain") == 0) begin(0, reads_as_owner);
    else if (strcmp(what, "orphan") == 0) begin(0, ends_as_owner);
    else return 2;
    if (strcmp(what, "orphan") == 0 || strcmp(what, "chain") == 0) {
      // The second thread starts when the first has locked the mutex and, for an orphan, has ended.
      while (pthread_mutex_trylock(&locks->mutex[0]) == 0) {
        pthread_mutex_unlock(&locks->mutex[0]);
        usleep(1000);
      }
      begin(1, wants_first);
    }
    pthread_barrier_wait(&locks->barrier);
  }
  puts("ready");
  for (int index = 0; index < count; index++) printf("%d %p\n", locks->tid[index], locks->wanted[index]);
  while (read(0, &byte, 1) > 0) continue;
  _exit(0);
}
