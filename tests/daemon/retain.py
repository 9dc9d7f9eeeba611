#!/usr/bin/python3
"""retain.py CAIRND CAIRN-EXPORT: the request retain: its plan, its job and what that tells, with the real
cairn-export. The exports are of machines without disks, so that a test can write them."""
import hashlib
import json
import os
import sys
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import Daemon, main, refused  # noqa: E402

CAIRND, EXPORT = sys.argv[1], os.path.abspath(sys.argv[2])
os.environ["TZ"] = "UTC"  # the days below are those of this zone
COMPLETED, EXCEPTION, WARNINGS = 7, 10, 32768
ENDED = (COMPLETED, 8, 9, EXCEPTION, WARNINGS)


def guid(n):
    return str(uuid.UUID(int=n)).upper()


class Retaining(Daemon):
    """A group with a folder of exports: numbers, each with that of its base."""

    def __init__(self, exports):
        super().__init__(CAIRND, "--export-program", EXPORT)
        with self.client() as client:
            self.group = client.call("group-create", name="web")["id"]
        self.folder = self.path("exports", self.group)
        for number, base in exports:
            self.export(number, base)

    def export(self, number, base):
        folder = os.path.join(self.folder, guid(number))
        os.makedirs(os.path.join(folder, guid(900)))
        config = "%s/config.xml" % guid(900)
        with open(os.path.join(folder, config), "w", encoding="ascii") as file:
            file.write("<domain/>")
        text = json.dumps({
            "format": "cairn-export", "version": 1, "group": {"id": self.group, "name": "web"},
            "point": {"id": guid(number), "number": number, "consistency": "crash",
                      "created": "2026-11-%02dT02:00:00Z" % number},
            "base": {"id": guid(base), "number": base} if base else None,
            "vms": [{"id": guid(900), "name": "db", "state": "running", "consistency": "crash",
                     "config": {"path": config, "size": 9,
                                "sha256": hashlib.sha256(b"<domain/>").hexdigest()},
                     "runtime": None, "guest-state": [], "disks": []}]})
        for name, content in (("manifest.json", text), ("manifest.sha256", "%s  manifest.json\n" %
                               hashlib.sha256(text.encode()).hexdigest())):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(content)

    def there(self):
        return sorted(uuid.UUID(name).int for name in os.listdir(self.folder))

    def manifest(self, number):
        with open(os.path.join(self.folder, guid(number), "manifest.json"), encoding="ascii") as file:
            return json.load(file)

    def retain(self, client, **arguments):
        return client.call("retain", group="web", directory=self.path("exports"), **arguments)

    def run(self, **arguments):
        """The job at its end."""
        with self.client() as client:
            client.call("subscribe")
            job = self.retain(client, **arguments)["job"]
            while (shown := client.call("job-show", job=job))["state"] not in ENDED:
                client.event("JOB_CHANGED")
            return shown


def test_plan_and_job():
    with Retaining([(1, None), (2, 1), (3, 2), (4, 3)]) as daemon:
        with daemon.client() as client:
            plan = daemon.retain(client, keep_last=2, dry_run=True)
        assert [entry["action"] for entry in plan["exports"]] == \
            ["delete", "delete", "merge", "keep"], plan
        assert plan["exports"][3]["reason"] == "last 1 of 2", plan
        assert daemon.there() == [1, 2, 3, 4]
        job = daemon.run(keep_last=2)
        assert (job["state"], job["kind"], job["phase"]) == (COMPLETED, "retain", "ended"), job
        assert job["status"].startswith("2 exports removed, 1 merged, "), job
        assert job["retained"]["deleted"] == 2 and job["retained"]["kept"] == 2, job
        assert daemon.there() == [3, 4]
        assert daemon.manifest(3)["base"] is None and daemon.manifest(4)["base"]["number"] == 3
        assert job["properties"]["Description"] == "Removal of old exports of web", job
        again = daemon.run(keep_last=2)
        assert again["status"] == "nothing to remove", again
        # It is kept over a restart.
        daemon.end()
        daemon.begin()
        with daemon.client() as client:
            assert client.call("job-show", job=job["id"])["status"] == job["status"]


def test_daily():
    with Retaining([(n, n - 1 or None) for n in range(1, 8)]) as daemon:
        daemon.run(keep_daily=3, keep_weekly=2)
        assert daemon.there() == [1, 5, 6, 7], daemon.there()  # 2026-11-01 is a Sunday
        assert daemon.manifest(5)["base"]["number"] == 1


def test_what_cannot_be_read():
    with Retaining([(1, None), (2, 1), (3, None), (4, 3)]) as daemon:
        with open(os.path.join(daemon.folder, guid(1), "manifest.json"), "w", encoding="ascii") as file:
            file.write("{}")
        os.mkdir(os.path.join(daemon.folder, ".%s.partial" % guid(5)))
        job = daemon.run(keep_last=1)
        assert job["state"] == WARNINGS, job
        assert len(job["warnings"]) == 2 and guid(1) in job["warnings"][0], job
        os.rmdir(os.path.join(daemon.folder, ".%s.partial" % guid(5)))
        assert daemon.there() == [1, 2, 4]


def test_refused():
    with Retaining([(1, None)]) as daemon, daemon.client() as client:
        exports = daemon.path("exports")
        refused("Invalid", "keep-last", client.call, "retain", group="web", directory=exports)
        refused("Invalid", "100000", client.call, "retain", group="web", directory=exports,
                keep_last=100001)
        refused("NotFound", "db", client.call, "retain", group="db", directory=exports, keep_last=1)
        refused("Denied", "root", client.call, "retain", group="web", directory="/etc", keep_last=1)
        # Another group, whose folder leads out of the roots.
        other = client.call("group-create", name="db")["id"]
        os.mkdir(daemon.path("outside"))
        os.symlink(daemon.path("outside"), os.path.join(exports, other))
        refused("Denied", "leads out", client.call, "retain", group="db", directory=exports,
                keep_last=1, dry_run=True)


def test_no_exports():
    with Retaining([]) as daemon:
        job = daemon.run(keep_last=1)
        assert job["state"] == EXCEPTION, job
        with daemon.client() as client:
            error = client.call("job-errors", job=job["id"])[0]
            refused("NotFound", "no export of this group is in", client.call, "retain", group="web",
                    directory=daemon.path("exports"), keep_last=1, dry_run=True)
        assert error["class"] == "NotFound" and error["message-id"] == "CAIRN0706", error
        assert daemon.path("exports") in error["message"], error


sys.exit(main([test_plan_and_job, test_daily, test_what_cannot_be_read, test_refused,
               test_no_exports]))
