"""Whole exports on disk for tests: cairn-export fills the folders that cairn-export-format(7) describes,
the manifest is written here from that description."""
import uuid
from exportlab import *

need("qemu-img", "qemu-io", "qemu-storage-daemon", "sha256sum")
CAIRN = os.environ.get("CAIRN", "cairn")
XML = """<domain type='qemu'><name>{name}</name><devices><disk type='block' device='disk'>
<driver name='qemu' type='raw'/><source dev='/dev/mapper/web'/><target dev='vda' bus='virtio'/></disk>
</devices></domain>
"""


def guid():
    return str(uuid.uuid4()).upper()


class ExportFolder(Case):
    def setUp(self):
        super().setUp()
        self.root, self.group, self.vm = self.path("exports"), guid(), guid()
        self.size = 70 * MIB + 512 * self.random.randrange(0, 3000)
        self.disk = self.path("disk.qcow2")
        self.points, self.created = [], "2026-11-21T10:20:30Z"
        sh("qemu-img", "create", "-q", "-f", "qcow2", self.disk, str(self.size))

    def small(self, folder, name, text):
        path = f"{self.vm}/{name}"
        with open(f"{folder}/{path}", "w") as file:
            file.write(text)
        return {"path": path, "size": len(text),
                "sha256": hashlib.sha256(text.encode()).hexdigest()}

    def copy(self, folder, sink, options, base):
        out = f"{folder}/{self.vm}/vda.{sink}"
        args = ["--sink", sink, *options]
        if base:
            name = f"../../{base['id']}/{self.vm}/vda.{sink}"
            args += ["--since", f"qemu:dirty-bitmap:b{base['number']}", "--parent",
                     os.path.join(os.path.dirname(out), name)]
            args += ["--backing", name] if sink == "qcow2" else []
        bitmap = f"b{base['number']}" if base else None
        with self.serve(storage_daemon, self.disk, bitmap=bitmap) as server:
            result = self.export(*args, server.uri("vda"), out)
        return {"target": "vda", "id": None, "path": f"{self.vm}/vda.{sink}", "reason": None,
                "source": {"path": self.disk, "format": "qcow2"}, **result}

    def point(self, sink, options=()):
        """Writes at random, remembers what the disk holds, exports it."""
        write_random(self.random, self.disk, self.size, 12)
        base = self.points[-1] if self.points else None
        this = {"id": guid(), "number": len(self.points) + 1, "created": self.created,
                "consistency": "crash", "requested": "crash", "pause-us": 0, "skew-us": 0}
        folder = f"{self.root}/{self.group}/.{this['id']}.partial"
        os.makedirs(f"{folder}/{self.vm}")
        vm = {"id": self.vm, "name": "web", "state": "shutoff", "consistency": "crash",
              "consistency-reason": None, "guest-state": [], "runtime": None,
              "config": self.small(folder, "config.xml", XML.format(name="web")),
              "disks": [self.copy(folder, sink, options, base)]}
        self.write(folder, {
            "format": "cairn-export", "version": 1, "created": this["created"],
            "generator": "a test", "group": {"id": self.group, "name": "shop"}, "point": this,
            "base": {"id": base["id"], "number": base["number"]} if base else None, "vms": [vm]})
        os.rename(folder, f"{self.root}/{self.group}/{this['id']}")
        sh("qemu-img", "bitmap", "--add", self.disk, f"b{this['number']}")
        if base:
            sh("qemu-img", "bitmap", "--remove", self.disk, f"b{base['number']}")
        this["reference"] = self.path(f"at-{this['number']}.raw")
        sh("qemu-img", "convert", "-O", "raw", self.disk, this["reference"])
        self.points.append(this)

    def write(self, folder, manifest):
        text = json.dumps(manifest, indent=2)
        with open(f"{folder}/manifest.json", "w") as file:
            file.write(text)
        with open(f"{folder}/manifest.sha256", "w") as file:
            file.write(f"{hashlib.sha256(text.encode()).hexdigest()}  manifest.json\n")
        sh("sha256sum", "-c", "manifest.sha256", cwd=folder)

    def cairn(self, *args, status=0):
        done = subprocess.run([CAIRN, *args], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def verify(self, path, status=0):
        return json.loads(self.cairn("--json", "verify", path, status=status).stdout)

    def restore(self, point, fmt, *args):
        out = self.path("out")
        self.cairn("restore", self.root, "--point", point, "--to", out, "--format", fmt, *args)
        return out

    def make(self, name):
        os.mkdir(self.path(name))
        return self.path(name)
