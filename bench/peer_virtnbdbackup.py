"""virtnbdbackup (Debian's 1.9) as one more program of bench/copy: a paused virtual machine that has the
disk, in a libvirtd of its own. Where that cannot be had it is left out, with the reason."""
import contextlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DOMAIN = """<domain type='qemu'><name>bench</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/>
<source file='%s'/><target dev='vda' bus='virtio'/></disk></devices></domain>"""


@contextlib.contextmanager
def machine(disk, measured):
    """Gives the function that copies, or None. The paused machine writes nothing to @disk."""
    if not shutil.which("virtnbdbackup"):
        print("virtnbdbackup is not installed and left out", file=sys.stderr)
        yield None
        return
    sys.path.insert(0, HERE + "/../tools/lab.d")
    from cairnlab import libvirtd
    lab = disk.folder + "/lab"
    os.mkdir(lab)
    daemon = libvirtd.start(lab, lab)
    try:
        libvirtd.wait_ready(lab, daemon)
        yield copier(disk, lab, libvirtd.uri(lab), daemon["pid"], measured)
    finally:
        libvirtd.stop(lab, daemon)


def copier(disk, lab, uri, pid, measured):
    with open(lab + "/bench.xml", "w") as file:
        file.write(DOMAIN % disk.path)
    subprocess.run(["virsh", "-q", "-c", uri, "define", lab + "/bench.xml"], check=True)
    out = disk.folder + "/virtnbdbackup"

    def copy():
        """The machine has the image to itself while it lasts, so the server makes room."""
        disk.stop()
        subprocess.run(["virsh", "-q", "-c", uri, "start", "bench", "--paused"], check=True)
        try:
            # It takes a URI with a socket for a remote one; in the namespace of that libvirtd it is
            # at the usual place.
            return measured(["nsenter", "-t", str(pid), "--mount", "virtnbdbackup", "-d", "bench",
                             "-l", "copy", "-o", out], sync=disk.folder)
        finally:
            subprocess.run(["virsh", "-q", "-c", uri, "destroy", "bench"], check=False)
            shutil.rmtree(out, ignore_errors=True)
            disk.serve()
    return copy
