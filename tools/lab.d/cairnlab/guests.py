"""The guests: their disks, their libvirt definition, and waiting until they serve."""
import os
import shutil
import struct
import subprocess
import uuid

from . import channel
from .common import LabError, run, wait_until

MIB = 1 << 20
PARTITION_START = 1 * MIB  # the file system; the counter lies before it
SMALLEST_WITH_FILES = 32 * MIB

DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os{firmware}>
    <type arch='x86_64' machine='{machine}'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 cairn.ports={ports}</cmdline>{nvram}
  </os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
{devices}
    <serial type='file'><source path='{folder}/console.log' append='on'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
"""
DISK = """    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='{cache}' discard='unmap'/>
      <source file='{path}'/><target dev='{target}' bus='virtio'/>
    </disk>"""
PORT = """    <channel type='unix'><source mode='bind' path='{folder}/{socket}'/>
      <target type='virtio' name='{name}'/></channel>"""
AGENT = """    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"""
TPM = """    <tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>"""


def partition_table(size):
    """An MBR: a file system in the first half, the rest for raw writes (types 0x83 and 0xda)."""
    def entry(kind, start, length):
        return struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", kind, b"\xfe\xff\xff",
                           start // 512, length // 512)
    half = size // 2 // MIB * MIB
    return (bytes(446) + entry(0x83, PARTITION_START, half - PARTITION_START) +
            entry(0xda, half, size - half) + bytes(32) + b"\x55\xaa")


def make_disk(path, size, with_files):
    """A qcow2 image (v3, so that changes can be tracked)."""
    raw = path + ".raw"
    try:
        with open(raw, "wb") as file:
            file.truncate(size)
            if with_files:
                file.write(partition_table(size))
        if with_files:
            kib = (size // 2 // MIB * MIB - PARTITION_START) // 1024
            run(["/sbin/mkfs.ext4", "-q", "-F", "-E", "offset=%d,lazy_itable_init=0,nodiscard"
                 % PARTITION_START, raw, "%dk" % kib])
        run(["qemu-img", "convert", "-O", "qcow2", "-o", "compat=1.1", raw, path])
    finally:
        if os.path.exists(raw):
            os.unlink(raw)


def prepare(guest, options, owner):
    """Folder and disks; `guest` is a dict with name and folder and gets uuid and disks."""
    os.makedirs(guest["folder"], exist_ok=True)
    sizes = {"vda": options.disk_size * MIB}
    if guest["second_disk"]:
        sizes["vdb"] = options.second_disk_size * MIB
    guest["uuid"] = str(uuid.uuid4())
    guest["disks"] = {}
    for target, size in sizes.items():
        path = os.path.join(guest["folder"], target + ".qcow2")
        make_disk(path, size, target == "vda" and not options.raw and
                  size >= SMALLEST_WITH_FILES)
        guest["disks"][target] = path
    shutil.chown(guest["folder"], *owner)
    os.chmod(guest["folder"], 0o755)


def xml(guest, options, kernel, initrd):
    devices = [DISK.format(path=path, target=target, cache=options.cache)
               for target, path in guest["disks"].items()]
    for name in ("cmd", "data"):
        devices.append(PORT.format(folder=guest["folder"], socket=name + ".sock",
                                   name="org.cairn." + name))
    if guest["agent"]:
        devices.append(AGENT)
    if guest["efi"]:
        devices.append(TPM)
    return DOMAIN.format(
        name=guest["name"], uuid=guest["uuid"], folder=guest["folder"], kernel=kernel,
        initrd=initrd, ports=3 if guest["agent"] else 2, devices="\n".join(devices), memory=256 if guest["efi"] else 128,
        machine="q35" if guest["efi"] else "pc", firmware=" firmware='efi'" if guest["efi"] else "",
        nvram="\n    <nvram>%s/nvram.fd</nvram>" % guest["folder"] if guest["efi"] else "")


def define(uri, guest, text):
    path = os.path.join(guest["folder"], "domain.xml")
    with open(path, "w") as file:
        file.write(text)
    run(["virsh", "-c", uri, "-q", "define", path])


def wait_serving(uri, guest, seconds):
    """Both ways in: our own port, and the agent through libvirt."""
    console = os.path.join(guest["folder"], "console.log")
    try:
        with channel.Commands(os.path.join(guest["folder"], "cmd.sock"), seconds) as commands:
            commands.call("ping")
    except (OSError, LabError) as error:
        raise LabError("%s does not serve (%s); its console is %s"
                       % (guest["name"], error, console))
    if guest["agent"]:
        # Not qemu-agent-command: libvirt marks a domain that saw one as tainted.
        ping = ["virsh", "-c", uri, "-q", "domtime", guest["name"]]
        wait_until("agent of " + guest["name"],
                   lambda: subprocess.run(ping, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL).returncode == 0, seconds)


def remove(uri, guest):
    """Also when it was only half made; what is already gone is no error."""
    run(["virsh", "-c", uri, "-q", "destroy", guest["name"]], check=False)
    listed = run(["virsh", "-c", uri, "-q", "list", "--all", "--name"], check=False).split()
    if guest["name"] in listed:
        run(["virsh", "-c", uri, "-q", "undefine", guest["name"], "--checkpoints-metadata",
             "--snapshots-metadata", "--nvram" if guest["efi"] else "--managed-save"])
