#!/usr/bin/env python3
"""A controller for high availability: it starts programs, has introspectd watch them, and kills and restarts each that
hogs something or is deadlocked. Python's own library is all it needs.

    controller.py URL PROGRAMS CURSOR      (PROGRAMS: a file, a line each: name, command, arguments)

It may be killed at any moment, and so may introspectd. What it knows is in the tree, so it reads that when it begins; how
far it has heard is in the file CURSOR, written after what was heard has been acted on. So an event may come twice and none
is missed, and acting twice does no harm: a process is meant by its identity, which no other ever has, whatever its pid.

Programs are known by their names, so no other program of the machine may have one of them: it would be taken for one of
these, and killed. Give them names of their own.
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

url, programs_file, cursor_file = sys.argv[1:]
programs = {line.split()[0]: line.split()[1:] for line in open(programs_file) if line.strip()}
running = {}  # by name: pid, identity (None until introspectd has told of it) and start time in ticks

TOO_MUCH = {"fds": {"at": 80}, "memory": {"at": 64 << 20}, "stack": {"at": "60%", "per": "thread"}}
TYPES = "process.created,process.changed,process.died,threshold.tripped,deadlock.detected,deadlock.orphaned,events.lost"
SILENCE_MAX = 75  # introspectd says each 30 s where it is: longer than two of these and some, and the line is dead


def log(*words):
    print(*words, flush=True)


def ask(method, path, body=None, identity=None):
    """The answer and its cursor; None where that very process, or what else the path names, is not there any more."""
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
    """When it was started, in ticks since boot; None where there is none."""
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
    """Has introspectd watch this very process. It is ours if it is still there."""
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
        # Without --allow-actions: by a handle on the process, if it is still the one that was adopted.
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
    """Brings what runs to what is to run, whatever happened meanwhile. Returns the cursor that it is true at."""
    processes, cursor = ask("GET", "/sys/proc")
    for name in programs:
        there = next((entry for entry in processes["entries"] if entry["name"] == name), None)
        pid, identity, _ = running.get(name, (0, "", None))
        if there is not None:
            adopt(name, there["pid"], there["identity"])
        elif identity is not None or ticks_of(pid) is None:  # what was started just now may not have been told of yet
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
        # Of one that is told of again the members may have ended, and others have their pids: it is there no more.
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


def keep(cursor):
    """Under another name first, so that there is never half a cursor."""
    with open(f"{cursor_file}.new", "w") as file:
        file.write(cursor)
    os.replace(f"{cursor_file}.new", cursor_file)


def listen(after):
    """Acts on one connection's events until it breaks."""
    query = urlencode({"types": TYPES, "after": after})
    request = Request(f"{url}/sys?{query}", headers={"Accept": "text/event-stream"})
    with urlopen(request, timeout=SILENCE_MAX) as stream:
        for line in stream:
            if line.startswith(b"data:"):
                event = json.loads(line[5:])
                if "sequence" in event:
                    act(event)
                keep(event.get("sequence") or event["data"]["cursor"])


signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for what was started
wait = 0.25
while True:
    try:
        cursor = reconcile()
        wait = 0.25
        listen(open(cursor_file).read() if os.path.exists(cursor_file) else cursor)
    except HTTPError as error:
        if error.code == 410:  # the events after our cursor are no longer kept: what they told is in the tree
            os.remove(cursor_file)
        elif error.code < 500 and error.code != 429:
            raise
    except (OSError, HTTPException) as error:  # what was to be done was not, and is done when it is heard again
        log("unreachable", error)
    time.sleep(random.random() * wait)
    wait = min(wait * 2, 30)
