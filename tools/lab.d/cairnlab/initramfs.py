"""Builds the initramfs of the guests once and keeps it: busybox, qemu-ga, modules, our program."""
import fcntl
import glob
import gzip
import hashlib
import os
import re
import stat
import subprocess

from .common import REPO, LabError, run

MODULES = ("virtio_blk", "virtio_pci", "virtio_console")


def newest_kernel():
    """The newest kernel for clouds (or any) that has its modules beside it."""
    images = glob.glob("/boot/vmlinuz-*-cloud-amd64") or glob.glob("/boot/vmlinuz-*")
    images = [i for i in images if os.path.isdir("/lib/modules/" + i.split("vmlinuz-", 1)[1])]
    if not images:
        raise LabError("no /boot/vmlinuz-* with modules: install linux-image-cloud-amd64")
    return max(images, key=lambda i: [int(n) for n in re.findall(r"\d+", i)])


def module_files(version):
    """Files of the modules in the order in which they must be loaded."""
    shown = run(["/sbin/modprobe", "-S", version, "-a", "--show-depends", *MODULES])
    files = [line.split()[1] for line in shown.splitlines() if line.startswith("insmod")]
    return list(dict.fromkeys(files))


def library_files(program):
    """What the dynamic linker loads for a program, the linker itself included."""
    return re.findall(r"(/\S+) \(0x", run(["ldd", program]))


class Cpio:
    """The newc format (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self.parts = []
        self.folders = set()
        self.inode = 0

    def _entry(self, name, mode, body=b"", rdev=(0, 0)):
        self.inode += 1
        name = name.lstrip("/").encode() + b"\0"
        head = "070701" + "".join("%08X" % field for field in (
            self.inode, mode, 0, 0, 1, 0, len(body), 0, 0, *rdev, len(name), 0))
        entry = head.encode() + name
        entry += b"\0" * (-len(entry) % 4) + body
        self.parts.append(entry + b"\0" * (-len(entry) % 4))

    def folder(self, path):
        path = path.strip("/")
        if path and path not in self.folders:
            self.folder(os.path.dirname(path))
            self.folders.add(path)
            self._entry(path, stat.S_IFDIR | 0o755)

    def file(self, path, source, mode=0o755):
        self.folder(os.path.dirname(path))
        body = source if isinstance(source, bytes) else open(source, "rb").read()
        self._entry(path, stat.S_IFREG | mode, body)

    def link(self, path, target):
        self.folder(os.path.dirname(path))
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor):
        self.folder(os.path.dirname(path))
        self._entry(path, stat.S_IFCHR | 0o600, rdev=(major, minor))

    def bytes(self):
        self._entry("TRAILER!!!", 0)
        return b"".join(self.parts)


def _archive(version, program):
    cpio = Cpio()
    for folder in ("bin", "dev", "proc", "sys", "modules"):
        cpio.folder(folder)
    cpio.device("dev/console", 5, 1)
    cpio.file("init", os.path.join(REPO, "tests/guest/init"))
    cpio.file("bin/busybox", "/bin/busybox")
    # The shell must be there before init can run `busybox --install`.
    cpio.link("bin/sh", "busybox")
    cpio.file("bin/guest", program)
    cpio.file("bin/qemu-ga", "/usr/sbin/qemu-ga")
    for library in library_files("/usr/sbin/qemu-ga"):
        cpio.file(library, os.path.realpath(library))
    order = module_files(version)
    for module in order:
        cpio.file("modules/" + os.path.basename(module), module, 0o644)
    names = "".join(os.path.basename(m) + "\n" for m in order)
    cpio.file("modules/order", names.encode(), 0o644)
    return cpio.bytes()


def _key(version):
    """Changes when anything that goes in changes."""
    digest = hashlib.sha256(version.encode())
    for path in (os.path.join(REPO, "tests/guest/guest.c"), os.path.join(REPO, "tests/guest/init"),
                 __file__, "/bin/busybox", "/usr/sbin/qemu-ga"):
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:16]


def build(cache):
    """Returns (kernel, initramfs); two labs that start at once build it once."""
    kernel = newest_kernel()
    version = kernel.split("vmlinuz-", 1)[1]
    for needed in ("/bin/busybox", "/usr/sbin/qemu-ga"):
        if not os.path.exists(needed):
            raise LabError("%s is missing: install busybox-static and qemu-guest-agent" % needed)
    os.makedirs(cache, exist_ok=True)
    image = os.path.join(cache, "guest-%s.cpio.gz" % _key(version))
    with open(os.path.join(cache, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(image):
            program = os.path.join(cache, "guest.%d" % os.getpid())
            try:
                subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-static", "-s", "-o",
                                program, os.path.join(REPO, "tests/guest/guest.c")], check=True)
                with open(image + ".new", "wb") as file:
                    file.write(gzip.compress(_archive(version, program), 1))
                os.rename(image + ".new", image)
            finally:
                if os.path.exists(program):
                    os.unlink(program)
    return kernel, image
