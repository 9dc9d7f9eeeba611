#!/usr/bin/python3
"""jobqueue.py CAIRND CAIRN-CIMD: the limits of the queue, how speed is divided among running copies, what a
job that ran goes on with when cairnd was killed, and points in use. The machines are the fake's; a program that
moves no bytes stands for cairn-export and says what it is told."""
import os
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import SECONDS, Daemon, main, refused  # noqa: E402
from cimd_front import CAIRND, Front  # noqa: E402
from cairnlab.cimclient import CimError  # noqa: E402

NEAR, FAR = "fake:///near?web=running,vda,vdb&off=shutoff,vda", "fake:///far?db=running,vda"
MIB = 1 << 20
TEXT = '''#!/usr/bin/python3
import os, socket, sys
words = dict(zip(sys.argv, sys.argv[1:]))
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.connect(os.path.join(os.path.dirname(sys.argv[0]), "told"))
name = "/".join(sys.argv[-1].split("/")[-2:])
def say(text):
    told.send((name + " " + text).encode())
def progress(done):
    print('{"progress": {"done": %d, "total": 1000, "rate": 1}}' % done, flush=True)
progress(250)
say("begun" + (" at " + words["--rate"] if "--rate" in words else ""))
for line in os.fdopen(int(words["--control"])):
    say(line.strip())
    if line.startswith("cancel"):
        sys.exit(3)
'''


class Lab(Daemon):
    """With machines, and a program that copies nothing."""

    def __init__(self, *options):
        self.told = None
        super().__init__(CAIRND, "--connect", NEAR, "--connect", FAR, "--administrator", "adam", *options)

    def begin(self):
        if not self.told:
            self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.told.bind(self.path("told"))
            self.told.settimeout(SECONDS)
            with open(self.path("export"), "w") as file:
                file.write(TEXT)
            os.chmod(self.path("export"), 0o755)
            self.words += ["--export-program", self.path("export")]
        super().begin()

    def clean(self):
        if self.told:
            self.told.close()
        super().clean()

    def kill(self):
        self.process.kill()
        self.process.wait(SECONDS)
        self.process = None

    def hear(self, *want):
        """What the copies say next, in any order."""
        got = sorted(self.told.recv(4096).decode() for _ in want)
        assert got == sorted(want), got

    def quiet(self):
        self.told.setblocking(False)
        try:
            raise AssertionError("told: %r" % self.told.recv(4096))
        except BlockingIOError:
            self.told.settimeout(SECONDS)


def machines(client):
    return {vm["name"]: vm["id"] for vm in client.call("vm-list")}


def take_point(client, group):
    """A point of a group, made of one machine of that name if it is not there."""
    if group not in [it["name"] for it in client.call("group-list")]:
        client.call("group-create", name=group, members=[group])
    with_events = client.call("point-create", group=group)
    wait(client, with_events["number"], "completed")
    return with_events["point-name"]


def wait(client, number, *states):
    deadline = time.monotonic() + SECONDS
    while True:
        job = client.call("job-show", job=str(number))
        if job["state-name"] in states:
            return job
        assert job["ended"] is None and time.monotonic() < deadline, job
        try:  # until something happens
            client.socket.settimeout(0.05)
            client.event("JOB_CHANGED", "JOB_PROGRESS")
        except (TimeoutError, OSError):
            client.file = client.socket.makefile("rwb")
        finally:
            client.socket.settimeout(SECONDS)


def export(client, daemon, point, **arguments):
    return client.call("export", point=point, directory=daemon.path("exports"), **arguments)["number"]


def values(limits):
    return {it["name"]: (it["value"], it["configured"], it["set"]) for it in limits}


def test_limits():
    with Daemon(CAIRND, "--administrator", "adam", "--observer", "olga", "--max-copies", "7") as daemon:
        with daemon.client() as client, daemon.client(read_only=True) as reader:
            shown = values(reader.call("limits-show"))
            assert shown["max-copies"] == (7, 7, False) and shown["starve-after"] == (3600, 3600, False)
            refused("Denied", "limits-set", reader.call, "limits-set", max_jobs=2)
            refused("Invalid", '"max-jobs" is from 1 to 1000', client.call, "limits-set", max_jobs=0)
            refused("Invalid", '"starve-after"', client.call, "limits-set", starve_after=2 ** 40)
            refused("Invalid", "negative", client.call, "limits-set", rate_per_host=-1)
            refused("Invalid", "fast", client.call, "limits-set", fast=1)
            client.call("limits-set", max_copies=3, rate_per_host=50 * MIB)
            shown = values(client.call("limits-set", max_jobs=2))
            assert shown["max-copies"] == (3, 7, True) and shown["max-jobs"] == (2, 8, True)
        daemon.end()
        daemon.begin()
        with daemon.client() as client:
            assert values(client.call("limits-show")) == shown
            shown = values(client.call("limits-set", max_copies=None, max_jobs=None))
            assert shown["max-copies"] == (7, 7, False) and shown["max-jobs"] == (8, 8, False)
            assert shown["rate-per-host"] == (50 * MIB, 0, True)


def test_rates():
    """A limit that changes is told to the copies that run, and so is what others leave."""
    with Lab() as daemon, daemon.client() as client:
        web, db = take_point(client, "web"), take_point(client, "db")
        ids = machines(client)
        vda, vdb = ("%s/%s.qcow2" % (ids["web"], disk) for disk in ("vda", "vdb"))
        far = "%s/vda.qcow2" % ids["db"]
        first = export(client, daemon, web)
        daemon.hear(vda + " begun", vdb + " begun")
        client.call("limits-set", rate_per_host=8 * MIB)
        daemon.hear("%s rate %d" % (vda, 4 * MIB), "%s rate %d" % (vdb, 4 * MIB))
        second = export(client, daemon, db, rate=MIB)
        daemon.hear("%s begun at %d" % (far, MIB), "%s rate %d" % (far, MIB))
        client.call("job-set", job=str(first), rate=2 * MIB)
        daemon.hear("%s rate %d" % (vda, MIB), "%s rate %d" % (vdb, MIB))
        client.call("job-set", job=str(first), rate=0)
        daemon.hear("%s rate %d" % (vda, 4 * MIB), "%s rate %d" % (vdb, 4 * MIB))
        client.call("job-set", job=str(second), rate=0)
        daemon.hear("%s rate %d" % (far, 8 * MIB))
        client.call("limits-set", rate_per_host=None)
        daemon.hear(vda + " rate 0", vdb + " rate 0", far + " rate 0")
        client.call("job-control", job=str(first), action="terminate")
        daemon.hear(vda + " cancel", vdb + " cancel")
        assert wait(client, first, "terminated")
        client.call("job-control", job=str(second), action="kill")
        wait(client, second, "killed")
        daemon.quiet()


def test_shared_host():
    """Two jobs on one host; what ends or is suspended leaves its part to the other."""
    with Lab("--rate-per-host", "9M") as daemon, daemon.client() as client:
        web, off = take_point(client, "web"), take_point(client, "off")
        ids = machines(client)
        vda, other = ("%s/vda.qcow2" % ids[vm] for vm in ("web", "off"))
        first = export(client, daemon, web, disks=["web:vda"])
        daemon.hear("%s begun at %d" % (vda, 9 * MIB), "%s rate %d" % (vda, 9 * MIB))
        second = export(client, daemon, off, rate=3 * MIB)
        daemon.hear("%s begun at %d" % (other, 3 * MIB), "%s rate %d" % (other, 3 * MIB),
                    "%s rate %d" % (vda, 6 * MIB))
        client.call("job-control", job=str(second), action="suspend")
        daemon.hear(other + " suspend", "%s rate %d" % (vda, 9 * MIB))
        client.call("job-control", job=str(second), action="resume")
        daemon.hear(other + " resume", "%s rate %d" % (vda, 6 * MIB))
        client.call("job-control", job=str(first), action="terminate")
        daemon.hear(vda + " cancel")
        client.call("job-set", job=str(second), rate=0)
        wait(client, first, "terminated")
        assert daemon.told.recv(4096).decode() == "%s rate %d" % (other, 9 * MIB)


def times(job):
    return job["started"], job["submitted"], job["properties"]["TimeOfLastStateChange"]


def test_killed():
    """What is still held goes on, and says the same of its times; what is gone is said."""
    with Lab() as daemon:
        with daemon.client() as client:
            web, off = take_point(client, "web"), take_point(client, "off")
            ids = machines(client)
            lost, kept = export(client, daemon, web), export(client, daemon, off)
            daemon.hear(*("%s/%s.qcow2 begun" % (ids[vm], disk) for vm, disk in
                          (("web", "vda"), ("web", "vdb"), ("off", "vda"))))
            before = {it: client.call("job-show", job=str(it)) for it in (lost, kept)}
            assert all(job["state"] == 4 and job["started"] for job in before.values()), before
        daemon.kill()
        daemon.begin()
        with daemon.client() as client:
            daemon.hear("%s/vda.qcow2 begun" % ids["off"])
            job = wait(client, kept, "running")
            assert times(job) == times(before[kept]), (job, before[kept])
            job = wait(client, lost, "exception")
            assert times(job)[:2] == times(before[lost])[:2]
            assert 'machine "web" no longer holds the data' in job["error"], job["error"]
            assert "while cairnd did not watch" in job["properties"]["ErrorDescription"]
            assert job["properties"]["JobState"] == 10
            deadline = time.monotonic() + SECONDS
            while client.call("job-show", job=str(kept))["percent"] != 25:
                assert time.monotonic() < deadline
            client.call("job-control", job=str(kept), action="suspend")
            daemon.hear("%s/vda.qcow2 suspend" % ids["off"])
            before = client.call("job-show", job=str(kept))
        # A suspended one stays so, and its time does not run.
        daemon.kill()
        daemon.begin()
        with daemon.client() as client:
            job = client.call("job-show", job=str(kept))
            assert job["state-name"] == "suspended" and times(job) == times(before)
            assert job["elapsed-us"] == before["elapsed-us"] < SECONDS * 1000000
            client.call("job-control", job=str(kept), action="resume")
            daemon.hear("%s/vda.qcow2 begun" % ids["off"])


def front_points(wire, point):
    """The point as the front end names it, which hears of it a moment after its job has ended."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = [epr for _, epr in wire.enumerate("Msvm_ReferencePointCollection")
                 if point in str(epr.keys).upper()]
        if found:
            assert len(found) == 1, found
            return found
        assert time.monotonic() < deadline, "point %s does not come" % point


def test_in_use():
    """For CIM clients too: 32774 is "In use"."""
    with Lab() as daemon, daemon.client() as client, Front(daemon, "adam") as front:
        off = take_point(client, "off")
        point = client.call("point-show", point=off)["id"]
        number = export(client, daemon, off)
        daemon.told.recv(4096)
        refused("Busy", "is used by job %d" % number, client.call, "point-delete", point=off)
        refused("Busy", "is used by job %d" % number, client.call, "point-release", point=off)
        refused("Busy", "job", client.call, "group-delete", group="off", force=True)
        for wire in (front.wsman(), front.cimxml()):
            service = wire.enumerate("Msvm_CollectionReferencePointService")[0][1]
            found = front_points(wire, point)
            for method in ("DestroyReferencePoint", "RemoveAssociatedData"):
                code, _ = wire.invoke(service, method,
                                      (("AffectedReferencePointCollection", found[0]),))
                assert code == 32774, (method, code)
            try:
                wire.delete(found[0])
                raise AssertionError("a point in use was deleted")
            except CimError as error:
                assert "is used by job %d" % number in str(error), error
        client.call("job-control", job=str(number), action="kill")
        wait(client, number, "killed")
        code, _ = wire.invoke(service, "DestroyReferencePoint",
                              (("AffectedReferencePointCollection", found[0]),))
        assert code == 0 and not client.call("point-list")


def test_repeated():
    """A job that runs becomes the first run of a schedule, also over a kill; one that waits is delayed."""
    with Lab() as daemon:
        with daemon.client() as client:
            off = take_point(client, "off")
            first, second = export(client, daemon, off), export(client, daemon, off)
            daemon.told.recv(4096)
            client.call("subscribe")
            refused("Invalid", "to repeat it", client.call, "job-set", job=str(first), at="02:00")
            job = client.call("job-set", job=str(first), at="02:00", times=3)
            schedule, = client.call("schedule-list")
            assert job["schedule"] == schedule["id"] and schedule["job-number"] == first, (job, schedule)
            assert schedule["state-name"] == "running" and schedule["runs"] == 1 and schedule["next"]
            refused("Invalid", "between 1970 and 9999", client.call, "job-set", job=str(second),
                    start="1960-01-01T00:00:00Z")
            refused("Invalid", "between 1970 and 9999", client.call, "job-set", job=str(second),
                    start="1960-01-01T00:00:00Z", times=1)
            job = client.call("job-set", job=str(second), at="02:00", times=1)
            assert job["due"] and not job["schedule"] and len(client.call("schedule-list")) == 1
        daemon.kill()
        daemon.begin()
        daemon.told.recv(4096)
        with daemon.client() as client:
            client.call("job-control", job=str(first), action="terminate")
            wait(client, first, "terminated")
            schedule, = client.call("schedule-list")
            assert schedule["state-name"] == "new" and schedule["runs"] == 1, schedule
            client.call("job-control", job=str(second), action="terminate")


sys.exit(main([test_limits, test_rates, test_shared_host, test_killed, test_in_use, test_repeated]))
