"""What the checks of the tree share: its files, and one way to say what is wrong."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def root():
    """The tree to check: the first argument (the checks' own test gives one), else ours."""
    return os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ROOT)


def files(top, *endings, below=""):
    """Files that belong to the tree, relative to it: what git knows, or everything but builds."""
    try:
        listed = subprocess.run(
            ["git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        inside = subprocess.run(["git", "-C", top, "rev-parse", "--show-toplevel"], check=True,
                                stdout=subprocess.PIPE).stdout.decode().strip()
        names = listed.decode().split("\0") if os.path.samefile(inside, top) else None
    except (OSError, subprocess.CalledProcessError):
        names = None
    if names is None:
        names = []
        for folder, folders, here in os.walk(top):
            folders[:] = [f for f in folders if not f.startswith("build") and f != ".git"]
            names += [os.path.relpath(os.path.join(folder, name), top) for name in here]
    return sorted(name for name in names if name.startswith(below) and name.endswith(endings or "")
                  and os.path.isfile(os.path.join(top, name)))


def lines(top, name):
    with open(os.path.join(top, name), errors="replace") as file:
        return file.read().splitlines()


def scripts(top, interpreter):
    """Files whose first line names an interpreter."""
    found = []
    for name in files(top):
        with open(os.path.join(top, name), "rb") as file:
            first = file.readline(80)
        if first.startswith(b"#!") and interpreter in first.decode(errors="replace"):
            found.append(name)
    return found


def report(wrong, what):
    """Ends a check: each finding on a line like a compiler's, so that editors can go there."""
    for finding in wrong:
        print(finding)
    print("%s: %s" % (what, "%d wrong" % len(wrong) if wrong else "ok"))
    sys.exit(1 if wrong else 0)


def skip(why):
    print("SKIP: " + why, file=sys.stderr)
    sys.exit(77)
