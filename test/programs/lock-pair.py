# Two threads that wait for each other's lock. The end of input ends the program, but with an argument the main thread
# waits for ever, too, and nothing reads the input. Further arguments are signals that get a handler.
import os
import signal
import sys
import threading

# Python installs a handler for SIGINT by default, and a handler could release a lock.
signal.signal(signal.SIGINT, signal.SIG_DFL)
for name in sys.argv[2:]:
    signal.signal(getattr(signal, name), lambda *unused: None)
first, second = threading.Lock(), threading.Lock()
both = threading.Barrier(3)


def take(one, other):
    with one:
        both.wait()
        other.acquire()


for pair in ((first, second), (second, first)):
    threading.Thread(target=take, args=pair, daemon=True).start()
both.wait()
print("ready", flush=True)
if len(sys.argv) > 1:
    threading.Event().wait()
sys.stdin.read()
os._exit(0)
