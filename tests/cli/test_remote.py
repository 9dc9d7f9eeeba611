#!/usr/bin/python3
"""`cairn --host` against a WS-Management server of canned objects: every request, faults, logins, TLS,
answers that are too large or never come."""
import base64
import os
import pty
import re
import select
import shlex
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_wsman import APP, DB, GROUP, POINT, FakeWsman, job  # noqa: E402
from remote_case import CAIRN, DEADLINE, JOB, asked, bad, data, good, main, run  # noqa: E402

TOP = os.path.abspath(sys.argv[2])


# -- what is there ---------------------------------------------------------------------------------


def test_status(host):
    status = data(host, "status")
    assert status["version"] == "0.1.0" and status["groups"] == 1 and status["points"] == 2, status
    assert status["jobs"] == {"waiting": None, "running": 0, "finished": 2}, status
    assert "0.1.0" in good(host, "status")
    assert "0.1.0" in good(host.url + "/wsman", "status")


def test_vm_list(host):
    db, app = data(host, "vm", "list")
    assert (db["id"], db["name"], db["state"], db["groups"]) == (DB, "db", "running", ["web"]), db
    assert app["state"] == "shutoff" and app["disks"] == [], app
    assert db["disks"] == [{"target": "vda", "path": "/images/db.qcow2", "format": None,
                            "size": 256 << 20, "trackable": None, "reason": None}], db
    assert "256 MiB" in good(host, "vm", "list")


def test_group_read(host):
    want = {"id": GROUP, "name": "web", "created": None, "points": 2, "latest": "web@2",
            "held": None, "members": [{"id": DB, "name": "db", "state": "running"},
                                      {"id": APP, "name": "app", "state": "shutoff"}]}
    assert data(host, "group", "list") == [want]
    assert data(host, "group", "show", "web") == want
    assert data(host, "group", "show", GROUP.lower()) == want
    bad(host, 'there is no group "nope"', "group", "show", "nope")
    assert "web@2" in good(host, "group", "list")


def test_group_write(host):
    other = GROUP[:-1] + "2"
    assert data(host, "group", "create", "other", "db", "app", "--id", other)["id"] == other
    assert asked(host, "DefineCollection") == [{"Name": "other", "Id": other, "Type": "0"}]
    members = asked(host, "AddMember")
    assert [each["Member"]["Name"] for each in members] == [DB, APP], members
    assert members[0]["Collection"] == {"CollectionID": other}, members
    bad(host, 'no virtual machine "nope"', "group", "create", "x", "db", "nope")
    assert len(asked(host, "DefineCollection")) == 1, "nothing is made before all are found"
    good(host, "group", "add", "web", "app")
    good(host, "group", "remove", "web", "app")
    assert asked(host, "RemoveMember") == [{
        "Member": {"CreationClassName": "Msvm_ComputerSystem", "Name": APP},
        "Collection": {"CollectionID": GROUP}}]
    assert data(host, "group", "rename", "web", "net")["name"] == "net"
    good(host, "group", "delete", "net", "--force")
    assert len(asked(host, "DestroyReferencePoint")) == 2
    assert asked(host, "DestroyCollection") == [{"Collection": {"CollectionID": GROUP}}]


def test_point_read(host):
    one, two = data(host, "point", "list", "web")
    assert (one["name"], one["number"], one["consistency"]) == ("web@1", 1, "application"), one
    assert one["created"] == "2026-11-20T10:01:00.500000Z" and one["held"] is None, one
    assert one["exports"] == [{"directory": "/backup", "job": JOB % 2,
                               "time": "2026-11-20T10:12:03.000000Z"}], one
    assert two["consistency"] == "crash" and two["exports"] == [], two
    assert two["members"][0]["disks"][1] == {"target": "vdb", "id": "Cairn:%s\\vdb" % DB}, two
    assert two["members"][0]["consistency"] == "crash", two
    for name in ("web@2", "web@latest", POINT % 2, GROUP + "@2"):
        assert data(host, "point", "show", name) == two, name
    bad(host, 'no point "web@7"', "point", "show", "web@7")
    bad(host, 'no group "nope"', "point", "show", "nope@1")
    assert "db:vdb" in good(host, "point", "show", "web@2")


def test_point_write(host):
    point = data(host, "point", "create", "web", "-c", "crash")
    assert point["name"] == "web@3", point
    want = asked(host, "CreateReferencePoint")[0]
    assert want["Collection"] == {"CollectionID": GROUP} and want["ReferencePointType"] == "2", want
    assert '<PROPERTY NAME="ConsistencyLevel" TYPE="uint8"><VALUE>2</VALUE>' in \
        want["ReferencePointSettings"], want
    assert good(host, "point", "create", "web", "--no-wait") == JOB % 3 + "\n"
    assert "ReferencePointSettings" not in asked(host, "CreateReferencePoint")[1]
    keys = {"CollectionID": POINT % 2, "VirtualSystemCollectionId": GROUP}
    good(host, "point", "release", "web@2")
    good(host, "point", "delete", "web@2")
    for method in ("RemoveAssociatedData", "DestroyReferencePoint"):
        assert asked(host, method) == [{"AffectedReferencePointCollection": keys}], method


def test_export(host):
    answer = data(host, "export", "web@2", "/backup")
    made = answer["job"]
    assert made["kind"] == "export" and made["state-name"] == "completed" and not made["base"], made
    assert made["id"] == JOB % 4 and made["number"] is None and made["directory"] == "/backup", made
    assert made["warnings"] == ["a warning"], made
    assert [(each["vm-name"], each["kind"], each["reason"]) for each in made["disks"]] == [
        ("db", "full", "it is new"), ("db", "full", None)], made
    assert answer["point"]["name"] == "web@2", answer
    assert "ExportSettingData" not in asked(host, "ExportReferencePoint")[0]
    host.objects["Msvm_CollectionReferencePointExportJob"].pop()
    host.vendor = "Another"  # whose jobs tell what is in the folder
    good(host, "export", "web@2", "/backup", "--base", "auto", "--disk", "db:vda")
    text = asked(host, "ExportReferencePoint")[1]["ExportSettingData"]
    assert ('Msvm_ReferencePointCollection.CollectionID="%s",VirtualSystemCollectionId="%s"' %
            (POINT % 1, GROUP)) in text, text
    assert ("&lt;VALUE&gt;Cairn:%s\\vda&lt;/VALUE&gt;" % DB) in text and "vdb" not in text, text
    bad(host, 'no disk "db:vdz"', "export", "web@2", "/backup", "-d", "db:vdz")
    bad(host, "not an older point", "export", "web@1", "/backup", "--base", "web@2")


def test_backup(host):
    answer = data(host, "backup", "web", "/backup/")
    assert answer["job"]["base"] == POINT % 1, answer
    assert 'CollectionID="Cairn:auto"' in asked(host, "ExportReferencePoint")[0][
        "ExportSettingData"].replace("&quot;", '"')
    assert answer["job"]["point"] == POINT % 3 and answer["point"]["name"] == "web@3", answer
    assert asked(host, "ExportReferencePoint")[0]["ExportDirectory"] == "/backup"


def test_backup_full(host):
    host.vendor = "Another"
    done = run(host, "backup", "web", "/elsewhere")
    assert done.returncode == 0 and "nothing: in full" in done.stdout, (done.stdout, done.stderr)
    assert "ExportSettingData" not in asked(host, "ExportReferencePoint")[0]


def test_jobs(host):
    first, second = data(host, "job", "list")
    assert (first["id"], first["kind"], first["point"]) == (JOB % 1, "point-create", POINT % 1)
    assert first["group"] == GROUP and second["point-name"] == "web@1", (first, second)
    assert second["started"] == "2026-11-20T10:12:01.000000Z", second
    assert second["ended"] == "2026-11-20T10:12:03.000000Z" and second["elapsed-us"] == 2500000
    assert data(host, "job", "list", "--active") == []
    assert len(data(host, "job", "list", "--group", "web")) == 2
    shown = data(host, "job", "show", JOB % 2)
    assert shown["properties"]["TimeBeforeRemoval"] == "00000007000000.000000:000", shown
    assert shown["properties"]["OperationalStatus"] == ["2", "17"], shown
    assert shown["properties"]["Priority"] == 100, shown
    assert JOB % 2 in good(host, "job", "list")
    bad(host, "not possible with --host: jobs have no numbers", "job", "show", "2")
    bad(host, "there is no job", "job", "show", JOB % 7)
    host.objects["Msvm_ConcreteJob"].append(
        job(3, "", "Msvm_ConcreteJob", Name="retain", ElementName="Removal of old exports of web"))
    assert data(host, "job", "show", JOB % 3)["kind"] == "retain"
    assert "retain web" in good(host, "job", "list")
    host.objects["Msvm_CollectionReferencePointExportJob"].append(
        job(4, "", state=2, Name="schedule", ElementName="nightly", CollectionId=GROUP,
            Description="Backup of group web: mon-fri at 02:00"))
    assert data(host, "job", "show", JOB % 4)["group-name"] == "web"
    assert "schedule web" not in good(host, "job", "list")  # it has a list of its own


def test_job_changes(host):
    for verb, state in (("resume", "2"), ("suspend", "3"), ("terminate", "4"), ("kill", "5"),
                        ("service", "6")):
        good(host, "job", verb, JOB % 2)
        assert asked(host, "RequestStateChange")[-1] == {"RequestedState": state}, verb
    good(host, "job", "set", JOB % 2, "--priority", "7", "--keep", "1h")
    assert asked(host, "Put") == [{"Priority": "7",
                                   "TimeBeforeRemoval": "00000000010000.000000:000"}], host.asked
    good(host, "job", "set", JOB % 2, "--stay")
    good(host, "job", "set", JOB % 2, "--no-stay")
    assert asked(host, "Put")[1:] == [{"DeleteOnCompletion": "false"}, {"DeleteOnCompletion": "true"}]
    error, = data(host, "job", "errors", JOB % 2)
    want = {"class": "Limit", "code": 32778, "message-id": "CAIRN0415", "cause": 50,
            "message": "the disk & its host", "arguments": ["/b"], "vm": DB, "disk": "vda",
            "action": "Make room.", "actions": ["Make room.", "Wait."]}
    assert {key: error[key] for key in want} == want, error


def test_job_remove(host):
    good(host, "job", "remove", JOB % 2)
    assert asked(host, "Delete") == [{"InstanceID": JOB % 2}], host.asked
    assert [each["id"] for each in data(host, "job", "list")] == [JOB % 1]


def test_watch(host):
    host.states[JOB % 2] = ["4", "4", "4"]
    done = run(host, "job", "watch", JOB % 2)
    assert done.returncode == 0 and "export web@1: completed" in done.stderr, done.stderr
    assert not host.states[JOB % 2]
    host.objects["Msvm_ConcreteJob"].append(
        job(5, "web@1", "Msvm_ConcreteJob", state=10, ErrorSummaryDescription="no room"))
    bad(host, "no room", "job", "watch", JOB % 5)


# -- what cannot be --------------------------------------------------------------------------------


def test_not_carried(host):
    for words in (["point", "create", "web", "--hold", "1h"], ["point", "create", "web", "--no-barrier"],
                  ["export", "web@1", "/b", "--format", "raw"], ["backup", "web", "/b", "--rate", "1M"],
                  ["export", "web@1", "/b", "--keep-held"], ["job", "set", JOB % 2, "--rate", "1M"],
                  ["backup", "web", "/b", "--digest", "sha256"],
                  ["backup", "web", "/b", "--notify", "a@b"], ["backup", "web", "/b", "--keep", "3"],
                  ["backup", "web", "/b", "--keep-daily", "3"],
                  ["export", "web@1", "/b", "--on-failure", "retry"],
                  ["point", "create", "web", "--retries", "2"]):
        bad(host, "not possible with --host: .*leave --" + words[-2 if words[-1][0] != "-" else -1]
            .strip("-"), *words)
    for words in (["job", "history"], ["retain", "web", "/b", "--keep", "3"], ["limits", "show"]):
        bad(host, 'not possible with --host: the classes have no ".*"; run it on the host itself', *words)
    assert not host.asked, host.asked


def test_refused(host):
    host.scenario = "refused"
    bad(host, r"cannot be in this state \(return value 32775", "point", "delete", "web@1")


def test_fault(host):
    host.scenario = "fault"
    bad(host, r'user "x" may not <do> this \(CIM status 2\)', "group", "list")


def test_other_answers(host):
    for scenario, pattern in (("html", "does not answer in SOAP"), ("redirect", "not followed"),
                              ("large", "more than 4 MiB"), ("closed", "closed the connection")):
        host.scenario = scenario
        bad(host, pattern, "group", "list")


def test_not_there(host):
    url = host.url
    host.close()
    bad(url, "is not reachable", "group", "list")
    bad("https://127.0.0.1:1", "is not reachable", "group", "list")


def test_slow(host):
    """It waits for an answer."""
    host.scenario = "slow"
    child = subprocess.Popen([CAIRN, "--host", host.url, "group", "list"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        child.wait(0.3)
        assert False, "it did not wait"
    except subprocess.TimeoutExpired:
        pass
    host.scenario = "good"
    host.gate.set()
    assert child.wait(DEADLINE) == 0


def test_addresses(host):
    for url, pattern in (("ftp://127.0.0.1", "no address such as"), ("kvm7", "no address such as"),
                         ("https://me:secret@kvm7", "use --user"),
                         ("http://192.0.2.1", "this machine only")):
        bad(url, pattern, "group", "list")
    bad(host, "a login needs https", "--user", "me:x", "group", "list")
    bad(host, "exclude each other", "--socket", "/x", "group", "list", status=2)


# -- who -------------------------------------------------------------------------------------------


def certificate(folder):
    path = os.path.join(folder, "tls.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", path + ".key", "-out", path + ".crt", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True, timeout=DEADLINE)
    with open(path, "w", encoding="utf-8") as out:
        for end in (".key", ".crt"):
            with open(path + end, encoding="utf-8") as part:
                out.write(part.read())
    return path, path + ".crt"


def ask_password(host, trusted, typed):
    """On a terminal: the prompt, no echo, the answer."""
    screen, pid_fd = "", pty.fork()
    if pid_fd[0] == 0:
        env = {name: value for name, value in os.environ.items() if name != "CAIRN_PASSWORD"}
        os.execve(CAIRN, [CAIRN, "--host", host.url, "--cacert", trusted, "--user", "me", "--json",
                          "group", "list"], env)
    end = time.monotonic() + DEADLINE
    sent = False
    while time.monotonic() < end:
        if select.select([pid_fd[1]], [], [], 0.2)[0]:
            try:
                part = os.read(pid_fd[1], 65536)
            except OSError:
                break
            screen += part.decode()
        if not sent and "Password of me at" in screen:
            os.write(pid_fd[1], typed.encode() + b"\n")
            sent = True
    os.close(pid_fd[1])
    status = os.waitstatus_to_exitcode(os.waitpid(pid_fd[0], 0)[1])
    return status, screen


def test_tls(_host):
    with tempfile.TemporaryDirectory() as folder:
        chain, trusted = certificate(folder)
        basic = "Basic " + base64.b64encode(b"me:pa ss").decode()
        host = FakeWsman(tls=chain, user=basic)
        listing = ["--cacert", trusted, "--user", "me", "--json", "group", "list"]
        try:
            bad(host, "not trusted.*--cacert", "group", "list")
            bad(host, "PEM", "--cacert", "/nonexistent", "group", "list")
            bad(host, "wants a login", "--cacert", trusted, "group", "list")
            bad(host, "does not accept the login", *listing, CAIRN_PASSWORD="wrong")
            assert "web" in good(host, *listing, CAIRN_PASSWORD="pa ss")
            assert "web" in good(host, "--cacert", trusted, "--user", "me:pa ss", "group", "list")
            bad(host, "no terminal to ask", *listing)
            path = os.path.join(folder, "password")
            with open(path, "w", encoding="utf-8") as out:
                out.write("pa ss\nmore\n")
            assert "web" in good(host, "--password-file", path, *listing)
            bad(host, "No such file", "--password-file", path + "x", *listing)
            status, screen = ask_password(host, trusted, "pa ss")
            assert status == 0 and '"name":"web"' in re.sub(r"\s", "", screen), screen
            assert "pa ss" not in screen, screen
            plain = host.url.replace("https:", "http:")
            bad(plain, "https where http was said", "group", "list")
            bad(host, "--cert", "--cacert", trusted, "--cert", "/dev/null", "group", "list")
        finally:
            host.close()


def test_examples(host):
    """Those of the manual that go to another host."""
    with open(os.path.join(TOP, "man/cairn.1"), encoding="utf-8") as stream:
        text = stream.read().replace("\\e\n", " ")
    lines = re.findall(r"^\$ cairn (--host .*)$", text, re.M)
    assert lines
    for line in lines:
        words = shlex.split(line)[2:]
        drop = {"--user", "--password-file"}  # this server has no TLS
        kept = [word for i, word in enumerate(words)
                if word not in drop and (i == 0 or words[i - 1] not in drop)]
        good(host, *kept)


main(globals())
