// Listens on a free port of the loopback interface, prints it, and waits for a connection.
// Then prints "accepted" and waits for the end of input.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  char byte;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 8) != 0) return 1;
  getsockname(listener, (struct sockaddr *)&address, &length);
  puts("ready");
  printf("%d\n", ntohs(address.sin_port));
  if (accept(listener, NULL, NULL) < 0) return 1;
  puts("accepted");
  while (read(0, &byte, 1) > 0) continue;
  return 0;
}
