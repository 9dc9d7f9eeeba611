#!/usr/bin/python3
"""Waiting for jobs: plain lines without a terminal, bars on one, ^C, failures, warnings, a daemon
that goes away. No sleeps: every step waits for what it needs with a deadline."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_cairnd import JOB, FakeCairnd, Job, job  # noqa: E402

CAIRN = os.path.abspath(sys.argv[1])
DEADLINE = 120  # seconds, for any one step


def environment(daemon, **more):
    base = dict(os.environ, CAIRN_SOCKET=daemon.path, LC_ALL="C.UTF-8", TZ="UTC", TERM="xterm")
    base.pop("NO_COLOR", None)
    return dict(base, **more)


def run(daemon, *words):
    return subprocess.run([CAIRN, *words], env=environment(daemon), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=DEADLINE, check=False)


class Terminal:
    """A program on a pseudo terminal of a given size; `screen` is all it wrote."""

    def __init__(self, daemon, words, columns=80, rows=24, **env):
        self.screen = ""
        self.status = None
        env = environment(daemon, **env)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            termios.tcsetwinsize(0, (rows, columns))
            os.execve(CAIRN, [CAIRN, *words], env)

    def read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.screen += data.decode("utf-8", "replace")
        return bool(data)

    def wait_for(self, pattern):
        end = time.monotonic() + DEADLINE
        while not re.search(pattern, self.screen):
            assert time.monotonic() < end, "no %r in %r" % (pattern, self.screen)
            ended = self.ended()  # before the look at what it has left
            if not self.read(0.2) and ended:
                assert re.search(pattern, self.screen), "no %r in %r" % (pattern, self.screen)

    def ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def finish(self):
        end = time.monotonic() + DEADLINE
        while not self.ended():
            self.read(0.1)
            assert time.monotonic() < end, "does not end: %r" % self.screen
        while self.read(0):
            pass
        os.close(self.fd)
        return self.status


def shown(screen, columns, rows=60, wraps=True):
    """What stands on the screen after the control sequences that the CLI may use."""
    lines, row, column = [[" "] * columns for _ in range(rows)], 0, 0
    for token in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.|\n|\r", screen, re.S):
        if token == "\r":
            column = 0
        elif token == "\n":
            row += 1
        elif token.startswith("\x1b["):
            count = int(token[2:-1] or 1) if token[-1] == "A" else 0
            if token[-1] == "A":
                row -= count
            elif token[-1] == "K":
                lines[row][column:] = [" "] * (columns - column)
            elif token[-1] == "J":
                lines[row][column:] = [" "] * (columns - column)
                for below in lines[row + 1:]:
                    below[:] = [" "] * columns
            else:
                assert token[-1] == "m", "unknown sequence %r" % token
        else:
            if column == columns:
                assert wraps, "a line is wider than the terminal"
                row, column = row + 1, 0
            lines[row][column] = token
            column += 1
        assert row >= 0
    return ["".join(line).rstrip() for line in lines]


def test_plain(daemon):
    done = run(daemon, "export", "web@2", "/backup")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert all(re.match(r"job 7 \(export web@2\): ", line) for line in lines), lines
    assert len(lines) >= 3 and lines[-1].endswith("completed"), lines
    assert "\x1b" not in done.stderr + done.stdout
    assert re.search(r"^against +web@1$", done.stdout, re.M), done.stdout
    assert "/backup/11111111-0000-4000-8000-000000000001/22222222" in done.stdout


def test_json(daemon):
    done = run(daemon, "backup", "web", "/backup", "--json")
    value = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert value["job"]["number"] == 7 and value["job"]["state"] == 7
    assert value["point"]["name"] == "web@2"


def test_terminal(daemon):
    daemon.gate.clear()
    term = Terminal(daemon, ["backup", "web", "/backup"])
    term.wait_for(r"\[█")
    term.wait_for(r"db:vda .*%")
    daemon.gate.set()
    assert term.finish() == 0, term.screen
    lines = shown(term.screen, 80)
    assert lines[0].startswith("point        web@2"), lines
    assert not any("█" in line or "%" in line for line in lines), lines


def test_narrow(daemon):
    daemon.gate.clear()
    term = Terminal(daemon, ["export", "web@2", "/backup"], columns=30, rows=3)
    term.wait_for(r"\d+ %")
    daemon.gate.set()
    assert term.finish() == 0
    # The summary may wrap; what came before it may not.
    shown(term.screen[:term.screen.rindex("\x1b[J")], 30, wraps=False)


def test_detach(daemon):
    daemon.scenario = "stuck"
    term = Terminal(daemon, ["export", "web@2", "/backup"])
    term.wait_for(r"export web@2 .*%")
    os.write(term.fd, b"\x03")
    assert term.finish() == 130, term.screen
    assert "job 7 goes on" in term.screen and "cairn job watch 7" in term.screen
    assert not any("█" in line for line in shown(term.screen, 80))
    assert not [item for item in daemon.asked if item[0] == "job-control"]


def test_detach_plain(daemon):
    daemon.scenario = "stuck"
    child = subprocess.Popen([CAIRN, "export", "web@2", "/backup"], env=environment(daemon),
                             stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in child.stderr:
        if "copying" in line:
            break
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=DEADLINE)
    assert child.returncode == 130 and "job 7 goes on" in err and out == "", err


def test_hung_daemon(daemon):
    # It never answers job-show: the first ^C is a wish, the second one is final.
    daemon.scenario = "hung"
    child = subprocess.Popen([CAIRN, "job", "watch", "1"], env=environment(daemon),
                             stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    end = time.monotonic() + DEADLINE
    while not [item for item in daemon.asked if item[0] == "job-show"]:
        assert time.monotonic() < end, "job-show was not asked"
        select.select([], [], [], 0.05)
    while child.poll() is None:
        assert time.monotonic() < end, "does not end"
        child.send_signal(signal.SIGINT)
        try:
            child.wait(0.1)
        except subprocess.TimeoutExpired:
            pass
    assert child.returncode == -signal.SIGINT, child.returncode


def test_failing(daemon):
    daemon.scenario = "failing"
    done = run(daemon, "export", "web@2", "/backup")
    assert done.returncode == 1 and done.stdout == ""
    assert "cairn: job 7 (export web@2): exception: the folder is full" in done.stderr
    assert "  db:vda: no space left" in done.stderr
    assert done.stderr.count("the folder is full") == 1, done.stderr
    assert "-> free space in /backup and export again" in done.stderr
    assert "-> or choose another" in done.stderr
    table = run(daemon, "job", "errors", "7").stdout
    assert re.search(r"^CAIRN0415 +32778  db:vda +no space left +-$", table, re.M), table
    assert re.search(r"^ +or choose another$", table, re.M), table
    assert "lost?[31m" in done.stderr and "\x1b" not in done.stderr


def test_warning(daemon):
    daemon.scenario = "warning"
    done = run(daemon, "export", "web@2", "/backup", "--quiet")
    assert done.returncode == 0
    assert done.stderr == "cairn: warning: app:vda was exported in full: new disk\n", done.stderr


def test_daemon_restarts(daemon):
    daemon.scenario = "stuck"
    child = subprocess.Popen([CAIRN, "export", "web@2", "/backup"], env=environment(daemon),
                             stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in child.stderr:
        if "copying" in line:
            break
    daemon.close()
    again = []

    def come_back():
        ended = Job(7, [(0, job(7, state=7, done=256 << 20))])
        again.append(FakeCairnd(daemon.folder, jobs={7: ended}))

    for line in child.stderr:
        if "went away" in line:
            back = threading.Thread(target=come_back)
            back.start()
            break
    out, err = child.communicate(timeout=DEADLINE)
    back.join()
    again[0].close()
    assert child.returncode == 0 and "cairnd is back" in err, err
    assert "exported" in out


def test_colour(daemon):
    term = Terminal(daemon, ["job", "list"], columns=120)
    assert term.finish() == 0
    assert "\x1b[31mexception\x1b[0m" in term.screen
    term = Terminal(daemon, ["job", "list"], columns=120, NO_COLOR="1")
    assert term.finish() == 0
    assert "\x1b" not in term.screen
    term = Terminal(daemon, ["group", "list", "--json"])
    assert term.finish() == 0
    assert term.screen.startswith("[\r\n  {")


def test_removed(daemon):
    done = run(daemon, "job", "watch", JOB % 5)
    assert done.returncode == 1 and "no job" in done.stderr


def main():
    tests = sorted((name, test) for name, test in globals().items() if name.startswith("test_"))
    print("1..%d" % len(tests))
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            daemon = FakeCairnd(folder)
            try:
                test(daemon)
                print("ok %d %s" % (number, name), flush=True)
            except Exception as error:  # noqa: BLE001: told as a failure
                failed += 1
                print("not ok %d %s\n# %s" % (number, name, str(error).replace("\n", "\n# ")),
                      flush=True)
            daemon.close()
    return 1 if failed else 0


sys.exit(main())
