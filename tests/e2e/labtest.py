"""What the end-to-end tests share: a lab for the time of a test, checks that say what they found."""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPO, "tools/lab.d"))

from cairnlab.common import LabError, run  # noqa: E402,F401
from cairnlab.lab import Lab  # noqa: E402


class Failure(Exception):
    """The thing tested is wrong."""


def expect(condition, what, *values):
    if not condition:
        raise Failure(what % values if values else what)


def skip(why):
    print("SKIP: " + why, file=sys.stderr)
    sys.exit(77)


def need_root():
    if os.geteuid():
        skip("needs root: the lab starts a libvirtd of its own")


def programs():
    """The build folder under test; meson sets CAIRN_BIN."""
    return os.environ.get("CAIRN_BIN") or os.path.join(REPO, "build")


@contextlib.contextmanager
def lab(*options):
    """A lab that is gone afterwards, whatever happened."""
    need_root()
    directory = tempfile.mkdtemp(prefix="cairn-e2e-")
    os.chmod(directory, 0o755)
    try:
        subprocess.run([os.path.join(REPO, "tools/lab"), "up", "--bin", programs(), *options,
                        directory], check=True, stdin=subprocess.DEVNULL)
        yield Lab(directory)
    except BaseException:
        _show_logs(directory)
        raise
    finally:
        Lab(directory).down()
        shutil.rmtree(directory, ignore_errors=True)


def _show_logs(directory):
    """The end of cairnd's log, into the test's log."""
    path = os.path.join(directory, "cairnd.log")
    if os.path.exists(path):
        with open(path, errors="replace") as file:
            print("--- cairnd.log\n" + "".join(file.readlines()[-40:]), file=sys.stderr)


def main(test):
    """Runs a test function and turns what it raises into an exit status."""
    try:
        test()
    except Failure as failure:
        print("FAIL: %s" % failure, file=sys.stderr)
        sys.exit(1)
    except (LabError, subprocess.SubprocessError) as error:
        print("ERROR: %s" % error, file=sys.stderr)
        sys.exit(1)
