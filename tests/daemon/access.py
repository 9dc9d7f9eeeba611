#!/usr/bin/python3
"""access.py CAIRND: who may do what on a real daemon's sockets."""
import grp
import json
import os
import pwd
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import Client, Daemon, Refused, main, refused  # noqa: E402

CAIRND = sys.argv[1]
OPTIONS = ("--observer", "olga", "--operator", "otto:web", "--operator", "omar:*",
           "--administrator", "adam", "--front-end-user", "")


def prepared(*options):
    daemon = Daemon(CAIRND, *OPTIONS, *options)
    with daemon.client() as client:
        client.call("group-create", name="web")
        client.call("group-create", name="db")
    return daemon


def test_roles():
    with prepared() as daemon, daemon.client() as client:
        for user in ("olga", "otto", "omar", "adam"):
            assert len(client.call("group-list", _as=user)) == 2
        refused("Denied", 'needs the role observer, which user "eve"', client.call, "group-list",
                _as="eve")
        # It is allowed when the answer is about the group: it has no members.
        for user in ("otto", "omar", "adam"):
            refused("State", "has no members", client.call, "point-create", _as=user, group="web")
        for user in ("olga", "otto", "eve"):
            refused("Denied", 'operator for group "db"', client.call, "point-create", _as=user,
                    group="db")
        for user in ("olga", "otto", "omar", "eve"):
            refused("Denied", "needs the role administrator", client.call, "group-create",
                    _as=user, name="new")
        refused("Denied", "which user", client.call, "group-list", _as="root")
        client.call("group-create", _as="adam", name="new")
        client.call("group-rename", _as="adam", group="new", name="newer")
        # By GUID it is the same group.
        ident = client.call("group-show", group="db")["id"]
        refused("Denied", 'for group "db"', client.call, "point-create", _as="otto", group=ident)


def test_unknown_things():
    """Readers may know what is there; others learn nothing."""
    with prepared() as daemon, daemon.client() as client:
        for name, arguments in (("point-create", {"group": "none"}),
                                ("point-delete", {"point": "web@1"}),
                                ("job-control", {"job": "7", "action": "kill"})):
            for user in ("olga", "otto", "omar", "adam"):
                refused("NotFound", "", client.call, name, _as=user, **arguments)
            refused("Denied", "eve", client.call, name, _as="eve", **arguments)


def test_bad_identity():
    with prepared() as daemon, daemon.client() as client:
        for bad in ({}, {"user": None}, {"user": ""}, {"user": "x" * 257}, {"user": "a\nb"},
                    {"user": "a\0b"}, {"user": "adam", "role": "x"}):
            # JSON with a NUL is not read at all: then the answer has no id.
            number = None if "\0" in str(bad.get("user")) else 1
            client.send({"execute": "query-version", "as": bad, "id": 1})
            refused("Invalid", "", client.answer, number)
        client.send({"execute": "query-version", "as": None, "id": 2})
        refused("Invalid", '"as" must be', client.answer, 2)


def test_per_request():
    """Nothing of one request stays on the connection for the next."""
    with prepared() as daemon, daemon.client() as client:
        messages = [{"execute": "group-add", "id": n, "as": {"user": user},
                     "arguments": {"group": "web", "vm": "none"}}
                    for n, user in enumerate(("adam", "olga", "adam", "eve", "otto"))]
        client.file.write(b"".join(json.dumps(it).encode() + b"\n" for it in messages))
        client.file.flush()
        kinds = {}
        for _ in messages:
            answer = client.read()
            kinds[answer["id"]] = answer["error"]["class"]
        assert kinds == {0: "NotFound", 1: "Denied", 2: "NotFound", 3: "Denied", 4: "Denied"}, kinds


def test_query_access():
    with prepared() as daemon, daemon.client() as client:
        for user, role, groups in (("olga", "observer", []), ("otto", "operator", ["web"]),
                                   ("omar", "operator", ["*"]), ("adam", "administrator", ["*"]),
                                   ("eve", None, [])):
            got = client.call("query-access", user=user)
            assert got == {"user": user, "role": role, "groups": groups}, got
        assert client.call("query-access", _as="adam", user="otto")["role"] == "operator"
        refused("Denied", "administrator", client.call, "query-access", _as="omar", user="otto")
        refused("Invalid", "1 to 256 bytes", client.call, "query-access", user="")


def test_unix_groups():
    me = pwd.getpwuid(os.getuid())
    group = grp.getgrgid(me.pw_gid).gr_name
    with prepared("--operator", "@%s:web" % group, "--observer", "@no-such-group") as daemon:
        with daemon.client() as client:
            got = client.call("query-access", user=me.pw_name)
            assert got["role"] == "operator" and got["groups"] == ["web"], got
            # Pipelined: the look-up is under way, then known.
            for number in range(100, 120):
                client.send({"execute": "point-create", "id": number,
                             "as": {"user": me.pw_name},
                             "arguments": {"group": "web" if number % 2 else "db"}})
            for number in range(100, 120):
                refused("State" if number % 2 else "Denied", "web" if number % 2 else "db",
                        client.answer, number)
            assert client.call("query-access", user="otto")["groups"] == ["web"]
            refused("Denied", "eve", client.call, "group-list", _as="eve")


def test_folders():
    """Whoever asks, exports stay below the roots."""
    with prepared() as daemon, daemon.client() as client:
        inside, outside = daemon.path("exports", "in"), daemon.path("outside")
        os.mkdir(inside)
        os.mkdir(outside)
        os.mkdir(daemon.path("exports-not"))
        os.symlink(outside, daemon.path("exports", "link"))
        os.symlink("../../outside", os.path.join(inside, "up"))
        os.symlink(inside, daemon.path("to-inside"))
        os.symlink("gone", daemon.path("exports", "dangling"))
        os.symlink("loop", daemon.path("exports", "loop"))
        out = [outside, daemon.directory, daemon.path("exports-not"), "/", "/etc",
               daemon.path("gone"), "/gone/too", daemon.path("exports", "..", "gone"),
               daemon.path("exports", "..", "outside"), daemon.path("exports", ".."),
               daemon.path("exports", "in", "..", "..", "outside"),
               daemon.path("exports", "link"), daemon.path("exports", "link", "."),
               daemon.path("exports", "in", "up"), "/proc/self/root/etc",
               daemon.path("exports", "link", "..", "outside")]
        for user in (None, "otto", "adam"):
            for folder in out:
                refused("Denied", "is not below an export root", client.call, "backup", _as=user,
                        group="web", directory=folder)
            for folder in ("exports", "../exports", "", "."):
                refused("Invalid", "not an absolute path", client.call, "backup", _as=user,
                        group="web", directory=folder)
            refused("NotFound", "", client.call, "backup", _as=user, group="web",
                    directory=daemon.path("exports", "dangling"))
            for good in (inside, daemon.path("exports"), daemon.path("to-inside"),
                         daemon.path("exports", "in", "..", "in"), inside + "//."):
                # The folder is fine: the next thing is told.
                refused("State", "has no members", client.call, "backup", _as=user, group="web",
                        directory=good)
            try:
                client.call("backup", _as=user, group="web", directory=daemon.path("exports",
                                                                                    "loop"))
                raise AssertionError("a loop of links was followed")
            except Refused:
                pass
        # Who may not act does not learn which folders there are.
        refused("Denied", "needs the role", client.call, "backup", _as="olga", group="web",
                directory="/etc")


def as_nobody(daemon, sock, messages):
    """Answers to another user of the system."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            ours.close()
            os.setgroups([])
            os.setgid(pwd.getpwuid(65534).pw_gid)
            os.setuid(65534)
            with Client(daemon.path("run", sock)) as client:
                answers = []
                for message in messages:
                    client.send(message)
                    answers.append(client.read())
            theirs.sendall(json.dumps(answers).encode())
            status = 0
        finally:
            os._exit(status)
    theirs.close()
    with ours, ours.makefile("rb") as file:
        text = file.read()
    assert os.waitpid(child, 0)[1] == 0
    return [it.get("error", {}).get("class") for it in json.loads(text)]


def test_other_users():
    if os.geteuid() != 0:
        return "needs root, to be somebody else"
    nobody = pwd.getpwuid(65534).pw_name
    read = {"execute": "group-list"}
    change = {"execute": "group-create", "arguments": {"name": "mine"}}
    access = {"execute": "query-access", "arguments": {"user": "adam"}}
    named = [dict(it, **{"as": {"user": "adam"}}) for it in (read, change)]
    # Somebody: may read, and may not be adam.
    with prepared() as daemon:
        got = as_nobody(daemon, "control-ro.sock", [read, change, access] + named)
        assert got == [None, "Denied", "Denied", "Denied", "Denied"], got
        # The socket's mode lets its group in: administrators, but not front ends.
        os.chmod(daemon.path("run", "control.sock"), 0o666)
        got = as_nobody(daemon, "control.sock", [read, access] + named + [change])
        assert got == [None, None, "Denied", "Denied", None], got
        assert not os.path.exists(daemon.path("run", "control-front.sock"))
    # The front end: reads in its own name, acts for adam only, whatever socket it came by.
    with prepared("--front-end-user", nobody) as daemon:
        got = as_nobody(daemon, "control-front.sock", [read, change, access] + named + [change])
        assert got == [None, "Denied", None, None, None, "Denied"], got
        os.chmod(daemon.path("run", "control.sock"), 0o666)
        got = as_nobody(daemon, "control.sock", [read, change, access] + [change])
        assert got == [None, "Denied", None, "Denied"], got
        got = as_nobody(daemon, "control-ro.sock", [read, change, access] + named)
        assert got == [None, "Denied", None, None, "Denied"], got
    # Somebody else at the front end's socket has nothing.
    with prepared("--front-end-user", "root") as daemon:
        front = daemon.path("run", "control-front.sock")
        assert os.stat(front).st_mode & 0o777 == 0o660 and os.stat(front).st_uid == 0
        os.chmod(front, 0o666)
        got = as_nobody(daemon, "control-front.sock", [read, change, access] + named)
        assert got == ["Denied"] * 5, got
    return None


sys.exit(main([test_roles, test_unknown_things, test_bad_identity, test_per_request,
               test_query_access, test_unix_groups, test_folders, test_other_users]))
