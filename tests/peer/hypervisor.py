#!/usr/bin/python3
"""The conformance script of the hypervisor drivers (test_hypervisor) over real guests: starts a lab,
runs the program inside the lab's mount namespace, where libvirt's paths are true, and ends the lab."""
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
TOOL = os.path.join(REPO, "tools/lab")
sys.path.insert(0, os.path.join(REPO, "tools/lab.d"))

from cairnlab import libvirtd  # noqa: E402
from cairnlab.common import LabError  # noqa: E402


def skip(why):
    print("1..0 # SKIP " + why)
    print("skipped: " + why, file=sys.stderr)
    sys.exit(77)


def need():
    try:
        libvirtd.require()
    except LabError as error:
        skip(str(error))
    if not libvirtd.can_unshare():
        skip("no mount namespaces here")


def main():
    need()
    # Another mount namespace has another working folder.
    program, words = os.path.abspath(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="hv", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        lab = os.path.join(folder, "lab")
        try:
            subprocess.run([TOOL, "up", "--no-daemon", "--guests", "3", "--efi", "1", "--no-agent",
                            "3", "--disk-size", "64", "--second-disk-size", "0", lab],
                           check=True, stdout=subprocess.DEVNULL)
            with open(os.path.join(lab, "libvirt/libvirtd.pid")) as file:
                pid = file.read().strip()
            env = dict(os.environ, CAIRN_URI=libvirtd.uri(lab), CAIRN_LAB_TOOL=TOOL,
                       CAIRN_LAB_HOOK=os.path.join(REPO, "packaging/libvirt-hook-qemu"))
            return subprocess.run(["nsenter", "-t", pid, "-m", program] + words + ["--lab", lab],
                                  env=env).returncode
        finally:
            subprocess.run([TOOL, "down", lab], check=True)


sys.exit(main())
