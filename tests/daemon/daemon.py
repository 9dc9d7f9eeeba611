"""A cairnd of its own in a temporary folder, over the fake hypervisor, and clients of its sockets."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import traceback

SECONDS = 120  # for what takes a moment: a busy machine with sanitizers may be a hundred times slower

# It is noon: the times of day in these tests are hours away, and no zone's summer time comes between.
os.environ["TZ"] = "NOON%+d" % (time.gmtime().tm_hour - 12)
time.tzset()


class Refused(Exception):
    """The daemon's error: its class and what it said."""

    def __init__(self, kind, text):
        super().__init__("%s: %s" % (kind, text))
        self.kind, self.text = kind, text


class Client:
    """A connection; `call(request, _as=USER, ...)` asks as a front end does."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(SECONDS)
        self.socket.connect(path)
        self.file = self.socket.makefile("rwb")
        self.events = []
        self.count = 0
        self.greeting = self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def read(self):
        line = self.file.readline()
        if not line:
            raise EOFError("cairnd closed the connection")
        return json.loads(line)

    def send(self, message):
        self.file.write(json.dumps(message).encode() + b"\n")
        self.file.flush()

    def call(self, request, _as=None, **arguments):
        self.count += 1
        message = {"execute": request, "id": self.count,
                   "arguments": {key.replace("_", "-"): it for key, it in arguments.items()}}
        if _as is not None:
            message["as"] = _as if isinstance(_as, dict) else {"user": _as}
        self.send(message)
        return self.answer(self.count)

    def answer(self, number):
        while True:
            message = self.read()
            if "event" in message:
                self.events.append(message)
            elif message.get("id") == number:
                if "error" in message:
                    raise Refused(message["error"]["class"], message["error"]["desc"])
                return message["return"]

    def event(self, *names):
        """The next event of these names."""
        while True:
            message = self.events.pop(0) if self.events else self.read()
            if message.get("event") in names:
                return message


class Daemon:
    def __init__(self, program, *options, roots=("exports",)):
        self.directory = tempfile.mkdtemp(prefix="cairnd-")
        self.log = tempfile.TemporaryFile()
        os.chmod(self.directory, 0o755)
        os.mkdir(self.path("run"), 0o755)
        # No test here copies a disk, and the daemon wants a program that is there.
        self.words = [program, "--export-program", "/bin/true", "--config", self.path("conf"), "--state-dir",
                      self.path("state"),
                      "--run-dir", self.path("run"), "--connect", "fake:///test",
                      "--socket-group", "", *options]
        for root in roots:
            os.mkdir(self.path(root))
            self.words += ["--export-root", self.path(root)]
        with open(self.path("conf"), "w"):
            pass
        self.process = None
        try:
            self.begin()
        except BaseException:
            self.clean()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.end()
        finally:
            self.clean()

    def begin(self):
        """Starts it; it says when it is ready, as to systemd."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(self.path("notify"))
            ready.settimeout(SECONDS)
            env = dict(os.environ, NOTIFY_SOCKET=self.path("notify"))
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stderr=self.log,
                                            env=env)
            while b"READY=1" not in ready.recv(4096):
                pass
        os.unlink(self.path("notify"))

    def end(self):
        process, self.process = self.process, None
        process.terminate()
        status = process.wait(SECONDS)
        said = self.said()
        if status or "Sanitizer" in said:
            raise AssertionError("cairnd ended with %d:\n%s" % (status, said))

    def clean(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory)

    def said(self):
        """Its log so far. The place in the file is the program's too: it stays where it is."""
        return read_log(self.log)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def client(self, read_only=False):
        return Client(self.path("run", "control-ro.sock" if read_only else "control.sock"))


def read_log(file):
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")


def refused(kind, words, function, *arguments, **named):
    """The call must fail so."""
    try:
        got = function(*arguments, **named)
    except Refused as error:
        if error.kind != kind or words not in error.text:
            raise AssertionError("refused with %s, not %s with %r" % (error, kind, words)) from None
        return
    raise AssertionError("not refused: %r" % (got,))


def main(tests):
    """Runs functions, reports as TAP."""
    print("1..%d" % len(tests))
    failed = 0
    for number, test in enumerate(tests, 1):
        try:
            why = test()
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print("not ok %d %s" % (number, test.__name__))
            print("# " + repr(error).replace("\n", "\n# "))
            print("# " + traceback.format_exc().strip().replace("\n", "\n# "))
        else:
            print("ok %d %s%s" % (number, test.__name__, " # SKIP " + why if why else ""))
    return 1 if failed else 0
