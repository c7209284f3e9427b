# Two threads that want each other's lock. The end of input ends all.
import os
import sys
import threading

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
    # No thread of it does anything else: not even the main one.
    threading.Event().wait()
sys.stdin.read()
os._exit(0)
