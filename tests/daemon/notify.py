#!/usr/bin/python3
"""notify.py CAIRND CAIRN-NOTIFY CAIRN: who is told when a job has ended, what is run when it has failed, and that
neither holds a job up. Points over the fake's machine go well; exports fail, as nothing copies."""
import email
import http.server
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import SECONDS, Daemon, main, refused  # noqa: E402

CAIRND, NOTIFY, CAIRN = (os.path.abspath(path) for path in sys.argv[1:4])
COMPLETED, TERMINATED, EXCEPTION = 7, 8, 10
SCRIPT = """#!/usr/bin/python3
import os, signal, sys
text = sys.stdin.read()
pipe = os.open(%r, os.O_WRONLY)
%s
"""
MAIL = "os.write(pipe, (' '.join(sys.argv[1:]) + '\\n' + text).encode())"
COMMAND = ("import json; os.write(pipe, json.dumps({'argv': sys.argv[1:], 'env': dict(os.environ), "
           "'pipe': pipe, 'payload': json.loads(text)}).encode())")
HANG = ("child = os.fork()\nos.write(pipe, b'%d ' % os.getpid())\n"
        "os.close(pipe)\nsignal.pause()")


class Box:
    """What one thread puts in, another takes out (the module queue has a test's name here)."""

    def __init__(self):
        self.items, self.change = [], threading.Condition()

    def put(self, item):
        with self.change:
            self.items.append(item)
            self.change.notify()

    def get(self):
        with self.change:
            assert self.change.wait_for(lambda: self.items, SECONDS), "nobody was told"
            return self.items.pop(0)

    def empty(self):
        return not self.items


class Server:
    """A web server that answers as it is told, or not at all; `got` are the bodies."""

    def __init__(self):
        self.status, self.hang, self.location = 204, threading.Event(), None
        self.hang.set()
        self.got = Box()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.put((self.path, self.headers["Content-Type"], json.loads(body)))
                outer.hang.wait(SECONDS)
                try:
                    self.send_response(outer.status)
                    if outer.location:
                        self.send_header("Location", outer.location)
                    self.end_headers()
                except OSError:
                    pass

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hang.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def take(self):
        return self.got.get()


class Lab(Daemon):
    """With a machine, a sendmail that writes into a pipe, and commands."""

    def __init__(self, *options):
        super().__init__(CAIRND, "--connect", "fake:///near?web=running,vda", "--notify-program",
                         NOTIFY, *options)

    def begin(self):
        if not os.path.exists(self.path("pipe")):
            os.mkfifo(self.path("pipe"))
            for name, text in (("mail", MAIL), ("command", COMMAND), ("hang", HANG)):
                with open(self.path(name), "w") as file:
                    file.write(SCRIPT % (self.path("pipe"), text))
                os.chmod(self.path(name), 0o755)
            self.words += ["--sendmail", self.path("mail"),
                           "--command", "mark:%s one 'two three'" % self.path("command"),
                           "--command", "hang:" + self.path("hang")]
        super().begin()

    def kill(self):
        self.process.kill()
        self.process.wait(SECONDS)
        self.process = None

    def pipe(self):
        """What is written into the pipe next, by one writer."""
        signal.alarm(SECONDS)
        try:
            with open(self.path("pipe"), "rb") as file:
                return file.read().decode()
        finally:
            signal.alarm(0)

    def point(self, client, **arguments):
        return client.call("point-create", group="web", **arguments)["number"]

    def backup(self, client, **arguments):
        return client.call("backup", group="web", directory=self.path("exports"),
                           **arguments)["number"]


def prepared(daemon):
    client = daemon.client()
    client.call("subscribe", events=["JOB_CHANGED", "JOB_CREATED"])
    if not client.call("group-list"):
        client.call("group-create", name="web", members=["web"])
    return client


def ended(client, number):
    while True:
        job = client.call("job-show", job=str(number))
        if job["ended"]:
            return job
        client.event("JOB_CHANGED")


def until(what):
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def no_errands(client):
    until(lambda: client.call("query-status")["errands"] == 0)


# ---- what can be asked for ----

def test_refusals():
    with Lab("--url", "https://hooks.example") as daemon, prepared(daemon) as client:
        for words, kind, arguments in (
                ("no recovery action", "Invalid", {"on_failure": "again"}),
                ("goes with", "Invalid", {"retries": 2}),
                ("goes with", "Invalid", {"on_failure": "stop", "retry_delay": 2}),
                ("from 1 to 100", "Invalid", {"on_failure": "retry", "retries": 0}),
                ("from 1 to 100", "Invalid", {"on_failure": "retry", "retries": 101}),
                ("from 1 to 3600", "Invalid", {"on_failure": "retry", "retry_delay": 3601}),
                ("needs the name", "Invalid", {"on_failure": "command"}),
                ("needs the name", "Invalid", {"on_failure": "run-job"}),
                ("nothing that has a name", "Invalid", {"on_failure": "stop", "recovery": "mark"}),
                ("nothing that has a name", "Invalid", {"recovery": "mark"}),
                ("no command \"/bin/sh\"", "NotFound",
                 {"on_failure": "command", "recovery": "/bin/sh"}),
                ("no schedule \"x\"", "NotFound", {"on_failure": "run-job", "recovery": "x"}),
                ("plain mail address", "Invalid", {"notify": "a@b, c@d"}),
                ("plain mail address", "Invalid", {"notify": "a@b\nBcc: c@d"}),
                ("use an address", "Invalid", {"notify": "root"}),
                ("does not allow", "Denied", {"notify": "https://other.example/"}),
                ("does not allow", "Denied", {"notify": "http://hooks.example/"}),
                ("tag has", "Invalid", {"notify": "journal:a b"}),
                ("too long", "Invalid", {"notify": "journal:" + 2000 * "a"})):
            refused(kind, words, daemon.backup, client, **arguments)
            refused(kind, words, daemon.point, client, **arguments)
        assert not client.call("job-list")
        number = daemon.point(client, on_failure="retry", notify="https://Hooks.example/x?y")
        shown = ended(client, number)
        assert shown["on-failure"] == "retry" and shown["retries"] == 3
        assert shown["notify"] == "https://Hooks.example/x?y"
        properties = shown["properties"]
        assert properties["RecoveryAction"] == 4 and properties["Notify"] == shown["notify"]
        assert properties["OtherRecoveryAction"] is None


# ---- who is told ----

def test_mail():
    with Lab("--mail-from", "cairn@backup.example") as daemon, prepared(daemon) as client:
        number = daemon.point(client, notify="mailto:ops@example.com")
        words, _, text = daemon.pipe().partition("\n")
        mail = email.message_from_string(text)
        assert words == "-t -i" and mail["To"] == "<ops@example.com>", text
        assert "<cairn@backup.example>" in mail["From"]
        assert "point-create %d of web@1 completed" % number in mail["Subject"], mail["Subject"]
        assert "cairn job show %d" % number in mail.get_payload()
        no_errands(client)
        number = daemon.backup(client, notify="ops@example.com")
        mail = email.message_from_string(daemon.pipe().partition("\n")[2])
        body = mail.get_payload(decode=True).decode()
        assert "export %d of web@2 failed" % number in mail["Subject"]
        job = client.call("job-show", job=str(number))
        assert job["error"] in body and daemon.path("exports") in body, body
        ids = set()
        assert mail["Message-ID"] not in ids and mail["Date"]
        no_errands(client)


def test_post():
    with Server() as server, Lab("--url", server.url) as daemon, prepared(daemon) as client:
        number = daemon.point(client, notify=server.url + "/hook?x=1")
        path, kind, told = server.take()
        assert path == "/hook?x=1" and kind == "application/json"
        assert told["event"] == "job-ended" and told["failed"] is False and told["host"]
        assert told["job"]["number"] == number and told["job"]["state"] == COMPLETED
        number = daemon.backup(client, notify=server.url)
        told = server.take()[2]
        assert told["failed"] is True and told["job"]["number"] == number
        assert told["errors"] == client.call("job-errors", job=str(number))
        no_errands(client)
        assert server.got.empty()


def said(daemon, words, times=1):
    """Waits until the log has the words so often."""
    until(lambda: daemon.said().count(words) >= times)


def stored_errands(daemon):
    """While the daemon does not run."""
    with sqlite3.connect(daemon.path("state", "store.sqlite")) as store:
        rows = store.execute("SELECT body FROM object WHERE kind = 'errand'").fetchall()
    store.close()
    return [json.loads(row[0]) for row in rows]


def make_due(daemon, **members):
    """The waiting errands are due at once; the daemon does not run."""
    with sqlite3.connect(daemon.path("state", "store.sqlite")) as store:
        for errand in stored_errands(daemon):
            errand.update(members, next=0)
            store.execute("UPDATE object SET body = ? WHERE kind = 'errand' AND id = ?",
                          (json.dumps(errand).encode(), errand["id"]))
    store.close()


def test_refused():
    """It is told again, with the same id, and given up after five times; redirects are not followed."""
    with Server() as server, Lab("--url", server.url) as daemon:
        server.status, server.location = 302, server.url + "/elsewhere"
        with prepared(daemon) as client:
            number = daemon.point(client, notify=server.url + "/a")
            first = server.take()
            told = time.time() * 1e6
            said(daemon, "redirects are not followed")
        server.status, server.location = 503, None
        daemon.end()
        assert stored_errands(daemon)[0]["tries"] == 1
        assert stored_errands(daemon)[0]["next"] > told + 50e6
        make_due(daemon)
        daemon.begin()
        again = server.take()
        assert again[0] == first[0] == "/a" and again[2]["id"] == first[2]["id"]
        said(daemon, "status 503")
        daemon.end()
        assert stored_errands(daemon)[0]["tries"] == 2
        make_due(daemon, tries=4)
        daemon.begin()
        server.take()
        with daemon.client() as client:
            no_errands(client)
            job = client.call("job-show", job=str(number))
            assert job["state"] == COMPLETED and "status 503" in job["note"], job
            assert "status 503" in job["status"]
        assert server.got.empty()
        said(daemon, "given up")
        daemon.end()
        assert not stored_errands(daemon)
        daemon.begin()


def test_hanging():
    """The job has ended, others go on, and the notifier is killed when its time is over."""
    with Server() as server, Lab("--url", server.url, "--timeout", "4") as daemon, \
            prepared(daemon) as client:
        server.hang.clear()
        numbers = [daemon.point(client, notify=server.url) for _ in range(3)]
        assert all(ended(client, n)["state"] == COMPLETED for n in numbers)
        server.take()
        said(daemon, "failed, and is tried again later")


def test_killed():
    """What was under way when the daemon was killed is told again."""
    with Server() as server, Lab("--url", server.url) as daemon:
        with prepared(daemon) as client:
            server.hang.clear()
            daemon.point(client, notify=server.url)
            first = server.take()[2]
        daemon.kill()
        server.hang.set()
        daemon.begin()
        assert server.take()[2] == first
        with daemon.client() as client:
            no_errands(client)


def test_journal():
    """There may be no journal here: then nobody is told, and that is no failure."""
    with Lab() as daemon, prepared(daemon) as client:
        ended(client, daemon.point(client, notify="journal:cairn-test"))
        no_errands(client)
        assert "journal:cairn-test" not in daemon.said()


# ---- what is done after a failure ----

def test_command():
    with Lab() as daemon, prepared(daemon) as client:
        daemon.point(client, on_failure="command", recovery="mark")
        number = daemon.backup(client, on_failure="command", recovery="mark")
        told = json.loads(daemon.pipe())
        env = {key: it for key, it in told["env"].items() if key not in ("LC_CTYPE", "PWD", "_")}
        job = client.call("job-show", job=str(number))
        assert told["argv"] == ["one", "two three"]
        assert told["pipe"] == 3, "it was given a descriptor besides the three"
        assert env == {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/",
            "LANG": "C.UTF-8", "CAIRN_JOB_ID": job["id"], "CAIRN_JOB_NUMBER": str(number),
            "CAIRN_JOB_KIND": "export", "CAIRN_GROUP": "web", "CAIRN_POINT": job["point-name"],
            "CAIRN_DIRECTORY": daemon.path("exports"), "CAIRN_STATE": "exception",
            "CAIRN_ERROR": job["error"]}, env
        assert told["payload"]["job"]["number"] == number
        assert job["properties"]["RecoveryAction"] == 1
        assert job["properties"]["OtherRecoveryAction"] == "mark"
        no_errands(client)


def test_command_hangs():
    """It is killed with all that it has started."""
    with Lab("--timeout", "4") as daemon, prepared(daemon) as client:
        number = daemon.backup(client, on_failure="command", recovery="hang")
        processes = daemon.pipe().split()
        assert len(processes) == 2 and ended(client, number)["state"] == EXCEPTION
        until(lambda: not any(os.path.exists("/proc/" + it) for it in processes))
        said(daemon, "it took longer than 4 seconds")


def test_retry():
    """The export alone, as its point is held; the last attempt is told of."""
    with Server() as server, Lab("--url", server.url) as daemon, prepared(daemon) as client:
        number = daemon.backup(client, on_failure="retry", retries=2, retry_delay=1,
                               notify=server.url)
        chain = [ended(client, number)]
        while chain[-1]["retried-as"]:
            chain.append(ended(client, chain[-1]["retried-as"]))
        assert [job["attempt"] for job in chain] == [0, 1, 2]
        assert all(job["state"] == EXCEPTION and job["point"] == chain[0]["point"] for job in chain)
        assert chain[1]["note"].startswith("retry 1 of 2 after: " + chain[0]["error"])
        assert chain[1]["due"] <= chain[1]["started"] and "retry 2 of 2" in chain[2]["status"]
        told = server.take()[2]
        assert told["job"]["id"] == chain[2]["id"]
        no_errands(client)
        assert server.got.empty()
        assert len(client.call("job-list")) == 4


def test_retry_new_point():
    """Its data is replaced meanwhile: another point is taken. What is terminated is not tried again."""
    with Lab() as daemon, prepared(daemon) as client:
        number = daemon.backup(client, on_failure="retry", retries=3, retry_delay=4)
        first = ended(client, number)
        second = client.call("job-show", job=first["retried-as"])
        refused("Busy", "is used by job", client.call, "point-release", point=first["point"])
        ended(client, daemon.point(client))
        second = ended(client, second["id"])
        assert "not held any more" in second["error"] and second["attempt"] == 1
        third = client.call("job-show", job=second["retried-as"])
        assert third["point"] != first["point"] and third["attempt"] == 2
        client.call("job-control", job=third["id"], action="terminate")
        third = ended(client, third["id"])
        assert third["state"] == TERMINATED and third["retried-as"] is None
        numbers = [job["number"] for job in client.call("job-list", active=True)]
        for each in numbers:  # its point
            client.call("job-control", job=str(each), action="terminate")
            assert ended(client, each)["retried-as"] is None


def schedule(daemon, client, name, **arguments):
    return client.call("schedule-create", name=name, group="web", directory=daemon.path("exports"),
                       months=["jan"], day=1, **arguments)


def rested(client, name):
    """The schedule, when no run of it is under way."""
    until(lambda: client.call("schedule-show", schedule=name)["state-name"] != "running")
    return client.call("schedule-show", schedule=name)


def test_run_schedule():
    """A schedule helps a job, or a run, that failed; not one that would run it in turn."""
    with Lab() as daemon, prepared(daemon) as client:
        helper = schedule(daemon, client, "help")
        number = daemon.backup(client, on_failure="run-job", recovery="help")
        job = ended(client, number)
        assert job["recovery"] == helper["id"] and job["properties"]["RecoveryAction"] == 5
        assert rested(client, "help")["runs"] == 1 and not job["warnings"]
        schedule(daemon, client, "a", on_failure="run-job", recovery="help")
        refused("Invalid", "by its own failure", client.call, "schedule-set", schedule="help",
                on_failure="run-job", recovery="a")
        client.call("schedule-control", schedule="a", action="run")
        until(lambda: client.call("schedule-show", schedule="help")["runs"] == 2)
        rested(client, "help")


def test_schedule_retries():
    """Its run is over, and told of, with the last attempt."""
    with Server() as server, Lab("--url", server.url) as daemon, prepared(daemon) as client:
        made = schedule(daemon, client, "nightly", on_failure="retry", retries=1, retry_delay=1,
                        notify=server.url)
        client.call("schedule-control", schedule="nightly", action="run")
        told = server.take()[2]["job"]
        last = rested(client, "nightly")
        assert told["schedule"] == made["id"] and told["attempt"] == 1
        assert last["runs"] == 1 and last["job"] == told["id"]
        no_errands(client)
        assert server.got.empty()


def test_cli_waits():
    """For the last attempt, whose end is the command's."""
    with Lab() as daemon, prepared(daemon) as client:
        done = subprocess.run(
            [CAIRN, "-s", daemon.path("run", "control.sock"), "backup", "web",
             daemon.path("exports"), "--on-failure", "retry", "--retries", "1", "--retry-delay",
             "1s"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS,
            env=dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE=""), check=False)
        assert done.returncode == 1, done
        assert done.stderr.count("will be tried again as job 3") == 1, done.stderr
        assert [job["attempt"] for job in client.call("job-list")] == [0, 0, 1]


sys.exit(main([test_refusals, test_mail, test_post, test_refused, test_hanging, test_killed,
               test_journal, test_command, test_command_hangs, test_retry,
               test_retry_new_point, test_run_schedule, test_schedule_retries, test_cli_waits]))
