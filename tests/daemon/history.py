#!/usr/bin/python3
"""history.py CAIRND: life after the end: when ended jobs leave the list, what the history tells of
them, page by page and over restarts and kills. Groups have no machines, or one that is not there: points fail in
their first step."""
import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import SECONDS, Daemon, main, refused  # noqa: E402

CAIRND = sys.argv[1]
COMPLETED, TERMINATED, EXCEPTION, WARNINGS = 7, 8, 10, 32768
MINUTE = 60
START = int(time.time()) - 90 * 24 * 60 * MINUTE  # when the first job was asked for, seconds since 1970


class Seeded(Daemon):
    """@prepare(store, groups) puts rows into the store beforehand, as an earlier life would have left them."""

    def __init__(self, prepare, *options):
        self.prepare = prepare
        super().__init__(CAIRND, *options)

    def begin(self):
        super().begin()
        if not self.prepare:
            return
        with self.client() as client:
            groups = [client.call("group-create", name=name)["id"] for name in ("web", "db")]
        self.end()
        with self.store() as store:
            for group in groups:
                add_machine(store, group)
            self.prepare(store, groups)
        self.prepare = None
        super().begin()

    @contextlib.contextmanager
    def store(self):
        with contextlib.closing(sqlite3.connect(self.path("state", "store.sqlite"))) as store, store:
            yield store


def add_machine(store, group):
    """One that no host has."""
    (body,), = store.execute("SELECT body FROM object WHERE id = ?", (group,))
    body = json.loads(body)
    body["members"] = [{"id": str(uuid.UUID(int=7)).upper(), "name": "gone"}]
    store.execute("UPDATE object SET body = ? WHERE id = ?", (json.dumps(body).encode(), group))


def put(store, kind, name, body):
    store.execute("INSERT INTO object VALUES (?, ?, 1, ?)", (kind, name, body))


def put_job(store, number, group, live=False, **fields):
    job = {"id": job_id(number), "number": number, "kind": "export", "state": COMPLETED, "phase": "ended",
           "status": 2, "consistency": "best", "group": group, "group-name": "web", "point": group,
           "point-name": "web@%d" % number, "owner": "bob", "priority": 100,
           "submitted": at(number), "started": at(number), "ended": at(number) + 1000000,
           "keep-us": 300 * 365 * 86400 * 1000000, "directory": "/nowhere"}
    job.update(fields)
    job["outcome"] = 0 if job["state"] in (COMPLETED, WARNINGS) else job["state"]
    body = json.dumps(job).encode()
    if live:
        put(store, "job", job["id"], body)
    else:
        put(store, "history", "%020d" % number, body)
        put(store, "history-id", job["id"], b"%020d" % number)


def job_id(number):
    return str(uuid.UUID(int=number)).upper()


def at(number):
    """Jobs were asked for one a minute."""
    return (START + number * MINUTE) * 1000000


def iso(number):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at(number) / 1000000))


def numbers(answer):
    return [job["number"] for job in answer["jobs"]]


def walk(client, **arguments):
    """All pages: their numbers, and how many pages there were."""
    got, count, before = [], 0, {}
    while True:
        page = client.call("job-history", **arguments, **before)
        got += numbers(page)
        count += 1
        if page["next"] is None:
            return got, count
        before = {"before": page["next"]}


def until(condition):
    """Nobody is told of what the history forgets."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.05)


def end_one(client, group="web"):
    """A job that fails as it begins; the client has subscribed."""
    job = client.call("point-create", group=group)["job"]
    while True:
        data = client.event("JOB_CHANGED")["data"]
        if data["id"] == job and data["ended"]:
            return job


# ---- the time ----

def test_time():
    """After its time it is history, and CIM's instance is gone; what it was is told as before."""
    with Seeded(lambda *_: None, "--keep-jobs", "3600") as daemon, daemon.client() as client:
        client.call("subscribe")
        job = end_one(client)
        shown = client.call("job-show", job=job)
        errors = client.call("job-errors", job=job)
        assert "history" not in shown and shown["state"] == EXCEPTION and errors
        assert shown["properties"]["TimeBeforeRemoval"] == "00000000010000.000000:000"
        assert [it["history"] for it in client.call("job-history")["jobs"]] == [False]
        shown.update(client.call("job-set", job=job, keep=1))
        shown["properties"]["TimeBeforeRemoval"] = "00000000000001.000000:000"
        removed = client.event("JOB_REMOVED")["data"]
        assert removed == {"id": job, "number": 1}
        assert client.call("job-list") == []
        assert client.call("job-show", job=job) == dict(shown, history=True)
        assert client.call("job-show", job="1") == client.call("job-show", job=job.lower())
        assert client.call("job-errors", job="1") == errors
        assert [it["history"] for it in client.call("job-history")["jobs"]] == [True]
        for request, more in (("job-control", {"action": "kill"}), ("job-set", {"priority": 1}), ("job-remove", {})):
            refused("NotFound", "kept for a while only", client.call, request, job="1", **more)
        refused("NotFound", '"2"', client.call, "job-show", job="2")
        # Numbers go on, after a restart too.
        daemon.end()
        daemon.begin()
        with daemon.client() as again:
            again.call("subscribe")
            end_one(again)
            assert numbers(again.call("job-history")) == [2, 1]


def test_stay():
    with Seeded(lambda store, groups: put_job(store, 1, groups[0], live=True, **{"keep-us": 1000000})) as daemon, \
            daemon.client() as client:
        # An older store does not say that it stays: it goes at the first look around.
        client.call("subscribe")
        while numbers(client.call("job-history"))[:1] != [1] or client.call("job-list"):
            client.event("JOB_REMOVED")
        job = end_one(client)
        client.call("job-set", job=job, delete_on_completion=False)
        client.call("job-set", job=job, keep=1)
        client.call("job-set", job=job, delete_on_completion=True)  # after the end it removes nothing
        other = end_one(client, "db")
        client.call("job-set", job=other, keep=1)
        assert client.event("JOB_REMOVED")["data"]["id"] == other
        assert [it["id"] for it in client.call("job-list")] == [job]
        daemon.end()
        daemon.begin()
        with daemon.client() as again:
            again.call("subscribe")
            assert [it["id"] for it in again.call("job-list")] == [job]
            again.call("job-remove", job=job)
            assert again.event("JOB_REMOVED")["data"]["id"] == job
            assert again.call("job-list") == [] and again.call("job-show", job=job)["history"]
            refused("NotFound", "job", again.call, "job-remove", job=job)


# ---- finding ----

def seed_many(store, groups):
    """1 to 2500 in the history without 1000, 2501 to 2510 in memory; each tenth failed."""
    schedule = str(uuid.UUID(int=99)).upper()
    for number in range(1, 2511):
        if number == 1000:
            continue
        fields = {"state": EXCEPTION if number % 10 == 0 else TERMINATED if number % 10 == 5 else COMPLETED}
        if number == 2333:
            fields["state"] = WARNINGS
        if number % 100 == 0:
            fields["schedule"] = schedule
        if number <= 3:
            fields.update({"group": str(uuid.UUID(int=5)).upper(), "group-name": "former"})
        put_job(store, number, fields.pop("group", groups[number % 2]), live=number > 2500, **fields)


def test_pages():
    every = [n for n in range(2510, 0, -1) if n != 1000]
    with Seeded(seed_many) as daemon, daemon.client() as client:
        assert numbers(client.call("job-history")) == every[:100]
        page = client.call("job-history", limit=12)
        assert numbers(page) == every[:12] and page["next"] == 2499
        assert [it["history"] for it in page["jobs"]] == [False] * 10 + [True] * 2
        assert walk(client, limit=700) == (every, 4)
        assert walk(client, limit=7) == (every, (len(every) + 6) // 7)
        assert numbers(client.call("job-history", before=1001, limit=2)) == [999, 998]
        assert numbers(client.call("job-history", before=2505, limit=2)) == [2504, 2503]
        last = client.call("job-history", before=2)
        assert numbers(last) == [1] and last["next"] is None
        assert client.call("job-history", before=1) == {"jobs": [], "next": None}
        assert len(client.call("job-history", before=2 ** 63 - 1)["jobs"]) == 100
        for limit in (0, 1001, 2 ** 63 - 1):
            refused("Invalid", '"limit" is from 1 to 1000', client.call, "job-history", limit=limit)


def test_filters():
    every = [n for n in range(2510, 0, -1) if n != 1000]
    with Seeded(seed_many) as daemon, daemon.client() as client:
        # A long search ends early and is gone on with.
        got, pages = walk(client, state="warnings")
        assert got == [2333] and pages == 3, (got, pages)
        assert walk(client, state="failed", limit=1000)[0] == [n for n in every if n % 10 == 0]
        assert walk(client, state="terminated", limit=1000)[0] == [n for n in every if n % 10 == 5]
        assert 2333 in walk(client, state="completed", limit=1000)[0]
        assert walk(client, state="killed")[0] == []
        assert walk(client, group="db", limit=1000)[0] == [n for n in every if n % 2 == 1 and n > 3]
        assert walk(client, group="former")[0] == walk(client, group=str(uuid.UUID(int=5)))[0] == [3, 2, 1]
        assert walk(client, group="nobody")[0] == []
        assert walk(client, schedule=str(uuid.UUID(int=99)), limit=1000)[0] == [n for n in every if n % 100 == 0]
        # Times are found without reading what lies between.
        assert walk(client, since=iso(2400), until=iso(2405)) == (list(range(2405, 2399, -1)), 1)
        assert walk(client, until=iso(3)) == ([3, 2, 1], 1)
        assert walk(client, since=iso(2509)) == ([2510, 2509], 1)
        assert walk(client, since=iso(999), until=iso(1001), state="completed") == ([1001, 999], 1)
        assert walk(client, since=iso(9999)) == ([], 1)
        refused("Invalid", '"since"', client.call, "job-history", since="yesterday")
        refused("Invalid", '"state" is one of', client.call, "job-history", state="lost")


def test_bounds():
    """What is too old or too many is forgotten, oldest first, some at each look around."""
    def seed(store, groups):
        for number in range(1, 1201):
            put_job(store, number, groups[0])

    with Seeded(seed, "--max-history", "1000") as daemon, daemon.client() as client:
        until(lambda: walk(client, limit=1000)[0] == list(range(1200, 200, -1)))
        refused("NotFound", "job", client.call, "job-show", job="200")
        refused("NotFound", "job", client.call, "job-show", job=job_id(200))
        assert client.call("job-show", job=job_id(201))["history"]
        daemon.end()
        daemon.words += ["--keep-history", "3600"]  # all are older; the newest stays for its number
        daemon.begin()
        with daemon.client() as again:
            until(lambda: walk(again, limit=1000)[0] == [1200])
            again.call("subscribe")
            end_one(again)
            assert numbers(again.call("job-history"))[0] == 1201


# ---- damage ----

DAMAGED = {10: b"", 11: b"{", 20: b"null", 21: b'{"number": 21}', 30: b'"\xff"'}


def seed_damaged(store, groups):
    for number in range(1, 31):
        put_job(store, number, groups[0])
    for number, body in DAMAGED.items():
        store.execute("UPDATE object SET body = ? WHERE kind = 'history' AND id = ?", (body, "%020d" % number))


def test_damaged():
    """What cannot be read is passed over, and told once."""
    every = [n for n in range(30, 0, -1) if n not in DAMAGED]
    with Seeded(seed_damaged) as daemon, daemon.client() as client:
        page = client.call("job-history")
        assert numbers(page) == every and page["next"] is None and page["damaged"] == len(DAMAGED)
        assert walk(client, limit=1)[0] == every
        assert walk(client, since=iso(9), until=iso(12), limit=1)[0] == [12, 9]
        assert walk(client, until=iso(20))[0] == [n for n in every if n < 20]
        assert "damaged" not in client.call("job-history", limit=1, before=10)
        for name in ("11", job_id(11)):
            refused("Invalid", "store, history", client.call, "job-show", job=name)
        log = daemon.said()
        for number in DAMAGED:
            assert log.count('"%020d"' % number) == 1, log
        daemon.end()
        daemon.words += ["--keep-history", "3600"]  # the newest stays, and it is damaged
        daemon.begin()
        with daemon.client() as again:
            until(lambda: walk(again)[0] == [])
            assert again.call("job-history")["damaged"] == 1
            again.call("subscribe")
            end_one(again)
            assert numbers(again.call("job-history")) == [31]


# ---- kills ----

def test_killed():
    """Killed around the removal: each job is in one of the two places."""
    with Seeded(lambda *_: None, "--keep-jobs", "1") as daemon:
        for delay in (0.9, 1.0, 1.1, 1.5, 2.0):
            with daemon.client() as client:
                client.call("subscribe")
                for _ in range(5):
                    end_one(client)
            time.sleep(delay)
            daemon.process.send_signal(signal.SIGKILL)
            daemon.process.wait(30)
            with daemon.store() as store:
                live = {it[0] for it in store.execute("SELECT id FROM object WHERE kind = 'job'")}
                old = {it[0] for it in store.execute("SELECT id FROM object WHERE kind = 'history-id'")}
                (rows,), = store.execute("SELECT count(*) FROM object WHERE kind = 'history'")
            assert not live & old and rows == len(old), (live, old, rows)
            daemon.begin()
            with daemon.client() as client:
                got = walk(client)[0]
                assert got == list(range(len(got), 0, -1)) and len(got) == len(live) + len(old)
        assert len(got) == 25


sys.exit(main([test_time, test_stay, test_pages, test_filters, test_bounds, test_damaged, test_killed]))
