"""cairnd in the lab: its configuration, its start, its ends (the soft one and kill -9)."""
import os
import signal
import socket
import subprocess

from .common import LabError, end, identity, is_running, session_members, wait_until


def program(bin_dir):
    """cairnd in the lab's folder of programs; None when it is not built."""
    path = os.path.join(bin_dir, "cairnd")
    return path if os.access(path, os.X_OK) else None


def link_programs(directory, bin_dir):
    """DIR/bin: one folder with all programs, whether they were built or installed."""
    folder = os.path.join(directory, "bin")
    os.makedirs(folder, exist_ok=True)
    for name in ("cairnd", "cairn-export", "cairn-cimd", "cairn"):
        places = [os.path.join(bin_dir, name)]
        places += [os.path.join(bin_dir, "src", part, name)
                   for part in ("cairnd", "export", "cimd", "cli")]
        link = os.path.join(folder, name)
        if os.path.lexists(link):
            os.unlink(link)
        for place in places:
            if os.access(place, os.X_OK) and not os.path.isdir(place):
                os.symlink(os.path.realpath(place), link)
                break
    return folder


def control_socket(directory):
    return os.path.join(directory, "run/control.sock")


def write_config(directory, uri, bin_dir, cimd, settings):
    """cairn.conf(5), with the groups of cairn-cimd; settings are [GROUP.]KEY=VALUE, of the group
    [daemon] when none is named."""
    groups = {
        "daemon": {"state-dir": os.path.join(directory, "state"),
                   "run-dir": os.path.join(directory, "run"),
                   "socket-group": "root",
                   "connect": uri},
        "export": {"export-root": os.path.join(directory, "exports"),
                   "export-program": os.path.join(bin_dir, "cairn-export")},
        # Emulated guests on a loaded machine may need longer than real ones.
        "point": {"freeze-timeout": "30", "max-pause": "30000"},
        **cimd,
    }
    for setting in settings:
        key, sep, value = setting.partition("=")
        if not sep:
            raise LabError("--config wants KEY=VALUE, not \"%s\"" % setting)
        group, dot, name = key.rpartition(".")
        groups.setdefault(group if dot else "daemon", {})[name] = value
    path = os.path.join(directory, "cairn.conf")
    with open(path, "w") as file:
        for group, keys in groups.items():
            file.write("[%s]\n" % group)
            for key, value in keys.items():
                file.write("%s=%s\n" % (key, value))
    return path


def _answers(path):
    """The greeting is the answer: the daemon sends it to every client first."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            client.connect(path)
            return bool(client.recv(1))
    except OSError:
        return False


def start(directory, bin_dir, libvirtd, save):
    """Starts cairnd in libvirtd's mount namespace and waits for its greeting. `save` records its
    identity before the wait, so that an interrupted start can be undone."""
    path = program(bin_dir)
    if not path:
        raise LabError("no cairnd in %s (set CAIRN_BIN or build it)" % bin_dir)
    argv = [path, "--config", os.path.join(directory, "cairn.conf")]
    if libvirtd:
        argv = ["nsenter", "--target", str(libvirtd["pid"]), "--mount", "--root", "--wd"] + argv
    environment = dict(os.environ, PATH=bin_dir + ":" + os.environ["PATH"])
    with open(os.path.join(directory, "cairnd.log"), "a") as log:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 start_new_session=True, env=environment)
    who = identity(child.pid)
    save(who)
    wait_until("cairnd (see %s/cairnd.log)" % directory,
               lambda: _answers(control_socket(directory)), 120, alive=lambda: is_running(who))
    return who


def kill(who):
    """kill -9 of the daemon alone, as a crash does it: its children must cope."""
    if is_running(who):
        os.kill(who["pid"], signal.SIGKILL)
        wait_until("cairnd's end", lambda: not is_running(who), 60)


def stop(who):
    """A proper end; children that it left in its session are ended too."""
    if not who:
        return
    end(who, seconds=20)
    for child in session_members(who["pid"]):
        end(child)
