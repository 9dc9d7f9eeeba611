#!/usr/bin/python3
"""schedules_cim.py CAIRND CAIRN-CIMD: schedules as CIM clients make, read, change, run and delete them: export
jobs that wait for their time. The groups have no machines: what runs do is not looked at here."""
import datetime
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import SECONDS, main  # noqa: E402

from cimd_front import Front, prepared, select_wait, until_error  # noqa: E402
from cairnlab.cimclient import CimError, Epr, instance_name  # noqa: E402

JOB = "Msvm_CollectionReferencePointExportJob"
NEVER = "99999999999999.999999+000"
TYPES = {"JobRunTimes": "uint32", "RunMonth": "uint8", "RunDay": "sint8", "RunDayOfWeek": "sint8",
         "LocalOrUtcTime": "uint16", "Priority": "uint32", "DeleteOnCompletion": "boolean",
         "RunStartInterval": "datetime", "UntilTime": "datetime", "ScheduledStartTime": "datetime",
         "TimeBeforeRemoval": "datetime", "RecoveryAction": "uint16"}


def instance(values):
    return '<INSTANCE CLASSNAME="%s">%s</INSTANCE>' % (JOB, "".join(
        '<PROPERTY NAME="%s" TYPE="%s">%s</PROPERTY>' % (
            name, TYPES.get(name, "string"), "" if value is None else "<VALUE>%s</VALUE>" % value)
        for name, value in values.items()))


def create(cimxml, **values):
    answer = cimxml.call("CreateInstance",
                         '<IPARAMVALUE NAME="NewInstance">%s</IPARAMVALUE>' % instance(values))
    return Epr(JOB, {"InstanceID": answer.find(".//KEYVALUE").text})


def modify(cimxml, epr, **values):
    names = "".join("<VALUE>%s</VALUE>" % name for name in values)
    cimxml.call("ModifyInstance", '<IPARAMVALUE NAME="ModifiedInstance"><VALUE.NAMEDINSTANCE>%s%s'
                '</VALUE.NAMEDINSTANCE></IPARAMVALUE><IPARAMVALUE NAME="PropertyList"><VALUE.ARRAY>%s'
                '</VALUE.ARRAY></IPARAMVALUE>' % (instance_name(epr), instance(values), names))


def refused(do, *arguments, **values):
    try:
        do(*arguments, **values)
    except CimError as error:
        return error
    raise AssertionError("done: %s %s" % (do.__name__, values))


class Site:
    """A daemon with the groups web and db, its front end, a client of each."""

    def __enter__(self):
        self.daemon = prepared().__enter__()
        self.front = Front(self.daemon, "adam").__enter__()
        self.client = self.daemon.client().__enter__()
        self.cimxml, self.wsman = self.front.cimxml(), self.front.wsman()
        self.group = self.client.call("group-show", group="web")["id"]
        return self

    def __exit__(self, *problem):
        self.client.__exit__(*problem)
        self.front.__exit__(*problem)
        self.daemon.__exit__(*problem)

    def create(self, **values):
        values = dict({"CollectionId": self.group, "ExportDirectory": self.daemon.path("exports"),
                       "JobRunTimes": 0, "RunStartInterval": "00000000020000.000000:000"}, **values)
        return create(self.cimxml, **values)

    def schedule(self, epr):
        return self.client.call("schedule-show", schedule=epr.keys["InstanceID"])


def test_create():
    with Site() as site:
        epr = site.create(RunDayOfWeek=-6, RunDay=-1, RunMonth=11, LocalOrUtcTime=2, Priority=7,
                          UntilTime="20991231235959.000000+000", ElementName="yearly",
                          RecoveryAction=4, TimeBeforeRemoval="00000000001000.000000:000")
        made = site.schedule(epr)
        assert made["name"] == "yearly" and made["group-name"] == "web" and made["owner"] == "adam"
        assert made["recovery-name"] == "retry" and made["priority"] == 7, made
        job = site.cimxml.get(epr)
        assert job["JobState"] == "2" and job["RunMonth"] == "11" and job["RunDay"] == "-1", job
        assert job["RunDayOfWeek"] == "-6" and job["LocalOrUtcTime"] == "2", job
        assert job["RunStartInterval"] == "00000000020000.000000:000"
        assert job["UntilTime"] == "20991231235959.000000+000" and job["JobRunTimes"] == "0"
        assert job["TimeBeforeRemoval"] == "00000000001000.000000:000"
        assert job["CollectionId"] == site.group and job["RecoveryAction"] == "4"
        due = datetime.datetime.strptime(job["ScheduledStartTime"][:14], "%Y%m%d%H%M%S")
        assert due.month == 12 and due.weekday() == 4 and due.day >= 25 and due.hour == 2, due
        # and over the other protocol, among the jobs
        assert site.wsman.get(epr)["ScheduledStartTime"]
        assert any(each == epr for _, each in site.wsman.enumerate("CIM_ConcreteJob"))


def test_wrong():
    with Site() as site:
        for values, code in (({"RunMonth": 12}, 4), ({"RunDay": 32}, 4), ({"RunDayOfWeek": 8}, 4),
                             ({"RunStartInterval": "00000001000000.000000:000"}, 4),
                             ({"CollectionId": "nothing"}, 4), ({"ExportDirectory": "/etc"}, None),
                             ({"RunMonth": 1, "RunDay": 30}, None),
                             ({"UntilTime": "20200101000000.000000+000"}, None),
                             ({"Notify": "not an address"}, None)):
            error = refused(site.create, **values)
            assert error.code == (code or error.code) and str(error), (values, error.code)
        assert site.client.call("schedule-list") == []


def test_change():
    with Site() as site:
        epr = site.create()
        modify(site.cimxml, epr, RunDayOfWeek=2, JobRunTimes=5, Notify="ops@example.org")
        changed = site.cimxml.get(epr)
        assert changed["RunDayOfWeek"] == "2" and changed["JobRunTimes"] == "5", changed
        assert changed["Notify"] == "ops@example.org" and site.schedule(epr)["run-times"] == 5
        modify(site.cimxml, epr, RunDayOfWeek=None, UntilTime=NEVER, Notify=None)
        changed = site.cimxml.get(epr)
        assert not changed.get("RunDayOfWeek") and changed["UntilTime"] == NEVER, changed
        assert not changed.get("Notify")
        for name, value in (("JobState", 7), ("CollectionId", "x"), ("Owner", "me")):
            assert refused(modify, site.cimxml, epr, **{name: value}).code == 7, name


def state(site, epr, wanted):
    """As soon as it is: what cairnd does by itself comes as an event."""
    deadline = time.monotonic() + SECONDS
    while site.cimxml.get(epr)["JobState"] != wanted:
        assert time.monotonic() < deadline, (site.cimxml.get(epr)["JobState"], wanted)
        select_wait(site.front.process)


def test_control():
    with Site() as site:
        epr = site.create()

        def ask(requested, timeout=None):
            return site.cimxml.invoke(epr, "RequestStateChange", (
                ("RequestedState", str(requested)), ("TimeoutPeriod", timeout)))[0]
        assert ask(3) == 0 and site.cimxml.get(epr)["JobState"] == "5"
        assert ask(3) == 32775 and ask(6) == 32770 and ask(7) == 32773 and ask(40000) == 32773
        assert ask(2) == 0 and site.cimxml.get(epr)["JobState"] == "2"
        assert ask(2) == 0  # once now: without machines it fails at once
        site.client.call("subscribe")
        while not site.schedule(epr)["last-ended"]:
            site.client.event("SCHEDULE_CHANGED")
        state(site, epr, "2")
        code, out = site.cimxml.invoke(epr, "GetError")
        assert code == 0 and "no members" in str(out["Error"]), out
        assert site.schedule(epr)["runs"] == 1
        assert ask(4) == 0 and site.cimxml.get(epr)["JobState"] == "8"
        assert ask(2) == 32775


def is_gone(site, epr):
    try:
        site.cimxml.get(epr)
    except CimError as error:
        assert error.code == 6, error
        return True
    return False


def test_kill():
    with Site() as site:
        gone, kept = site.create(), site.create()
        deadline = time.monotonic() + SECONDS
        for epr, forget in ((kept, "false"), (gone, "true")):
            assert site.cimxml.invoke(epr, "KillJob", (("DeleteOnKill", forget),))[0] == 0
        while not is_gone(site, gone):
            assert time.monotonic() < deadline
            select_wait(site.front.process)
        state(site, kept, "8")
        assert not site.schedule(kept)["delete-on-completion"]


def test_delete():
    with Site() as site:
        epr, other = site.create(), site.create()
        site.cimxml.delete(epr)
        assert refused(site.cimxml.get, epr).code == 6
        assert len(site.client.call("schedule-list")) == 1
        site.client.call("schedule-delete", schedule=other.keys["InstanceID"])
        until_error(6, site.cimxml.get, other)
        with Front(site.daemon, "olga") as front:
            assert refused(create, front.cimxml(), CollectionId=site.group, JobRunTimes=0,
                           RunStartInterval="00000000020000.000000:000",
                           ExportDirectory=site.daemon.path("exports")).code == 2


sys.exit(main([test_create, test_wrong, test_change, test_control, test_kill, test_delete]))
