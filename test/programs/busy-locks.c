// Healthy programs that lock and wait, selected by name. The end of input ends each of them, except the daemon, which
// SIGTERM ends.
//   ordered       eight threads lock up to four of six mutexes in order, as fast as they can
//   queues        producers and consumers over a bounded queue: condition variables
//   timed         eight threads try each other's mutexes in any order, for at most a millisecond
//   pool          eight threads wait for work that never comes, the main one for input
//   sem-daemon    one thread in sem_wait; its SIGTERM handler posts, and "posted" is printed
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define MUTEXES 6
static pthread_mutex_t mutexes[MUTEXES], queue_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static int queued;
static sem_t posted;

static void work(unsigned *seed) {
  for (volatile int left = rand_r(seed) % 200; left > 0; left--) continue;
  // Gives other threads time to wait for this mutex.
  if (rand_r(seed) % 2 == 0) sched_yield();
}

static void *locks_in_order(void *argument) {
  unsigned seed = (unsigned)(long)argument;
  for (;;) {
    int held[MUTEXES] = {0}, count = 0;
    for (int index = 0; index < MUTEXES && count < 4; index++) {
      if (rand_r(&seed) % 2 == 0) continue;
      pthread_mutex_lock(&mutexes[index]);
      held[index] = 1, count++;
      work(&seed);
    }
    for (int index = 0; index < MUTEXES; index++)
      if (held[index]) pthread_mutex_unlock(&mutexes[index]);
  }
}

static void *locks_for_a_while(void *argument) {
  unsigned seed = (unsigned)(long)argument;
  for (;;) {
    int one = rand_r(&seed) % MUTEXES, other = rand_r(&seed) % MUTEXES;
    pthread_mutex_lock(&mutexes[one]);
    work(&seed);
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += 1000000;
    if (end.tv_nsec >= 1000000000) end.tv_sec++, end.tv_nsec -= 1000000000;
    if (other != one && pthread_mutex_timedlock(&mutexes[other], &end) == 0) pthread_mutex_unlock(&mutexes[other]);
    pthread_mutex_unlock(&mutexes[one]);
  }
}

static void *produces(void *argument) {
  unsigned seed = (unsigned)(long)argument;
  for (;;) {
    work(&seed);
    pthread_mutex_lock(&queue_mutex);
    while (queued == 16) pthread_cond_wait(&not_full, &queue_mutex);
    queued++;
    pthread_cond_signal(&not_empty);
    pthread_mutex_unlock(&queue_mutex);
  }
}

static void *consumes(void *argument) {
  unsigned seed = (unsigned)(long)argument;
  for (;;) {
    pthread_mutex_lock(&queue_mutex);
    while (queued == 0) pthread_cond_wait(&not_empty, &queue_mutex);
    queued--;
    pthread_cond_signal(&not_full);
    pthread_mutex_unlock(&queue_mutex);
    work(&seed);
  }
}

static void *waits_for_work(void *unused) {
  (void)unused;
  pthread_mutex_lock(&queue_mutex);
  while (queued == 0) pthread_cond_wait(&not_empty, &queue_mutex);
  pthread_mutex_unlock(&queue_mutex);
  return NULL;
}

static void post(int signal) {
  (void)signal;
  sem_post(&posted);
}

static void begin(void *(*routine)(void *), int index) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, routine, (void *)(long)(index + 1)) != 0) exit(1);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "ordered";
  char byte;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int index = 0; index < MUTEXES; index++) pthread_mutex_init(&mutexes[index], NULL);
  if (strcmp(what, "sem-daemon") == 0) {
    sem_init(&posted, 0, 0);
    signal(SIGTERM, post);
    puts("ready");
    while (sem_wait(&posted) != 0) continue;
    puts("posted");
    return 0;
  }
  for (int index = 0; index < THREADS; index++) {
    if (strcmp(what, "ordered") == 0) begin(locks_in_order, index);
    else if (strcmp(what, "timed") == 0) begin(locks_for_a_while, index);
    else if (strcmp(what, "queues") == 0) begin(index % 2 ? produces : consumes, index);
    else begin(waits_for_work, index);
  }
  puts("ready");
  while (read(0, &byte, 1) > 0) continue;
  _exit(0);
}
