"""up, down and what one does with a lab in between. DIR/lab.json says what was started: it is written
before each start, so that `down` can also undo an `up` that was interrupted."""
import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from . import channel, cimd, daemon, guests, initramfs, libvirtd
from .common import REPO, LabError, is_running, run

BOOT_SECONDS = 240  # software emulation on a loaded machine; about 2 are usual


class Lab:
    def __init__(self, directory):
        self.directory = os.path.abspath(directory)
        self.path = os.path.join(self.directory, "lab.json")
        self.state = {"guests": []}
        if os.path.exists(self.path):
            with open(self.path) as file:
                self.state = json.load(file)

    def save(self, **changes):
        self.state.update(changes)
        with open(self.path + ".new", "w") as file:
            json.dump(self.state, file, indent=1)
        os.rename(self.path + ".new", self.path)

    def require_up(self):
        if not self.state.get("uri"):
            raise LabError("no lab in %s: tools/lab up first" % self.directory)

    def guest(self, name):
        self.require_up()
        for guest in self.state["guests"]:
            if guest["name"] == name:
                return guest
        raise LabError("no guest \"%s\"; there are: %s" % (
            name, ", ".join(g["name"] for g in self.state["guests"])))

    def commands(self, name, seconds=180):
        """A connection to the program in a guest."""
        return channel.Commands(os.path.join(self.guest(name)["folder"], "cmd.sock"), seconds)

    # -- up --------------------------------------------------------------------------------

    def up(self, options):
        if os.path.exists(self.path):
            raise LabError("%s holds a lab already: tools/lab down %s" % (
                self.directory, self.directory))
        self._make_folders()
        self.state["bin"] = daemon.link_programs(self.directory, options.bin)
        if options.need_daemon and not daemon.program(self.state["bin"]):
            self.down()
            raise LabError("no cairnd in %s" % options.bin)
        try:
            self._start_libvirt(options)
            self._start_guests(options)
            self._start_daemon(options)
            self.write_env()
        except BaseException:
            if not options.keep:
                self.down(keep_logs=True)
            raise

    def _make_folders(self):
        os.makedirs(self.directory, exist_ok=True)
        # QEMU's user must get through to the images.
        os.chmod(self.directory, os.stat(self.directory).st_mode | 0o111)
        if len(libvirtd.socket_path(self.directory)) > 100:
            raise LabError("%s is too long a path for unix sockets" % self.directory)
        for name in ("guests", "state", "run", "exports"):
            os.makedirs(os.path.join(self.directory, name), exist_ok=True)

    def _start_libvirt(self, options):
        cache = options.cache_dir or os.path.join(REPO, "build-lab")
        self.save(cache=cache)
        private = options.uri != "system" and libvirtd.can_unshare()
        if options.uri == "private" and not private:
            raise LabError("no mount namespaces here (a container?): use --uri system")
        if private:
            self.save(libvirtd=libvirtd.start(self.directory, cache),
                      uri=libvirtd.uri(self.directory))
            libvirtd.wait_ready(self.directory, self.state["libvirtd"])
        else:
            self.save(system_libvirtd=libvirtd.start_system(), uri=libvirtd.SYSTEM)

    def _plan_guests(self, options):
        names = options.names.split(",") if options.names else [
            "%s%d" % (options.prefix, n) for n in range(1, options.guests + 1)]
        for n, name in enumerate(names, 1):
            self.state["guests"].append({
                "name": name, "folder": os.path.join(self.directory, "guests", name),
                "second_disk": n == 1 and options.second_disk_size > 0,
                "agent": n not in options.no_agent, "off": n in options.off,
                "efi": n in options.efi})
        self.save()

    def _start_guests(self, options):
        kernel, initrd = initramfs.build(self.state["cache"])
        uri = self.state["uri"]
        self._plan_guests(options)
        owner = libvirtd.qemu_user(self.directory)

        def boot(guest):
            guests.prepare(guest, options, owner)
            guests.define(uri, guest, guests.xml(guest, options, kernel, initrd))
            if not guest["off"]:
                run(["virsh", "-c", uri, "-q", "start", guest["name"]])
                guests.wait_serving(uri, guest, BOOT_SECONDS)

        # libvirt relabels the images; kernel and initrd are read by QEMU's user.
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(boot, self.state["guests"]))
        self.save()

    def _start_daemon(self, options):
        daemon.write_config(self.directory, self.state["uri"], self.state["bin"],
                            cimd.config(self.directory), options.config)
        if options.no_daemon:
            return
        if daemon.program(self.state["bin"]):
            self.start_daemon()
            if not options.no_cimd and cimd.program(self.state["bin"]):
                self.start_cimd()

    # -- in between ------------------------------------------------------------------------

    def start_daemon(self):
        self.require_up()
        daemon.start(self.directory, self.state["bin"], self.state.get("libvirtd"),
                     lambda who: self.save(cairnd=who))

    def start_cimd(self):
        self.require_up()
        self.save(cimd_url=cimd.start(self.directory, self.state["bin"],
                                      lambda who: self.save(cimd=who)))

    def stop_cimd(self):
        cimd.stop(self.state.get("cimd"))
        self.save(cimd=None, cimd_url=None)

    def kill_daemon(self):
        daemon.kill(self.state.get("cairnd"))

    def stop_daemon(self):
        daemon.stop(self.state.get("cairnd"))
        self.save(cairnd=None)

    def start_guest(self, name):
        """Starts a guest that is off and waits until it serves."""
        guest = self.guest(name)
        run(["virsh", "-c", self.state["uri"], "-q", "start", name])
        guests.wait_serving(self.state["uri"], guest, BOOT_SECONDS)

    def write_env(self):
        """Shell text for `. DIR/env`; programs come first in PATH."""
        names = [guest["name"] for guest in self.state["guests"]]
        bin_dir = self.state["bin"]
        values = {
            "CAIRN_LAB": self.directory,
            "CAIRN_BIN": bin_dir,
            "CAIRN_SOCKET": daemon.control_socket(self.directory),
            "CAIRN_VMS": " ".join(names),
            "CAIRN_EXPORTS": os.path.join(self.directory, "exports"),
            "CAIRN_CONF": os.path.join(self.directory, "cairn.conf"),
            "CAIRN_URI": self.state["uri"],
            "LIBVIRT_DEFAULT_URI": self.state["uri"],
            "CAIRN_CONSOLES": " ".join(g["folder"] + "/console.log" for g in self.state["guests"]),
            "CAIRN_IMAGES": " ".join(path for g in self.state["guests"]
                                     for path in g["disks"].values()),
        }
        if self.state.get("cimd_url"):
            values["CAIRN_WSMAN"] = self.state["cimd_url"] + "/wsman"
            values["CAIRN_CIMXML"] = self.state["cimd_url"] + "/cimom"
        with open(os.path.join(self.directory, "env"), "w") as file:
            for key, value in values.items():
                file.write("export %s='%s'\n" % (key, value))
            file.write('export PATH="%s:$PATH"\n' % bin_dir)

    # -- down ------------------------------------------------------------------------------

    def down(self, keep_logs=False):
        """Removes everything; what is not there (any more) is no error."""
        if not os.path.isdir(self.directory):
            return
        state = self.state
        cimd.stop(state.get("cimd"))
        daemon.stop(state.get("cairnd"))
        if state.get("uri") and (not state.get("libvirtd") or is_running(state["libvirtd"])):
            with ThreadPoolExecutor(max_workers=8) as pool:
                list(pool.map(self._remove_guest, state["guests"]))
        libvirtd.stop(self.directory, state.get("libvirtd"))
        libvirtd.stop_system(state.get("system_libvirtd") or [])
        if os.path.exists(self.path):
            os.unlink(self.path)
        for name in ("bin", "state", "run", "exports", "env", "cairn.conf", "guests", "libvirt",
                     "cairnd.log", cimd.LOG):
            path = os.path.join(self.directory, name)
            if keep_logs and name in ("guests", "cairnd.log", cimd.LOG, "libvirt"):
                self._keep_logs(path)
            elif os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            elif os.path.exists(path):
                os.unlink(path)
        if not os.listdir(self.directory):
            os.rmdir(self.directory)

    def _remove_guest(self, guest):
        try:
            guests.remove(self.state["uri"], guest)
        except (LabError, subprocess.TimeoutExpired):
            pass  # its QEMU is ended after libvirtd

    @staticmethod
    def _keep_logs(path):
        """After a failed `up`: the logs say why, the rest goes."""
        for folder, _, files in os.walk(path):
            for name in files:
                if not name.endswith(".log"):
                    os.unlink(os.path.join(folder, name))
