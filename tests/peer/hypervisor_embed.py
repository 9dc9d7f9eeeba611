#!/usr/bin/python3
"""Runs test_embed in a folder of its own; ends its guest whatever happens."""
import os
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, os.path.join(REPO, "tools/lab.d"))

from cairnlab import initramfs, libvirtd  # noqa: E402
from cairnlab.common import LabError  # noqa: E402


def skip(why):
    print("1..0 # SKIP " + why)
    print("skipped: " + why, file=sys.stderr)
    sys.exit(77)


def end_guest(folder):
    try:
        with open(os.path.join(folder, "libvirt/run/qemu/embedded.pid")) as file:
            os.kill(int(file.read()), signal.SIGKILL)
    except (OSError, ValueError):
        pass


def main():
    try:
        libvirtd.require()
    except LabError as error:
        skip(str(error))
    kernel, initrd = initramfs.build(os.path.join(REPO, "build-lab"))
    with tempfile.TemporaryDirectory(prefix="hve", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        try:
            return subprocess.run([os.path.abspath(sys.argv[1]), folder, kernel, initrd]).returncode
        finally:
            end_guest(folder)


sys.exit(main())
