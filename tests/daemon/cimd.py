#!/usr/bin/python3
"""cimd.py CAIRND CAIRN-CIMD: the front end over a real daemon without machines: every operation on every
class, requests that are nearly right, users without rights."""
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import SECONDS, main  # noqa: E402

import cimsweep  # noqa: E402
from cimd_front import Front, prepared, until_error  # noqa: E402
from cairnlab import cimclient  # noqa: E402
from cairnlab.cimclient import CimError  # noqa: E402

SEED = int(os.environ.get("CAIRN_SEED", "20261128"))
NOTHING = cimclient.Epr("Msvm_CollectionManagementService", {})


def test_sweep():
    with prepared() as daemon, Front(daemon, "adam") as front:
        sweep = cimsweep.Sweep(front.url)
        sweep.run()
        assert sweep.count > sweep.refused


def test_spoiled():
    with prepared() as daemon, Front(daemon, "olga") as front:
        sweep = cimsweep.Sweep(front.url)
        for namespace in cimsweep.NAMESPACES[:1]:
            for name in ("Msvm_VirtualSystemCollection", "Msvm_CollectionManagementService",
                         "CIM_ConcreteJob", "Msvm_HostedService"):
                declared, instances = sweep.of_class(namespace, name)
                for values, epr in instances:
                    sweep.of_instance(namespace, declared, values, epr)
                sweep.over_wsman(namespace, name, instances)
        sweep.spoil(SEED, 3000)
        assert front.wsman().enumerate("Msvm_VirtualSystemCollection")


def test_rights():
    """The role decides; a name without a role gets nothing at all."""
    with prepared() as daemon:
        for user, may_read, may_change in (("adam", True, True), ("otto", True, False),
                                           ("olga", True, False), ("eve", False, False)):
            with Front(daemon, user) as front:
                for client in (front.wsman(), front.cimxml()):
                    try:
                        found = client.enumerate("Msvm_VirtualSystemCollection")
                        assert may_read and len(found) >= 2, (user, found)
                    except CimError as error:
                        assert not may_read and error.code in (2, "AccessDenied"), (user, error)
                    try:
                        code, out = client.invoke(service(client, may_read), "DefineCollection",
                                                  (("Name", None), ("Id", None), ("Type", "0")))
                        assert (code == 0) == may_change and (code in (0, 32769)), (user, code, out)
                    except CimError as error:
                        assert not may_read and error.code in (2, "AccessDenied"), (user, error)


def service(client, may_read):
    return client.enumerate(NOTHING.class_name)[0][1] if may_read else NOTHING


def test_both_ways():
    """What one side does the other sees: what goes through the front end is there with its answer."""
    with prepared() as daemon, Front(daemon, "adam") as front, daemon.client() as client:
        wsman, cimxml = front.wsman(), front.cimxml()
        epr = service(wsman, True)
        code, out = wsman.invoke(epr, "DefineCollection", (("Name", "new"), ("Id", None),
                                                           ("Type", "0")))
        assert code == 0 and client.call("group-show", group="new")["id"] == \
            out["DefinedCollection"].keys["CollectionID"]
        code, _ = cimxml.invoke(epr, "RenameCollection", (("Collection", out["DefinedCollection"]),
                                                          ("NewName", "newer")))
        assert code == 0 and client.call("group-show", group="newer")
        client.call("group-delete", group="newer")
        until_error("DestinationUnreachable", wsman.get, out["DefinedCollection"])


def test_daemon_gone():
    """Without cairnd there are errors, and it is found again when it is back."""
    with prepared() as daemon, Front(daemon, "adam") as front:
        wsman = front.wsman()
        assert len(wsman.enumerate("Msvm_VirtualSystemCollection")) == 2
        daemon.end()
        try:
            wsman.invoke(NOTHING, "DefineCollection", (("Name", "x"), ("Type", "0")))
            raise AssertionError("done without cairnd")
        except CimError:
            pass
        daemon.begin()
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                assert len(wsman.enumerate("Msvm_VirtualSystemCollection")) == 2
                break
            except CimError:
                assert time.monotonic() < deadline, "cairnd is not found again"


def test_options():
    """What --check finds, the start would: nothing wrong waits for it."""
    for words, told in ((["--auth", "foo"], "is not basic, negotiate, cert or none"),
                        (["--listen", "foo"], 'listen: "foo" is not http://'),
                        (["--listen", "http://192.0.2.1:5985"], "is not on loopback"),
                        (["--map", "foo"], 'map: "foo" is not NAME=USER'),
                        (["--cert-map", "foo"], 'cert-map: "foo" is not NAME=USER'),
                        (["--event-destinations", "foo"], 'event-destinations: the address "foo"'),
                        (["--compat-build", "1"], "is not one of")):
        done = subprocess.run([sys.argv[2], "--check", *words], capture_output=True, text=True,
                              timeout=SECONDS, check=False)
        assert done.returncode == 2 and told in done.stderr, (words, done)


sys.exit(main([test_sweep, test_spoiled, test_rights, test_both_ways, test_daemon_gone,
               test_options]))
