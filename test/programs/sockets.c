// Reads a command from each line and answers `done`: tcp4 N and tcp6 N open N listeners; path NAME and abstract NAME
// open a Unix listener; connect N connects N times to the last listener and accepts; pair opens a socketpair and a
// connected UDP socket; close closes every socket. The end of input ends it.
#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fds[4096], count;
static struct sockaddr_storage last;
static socklen_t last_size;
static int listener;

static int keep(int fd) {
  if (fd < 0) {
    perror("socket");
    exit(1);
  }
  return fds[count++] = fd;
}

static void check(int result, const char *what) {
  if (result == 0) return;
  perror(what);
  exit(1);
}

static void listen_at(struct sockaddr *address, socklen_t size) {
  listener = keep(socket(address->sa_family, SOCK_STREAM, 0));
  check(bind(listener, address, size), "bind");
  check(listen(listener, 128), "listen");
  last_size = sizeof last;
  check(getsockname(listener, (struct sockaddr *)&last, &last_size), "getsockname");
}

static void listen_unix(const char *name, int abstract) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path + abstract, name, sizeof address.sun_path - 2);
  listen_at((struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name));
}

static void connect_and_accept(void) {
  int client = keep(socket(last.ss_family, SOCK_STREAM, 0));
  check(connect(client, (struct sockaddr *)&last, last_size), "connect");
  keep(accept(listener, NULL, NULL));
}

static void pair(void) {
  int ends[2];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
  keep(ends[0]);
  keep(ends[1]);
  check(connect(keep(socket(AF_INET, SOCK_DGRAM, 0)), (struct sockaddr *)&to, sizeof to), "connect");
}

int main(void) {
  char line[256], verb[16], word[200];
  struct sockaddr_in any4 = {.sin_family = AF_INET};
  struct sockaddr_in6 any6 = {.sin6_family = AF_INET6};
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  while (fgets(line, sizeof line, stdin)) {
    word[0] = 0;
    sscanf(line, "%15s %199s", verb, word);
    for (int index = 0; index < atoi(word); index++) {
      if (!strcmp(verb, "tcp4")) listen_at((struct sockaddr *)&any4, sizeof any4);
      if (!strcmp(verb, "tcp6")) listen_at((struct sockaddr *)&any6, sizeof any6);
      if (!strcmp(verb, "connect")) connect_and_accept();
    }
    if (!strcmp(verb, "path")) listen_unix(word, 0);
    if (!strcmp(verb, "abstract")) listen_unix(word, 1);
    if (!strcmp(verb, "pair")) pair();
    if (!strcmp(verb, "close"))
      while (count > 0) close(fds[--count]);
    puts("done");
  }
  return 0;
}
