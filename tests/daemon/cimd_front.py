"""cairn-cimd over a cairnd without machines: what the tests of the front end share."""
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/lab.d"))

from daemon import SECONDS, Daemon, read_log  # noqa: E402
from cairnlab import cimclient  # noqa: E402
from cairnlab.cimclient import CimError  # noqa: E402

CAIRND, CIMD = sys.argv[1:3]
USERS = ("--administrator", "adam", "--operator", "otto:web", "--observer", "olga")


class Front:
    """cairn-cimd on loopback for one user."""

    def __init__(self, daemon, user, *options):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [CIMD, "--config", daemon.path("conf"), "--control", daemon.path("run/control.sock"),
             "--listen", "http://127.0.0.1:0", "--auth", "none", "--none-user", user, "--user", "",
             *options], stdin=subprocess.DEVNULL, stderr=self.log)
        self.url = None

    def __enter__(self):
        deadline = time.monotonic() + SECONDS
        while not self.url:
            found = re.search(r"listening on (http://\S+)", self.said())
            self.url = found and found.group(1)
            if not self.url and (self.process.poll() is not None or time.monotonic() > deadline):
                raise AssertionError("cairn-cimd does not listen: " + self.said())
            select_wait(self.process)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(SECONDS)
        assert not status and "Sanitizer" not in self.said(), "cairn-cimd ended with %d:\n%s" % (
            status, self.said()[-4000:])

    def said(self):
        return read_log(self.log)

    def wsman(self):
        return cimclient.Wsman(self.url + "/wsman")

    def cimxml(self):
        return cimclient.CimXml(self.url + "/cimom")


def select_wait(process):
    """A moment for the child to go on: ends early when it ends."""
    try:
        process.wait(0.02)
    except subprocess.TimeoutExpired:
        pass


def until_error(code, function, *arguments):
    """What cairnd did by itself, or for another client, comes to the front end as an event: a moment later."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            got = function(*arguments)
        except CimError as error:
            assert error.code == code, (error.code, error)
            return
        assert time.monotonic() < deadline, "not refused: %r" % (got,)


def prepared():
    daemon = Daemon(CAIRND, *USERS)
    with daemon.client() as client:
        client.call("group-create", name="web")
        client.call("group-create", name="db")
    return daemon
