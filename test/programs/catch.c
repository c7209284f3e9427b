// Prints `got N` for each signal N that arrives and can be handled. Answers `limit R` with the soft and hard limit of
// the resource R. `spin` makes it use CPU time until a signal arrives. The end of input ends it.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void say(int number) {
  char text[16];
  stopped = 1;
  (void)!write(1, text, (size_t)snprintf(text, sizeof text, "got %d\n", number));
}

int main(void) {
  char line[64], verb[16];
  for (int number = 1; number < 64; number++) {
    struct sigaction action = {.sa_handler = say, .sa_flags = SA_RESTART};
    if (number != SIGSEGV && number != SIGCHLD) sigaction(number, &action, NULL);
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  while (fgets(line, sizeof line, stdin)) {
    int number = 0;
    struct rlimit limit;
    sscanf(line, "%15s %d", verb, &number);
    if (!strcmp(verb, "spin"))
      for (stopped = 0; !stopped;) continue;
    if (!strcmp(verb, "limit")) {
      getrlimit(number, &limit);
      printf("%llu %llu\n", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
    }
  }
  return 0;
}
