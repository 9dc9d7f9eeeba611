"""What a test says to cairnd and to the guests, and how it looks at what they left behind: the
control socket itself, so that a test sees what every client sees, and virsh for the other side."""
import contextlib
import json
import os
import socket
import subprocess
import time

from labtest import Failure, expect, run

from cairnlab.common import LabError, wait_until

SECONDS = 180  # until something that is sure to come counts as lost: the machine may be slow
ENDED = (7, 8, 9, 10, 32768)  # CIM_ConcreteJob.JobState
NEW, RUNNING, SUSPENDED, COMPLETED, TERMINATED, KILLED, EXCEPTION, SERVICE, WARNINGS = (
    2, 4, 5, 7, 8, 9, 10, 11, 32768)


class Refused(Exception):
    """The daemon's error: its class and what it said."""

    def __init__(self, kind, text):
        super().__init__("%s: %s" % (kind, text))
        self.kind, self.text = kind, text


class Connection:
    """One connection to the control socket; answers by number, events as they come."""

    def __init__(self, path, seconds=SECONDS):
        self.events = []
        self.count = 0
        self.rest = b""
        self.seconds = seconds
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        self.socket.connect(path)
        expect("cairn" in self.line(seconds), "no greeting")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def line(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("cairnd said nothing for %d s" % seconds)
            self.socket.settimeout(left)
            received = self.socket.recv(65536)
            if not received:
                raise ConnectionError("cairnd closed the connection")
            self.rest += received
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def call(self, request, **arguments):
        self.count += 1
        words = {key.replace("_", "-"): value for key, value in arguments.items()}
        self.socket.sendall(json.dumps({"execute": request, "arguments": words,
                                        "id": self.count}).encode() + b"\n")
        while True:
            answer = self.line(self.seconds)
            if "event" in answer:
                self.events.append(answer)
            elif answer.get("id") == self.count:
                if "error" in answer:
                    raise Refused(answer["error"]["class"], answer["error"]["desc"])
                return answer["return"]

    def event(self, seconds=SECONDS):
        """The next event, those that arrived between answers first."""
        return self.events.pop(0) if self.events else self.line(seconds)


class Daemon:
    """cairnd of a lab. Calls are whole in themselves, so that it may be restarted in between."""

    def __init__(self, lab):
        self.lab = lab
        self.path = os.path.join(lab.directory, "run/control.sock")
        self.exports = os.path.join(lab.directory, "exports")
        self.uri = lab.state["uri"]

    def connect(self, seconds=SECONDS):
        return Connection(self.path, seconds)

    def call(self, request, **arguments):
        with self.connect() as connection:
            return connection.call(request, **arguments)

    def refused(self, kind, request, **arguments):
        """The text of the error that the request must get."""
        try:
            answer = self.call(request, **arguments)
        except Refused as refused:
            expect(refused.kind == kind, "%s %s: not %s but %s", request, arguments, kind, refused)
            return refused.text
        raise Failure("%s %s was not refused: %s" % (request, arguments, answer))

    def wait(self, job, seconds=SECONDS, until=lambda job: job["state"] in ENDED):
        """A job once `until` is true of it; each of its events is looked at."""
        deadline = time.monotonic() + seconds
        with self.connect() as connection:
            connection.call("subscribe")
            while True:
                shown = connection.call("job-show", job=str(job))
                if until(shown):
                    return shown
                expect(shown["state"] not in ENDED, "job %s ended: %s", job, outcome(shown))
                connection.events.clear()
                try:
                    connection.event(deadline - time.monotonic())
                except TimeoutError:
                    raise Failure("job %s after %d s: %s" % (job, seconds, json.dumps(shown)))

    def done(self, job, states=(COMPLETED, WARNINGS), seconds=SECONDS):
        """A job that ended in one of `states`."""
        shown = self.wait(job, seconds)
        expect(shown["state"] in states, "job %s (%s): %s", job, shown["kind"], outcome(shown))
        return shown

    def failed(self, job, kind, *words):
        """The message of a job that must end with an error of this class and with these words."""
        self.done(job, (EXCEPTION,))
        error = self.call("job-errors", job=str(job))[0]
        return check_message(error["class"], error["message"], kind, words)

    def fails(self, kind, *words, request="export", **arguments):
        """The same for a request that is refused at once, or whose job fails."""
        if request == "export":
            arguments.setdefault("directory", self.exports)
        try:
            job = self.call(request, **arguments)["job"]
        except Refused as refused:
            return check_message(refused.kind, refused.text, kind, words)
        return self.failed(job, kind, *words)

    # -- the everyday requests, to their end -------------------------------------------------

    def point(self, group, **arguments):
        taken = self.call("point-create", group=group, **arguments)
        self.done(taken["job"])
        return self.call("point-show", point=taken["point"])

    def export(self, point, states=(COMPLETED, WARNINGS), **arguments):
        arguments.setdefault("directory", self.exports)
        return self.done(self.call("export", point=point, **arguments)["job"], states)

    def backup(self, group, states=(COMPLETED, WARNINGS), **arguments):
        """(point, job of the export)"""
        arguments.setdefault("directory", self.exports)
        begun = self.call("backup", group=group, **arguments)
        job = self.done(begun["job"], states)
        return self.call("point-show", point=begun["point"]), job

    # -- files -------------------------------------------------------------------------------

    def cairn(self, *words, check=True):
        """The command itself: what it printed, and with check=False the whole outcome."""
        done = subprocess.run([os.path.join(self.lab.state["bin"], "cairn"), *words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, timeout=300,
                              env=dict(os.environ, CAIRN_SOCKET=self.path))
        if not check:
            return done
        expect(done.returncode == 0, "cairn %s: %s%s", " ".join(words), done.stderr, done.stdout)
        return done.stdout

    def folder(self, point, directory=None):
        return os.path.join(directory or self.exports, point["group"], point["id"])

    def manifest(self, point, directory=None):
        with open(os.path.join(self.folder(point, directory), "manifest.json")) as file:
            return json.load(file)

    def restore(self, point, to, *options):
        """Restores into a new folder and returns it."""
        self.cairn("restore", self.exports, "--point", point["id"], "--to", to, "-q", *options)
        return to

    def reference(self, point, folder):
        """A copy of the held data, by a program that is not ours: {(vm, target): raw file}."""
        os.makedirs(folder, exist_ok=True)
        copies = {}
        for member in point["members"]:
            for disk in member["disks"]:
                path = os.path.join(folder, "%s-%s.raw" % (member["name"], disk["target"]))
                run(["nbdcopy", "nbd+unix:///%s?socket=%s" % (disk["target"], member["socket"]),
                     path])
                copies[member["name"], disk["target"]] = path
        return copies

    def compare(self, copies, restored, extension="qcow2"):
        """Byte for byte, sizes too."""
        for (vm, target), path in copies.items():
            image = os.path.join(restored, vm, "%s.%s" % (target, extension))
            info = json.loads(run(["qemu-img", "info", "--output=json", image]))
            expect(info["virtual-size"] == os.path.getsize(path), "%s: %d bytes, not %d", image,
                   info["virtual-size"], os.path.getsize(path))
            done = subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", extension, path, image],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  universal_newlines=True)
            expect(done.returncode == 0, "%s:%s: %s differs from the point: %s", vm, target, image,
                   done.stdout.strip())

    # -- the other side ----------------------------------------------------------------------

    def virsh(self, *words, check=True):
        return run(["virsh", "-c", self.uri, "-q", *words], check=check).strip()

    def agent(self, vm, command):
        """Asked again while it does not answer: libvirt waits for 5 seconds only."""
        def probe():
            try:
                return self.virsh("qemu-agent-command", vm, json.dumps({"execute": command}))
            except LabError:
                return None
        return json.loads(wait_until("%s by the agent of %s" % (command, vm), probe,
                                     SECONDS))["return"]

    def monitor(self, vm, command, **arguments):
        text = json.dumps({"execute": command, "arguments": arguments})
        return json.loads(self.virsh("qemu-monitor-command", vm, text))["return"]

    def guest(self, vm, *words, seconds=SECONDS):
        with self.lab.commands(vm, seconds) as commands:
            return commands.call(" ".join(words))

    def bitmaps(self, vm):
        """Names of the dirty bitmaps of a running machine."""
        found = set()
        for node in self.monitor(vm, "query-named-block-nodes"):
            for bitmap in node.get("dirty-bitmaps", []):
                found.add(bitmap.get("name", ""))
        return found

    def check_guest(self, vm, agent=True):
        """Running, thawed, and a write comes to its end. What a job could not undo is owed, and done soon."""
        wait_until("%s to run" % vm, lambda: self.virsh("domstate", vm) == "running", SECONDS)
        if agent:
            wait_until("%s to be thawed" % vm, lambda: self.agent(
                vm, "guest-fsfreeze-status") == "thawed", SECONDS)
        self.guest(vm, "sh echo alive >/data/alive && sync" if self.guest(
            vm, "sh grep -c /data /proc/mounts || true") == ["1"] else "ping")

    def check_clean(self, held=False):
        """Nothing of ours is left on the host but what the newest point of each group needs."""
        for guest in self.lab.state["guests"]:
            vm = guest["name"]
            keep = {point["group"]: point["id"] for point in self.call("point-list")}.values()
            names = set(self.virsh("checkpoint-list", vm, "--name").split())
            if self.virsh("domstate", vm) in ("running", "paused"):
                names |= self.bitmaps(vm)
                job = self.virsh("domjobinfo", vm)
                expect(held or "None" in job, "%s still has a job: %s", vm, job)
            wrong = {name for name in names if name.startswith("cairn-") and
                     not any(name.endswith(point) for point in keep)}
            expect(not wrong, "%s still has %s (kept: %s)", vm, wrong, list(keep))
        if not held:
            config = self.call("query-status")["config"]
            for folder in (config["scratch-dir"], os.path.join(config["run-dir"], "nbd")):
                left = os.listdir(folder)
                expect(not left, "%s holds %s", folder, left)

    def wait_clean(self, seconds=SECONDS, **options):
        """The same once what is owed has been paid in the background; else the last complaint."""
        complaint = []

        def probe():
            try:
                self.check_clean(**options)
                return True
            except (Failure, LabError) as failure:
                complaint[:] = [failure]
                return False
        try:
            wait_until("a clean host", probe, seconds)
        except LabError:
            raise Failure("after %d s: %s" % (seconds, complaint[0]))


def check_message(found, message, kind, words):
    expect(found == kind, "not %s but %s: %s", kind, found, message)
    for word in words:
        expect(word in message, "no \"%s\" in \"%s\"", word, message)
    return message


def outcome(job):
    """How a job stands, for a message."""
    return "%s%s" % (job["state-name"], ": " + job["error"] if job["error"] else "")


def disks(job):
    """{(vm, target): disk} of a job."""
    return {(disk["vm-name"], disk["target"]): disk for disk in job["disks"]}


@contextlib.contextmanager
def tmpfs(path, megabytes, option="rw"):
    """A small file system. The lab's daemons see it when it is there before the lab."""
    os.makedirs(path, exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", "size=%dm,mode=755,%s" % (megabytes, option), "cairn-test",
         path])
    try:
        yield path
    finally:
        run(["umount", "-l", path])
