#!/usr/bin/python3
"""schedules_remote.py CAIRND CAIRN-CIMD CAIRN: `cairn --host` makes, shows, changes, runs and deletes schedules
through the front end, and tells of them what `cairn` tells on the host, as far as the classes carry it. The
groups have no machines: a run fails as soon as it has begun."""
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import SECONDS, main  # noqa: E402

from cimd_front import Front, prepared, select_wait  # noqa: E402

CAIRN = os.path.abspath(sys.argv[3])
ZONES = {"near": "Europe/Paris", "far": "America/New_York"}
LATER = ("--start", "2040-01-01")  # so that nothing is due while it is looked at


class Site:
    """A daemon, its front end, and the command line near and far: the host is in Paris, who asks in New York."""

    def __enter__(self):
        os.environ["TZ"] = ZONES["near"]
        self.daemon = prepared().__enter__()
        self.front = Front(self.daemon, "adam").__enter__()
        self.client = self.daemon.client().__enter__()
        return self

    def __exit__(self, *problem):
        self.client.__exit__(*problem)
        self.front.__exit__(*problem)
        self.daemon.__exit__(*problem)

    def run(self, zone, *words):
        environment = {key: value for key, value in os.environ.items() if key != "CAIRN_HOST"}
        environment.update(LC_ALL="C.UTF-8", TZ=ZONES[zone])
        return subprocess.run([CAIRN, *words], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=SECONDS, check=False)

    def far(self, *words):
        done = self.run("far", "--host", self.front.url, "--json", "schedule", *words)
        assert done.returncode == 0, (words, done.stderr)
        return json.loads(done.stdout)

    def near(self, *words):
        done = self.run("near", "-s", self.daemon.path("run/control.sock"), "--json", "schedule", *words)
        assert done.returncode == 0, (words, done.stderr)
        return json.loads(done.stdout)

    def refused(self, text, *words):
        done = self.run("far", "--host", self.front.url, "schedule", *words)
        assert done.returncode == 1 and text in done.stderr, (words, done.returncode, done.stderr)

    def shown(self, name, state):
        """As soon as it is: what cairnd does by itself comes to the front end as an event."""
        deadline = time.monotonic() + SECONDS
        while True:
            done = self.run("far", "--host", self.front.url, "--json", "schedule", "show", name)
            far = json.loads(done.stdout or "null")
            if far and far["state-name"] == state:
                return far
            assert time.monotonic() < deadline, (done, state)
            select_wait(self.front.process)

    def same(self, name):
        """What is told far is so near; of the next runs it is the first."""
        far, near = self.far("show", name), self.near("show", name)
        assert far["upcoming"] == near["upcoming"][:1], (far, near)
        if far["start-once"]:  # the classes say that it is one run
            near["run-times"] = near["run-times"] or 1
        for key, value in far.items():
            if value is not None and key not in ("upcoming", "recovery"):
                assert near[key] == value, (key, value, near[key])
        assert near["recovery"]["other"] == far["recovery"]["other"], (far, near)
        return far


def test_create():
    with Site() as site:
        folder = site.daemon.path("exports")
        site.near("create", "db", folder, "--weekdays", "mon-fri", "--every", "6h", "--name", "both",
                  "--keep", "10", "--on-failure", "retry", *LATER)
        site.shown("both", "new")
        made = site.far("create", "web", folder, "--at", "02:00", "--weekdays", "sun", "--months", "nov",
                        "--until", "2040-12-31", "--times", "9", "--priority", "7", "--keep-job", "3d",
                        "--name", "sundays", "--on-failure", "run-job", "--recovery", "both", *LATER)
        shown = site.same("sundays")
        assert made == shown, (made, shown)
        assert shown["recovery-schedule"] == "both" and shown["calendar"]["months"] == 1 << 10, shown
        # typed in New York, where it was five in the morning in Paris already
        assert shown["until"] == "2040-12-31T05:00:00.000000Z", shown
        # two in the morning of the host, where it is winter then
        assert shown["next"] == "2040-11-04T01:00:00.000000Z" and shown["run-times"] == 9, shown
        last = site.far("create", "web", folder, "--day", "-1", "--day-of-week", "-fri", "--utc",
                        "--at", "04:30:10", *LATER)
        assert last["name"] == "web" and last["next"] == "2040-01-27T04:30:10.000000Z", last
        once = site.far("create", "web", folder, "--start", "2040-06-01 12:00")
        assert once["name"] == "web-2" and once["calendar-text"] == "once", once
        assert once["start"] == once["next"] == "2040-06-01T16:00:00.000000Z", once
        plain = site.far("create", "db", folder, "--weekdays", "all", "--notify", "ops@example.org", *LATER)
        assert plain["calendar-text"] == "every day at 00:00", plain
        assert [site.same(name)["calendar"] is not None for name in ("web", "web-2", "db", "both")] == \
            [True, False, True, False]
        assert site.same("both")["calendar-text"] == site.near("show", "both")["calendar-text"]
        names = [each["name"] for each in site.near("list")]
        assert [each["name"] for each in site.far("list")] == names == \
            ["both", "db", "sundays", "web", "web-2"], names
        assert [each["name"] for each in site.far("list", "--group", "db")] == ["both", "db"]
        site.refused("CIM status", "create", "web", "/etc", "--at", "02:00")
        site.refused("CIM status", "create", "web", folder, "--months", "feb", "--day", "30")
        site.refused('no schedule "nope"', "show", "nope")


def test_set():
    with Site() as site:
        folder = site.daemon.path("exports")
        site.far("create", "web", folder, "--at", "02:00", "--day", "5", "--until", "2040-12-31", *LATER)
        set_ = site.far("set", "web", "--at", "03:15", "--day", "any", "--months", "mar", "--until", "",
                        "--times", "3", "--notify", "ops@example.org", "--utc")
        assert set_ == site.same("web") and set_["until"] is None, set_
        assert set_["calendar-text"] == "every day in March at 03:15 UTC" and set_["run-times"] == 3, set_
        set_ = site.far("set", "web", "--notify", "", "--months", "all", "--local", "--start",
                        "2040-05-01 10:00")
        assert set_ == site.same("web") and set_["notify"] is None, set_
        assert set_["calendar-text"] == "every day at 03:15" and set_["next"].startswith("2040-05-02T01"), set_


def test_control():
    with Site() as site:
        site.far("create", "web", site.daemon.path("exports"), "--at", "02:00", *LATER)
        site.refused("it is new", "resume", "web")
        suspended = site.far("suspend", "web")
        assert suspended["state-name"] == "suspended" and suspended["upcoming"] == [], suspended
        site.same("web")
        site.refused("resume it, or run this on the host itself", "run", "web")
        site.refused("return value 32775", "suspend", "web")
        assert site.far("resume", "web")["state-name"] == "new"
        assert site.near("show", "web")["state-name"] == "new"
        site.client.call("subscribe")
        before = site.near("show", "web")["runs"]
        done = site.run("far", "--host", site.front.url, "schedule", "run", "web")
        assert done.returncode == 0, done.stderr
        while not site.near("show", "web")["last-ended"]:
            site.client.event("SCHEDULE_CHANGED")
        near = site.near("show", "web")
        assert near["runs"] == before + 1 and near["job"] == done.stdout.strip(), (near, done.stdout)
        far = site.shown("web", "new")
        assert far["last-state-name"] == "exception" and "no members" in far["error"], far
        ended = site.far("terminate", "web")
        assert ended["state-name"] == "terminated" and ended["upcoming"] == [], ended
        site.far("create", "db", site.daemon.path("exports"), "--at", "02:00", *LATER)
        assert site.far("delete", "web") == {} and [each["name"] for each in site.near("list")] == ["db"]
        done = site.run("far", "--host", site.front.url, "group", "delete", "db", "--force")
        assert done.returncode == 0 and site.near("list") == site.far("list") == [], done.stderr


sys.exit(main([test_create, test_set, test_control]))
