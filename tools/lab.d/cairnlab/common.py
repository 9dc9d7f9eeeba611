"""What the parts of the lab share: errors, commands, deadlines, processes known for sure."""
import os
import signal
import subprocess
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))


class LabError(Exception):
    """Said to the person who started the lab, without a trace."""


def run(argv, check=True, stdin=None, timeout=180, env=None):
    """Runs a command to its end and returns what it printed."""
    try:
        done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=timeout, universal_newlines=True, env=env,
                              stdin=subprocess.DEVNULL if stdin is None else None)
    except subprocess.TimeoutExpired:
        raise LabError("%s: no end after %d s" % (" ".join(argv[:6]), timeout))
    if check and done.returncode:
        raise LabError("%s: %s" % (" ".join(argv[:6]), (done.stderr or done.stdout).strip()))
    return done.stdout


def wait_until(what, probe, seconds, alive=None):
    """Waits for probe() to be true; fails at the deadline or when alive() is not true any more."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if alive and not alive():
            raise LabError("%s: it ended" % what)
        if time.monotonic() > deadline:
            raise LabError("%s: not within %d s" % (what, seconds))
        time.sleep(0.01)


def start_time(pid):
    """When a process began (ticks since boot): with the pid it names a process for sure."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def identity(pid):
    return {"pid": pid, "start": start_time(pid)}


def is_running(who):
    if not who:
        return False
    try:  # a child of ours that ended stays as a zombie until it is collected
        os.waitpid(who["pid"], os.WNOHANG)
    except OSError:
        pass
    return who["start"] is not None and start_time(who["pid"]) == who["start"]


def session_members(sid):
    """Processes of a session: a daemon and all it started."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == sid and fields[0] != "Z":
                found.append(identity(int(name)))
    return found


def end(who, sig=signal.SIGTERM, seconds=10):
    """Ends a process and sees that it is gone; kills it when it does not obey."""
    for attempt in (sig, signal.SIGKILL):
        if not is_running(who):
            return
        try:
            os.kill(who["pid"], attempt)
        except ProcessLookupError:
            return
        try:
            wait_until("process %d" % who["pid"], lambda: not is_running(who), seconds)
        except LabError:
            continue
