#!/usr/bin/python3
"""Every command against the fake daemon, compared with golden.txt: the line of the command, what
it printed, what it said on stderr ("! "), its exit status ("= "). `test_commands.py CAIRN --update`
writes golden.txt anew; read the difference before committing it."""
import os
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from fake_cairnd import FakeCairnd  # noqa: E402

GOLDEN = os.path.join(HERE, "golden.txt")


def play(cairn, daemon, line):
    env = dict(os.environ, CAIRN_SOCKET=daemon.path, LC_ALL="C.UTF-8", TZ="UTC")
    done = subprocess.run([cairn] + shlex.split(line), env=env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    text = ["$ " + line] + done.stdout.splitlines()
    text += ["! " + said for said in done.stderr.splitlines()]
    return text + ["= %d" % done.returncode]


def check_arguments(cairn, folder):
    """What the daemon was asked, word for word."""
    daemon = FakeCairnd(folder)
    play(cairn, daemon, "export web@2 rel/./dir --base auto --disk db:vda -d app --format raw "
                        "--compress zstd --digest sha256 --rate 1.5M --priority 7 --keep-held "
                        "--no-wait")
    play(cairn, daemon, "backup web /b --full -c crash --keep 3 --keep-monthly 2 --no-wait")
    play(cairn, daemon, "retain web rel --keep 5 --keep-daily 2 --keep-weekly 3 --keep-monthly 4 "
                        "--rate 2M --priority 8 -n")
    play(cairn, daemon, "schedule create web /b --at 02:00 --every 6h --weekdays fri-mon --months "
                        "jan --day -1 --day-of-week -fri --utc --start '2026-12-01 02:00' --until "
                        "2027-01-01 --times 9 --keep 1 --keep-daily 2 --keep-weekly 3 "
                        "--keep-monthly 4 --keep-job 2d --retry-delay 5m --recovery spare")
    play(cairn, daemon, "schedule set web --until '' --local --incremental --day any --months all "
                        "--directory rel")
    play(cairn, daemon, "backup web /b --on-failure retry --retries 2 --retry-delay 5m --notify "
                        "ops@example.com --no-wait")
    play(cairn, daemon, "export web@2 /b --on-failure command --recovery mark --no-wait")
    play(cairn, daemon, "point create web --no-barrier --hold 90m --no-wait")
    play(cairn, daemon, "job history -n 2 --group web --state failed --since 2026-11-28 "
                        "--until '2026-11-28 02:30'")
    play(cairn, daemon, "job set 1 --no-stay --keep 1h")
    daemon.close()
    want = [("export", {"point": "web@2", "directory": os.path.join(os.getcwd(), "rel/dir"),
                        "base": "auto", "disks": ["db:vda", "app"], "format": "raw",
                        "compress": "zstd", "digest": "sha256", "rate": 1572864, "priority": 7,
                        "keep-held": True}),
            ("backup", {"group": "web", "directory": "/b", "full": True,
                        "consistency": "crash", "keep-last": 3, "keep-monthly": 2}),
            ("retain", {"group": "web", "directory": os.path.join(os.getcwd(), "rel"),
                        "keep-last": 5, "keep-daily": 2, "keep-weekly": 3, "keep-monthly": 4,
                        "rate": 2097152, "priority": 8, "dry-run": True}),
            ("schedule-create", {
                "group": "web", "directory": "/b", "at": "02:00", "every": 21600,
                "weekdays": ["sun", "mon", "fri", "sat"], "months": ["jan"], "day": -1,
                "day-of-week": -6, "utc": True, "start": "2026-12-01T02:00:00.000000Z",
                "until": "2027-01-01T00:00:00.000000Z", "times": 9, "keep-last": 1,
                "keep-daily": 2, "keep-weekly": 3, "keep-monthly": 4, "keep-job": 172800,
                "retry-delay": 300, "recovery": "spare"}),
            ("schedule-set", {"schedule": "web", "until": "", "utc": False, "full": False,
                              "day": 0, "months": [],
                              "directory": os.path.join(os.getcwd(), "rel")}),
            ("backup", {"group": "web", "directory": "/b", "on-failure": "retry", "retries": 2,
                        "retry-delay": 300, "notify": "ops@example.com"}),
            ("export", {"point": "web@2", "directory": "/b", "on-failure": "command",
                        "recovery": "mark"}),
            ("point-create", {"group": "web", "no-barrier": True, "hold": 5400}),
            ("job-history", {"group": "web", "state": "failed", "limit": 2,
                             "since": "2026-11-28T00:00:00.000000Z",
                             "until": "2026-11-28T02:30:00.000000Z"}),
            ("job-history", {"group": "web", "state": "failed", "limit": 1, "before": 4,
                             "since": "2026-11-28T00:00:00.000000Z",
                             "until": "2026-11-28T02:30:00.000000Z"}),
            ("job-history", {"group": "web", "state": "failed", "limit": 1, "before": 3,
                             "since": "2026-11-28T00:00:00.000000Z",
                             "until": "2026-11-28T02:30:00.000000Z"}),
            ("job-history", {"group": "web", "state": "failed", "limit": 1, "before": 2,
                             "since": "2026-11-28T00:00:00.000000Z",
                             "until": "2026-11-28T02:30:00.000000Z"}),
            ("job-set", {"job": "1", "delete-on-completion": True, "keep": 3600})]
    got = [item for item in daemon.asked if item[0] != "point-show"]
    assert got == want, "asked %r" % got


def check_sockets(cairn, folder):
    """A denied control.sock: reads go on over the other one, the rest is refused in words."""
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--clear-groups"]
    else:
        command = []
    daemon = FakeCairnd(folder)
    os.chmod(folder, 0o755)
    os.chmod(daemon.path, 0)
    os.chmod(os.path.join(folder, "control-ro.sock"), 0o666)
    env = dict(os.environ, CAIRN_SOCKET=daemon.path)
    read = subprocess.run(command + [cairn, "group", "list"], env=env, capture_output=True,
                          text=True, check=False)
    write = subprocess.run(command + [cairn, "group", "delete", "web"], env=env,
                           capture_output=True, text=True, check=False)
    daemon.close()
    if "Permission denied" in read.stderr and "setpriv" in read.stderr:
        print("not checked: the build folder is closed to other users")
        return
    assert read.returncode == 0 and "web" in read.stdout, read.stderr
    assert write.returncode == 1 and "no right" in write.stderr, write.stderr


def check_no_daemon(cairn, folder):
    env = dict(os.environ, CAIRN_SOCKET=os.path.join(folder, "none.sock"))
    done = subprocess.run([cairn, "group", "list"], env=env, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1 and "no cairnd answers" in done.stderr, done.stderr


def main():
    cairn = os.path.abspath(sys.argv[1])
    with open(GOLDEN, encoding="utf-8") as stream:
        want = stream.read().splitlines()
    with tempfile.TemporaryDirectory() as folder:
        daemon = FakeCairnd(folder)
        got = []
        for line in want:
            if line.startswith("$ "):
                got += play(cairn, daemon, line[2:])
        daemon.close()
        check_arguments(cairn, folder)
        check_no_daemon(cairn, folder)
    with tempfile.TemporaryDirectory() as folder:
        check_sockets(cairn, folder)
    if "--update" in sys.argv:
        with open(GOLDEN, "w", encoding="utf-8") as stream:
            stream.write("\n".join(got) + "\n")
        return 0
    for number, (a, b) in enumerate(zip(want + [None] * len(got), got)):
        if a != b:
            print("golden.txt:%d: want %r\n  got %r" % (number + 1, a, b))
            return 1
    return 0 if len(got) == len(want) else 1


sys.exit(main())
