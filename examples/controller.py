#!/usr/bin/env python3
"""A high-availability controller. It starts programs and lets introspectd watch them. It kills and restarts each
program that uses too much of a resource or is deadlocked. It needs the standard library only.

    controller.py URL PROGRAMS CURSOR      (--help explains these)

The controller and introspectd may be killed at any moment. At its start the controller reads the present state from
the tree. The file CURSOR has the cursor of the last event that it has acted on. So an event may come twice, and
none is missed. Acting twice does no harm, because a process is named by its identity, which is never reused.

Give the programs unique names. The controller recognises them by name, so it would take another program with the
same name for its own, and kill it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

USAGE = """usage: controller.py URL PROGRAMS CURSOR
  URL       of introspectd, such as http://127.0.0.1:7007
  PROGRAMS  file with one program a line: its process name, which is unique, its command, its arguments
  CURSOR    file that stores the cursor of the last event; it need not exist yet"""

if sys.argv[1:2] == ["--help"]:
    print(USAGE)
    sys.exit(0)
if len(sys.argv) != 4:
    print(USAGE, file=sys.stderr)
    sys.exit(2)
url, programs_file, cursor_file = sys.argv[1:]
programs = {line.split()[0]: line.split()[1:] for line in open(programs_file) if line.strip()}
running = {}  # by name: pid, identity (None until introspectd has reported it) and start time in ticks

TOO_MUCH = {"fds": {"at": 80}, "memory": {"at": 64 << 20}, "stack": {"at": "60%", "per": "thread"}}
TYPES = "process.created,process.changed,process.died,threshold.tripped,deadlock.detected,deadlock.orphaned,events.lost"
SILENCE_MAX = 75  # seconds; introspectd sends a bookmark every 30 s, so two were missed


def log(*words):
    print(*words, flush=True)


def ask(method, path, body=None, identity=None):
    """Returns the reply and its cursor; None if the process, or whatever the path names, no longer exists."""
    headers = {"Content-Type": "application/json", **({"If-Process": identity} if identity else {})}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url + path, data, headers, method=method), timeout=10) as answer:
            return json.load(answer), answer.headers["Introspect-Cursor"]
    except HTTPError as error:
        if error.code in (404, 412):
            return None, None
        raise


def ticks_of(pid):
    """Returns the start time of a process in ticks since boot; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return None


def start(name):
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    pid = subprocess.Popen(programs[name], start_new_session=True, **quiet).pid
    running[name] = (pid, None, ticks_of(pid))
    log("started", name, pid)


def adopt(name, pid, identity):
    """Sets the timer and the thresholds on exactly this process. Does nothing if it has ended."""
    ticks = ticks_of(pid)
    if ask("PUT", f"/sys/proc/{pid}/timeout", {"after": "500ms"}, identity)[0] is None:
        return
    running[name] = (pid, identity, ticks)
    log("adopted", name, identity)
    for limit, definition in TOO_MUCH.items():
        threshold, _ = ask("PUT", f"/sys/proc/{pid}/{limit}/threshold/controller", definition, identity)
        if threshold is not None and threshold["state"] == "tripped":
            kill(name, identity, "found tripped")


def kill(name, identity, why):
    pid, _, ticks = running[name]
    try:
        if ask("POST", f"/sys/proc/{pid}/signal", {"signal": "SIGKILL"}, identity)[0] is None:
            return
    except HTTPError as error:
        if error.code != 403:
            raise
        # Without --allow-actions: kill through a pidfd, if it is still the adopted process.
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        with os.fdopen(handle):
            if ticks is None or ticks_of(pid) != ticks:
                return
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    log("killed", name, identity, why)


def kill_members(members, why):
    pids = {int(member["path"].split("/")[3]) for member in members}
    for name, (pid, identity, _) in list(running.items()):
        if pid in pids and identity is not None:
            kill(name, identity, why)


def reconcile():
    """Compares the running processes with the programs, and adopts or starts each. Returns the cursor of this state."""
    processes, cursor = ask("GET", "/sys/proc")
    for name in programs:
        there = next((entry for entry in processes["entries"] if entry["name"] == name), None)
        pid, identity, _ = running.get(name, (0, "", None))
        if there is not None:
            adopt(name, there["pid"], there["identity"])
        elif identity is not None or ticks_of(pid) is None:  # introspectd may not have seen a new process
            start(name)
    for deadlock in ask("GET", "/sys/deadlocks")[0]["entries"]:
        if deadlock["kind"] != "suspected":
            kill_members(deadlock["members"], deadlock["path"])
    return cursor


def act(event):
    kind, data = event["type"], event["data"]
    log("seen", event["sequence"], kind, event["subject"])
    if kind == "events.lost":
        reconcile()
    elif kind.startswith("deadlock."):
        # A repeated event may be old: its members may have ended, and other processes may have their pids.
        if ask("GET", event["subject"])[0] is not None:
            kill_members(data["members"], event["sequence"])
    elif data.get("name") in programs and "identity" in data:
        name, identity = data["name"], data["identity"]
        pid, known, _ = running.get(name, (0, "", None))
        if kind == "threshold.tripped":
            if known == identity:
                kill(name, identity, event["sequence"])
        elif kind == "process.died":
            if known == identity or (known is None and pid == data["pid"]):
                start(name)
        elif known != identity:
            adopt(name, data["pid"], identity)


def save_cursor(cursor):
    """Writes another file first and renames it, so that a cursor is never half written."""
    with open(f"{cursor_file}.new", "w") as file:
        file.write(cursor)
    os.replace(f"{cursor_file}.new", cursor_file)


def listen(after):
    """Acts on the events of one connection until it breaks."""
    query = urlencode({"types": TYPES, "after": after})
    request = Request(f"{url}/sys?{query}", headers={"Accept": "text/event-stream"})
    with urlopen(request, timeout=SILENCE_MAX) as stream:
        for line in stream:
            if line.startswith(b"data:"):
                event = json.loads(line[5:])
                if "sequence" in event:
                    act(event)
                save_cursor(event.get("sequence") or event["data"]["cursor"])


signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no child becomes a zombie
wait = 0.25
while True:
    try:
        cursor = reconcile()
        wait = 0.25
        listen(open(cursor_file).read() if os.path.exists(cursor_file) else cursor)
    except HTTPError as error:
        if error.code == 410:  # the events after our cursor are gone; the state is in the tree
            os.remove(cursor_file)
        elif error.code < 500 and error.code != 429:
            raise
    except (OSError, HTTPException) as error:  # the action was not taken, so the event is handled again
        log("unreachable", error)
    time.sleep(random.random() * wait)
    wait = min(wait * 2, 30)
