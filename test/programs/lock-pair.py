# Two threads that want each other's lock. The end of input ends all; with an argument there is no thread left to see it.
import os
import signal
import sys
import threading

# Python handles this one of its own accord, and the handler may do anything.
signal.signal(signal.SIGINT, signal.SIG_DFL)
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
