"""A libvirtd of the lab's own: the daemon's folders are fixed when it is built, so it gets a mount
namespace in which they are folders of the lab. Its socket is reached from outside by its path.

In that namespace /var/lib/libvirt and the rest lead into DIR/libvirt, and cairnd is started in it too:
so the paths that libvirt reports (NVRAM, TPM state) are true for it."""
import os
import pwd
import subprocess

from .common import LabError, end, identity, is_running, run, wait_until

LIBVIRTD = "/usr/sbin/libvirtd"
# What the daemon thinks -> folder in DIR/libvirt; the cache of QEMU's abilities is shared by labs.
FOLDERS = {"/etc/libvirt": "etc", "/var/lib/libvirt": "lib", "/run/libvirt": "run",
           "/var/log/libvirt": "log"}
SYSTEM = "qemu:///system"
CACHE = "/var/cache/libvirt"

LIBVIRTD_CONF = """unix_sock_group = "root"
unix_sock_ro_perms = "0700"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:stderr"
"""
# No cgroups without systemd, no virtlogd; the rest as a host has it: QEMU is an unprivileged user.
QEMU_CONF = """stdio_handler = "file"
cgroup_controllers = [ ]
namespaces = [ ]
security_driver = "none"
remember_owner = 0
user = "%s"
group = "%s"
"""


def qemu_user(directory):
    """(user, group) QEMU gets: libvirt's own when it can reach the lab's folder, else root."""
    try:
        pwd.getpwnam("libvirt-qemu")
    except KeyError:
        return "root", "root"
    path = os.path.abspath(directory)
    while path != "/":
        if not os.stat(path).st_mode & 0o001:
            return "root", "root"
        path = os.path.dirname(path)
    return "libvirt-qemu", "kvm"


def can_unshare():
    return subprocess.run(["unshare", "--mount", "--propagation", "private", "true"],
                          stderr=subprocess.DEVNULL).returncode == 0


def socket_path(directory):
    return os.path.join(directory, "libvirt/run/libvirt-sock")


def uri(directory):
    return "qemu+unix:///system?socket=" + socket_path(directory)


def start(directory, cache):
    """Starts it and returns its identity once it answers."""
    base = os.path.join(directory, "libvirt")
    script = ["set -e"]
    folders = {inside: os.path.join(base, name) for inside, name in FOLDERS.items()}
    folders[CACHE] = os.path.join(cache, "libvirt-cache")
    for inside, outside in folders.items():
        os.makedirs(outside, mode=0o755, exist_ok=True)
        os.makedirs(inside, mode=0o755, exist_ok=True)
        script.append("mount --bind '%s' '%s'" % (outside, inside))
    # The guests are emulated: hide a KVM that is there. libvirt asks QEMU for its abilities again before
    # every call, a minute long, when QEMU's user may not open a /dev/kvm that others may.
    if os.path.exists("/dev/kvm"):
        hidden = os.path.join(base, "no-kvm")
        os.close(os.open(hidden, os.O_WRONLY | os.O_CREAT, 0))
        script.append("mount --bind '%s' /dev/kvm" % hidden)
    with open(os.path.join(base, "etc/libvirtd.conf"), "w") as file:
        file.write(LIBVIRTD_CONF)
    with open(os.path.join(base, "etc/qemu.conf"), "w") as file:
        file.write(QEMU_CONF % qemu_user(directory))
    script.append("exec '%s' --config '%s/etc/libvirtd.conf' --pid-file '%s/libvirtd.pid'"
                  % (LIBVIRTD, base, base))
    with open(os.path.join(base, "libvirtd.log"), "a") as log:
        child = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(script)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    return identity(child.pid)


def wait_ready(directory, who):
    """An answer, not only a socket: the driver of QEMU starts after it."""
    def probe():
        if not os.path.exists(socket_path(directory)):
            return False
        return _quiet(["virsh", "-c", uri(directory), "-q", "list"]).returncode == 0
    wait_until("libvirtd (see %s/libvirt/libvirtd.log)" % directory, probe, 120,
               alive=lambda: is_running(who))


def _in_namespace(name, lib):
    """Whether a process sees this lab's folder as /var/lib/libvirt."""
    try:
        return os.path.samestat(os.stat("/proc/%s/root/var/lib/libvirt" % name), lib)
    except OSError:
        return False


def _names_guests(name, mark):
    """Whether a process is a QEMU with a file of this lab's guests (there is no namespace then)."""
    try:
        with open("/proc/%s/cmdline" % name, "rb") as file:
            argv = file.read().split(b"\0")
    except OSError:
        return False
    return b"qemu-system" in argv[0] and any(mark in word for word in argv)


def leftovers(directory):
    """Processes of this lab that are still there: the namespace is the proof, not a list of ours."""
    mark = (os.path.join(directory, "guests") + "/").encode()
    try:
        lib = os.stat(os.path.join(directory, "libvirt/lib"))
    except OSError:
        lib = None
    return [identity(int(name)) for name in os.listdir("/proc") if name.isdigit() and (
        (lib and _in_namespace(name, lib)) or _names_guests(name, mark))]


def stop(directory, who):
    end(who)
    for process in leftovers(directory):
        end(process, seconds=5)


def _quiet(argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, universal_newlines=True)


def _from_pid_file(path):
    try:
        with open(path) as file:
            return identity(int(file.read()))
    except (OSError, ValueError):
        return None


def start_system():
    """The machine's own daemon; returns what was started here, nothing when one answers already."""
    probe = ["virsh", "-c", SYSTEM, "-q", "list"]
    if _quiet(probe).returncode == 0:
        return []
    run(["/usr/sbin/virtlogd", "-d"], check=False)
    run([LIBVIRTD, "-d"])
    wait_until("the system's libvirtd", lambda: _quiet(probe).returncode == 0, 120)
    started = [_from_pid_file("/run/%s.pid" % name) for name in ("libvirtd", "virtlogd")]
    return [who for who in started if who]


def stop_system(started):
    """Ends what start_system() started, unless somebody else has guests there by now."""
    listed = _quiet(["virsh", "-c", SYSTEM, "-q", "list", "--all", "--name"])
    if listed.returncode or not listed.stdout.split():
        for who in started:
            end(who)


def require():
    if os.geteuid():
        raise LabError("the lab needs root: it starts a libvirtd of its own")
    if not os.path.exists(LIBVIRTD):
        raise LabError("libvirtd is missing: make deps")
