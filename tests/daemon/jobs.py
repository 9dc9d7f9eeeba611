#!/usr/bin/python3
"""jobs.py CAIRND: lists of jobs in pieces, jobs in events, and groups in events. The jobs are put into
the store beforehand, as an earlier life of the daemon would have left them."""
import json
import os
import sqlite3
import sys
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import Daemon, main, refused  # noqa: E402

CAIRND = sys.argv[1]
COUNT = 2500
COMPLETED = 7


def stored_job(number, group):
    return {"id": str(uuid.UUID(int=number)).upper(), "number": number, "kind": "export",
            "state": COMPLETED, "phase": "ended", "outcome": COMPLETED, "status": 2,
            "consistency": "best", "group": group, "group-name": "web", "point": group,
            "point-name": "web@%d" % number, "owner": "bob", "priority": 100,
            "submitted": 1790000000000000, "started": 1790000000000000,
            "ended": 1790000001000000, "state-changed": 1790000001000000,
            "keep-us": 300 * 365 * 86400 * 1000000, "directory": "/nowhere"}


class Seeded(Daemon):
    """Its store has COUNT ended jobs in two groups, with a gap in their numbers."""

    def begin(self):
        super().begin()
        with self.client() as client:
            groups = [client.call("group-create", name=name)["id"] for name in ("web", "db")]
        self.end()
        numbers = [n for n in range(1, COUNT + 2) if n != 1000]
        with sqlite3.connect(self.path("state", "store.sqlite")) as store:
            store.executemany("INSERT INTO object VALUES ('job', ?, 1, ?)",
                              ((it["id"], json.dumps(it).encode()) for it in
                               (stored_job(n, groups[n % 2]) for n in numbers)))
        store.close()
        super().begin()


def numbers(jobs):
    return [job["number"] for job in jobs]


def test_pages():
    with Seeded(CAIRND) as daemon, daemon.client() as client:
        every = numbers(client.call("job-list"))
        assert every == [n for n in range(1, COUNT + 2) if n != 1000]
        got, after = [], 0
        while True:
            page = numbers(client.call("job-list", after=after, limit=700))
            got += page
            assert len(page) == 700 or after + 700 > COUNT
            if not page:
                break
            after = page[-1]
        assert got == every
        assert numbers(client.call("job-list", after=998, limit=3)) == [999, 1001, 1002]
        assert numbers(client.call("job-list", after=999, limit=1)) == [1001]
        assert not client.call("job-list", after=COUNT + 1)
        assert not client.call("job-list", after=2 ** 63 - 1, limit=1)
        assert numbers(client.call("job-list", limit=2)) == [COUNT, COUNT + 1]
        assert len(client.call("job-list", after=0)) == COUNT
        assert numbers(client.call("job-list", after=3, limit=2, group="db")) == [5, 7]
        assert not client.call("job-list", after=0, active=True)
        for limit in (0, 10001, 2 ** 63 - 1):
            refused("Invalid", '"limit" is from 1 to 10000', client.call, "job-list", limit=limit)
        for wrong in (-1, "7", 1.5, True):
            refused("Invalid", '"after" must be', client.call, "job-list", after=wrong)


def test_properties():
    with Seeded(CAIRND) as daemon, daemon.client() as client:
        for job in client.call("job-list", after=10, limit=3, properties=True):
            shown = client.call("job-show", job=str(job["number"]))
            assert job == shown
            assert job["properties"]["InstanceID"] == job["id"]
            assert len(job["properties"]) == 50
        assert "properties" not in client.call("job-list", limit=1)[0]
        assert "properties" not in client.call("job-list", limit=1, properties=False)[0]


def test_events():
    """What an event says is what a request would have said."""
    with Seeded(CAIRND) as daemon, daemon.client() as client, daemon.client() as plain, \
            daemon.client(read_only=True) as full:
        plain.call("subscribe")
        full.call("subscribe", properties=True)
        client.call("job-set", job="7", priority=5)
        shown = client.call("job-show", job="7")
        got = full.event("JOB_CHANGED")["data"]
        assert got == shown and got["properties"]["Priority"] == 5
        del shown["properties"]
        assert plain.event("JOB_CHANGED")["data"] == shown
        made = client.call("group-create", name="new")
        for it in (plain, full):
            assert it.event("GROUP_CHANGED")["data"] == made
        client.call("group-rename", group="new", name="newer")
        assert full.event("GROUP_CHANGED")["data"] == client.call("group-show", group="newer")
        client.call("group-delete", group="newer")
        assert full.event("GROUP_DELETED")["data"] == {"id": made["id"], "name": "newer"}


def test_group_errors():
    """What a CIM client's calls come down to."""
    with Daemon(CAIRND) as daemon, daemon.client() as client:
        guid = "0A0B0C0D-0000-4000-8000-00000000ABCD"
        made = client.call("group-create", name="one", id=guid.lower())
        assert made["id"] == guid
        refused("Exists", guid, client.call, "group-create", name="two", id=guid)
        refused("Exists", '"one"', client.call, "group-create", name="one")
        client.call("group-create", name="two")
        refused("Exists", '"two"', client.call, "group-rename", group=guid, name="two")
        client.call("group-rename", group=guid, name="three")
        nobody = str(uuid.uuid4())
        refused("NotFound", nobody, client.call, "group-add", group=guid, vm=nobody)
        refused("NotFound", nobody, client.call, "group-remove", group=guid, vm=nobody)
        client.call("group-delete", group=guid)
        refused("NotFound", guid, client.call, "group-show", group=guid)


sys.exit(main([test_pages, test_properties, test_events, test_group_errors]))
