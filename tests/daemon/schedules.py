#!/usr/bin/python3
"""schedules.py CAIRND: schedules of a real daemon, over stops, kills and hours that pass while it is down.
The groups have no machines, so that runs fail as soon as they begin: what is looked at is when they begin,
and how often."""
import datetime
import json
import os
import signal
import sqlite3
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import Daemon, main, refused  # noqa: E402

CAIRND = sys.argv[1]
NEW, RUNNING, SUSPENDED, COMPLETED, TERMINATED, EXCEPTION = 2, 4, 5, 7, 8, 10
HOUR = 3600
LATE = 60  # seconds; what begins so long after its time says so


def iso(seconds):
    """So many seconds from now."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return then.isoformat()


def parsed(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def prepared(*options):
    daemon = Daemon(CAIRND, *options)
    with daemon.client() as client:
        client.call("group-create", name="web")
        client.call("group-create", name="db")
    return daemon


def create(daemon, client, _as=None, **arguments):
    arguments.setdefault("group", "web")
    return client.call("schedule-create", _as=_as, directory=daemon.path("exports"), **arguments)


def runs_of(client, schedule):
    """The jobs of its runs: a point and an export each."""
    return [job for job in client.call("job-list") if job["schedule"] == schedule["id"]]


def ended(client, name, runs):
    """As it is when so many runs have ended; the client has subscribed."""
    while True:
        schedule = client.call("schedule-show", schedule=name)
        if schedule["runs"] >= runs and schedule["last-ended"] and schedule["state"] != RUNNING:
            return schedule
        client.event("SCHEDULE_CHANGED")


# ---- making and changing ----

def test_create():
    with prepared() as daemon, daemon.client() as client:
        client.call("subscribe")
        made = create(daemon, client, at="02:00", weekdays=["mon", "tue", "wed", "thu", "fri"],
                      consistency="application", keep_last=10, on_failure="retry", retries=1,
                      notify="ops@example.com")
        assert made["name"] == "web" and made["group-name"] == "web"
        assert made["state"] == NEW and made["calendar-text"] == "mon-fri at 02:00", made
        assert made["consistency"] == "application" and made["retention"]["last"] == 10
        assert made["recovery-name"] == "retry" and made["recovery"]["retries"] == 1
        assert made["notify"] == "ops@example.com" and made["owner"]
        upcoming = [parsed(text) for text in made["upcoming"]]
        assert len(upcoming) == 5 and made["next"] == made["upcoming"][0]
        assert all(it.astimezone().strftime("%H:%M") == "02:00" and it.astimezone().weekday() < 5
                   for it in upcoming)
        assert client.event("SCHEDULE_CHANGED")["data"] == made
        assert client.call("schedule-show", schedule=made["id"].lower()) == made
        second = create(daemon, client, every=900, months=["jan", "jul"], day=-1, day_of_week=6,
                        utc=True, times=3, until=iso(400 * 24 * HOUR), keep_daily=7, priority=7,
                        format="raw", full=True, rate=1000, keep_job=60)
        assert second["name"] == "web-2" and second["recovery-name"] == "continue"
        assert second["calendar"] == {"months": 1 | 1 << 6, "run-day": -1, "run-day-of-week": 6,
                                      "weekdays": 0, "start-us": 0, "every-us": 900000000,
                                      "utc": True}
        assert second["keep-us"] == 60000000 and second["format"] == "raw"
        assert create(daemon, client, group="db", name="nightly", at="23:59:59")["name"] == "nightly"
        assert [it["name"] for it in client.call("schedule-list")] == ["nightly", "web", "web-2"]
        assert [it["name"] for it in client.call("schedule-list", group="web")] == ["web", "web-2"]
        daemon.end()
        daemon.begin()
        with daemon.client() as again:
            assert again.call("schedule-show", schedule="web") == made


def test_refused():
    with prepared() as daemon, daemon.client() as client:
        def wrong(words, kind="Invalid", **arguments):
            refused(kind, words, create, daemon, client, **arguments)

        wrong("when is not said")
        for at in ("24:00", "2:00", "02:60", "02:00:60", "0200", "02:00:00:00", "02:00 ", "ab:cd", ""):
            wrong("HH:MM", at=at)
        wrong('"weekdays" is a list of: sun, mon', weekdays=["monday"])
        wrong('"months" is a list of: jan, feb', months=["13"])
        wrong('"day" is from -31 to 31', day=32)
        wrong('"day-of-week" is from -7 to 7', day_of_week=-8)
        wrong("whole number", day="1")
        wrong('"every" is from 60 to 86399', every=86400)
        wrong('"every" is from 60 to 86399', every=59)
        wrong("no day", months=["feb"], day=30)
        wrong('argument "start"', start="tomorrow")
        wrong('argument "until"', at="02:00", until="00000000000000.000000")
        wrong("before it starts", at="02:00", start=iso(2 * HOUR), until=iso(HOUR))
        wrong("would never run", at="02:00", until=iso(-HOUR))
        wrong('"times" is at most', at="02:00", times=2 ** 32)
        wrong("letters, digits", at="02:00", name="a b")
        wrong("letters, digits", at="02:00", name="x" * 65)
        wrong("is one of: qcow2, raw", at="02:00", format="vhd")
        wrong("raw images cannot be compressed", at="02:00", format="raw", compress="zstd")
        wrong('"keep-last" is at most', at="02:00", keep_last=100001)
        wrong("no recovery action", at="02:00", on_failure="pray")
        wrong("no schedule", kind="NotFound", at="02:00", on_failure="run-job", recovery="other")
        wrong("no group", kind="NotFound", at="02:00", group="none")
        create(daemon, client, at="02:00", name="one")
        wrong('"one"', kind="Exists", at="02:00", name="one")
        refused("NotFound", "export", client.call, "schedule-create", group="web",
                directory=daemon.path("exports", "none"), at="02:00")
        assert len(client.call("schedule-list")) == 1


def test_set():
    with prepared() as daemon, daemon.client() as client:
        made = create(daemon, client, at="02:00", compress="zstd", notify="ops@example.com",
                      on_failure="retry", retries=7, retry_delay=9)
        changed = client.call("schedule-set", schedule="web", at="03:30", name="early", retries=2,
                              keep_weekly=4)
        assert changed["id"] == made["id"] and changed["calendar-text"].endswith("03:30")
        assert changed["next"] != made["next"] and changed["retention"]["weekly"] == 4
        assert changed["recovery"]["retries"] == 2 and changed["recovery"]["delay-us"] == 9000000
        for same in ("compress", "notify", "group", "created", "owner", "directory"):
            assert changed[same] == made[same], same
        refused("NotFound", '"web"', client.call, "schedule-show", schedule="web")
        changed = client.call("schedule-set", schedule="early", notify="", compress="none",
                              on_failure="continue", weekdays=["sun"], until=iso(99 * HOUR * 24))
        assert not changed["notify"] and not changed["compress"] and changed["until"]
        assert changed["recovery-name"] == "continue"
        changed = client.call("schedule-set", schedule="early", weekdays=[], until="")
        assert changed["until"] is None and changed["calendar"]["weekdays"] == 0
        refused("Denied", "root", client.call, "schedule-set", schedule="early", directory="/none")
        refused("Invalid", "never run again", client.call, "schedule-set", schedule="early", until=iso(-HOUR))
        refused("Invalid", "never run again", client.call, "schedule-set", schedule="early", start=iso(HOUR),
                until=iso(HOUR + 1))
        refused("Invalid", "own failure", client.call, "schedule-set", schedule="early",
                on_failure="run-job", recovery="early")
        create(daemon, client, name="spare", at="04:00", on_failure="run-job", recovery="early")
        refused("Invalid", "own failure", client.call, "schedule-set", schedule="early",
                on_failure="run-job", recovery="spare")
        refused("Exists", "spare", client.call, "schedule-set", schedule="early", name="spare")
        daemon.end()
        daemon.begin()
        with daemon.client() as again:
            assert again.call("schedule-show", schedule="early") == changed


# ---- running ----

def test_due():
    """Once, at its time, and then it is over."""
    with prepared() as daemon, daemon.client() as client:
        client.call("subscribe")
        made = create(daemon, client, start=iso(1.5), name="once")
        assert made["calendar-text"] == "once" and made["state"] == NEW
        early = runs_of(client, made)
        assert not early or parsed(made["next"]) <= parsed(iso(0)), early
        done = ended(client, "once", 1)
        assert done["state"] == COMPLETED and done["runs"] == 1, done
        shown = client.call("job-show", job=str(done["job-number"]))
        assert shown["schedule"] == made["id"] and shown["schedule-name"] == "once", shown
        for name in ("once", made["id"].lower()):
            assert len(client.call("job-history", schedule=name)["jobs"]) == 2
        assert not client.call("job-history", schedule="none")["jobs"]
        assert done["last-due"] == made["next"] and done["last-state"] == EXCEPTION
        jobs = runs_of(client, made)
        assert [job["kind"] for job in jobs] == ["point-create", "export"]
        assert done["job"] == jobs[1]["id"] and done["job-number"] == jobs[1]["number"]
        begun = (parsed(jobs[1]["submitted"]) - parsed(done["last-due"])).total_seconds()
        assert 0 <= begun < LATE, begun
        assert jobs[1]["note"] is None and jobs[1]["status"].startswith("the point was not taken")


def test_late():
    """What was due before it is made begins at once, and says so."""
    with prepared() as daemon, daemon.client() as client:
        client.call("subscribe")
        made = create(daemon, client, start=iso(-3 * HOUR - 600))
        done = ended(client, "web", 1)
        due = parsed(done["last-due"]).astimezone().strftime("%H:%M")
        job = runs_of(client, made)[1]
        assert job["note"].startswith("3 h 10 min late: it was due at "), job["note"]
        assert job["note"].endswith(due) and job["status"].endswith("; " + job["note"])
        shown = client.call("job-show", job=job["id"])["properties"]
        assert shown["JobStatus"] == job["status"]


def test_down():
    """Hours pass while it is down: one run makes up for all of them."""
    with prepared() as daemon, daemon.client() as client:
        half = (time.gmtime().tm_min + 30) % 60  # the next time is half an hour away
        made = create(daemon, client, at="00:%02d" % half, every=HOUR, utc=True)
        daemon.end()
        with sqlite3.connect(daemon.path("state", "store.sqlite")) as store:
            (body,), = store.execute("SELECT body FROM object WHERE kind = 'schedule'")
            stored = json.loads(body)
            next_due = parsed(made["next"]).timestamp() - 5 * HOUR
            stored["next"] = int(next_due * 1e6)
            store.execute("UPDATE object SET body = ? WHERE kind = 'schedule'",
                          (json.dumps(stored).encode(),))
        store.close()
        daemon.begin()
        with daemon.client() as again:
            again.call("subscribe")
            done = ended(again, "web", 1)
            jobs = runs_of(again, made)
            assert len(jobs) == 2 and done["runs"] == 1
            assert done["missed"] == 4 and parsed(done["next"]) > parsed(done["last-due"])
            assert parsed(made["next"]) - parsed(done["last-due"]) <= datetime.timedelta(hours=1)
            assert "4 earlier runs" in jobs[1]["note"], jobs[1]["note"]
            # A restart finds nothing that is due.
        daemon.end()
        daemon.begin()
        with daemon.client() as again:
            assert len(runs_of(again, made)) == 2


def test_killed():
    """Killed around the time when it is due: one run, whatever it had come to."""
    with prepared() as daemon:
        for delay in (0.9, 1.0, 1.05, 1.2, 1.9):
            with daemon.client() as client:
                made = create(daemon, client, start=iso(1), name="s%d" % (100 * delay))
                time.sleep(delay)
            daemon.process.send_signal(signal.SIGKILL)
            daemon.process.wait()
            daemon.begin()
            with daemon.client() as client:
                client.call("subscribe")
                done = ended(client, made["name"], 1)
                assert done["runs"] == 1 and done["state"] == COMPLETED, done
                assert len(runs_of(client, made)) == 2


# ---- people ----

def test_control():
    with prepared() as daemon, daemon.client() as client:
        client.call("subscribe")
        made = create(daemon, client, at="02:00")

        def control(action):
            return client.call("schedule-control", schedule="web", action=action)

        refused("Invalid", "use run, suspend", control, "stop")
        refused("State", "web", control, "resume")
        assert control("run")["runs"] == 1
        done = ended(client, "web", 1)
        assert done["state"] == NEW and done["next"] == made["next"] and not done["last-due"]
        suspended = control("suspend")
        assert suspended["state"] == SUSPENDED and not suspended["upcoming"]
        refused("State", "web", control, "suspend")
        control("run")
        assert ended(client, "web", 2)["state"] == SUSPENDED
        resumed = control("resume")
        assert resumed["state"] == NEW and resumed["next"] == made["next"]
        assert control("terminate")["state"] == TERMINATED
        for action in ("run", "suspend", "resume", "terminate"):
            refused("State", "terminated", control, action)
        refused("State", "terminated", client.call, "schedule-set", schedule="web", at="03:00")
        assert client.call("schedule-delete", schedule="web") == {}
        gone = client.event("SCHEDULE_DELETED")["data"]
        assert gone == {"id": made["id"], "name": "web", "group": made["group"]}
        refused("NotFound", '"web"', client.call, "schedule-delete", schedule="web")
        assert len(runs_of(client, made)) == 4


def test_forget():
    """Who ends it can say what becomes of it then: it goes at once, or stays."""
    with prepared("--keep-jobs", "1") as daemon, daemon.client() as client:
        client.call("subscribe")
        for name in ("kept", "as-set", "gone"):
            create(daemon, client, name=name, at="02:00", delete_on_completion=name != "gone")

        def control(name, **arguments):
            return client.call("schedule-control", schedule=name, **arguments)

        refused("Invalid", '"forget" belongs to terminate', control, "gone", action="suspend", forget=True)
        assert control("kept", action="terminate", forget=False)["state"] == TERMINATED
        assert control("gone", action="terminate", forget=True)["state"] == TERMINATED
        assert client.event("SCHEDULE_DELETED")["data"]["name"] == "gone"
        control("as-set", action="terminate")
        assert client.event("SCHEDULE_DELETED")["data"]["name"] == "as-set"
        assert [it["name"] for it in client.call("schedule-list")] == ["kept"]


def test_stops():
    """A failure ends it until somebody has looked."""
    with prepared() as daemon, daemon.client() as client:
        client.call("subscribe")
        create(daemon, client, at="02:00", on_failure="stop")
        client.call("schedule-control", schedule="web", action="run")
        done = ended(client, "web", 1)
        assert done["state"] == EXCEPTION and not done["next"]
        refused("State", "exception", client.call, "schedule-control", schedule="web", action="run")
        daemon.end()
        daemon.begin()
        with daemon.client() as again:
            assert again.call("schedule-show", schedule="web")["state"] == EXCEPTION
            again.call("schedule-control", schedule="web", action="resume")
            assert again.call("schedule-show", schedule="web")["next"]


def test_retries():
    """A run is all its attempts; the next one waits across a restart."""
    with prepared() as daemon, daemon.client() as client:
        client.call("subscribe")
        made = create(daemon, client, at="02:00", on_failure="retry", retries=2, retry_delay=4)
        client.call("schedule-control", schedule="web", action="run")
        while len(runs_of(client, made)) < 4:
            client.event("JOB_CREATED")
        between = client.call("schedule-show", schedule="web")
        jobs = runs_of(client, made)
        assert between["state"] == RUNNING and between["runs"] == 1
        assert between["job"] == jobs[3]["id"] and jobs[3]["attempt"] == 1
        assert jobs[3]["note"].startswith("retry 1 of 2 after: the point was not taken")
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait()
        daemon.begin()
        with daemon.client() as again:
            again.call("subscribe")
            done = ended(again, "web", 1)
            jobs = runs_of(again, made)
            assert len(jobs) == 6 and [job["attempt"] for job in jobs] == [0, 0, 1, 1, 2, 2]
            assert done["runs"] == 1 and done["state"] == NEW and done["job"] == jobs[5]["id"]
            assert done["last-state"] == EXCEPTION and done["next"] == made["next"]


def test_recovery():
    """Of a schedule that fails another one is run, which keeps its own times."""
    with prepared() as daemon, daemon.client() as client:
        client.call("subscribe")
        spare = create(daemon, client, name="spare", group="db", at="04:00")
        made = create(daemon, client, at="02:00", on_failure="run-job", recovery="spare")
        assert made["recovery"]["other"] == spare["id"] and made["recovery-schedule"] == "spare"
        client.call("schedule-control", schedule="web", action="run")
        assert ended(client, "spare", 1)["next"] == spare["next"]
        assert len(runs_of(client, spare)) == 2 and len(runs_of(client, made)) == 2
        client.call("schedule-delete", schedule="spare")
        client.call("schedule-control", schedule="web", action="run")
        assert ended(client, "web", 2)["state"] == NEW


def test_forgotten():
    """One that is over is kept as long as its jobs."""
    with prepared() as daemon, daemon.client() as client:
        client.call("subscribe")
        create(daemon, client, start=iso(-1), name="short", keep_job=1)
        create(daemon, client, start=iso(-1), name="kept", keep_job=1, delete_on_completion=False)
        assert client.event("SCHEDULE_DELETED")["data"]["name"] == "short"
        assert [it["name"] for it in client.call("schedule-list")] == ["kept"]


def test_groups():
    with prepared() as daemon, daemon.client() as client:
        made = create(daemon, client, at="02:00", name="nightly")
        client.call("group-rename", group="web", name="shop")
        assert client.call("schedule-show", schedule="nightly")["group-name"] == "shop"
        refused("State", "1 schedules", client.call, "group-delete", group="shop")
        daemon.end()
        daemon.begin()
        with daemon.client() as again:
            again.call("subscribe")
            assert again.call("schedule-show", schedule="nightly")["group-name"] == "shop"
            again.call("group-delete", group="shop", force=True)
            assert again.event("SCHEDULE_DELETED")["data"]["id"] == made["id"]
            assert not again.call("schedule-list")
        daemon.end()
        daemon.begin()
        with daemon.client() as again:
            assert not again.call("schedule-list")


def test_access():
    options = ("--observer", "olga", "--operator", "otto:web", "--administrator", "adam",
               "--front-end-user", "")
    with prepared(*options) as daemon, daemon.client() as client:
        refused("Denied", "olga", create, daemon, client, _as="olga", at="02:00")
        refused("Denied", 'for group "db"', create, daemon, client, _as="otto", group="db", at="02:00")
        assert create(daemon, client, _as="otto", at="02:00")["owner"] == "otto"
        other = create(daemon, client, _as="adam", group="db", at="02:00")
        for user in ("olga", "otto"):
            assert len(client.call("schedule-list", _as=user)) == 2
            client.call("schedule-show", _as=user, schedule="db")
        for name in ("db", other["id"]):
            for request, more in (("schedule-set", {"at": "03:00"}), ("schedule-delete", {}),
                                  ("schedule-control", {"action": "run"})):
                refused("Denied", 'for group "db"', client.call, request, _as="otto",
                        schedule=name, **more)
                refused("NotFound", "none", client.call, request, _as="otto", schedule="none", **more)
            # What fails would run what he may not run.
            refused("Denied", 'for group "db"', client.call, "schedule-set", _as="otto",
                    schedule="web", on_failure="run-job", recovery=name)
            refused("Denied", 'for group "db"', client.call, "backup", _as="otto", group="web",
                    directory=daemon.path("exports"), on_failure="run-job", recovery=name)
        client.call("schedule-set", _as="adam", schedule="web", on_failure="run-job", recovery="db")
        client.call("schedule-control", _as="otto", schedule="web", action="suspend")
        client.call("schedule-delete", _as="otto", schedule="web")


sys.exit(main([test_create, test_refused, test_set, test_due, test_late, test_down, test_killed,
               test_control, test_forget, test_stops, test_retries, test_recovery, test_forgotten, test_groups,
               test_access]))
