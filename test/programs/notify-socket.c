// Acts as the notification socket of a supervisor; NAME is a path or @name. Prints each received line after the pid of
// its sender.
#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  int yes = 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 2 || strlen(argv[1]) >= sizeof address.sun_path) return 2;
  strcpy(address.sun_path, argv[1]);
  if (address.sun_path[0] == '@') address.sun_path[0] = 0;
  socklen_t bytes = offsetof(struct sockaddr_un, sun_path) + strlen(argv[1]);
  setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&address, bytes) < 0) {
    perror("bind");
    return 1;
  }
  puts("ready");
  for (;;) {
    char text[4096];
    union {
      struct cmsghdr header;
      char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec part = {text, sizeof text - 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(fd, &message, 0);
    if (length < 0) return 1;
    text[length] = 0;
    struct ucred *sender = (struct ucred *)CMSG_DATA(CMSG_FIRSTHDR(&message));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) printf("%d %s\n", sender->pid, line);
  }
}
