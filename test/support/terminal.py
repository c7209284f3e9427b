"""Runs a command on a terminal of its own: terminal.py ROWS COLUMNS COMMAND...

What it writes goes to standard output. Standard input takes a JSON object a line: {"keys": text}, {"size": [rows,
columns]}, {"signal": number} or {"close": true}, which closes the terminal; its end kills the command. When the command is gone, standard error has one JSON object:
how it ended, and whether the terminal is as it was.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios


def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def start(command, master, slave):
    pid = os.fork()
    if pid != 0:
        return pid
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.close(master)
    os.execvp(command[0], command)


def obey(order, pid, master):
    if "keys" in order:
        os.write(master, order["keys"].encode())
    if "size" in order:
        resize(master, *order["size"])
    if "signal" in order:
        os.kill(pid, order["signal"])


def drain(master):
    while select.select([master], [], [], 0)[0]:
        os.write(1, os.read(master, 65536))


def main():
    rows, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    master, slave = pty.openpty()
    resize(master, rows, columns)
    before = termios.tcgetattr(slave)
    # The end of the command wakes the loop below.
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pid = start(command, master, slave)
    orders = b""
    watched = [0, master, wake]
    while True:
        ready = select.select(watched, [], [])[0]
        if master in ready:
            os.write(1, os.read(master, 65536))
        if 0 in ready:
            chunk = os.read(0, 65536)
            if chunk == b"":
                watched.remove(0)
                os.kill(pid, signal.SIGKILL)
            *lines, orders = (orders + chunk).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if "close" in order:
                    watched.remove(master)
                    os.close(master)
                    os.close(slave)
                    slave = None
                else:
                    obey(order, pid, master)
        if wake in ready:
            os.read(wake, 64)
            gone, status = os.waitpid(pid, os.WNOHANG)
            if gone == pid:
                break
    if slave is not None:
        drain(master)
    how = os.waitstatus_to_exitcode(status)
    ended = {"code": how, "restored": slave is not None and termios.tcgetattr(slave) == before}
    sys.stderr.write(json.dumps(ended) + "\n")


main()
