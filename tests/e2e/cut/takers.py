"""Ways to take a point over all guests and to learn what number each disk holds in it. A taker is
opened, asked take(n, barrier) -> {guest: number} any number of times, and closed."""
import json
import os
import shutil
import subprocess

from labtest import Failure, expect, run

from cairnlab.common import wait_until

import nbd

COUNTER_OFFSET, COUNTER_SIZE = 512 * 1024, 4096  # tests/guest/guest.c

BACKUP = """<domainbackup mode='pull'><server transport='unix' socket='{folder}/nbd.sock'/><disks>
<disk name='vda' backup='yes' type='file'><scratch file='{folder}/scratch.qcow2'/></disk>
</disks></domainbackup>"""


def number_in(block, where):
    words = block.split(b"\n")[0].split()
    expect(len(words) == 2 and words[0] == b"cairn-counter", "no counter in %s: %r", where,
           block[:32])
    return int(words[1])


def number_in_image(path):
    """Of a raw image, or of anything else that qemu-img reads."""
    if path.endswith(".raw"):
        with open(path, "rb") as file:
            file.seek(COUNTER_OFFSET)
            return number_in(file.read(COUNTER_SIZE), path)
    part = path + ".counter"
    run(["qemu-img", "dd", "-U", "-O", "raw", "if=" + path, "of=" + part,
         "bs=%d" % COUNTER_SIZE, "skip=%d" % (COUNTER_OFFSET // COUNTER_SIZE), "count=1"])
    try:
        with open(part, "rb") as file:
            return number_in(file.read(COUNTER_SIZE), path)
    finally:
        os.unlink(part)


class Libvirt:
    """The plain recipe, by virsh: it judges the load and the judge themselves."""

    def __init__(self, lab, names):
        self.uri = lab.state["uri"]
        self.folders = {name: lab.guest(name)["folder"] for name in names}
        for folder in self.folders.values():
            with open(folder + "/backup.xml", "w") as file:
                file.write(BACKUP.format(folder=folder))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def _all(self, command, *arguments):
        """One virsh for each guest, at once; the barrier is that all have ended."""
        started = [subprocess.Popen(
            ["virsh", "-c", self.uri, "-q", command, name] +
            [word.format(folder=folder) for word in arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            for name, folder in self.folders.items()]
        expect(not any([child.wait(240) for child in started]), "virsh %s failed", command)

    def take(self, _, barrier):
        begin = ("backup-begin", "{folder}/backup.xml")
        if barrier:
            self._all("suspend")
        try:
            if barrier:
                self._all(*begin)
            else:
                for name, folder in self.folders.items():
                    run(["virsh", "-c", self.uri, "-q", begin[0], name, folder + "/backup.xml"])
        finally:
            if barrier:
                self._all("resume")
        try:
            return {name: number_in(nbd.read(folder + "/nbd.sock", "vda", COUNTER_OFFSET,
                                             COUNTER_SIZE), name)
                    for name, folder in self.folders.items()}
        finally:
            self._all("domjobabort")
            # A job is over when QEMU has ended its part, which domjobabort does not wait for.
            for name in self.folders:
                wait_until("the job of %s to end" % name, lambda: "None" in run(
                    ["virsh", "-c", self.uri, "-q", "domjobinfo", name]), 120)


class Cairn:
    """Ours, as a user has it: a group, `cairn point create`, `cairn export`, the files."""

    def __init__(self, lab, names):
        self.lab = lab
        self.names = names
        self.group = "cut"
        self.exports = os.path.join(lab.directory, "exports/cut")
        self.environment = dict(os.environ, CAIRN_SOCKET=os.path.join(
            lab.directory, "run/control.sock"))

    def cairn(self, *words):
        argv = [os.path.join(self.lab.state["bin"], "cairn"), *words]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, timeout=240,
                              env=self.environment)
        expect(done.returncode == 0, "cairn %s: %s%s", " ".join(words), done.stderr, done.stdout)
        return done.stdout

    def __enter__(self):
        os.makedirs(self.exports, exist_ok=True)
        self.cairn("group", "create", self.group, *self.names)
        return self

    def __exit__(self, *_):
        self.cairn("group", "delete", self.group, "--force")

    def take(self, n, barrier):
        kind = [] if barrier else ["--no-barrier"]
        self.cairn("point", "create", self.group, "--consistency", "crash", *kind)
        point = json.loads(self.cairn("point", "show", self.group + "@latest", "--json"))
        expect(bool(point["barrier"]) == barrier, "the point says barrier: %s", point["barrier"])
        self.cairn("export", self.group + "@latest", self.exports, "--format", "raw")
        folder = os.path.join(self.exports, point["group"], point["id"])
        try:
            return {member["name"]: number_in_image(
                os.path.join(folder, member["id"].upper(), "vda.raw"))
                for member in point["members"]}
        finally:
            shutil.rmtree(folder)


class Command:
    """Any program: PROGRAM N barrier|no-barrier FOLDER VM... leaves FOLDER/VM.raw or VM.qcow2."""

    def __init__(self, lab, names, argv):
        self.names = names
        self.argv = argv
        self.folder = os.path.join(lab.directory, "exports/cut")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self, n, barrier):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        done = subprocess.run([*self.argv, str(n), "barrier" if barrier else "no-barrier",
                               self.folder, *self.names], stdin=subprocess.DEVNULL)
        expect(done.returncode == 0, "%s failed at point %d", self.argv[0], n)
        found = {}
        for name in self.names:
            images = [self.folder + "/" + name + end for end in (".raw", ".qcow2")]
            images = [image for image in images if os.path.exists(image)]
            if not images:
                raise Failure("%s left no image of %s" % (self.argv[0], name))
            found[name] = number_in_image(images[0])
        return found
