#!/usr/bin/python3
"""test_remote_schedules.py CAIRN: `cairn --host` and schedules, against a WS-Management server of canned objects."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_wsman import EXPORT_JOB, GROUP, Time, schedule  # noqa: E402
from remote_case import JOB, asked, bad, data, good, main, run  # noqa: E402


def with_schedules(host):
    """One that waits, one that a failure has stopped, one that runs once, in no order."""
    host.objects[EXPORT_JOB] += [
        schedule(3, "web", RecoveryAction="5", OtherRecoveryAction=JOB % 4, JobRunTimes="9",
                 UntilTime=Time("2026-12-31T23:00:00+01:00")),
        schedule(4, "nightly", 10, Description="Backup of group web: mon-fri every 6 hours from 00:00",
                 ErrorSummaryDescription="stopped, as run 3 has failed", Owner="me"),
        schedule(5, "last", JobRunTimes="1", RunStartInterval=None,
                 Description="Backup of group web: 2026-11-30T02:00:00.000000Z")]


def test_schedules(host):
    with_schedules(host)
    last, nightly, web = data(host, "schedule", "list")
    assert [last["name"], nightly["name"], web["name"]] == ["last", "nightly", "web"]
    want = {"id": JOB % 3, "name": "web", "group": GROUP, "group-name": "web", "directory": "/backup",
            "calendar-text": "every day at 02:00 UTC", "next": "2026-11-30T02:00:00.000000Z",
            "upcoming": ["2026-11-30T02:00:00.000000Z"], "until": "2026-12-31T22:00:00.000000Z",
            "run-times": 9, "runs": None, "state-name": "new", "recovery-name": "run-job",
            "recovery-schedule": "nightly", "start": None, "full": None, "retention": None,
            "keep-us": 7 * 86400 * 10**6, "priority": 100, "created": "2026-11-20T10:13:00.000000Z",
            "calendar": {"months": 0, "run-day": 0, "run-day-of-week": 0, "weekdays": 0,
                         "start-us": 7200 * 10**6, "every-us": 0, "utc": True}}
    assert {key: web[key] for key in want} == want, web
    assert nightly["calendar"] is None and nightly["until"] is None and nightly["upcoming"] == []
    assert nightly["last-state-name"] == "exception" and "run 3" in nightly["error"], nightly
    assert last["start"] == last["next"] and last["calendar-text"] == "once", last
    assert data(host, "schedule", "show", (JOB % 3).lower())["name"] == "web"
    assert data(host, "schedule", "show", "nightly")["error"] == "the disk & its host"
    assert len(data(host, "schedule", "list", "--group", "web")) == 3
    bad(host, 'no group "nope"', "schedule", "list", "--group", "nope")
    bad(host, 'no schedule "nope".*cairn schedule list', "schedule", "show", "nope")
    text = good(host, "schedule", "list", TZ="Europe/Paris")
    assert "mon-fri every 6 hours" in text and "2026-11-30 03:00" in text, text
    text = good(host, "schedule", "show", "web")
    assert "run-job nightly" in text and "at most 9" in text and "kind" not in text, text
    # they are no jobs of the list
    assert len(data(host, "job", "list")) == 2 and data(host, "status")["jobs"]["running"] == 0


def test_schedule_create(host):
    made = data(host, "schedule", "create", "web", "/backup", "--at", "02:30", "--weekdays", "mon",
                "--months", "nov", "--until", "2026-12-31T23:00:00+01:00", "--times", "5", "--utc",
                "--priority", "7", "--keep-job", "3d", "--name", "weekly", "--on-failure", "command",
                "--recovery", "tidy", "--notify", "ops@example.org")
    assert made["name"] == "weekly" and made["upcoming"], made
    assert asked(host, "Create") == [{
        "CollectionId": GROUP, "ExportDirectory": "/backup", "ElementName": "weekly", "RunMonth": "10",
        "RunDayOfWeek": "2", "RunStartInterval": "00000000023000.000000:000", "LocalOrUtcTime": "2",
        "UntilTime": "20261231220000.000000+000", "JobRunTimes": "5", "Priority": "7",
        "TimeBeforeRemoval": "00000003000000.000000:000", "RecoveryAction": "1",
        "OtherRecoveryAction": "tidy", "Notify": "ops@example.org"}], host.asked
    done = run(host, "schedule", "create", GROUP, "/b", "--day", "-1", "--day-of-week", "-fri")
    assert done.returncode == 0 and 'made schedule "web": every day' in done.stderr, done
    good(host, "schedule", "create", "web", "/b", "--start", "2026-12-01 02:00", TZ="Europe/Paris")
    good(host, "schedule", "create", "web", "/b", "--weekdays", "all", "--months", "all", "--day", "any")
    where = {"CollectionId": GROUP, "ExportDirectory": "/b", "JobRunTimes": "0"}
    midnight = {"RunStartInterval": "00000000000000.000000:000"}
    assert asked(host, "Create")[1:] == [
        dict(where, RunDay="-1", RunDayOfWeek="-6", **midnight),
        dict(where, ScheduledStartTime="20261201010000.000000+000"),  # typed in Paris
        dict(where, **midnight)], host.asked


def test_schedule_wrong(host):
    create = ["schedule", "create", "web", "/b"]
    for words, option in ((["--keep", "3"], "keep"), (["--keep-daily", "3"], "keep-daily"),
                          (["--every", "6h"], "every"), (["--full"], "full"), (["--rate", "1M"], "rate"),
                          (["--consistency", "crash"], "consistency"), (["--format", "raw"], "format"),
                          (["--on-failure", "retry", "--retries", "2"], "retries")):
        bad(host, "not possible with --host: .*leave --%s out, or run this on the host" % option, *create,
            "--at", "02:00", *words)
    for words, pattern in ((["--weekdays", "mon-fri"], "one of --weekdays"),
                           (["--months", "jan,jul"], "one of --months"),
                           (["--weekdays", "fri", "--day", "13"], "--weekdays beside --day;"),
                           (["--at", "25:00"], "time of the day"), (["--at", "2"], "time of the day"),
                           (["--at", "0200:0"], "time of the day"),
                           (["--at", "02:00", "--recovery", "x"], "goes with --on-failure")):
        bad(host, pattern, *create, *words)
    bad(host, 'no group "nope"', "schedule", "create", "nope", "/b", "--at", "02:00")
    with_schedules(host)
    for words, option in ((["--weekdays", "mon"], "weekdays"), (["--incremental"], "incremental"),
                          (["--directory", "/c"], "directory"), (["--on-failure", "stop"], "on-failure")):
        bad(host, "leave --%s out" % option, "schedule", "set", "web", *words)
    assert not host.asked, host.asked


def test_schedule_set(host):
    with_schedules(host)
    good(host, "schedule", "set", "web", "--at", "03:15:30", "--day", "any", "--months", "all", "--until", "",
         "--start", "", "--notify", "", "--times", "0", "--local")
    assert asked(host, "Put") == [{
        "RunStartInterval": "00000000031530.000000:000", "RunDay": None, "RunMonth": None,
        "UntilTime": None, "ScheduledStartTime": None, "Notify": None, "JobRunTimes": "0",
        "LocalOrUtcTime": "1"}], host.asked


def test_schedule_control(host):
    with_schedules(host)
    assert good(host, "schedule", "run", "web") == JOB % 6 + "\n"
    assert data(host, "schedule", "suspend", "web")["state-name"] == "suspended"
    bad(host, '"web" is suspended.*resume it, or run this on the host', "schedule", "run", "web")
    assert data(host, "schedule", "resume", "web")["state-name"] == "new"
    # what is asked is never the other thing that Start means
    bad(host, 'schedule "web" cannot resume: it is new', "schedule", "resume", "web")
    bad(host, 'schedule "nightly" cannot run: it is exception', "schedule", "run", "nightly")
    assert data(host, "schedule", "resume", "nightly")["state-name"] == "new"
    assert data(host, "schedule", "terminate", "web")["state-name"] == "terminated"
    assert [each["RequestedState"] for each in asked(host, "RequestStateChange")] == list("23224")
    good(host, "schedule", "delete", "last")
    assert asked(host, "Delete") == [{"InstanceID": JOB % 5}], host.asked
    good(host, "group", "delete", "web", "--force")
    assert [each["InstanceID"] for each in asked(host, "Delete")[1:]] == [JOB % 4, JOB % 3], host.asked


def test_schedule_no_run(host):
    with_schedules(host)
    good(host, "schedule", "resume", "nightly")
    host.scenario = "no run"
    bad(host, "the run did not begin: stopped, as run 3", "schedule", "run", "nightly")


main(globals())
