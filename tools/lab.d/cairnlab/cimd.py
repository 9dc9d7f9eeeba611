"""cairn-cimd in the lab: on loopback, on a port of the kernel's choice, without authentication."""
import os
import re
import subprocess

from . import daemon
from .common import LabError, end, identity, is_running, wait_until

LOG = "cimd.log"


def program(bin_dir):
    """cairn-cimd in the lab's folder of programs; None when it is not built."""
    path = os.path.join(bin_dir, "cairn-cimd")
    return path if os.access(path, os.X_OK) else None


USER = "nobody"  # whom it becomes: it needs no right on the machine


def config(directory):
    """The groups of cairn.conf(5) that are its own or about it: whoever asks on loopback is root."""
    return {"cimd": {"control": os.path.join(directory, "run/control-front.sock"),
                     "listen": "http://127.0.0.1:0",
                     "auth": "none",
                     "none-user": "root",
                     "user": USER},
            "access": {"front-end-user": USER,
                       "administrator": "root"}}


def _said(log, offset):
    """The URL that it said it listens on, in what was logged since @offset."""
    with open(log, errors="replace") as file:
        file.seek(offset)
        found = re.search(r"listening on (http://\S+)", file.read())
    return found.group(1) if found else None


def start(directory, bin_dir, save):
    """Starts it and waits until it listens; returns the URL without path. `save` records its identity
    before the wait."""
    path = program(bin_dir)
    if not path:
        raise LabError("no cairn-cimd in %s (set CAIRN_BIN or build it)" % bin_dir)
    log = os.path.join(directory, LOG)
    with open(log, "a") as file:
        offset = file.tell()
        child = subprocess.Popen([path, "--config", os.path.join(directory, "cairn.conf")],
                                 stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                 start_new_session=True)
    who = identity(child.pid)
    save(who)
    wait_until("cairn-cimd (see %s)" % log, lambda: _said(log, offset), 120,
               alive=lambda: is_running(who))
    return _said(log, offset)


def stop(who):
    if who:
        end(who, seconds=20)
