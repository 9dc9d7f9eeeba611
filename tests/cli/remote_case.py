"""What the tests of `cairn --host` share: the command line against fake_wsman.py, and their main."""
import json
import os
import re
import subprocess
import sys

from fake_wsman import FakeWsman

CAIRN = os.path.abspath(sys.argv[1])
DEADLINE = 120
JOB = "33333333-0000-4000-8000-00000000000%d"


def run(host, *words, **env):
    base = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", CAIRN_SOCKET="/nonexistent/control.sock")
    for name in ("CAIRN_HOST", "CAIRN_PASSWORD"):
        base.pop(name, None)
    url = host if isinstance(host, str) else host.url
    return subprocess.run([CAIRN, "--host", url, *words], env=dict(base, **env),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE, check=False, start_new_session=True)


def good(host, *words, **env):
    done = run(host, *words, **env)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def data(host, *words):
    return json.loads(good(host, "--json", *words))


def bad(host, pattern, *words, status=1, **env):
    done = run(host, *words, **env)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    assert re.search(pattern, done.stderr), (pattern, done.stderr)


def asked(host, method):
    return [values for name, _, values in host.asked if name == method]


def main(names):
    """Runs those of @names that are tests, each with a server of its own; reports as TAP."""
    tests = sorted((name, test) for name, test in names.items() if name.startswith("test_"))
    failed = False
    print("1..%d" % len(tests))
    for number, (name, test) in enumerate(tests, 1):
        host = FakeWsman()
        try:
            test(host)
            print("ok %d %s" % (number, name))
        except Exception as error:  # noqa: BLE001: told as a failure
            failed = True
            print("not ok %d %s\n# %s" % (number, name, str(error).replace("\n", "\n# ")))
        finally:
            host.close()
    sys.exit(failed)
