// A file system of its own (FUSE) with one file, mounted on an empty directory in a mount namespace of its own. A child
// process uses the file. Then the server answers nothing more, as a server that was stopped or cut off.
//   DIRECTORY write   the child has the file open for writing
//   DIRECTORY code    two threads of the child want each other's mutex; a third waits in the file's code
//   DIRECTORY words   the same, and the third waits for a lock that lies in the file, of which no page is in memory
//   DIRECTORY list    the same, and the third has its list of robust mutexes in the file, as if glibc had put it there
//   DIRECTORY fault   the same, and the third waits for a page of the file; a fourth maps memory meanwhile
// Prints "ready" and the child's pid. The end of input ends both.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { fileNode = 2, fileBytes = 4096 };
static int device, say;
static unsigned char content[fileBytes];
static _Atomic int silent;

static void reply(struct fuse_in_header *in, int error, const void *data, size_t bytes) {
  char out[sizeof(struct fuse_out_header) + fileBytes];
  struct fuse_out_header head = {.len = sizeof head + bytes, .error = error, .unique = in->unique};
  memcpy(out, &head, sizeof head);
  memcpy(out + sizeof head, data, bytes);
  if (write(device, out, head.len) < 0 && errno != ENOENT) exit(4);
}

static struct fuse_attr attributes_of(uint64_t node) {
  return (struct fuse_attr){
      .ino = node,
      .size = node == fileNode ? fileBytes : 0,
      .mode = node == fileNode ? S_IFREG | 0777 : S_IFDIR | 0777,
      .nlink = 1,
      .blksize = 4096,
  };
}

static void answer(struct fuse_in_header *in) {
  struct fuse_attr attributes = attributes_of(in->opcode == FUSE_LOOKUP ? fileNode : in->nodeid);
  struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 4096};
  struct fuse_entry_out entry = {.nodeid = fileNode, .attr = attributes};
  struct fuse_attr_out attr = {.attr = attributes};
  struct fuse_open_out opened = {0};
  switch (in->opcode) {
  case FUSE_INIT: reply(in, 0, &init, sizeof init); return;
  case FUSE_LOOKUP: reply(in, 0, &entry, sizeof entry); return;
  case FUSE_GETATTR: reply(in, 0, &attr, sizeof attr); return;
  case FUSE_OPEN: reply(in, 0, &opened, sizeof opened); return;
  case FUSE_READ: reply(in, 0, content, fileBytes); return;
  case FUSE_FORGET:
  case FUSE_BATCH_FORGET: return;
  default: reply(in, -ENOSYS, NULL, 0);
  }
}

static void *serve(void *unused) {
  static char request[1 << 20];
  (void)unused;
  while (read(device, request, sizeof request) > 0)
    if (!silent) answer((void *)request);
  return NULL;
}

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;
static unsigned *words;
// Shared by both processes: the server answers nothing more.
static volatile int *go_on;
static long (*wait_in)(unsigned *word, int operation, unsigned value, void *timeout);

static void note(void) { dprintf(say, "%d\n", (int)syscall(SYS_gettid)); }

static void *take(void *argument) {
  pthread_mutex_t *one = argument ? &first : &second, *other = argument ? &second : &first;
  pthread_mutex_lock(one);
  pthread_barrier_wait(&both);
  note();
  pthread_mutex_lock(other);
  return NULL;
}

static void *wait_for_words(void *unused) {
  (void)unused;
  note();
  for (;;) wait_in(words, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, NULL);
  return NULL;
}

static long wait_here(unsigned *word, int operation, unsigned value, void *timeout) {
  return syscall(SYS_futex, word, operation, value, timeout);
}

static void *wait_with_list(void *unused) {
  syscall(SYS_set_robust_list, words, 24);
  return wait_for_words(unused);
}

static void *touch(void *unused) {
  (void)unused;
  note();
  while (!*go_on) usleep(1000);
  return (void *)(long)*(volatile unsigned *)words;
}

static void *map_memory(void *unused) {
  while (!*go_on) usleep(1000);
  usleep(50000);
  for (;;) munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096), usleep(1000);
  return unused;
}

// Drops the page from memory, so that the next reading asks the server for it.
static void drop(int file) {
  madvise(words, fileBytes, MADV_DONTNEED);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

static void use(const char *path, const char *how) {
  pthread_t thread;
  int file = open(path, strcmp(how, "code") == 0 ? O_RDONLY : O_RDWR);
  if (file < 0) exit(5);
  pthread_barrier_init(&both, NULL, 2);
  if (strcmp(how, "write") == 0) return;
  static unsigned lookalike[16] = {2, 0, 0, 1};
  if (strcmp(how, "code") == 0) {
    wait_in = (void *)((char *)mmap(NULL, fileBytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) + 1024);
    words = lookalike;
    words[2] = getpid();
  } else {
    wait_in = wait_here;
    words = mmap(NULL, fileBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  }
  if (strcmp(how, "fault") == 0) {
    pthread_create(&thread, NULL, touch, NULL);
    pthread_create(&thread, NULL, map_memory, NULL);
  } else pthread_create(&thread, NULL, strcmp(how, "list") == 0 ? wait_with_list : wait_for_words, NULL);
  for (long index = 0; index < 2; index++) pthread_create(&thread, NULL, take, (void *)index);
  usleep(100000);
  if (strcmp(how, "code") != 0) drop(file);
}

int main(int argc, char **argv) {
  char options[64], path[256], byte;
  int ends[2];
  if (argc < 3 || unshare(CLONE_NEWNS) != 0) return 3;
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (device < 0 || mount("hung", argv[1], "fuse", 0, options) != 0) return 3;
  // The words of a locked mutex, and code that makes a system call and returns, with an unfinished ELF header.
  const unsigned locked[] = {2, 0, 1, 1};
  memcpy(content, strcmp(argv[2], "code") == 0 ? (void *)"\177ELF\2\1\1" : (void *)locked, 16);
  memcpy(content + 1024, "\xb8\xca\0\0\0\x4d\x31\xd2\x0f\x05\xc3", 11);
  go_on = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_t server;
  if (pipe(ends) != 0 || pthread_create(&server, NULL, serve, NULL) != 0) return 3;
  snprintf(path, sizeof path, "%s/file", argv[1]);
  int child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(device);
    say = ends[1];
    use(path, argv[2]);
    dprintf(say, "end\n");
    for (;;) pause();
  }
  FILE *said = fdopen(ends[0], "r");
  char line[32];
  int count = 0, wanted = strcmp(argv[2], "write") == 0 ? 1 : 4;
  while (count < wanted && fgets(line, sizeof line, said)) count++;
  usleep(100000);
  silent = 1;
  *go_on = 1;
  printf("ready\n%d\n", child);
  fflush(stdout);
  while (read(0, &byte, 1) > 0) continue;
  kill(child, SIGKILL);
  umount2(argv[1], MNT_DETACH);
  _exit(0);
}
