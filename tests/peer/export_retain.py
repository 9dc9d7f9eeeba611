#!/usr/bin/env python3
"""cairn-export --retain on real exports: what is kept is compared with the disk as it was, by qemu-img and
by `cairn restore`, after runs that ended well, that were killed and that had no space."""
from exportfolder import *

KEEP = 4


class Retention(ExportFolder):
    def folder(self, point=None):
        return f"{self.root}/{self.group}" + (f"/{point['id']}" if point else "")

    def retain(self, *args, status=0, before=()):
        done = subprocess.run([*before, EXPORT, "--retain", self.folder(), *args],
                              capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def result(self, *args):
        return json.loads(self.retain(*args).stdout)

    def assert_kept(self, kept, sink="qcow2"):
        """By qemu-img through the chain of images, and by our own restore."""
        for point in kept:
            image = f"{self.folder(point)}/{self.vm}/vda.{sink}"
            self.same(image, point["reference"], sink, "raw")
            out = self.restore(point["id"], "raw")
            sh("cmp", f"{out}/web/vda.raw", point["reference"])
            shutil.rmtree(out)

    def assert_sound(self, kept):
        self.assertEqual(sorted(os.listdir(self.folder())), sorted(p["id"] for p in kept))
        report = self.verify(self.root)
        self.assertEqual((report["points"], report["errors"], report["warnings"]),
                         (len(kept), 0, 0), report)

    def every_day(self, sink, *options):
        """New increments go on top of merged exports."""
        for day in range(9):
            self.point(sink, options)
            self.retain("--keep-last", str(KEEP))
            kept = self.points[-KEEP:]
            self.assert_sound(kept)
            if day % 4 == 0:
                self.assert_kept(kept, sink)
        manifest = self.manifest(self.points[-KEEP])
        self.assertIsNone(manifest["base"])
        self.assertEqual(manifest["vms"][0]["disks"][0]["kind"], "full")
        self.assertGreaterEqual(manifest["merged"]["exports"], 1)
        sh("sha256sum", "-c", "manifest.sha256", cwd=self.folder(self.points[-KEEP]))
        self.assert_kept(self.points[-KEEP:], sink)

    def manifest(self, point):
        with open(f"{self.folder(point)}/manifest.json") as file:
            return json.load(file)

    def test_every_day_qcow2(self):
        self.every_day("qcow2")

    def test_every_day_compressed(self):
        self.every_day("qcow2", "--compress", "zstd", "--digest", "sha256")

    def test_every_day_raw(self):
        self.every_day("raw")

    def test_in_the_middle(self):
        """One a day of three a day: increments on increments that are not their neighbours."""
        for n in range(9):
            self.created = f"2026-11-{n // 3 + 1:02}T{n % 3 * 4:02}:00:00Z"
            self.point("qcow2")
        days = self.points[2::3]
        planned = self.result("--keep-daily", "9", "--dry-run")
        self.assertEqual([e["action"] for e in planned["exports"]],
                         ["delete", "delete", "merge"] * 3)
        self.assertEqual(planned["exports"][5]["base"]["number"], 3)
        self.assertEqual(planned["exports"][8]["reason"], "daily 2026-11-03")
        self.assertEqual(len(os.listdir(self.folder())), 9)
        done = self.result("--keep-daily", "9")
        self.assertEqual((done["merged"], done["deleted"], done["kept"]), (3, 6, 3))
        self.assertGreater(done["bytes-removed"], done["bytes-written"])
        self.assert_sound(days)
        self.assert_kept(days)
        kinds = [self.manifest(p)["vms"][0]["disks"][0]["kind"] for p in days]
        self.assertEqual(kinds, ["full", "incremental", "incremental"])
        for point in days:
            self.check(f"{self.folder(point)}/{self.vm}/vda.qcow2")

    def test_killed_at_system_calls(self):
        """The kernel kills it at the n-th call that changes something, for n from 1 to the last."""
        calls = "rename,renameat,renameat2,linkat,mkdir,unlinkat,fsync,fdatasync,openat,pwritev,ftruncate"
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        probe = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True)
        if probe.returncode:
            self.skipTest("processes cannot be traced here")
        for _ in range(4):
            self.point("qcow2")
        kept = self.points[-2:]
        master = self.path("master")
        shutil.copytree(self.folder(), master)
        n, status, step = 1, None, 3
        # the leak check of a sanitizer is a tracer itself
        untraced = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
        while status != 0:
            shutil.rmtree(self.folder())
            shutil.copytree(master, self.folder())
            done = subprocess.run(
                ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
                 f"inject={calls}:signal=KILL:when={n}", EXPORT, "--retain", self.folder(),
                 "--keep-last", "2"], capture_output=True, timeout=DEADLINE, env=untraced)
            status = done.returncode
            self.assertIn(status, (0, -signal.SIGKILL, 128 + signal.SIGKILL), done.stderr)
            for point in kept:
                image = f"{self.folder(point)}/{self.vm}/vda.qcow2"
                self.same(image, point["reference"], "qcow2", "raw")
            self.retain("--keep-last", "2")
            self.assert_sound(kept)
            n += step
        self.assertGreater(n, 20)
        self.assert_kept(kept)

    def test_no_space(self):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", self.make("full")],
                          capture_output=True).returncode:
            self.skipTest("cannot mount a tmpfs")
        self.addCleanup(sh, "umount", self.path("full"))
        self.root = self.path("full")
        sh("qemu-io", "-f", "qcow2", "-c", f"write -P 7 0 {30 * MIB}", self.disk)
        for _ in range(3):
            self.point("qcow2")
        room = os.statvfs(self.root)
        with open(f"{self.root}/ballast", "wb") as file:
            file.write(bytes(room.f_bfree * room.f_frsize - 8 * MIB))  # of the 30 that it takes
        before = os.statvfs(self.root).f_bfree
        done = self.retain("--keep-last", "2", status=5)
        self.assertIn("No space left on device", done.stderr)
        self.assertIn("point 2: disk \"web:vda\"", done.stderr)
        self.assert_sound(self.points)
        self.assertEqual(os.statvfs(self.root).f_bfree, before)
        self.assert_kept(self.points)
        os.unlink(f"{self.root}/ballast")
        self.retain("--keep-last", "2")
        self.assert_sound(self.points[-2:])
        self.assert_kept(self.points[-2:])

    def test_told_to_stop(self):
        """SIGTERM, a command, the end of the control pipe: what was begun is removed again."""
        for _ in range(3):
            self.point("qcow2")
        args = ["--retain", self.folder(), "--keep-last", "2", "--rate", "256K"]
        for stop in (lambda copy: copy.process.terminate(), lambda copy: copy.say("cancel"),
                     lambda copy: copy.close()):
            copy = Copy(*args)
            copy.until_done(1)
            stop(copy)
            status, stderr = copy.end()
            self.assertEqual(status, 3, stderr)
            self.assert_sound(self.points)
        copy = Copy(*args)
        copy.until_done(1)
        copy.say("rate 0")
        lines = list(copy.lines())
        self.assertEqual(copy.end()[0], 0)
        self.assertEqual(lines[-1]["retain"]["deleted"], 1)
        progress = [line["progress"] for line in lines if "progress" in line]
        self.assertEqual(progress[-1]["done"], progress[-1]["total"])
        self.assert_sound(self.points[-2:])
        self.assert_kept(self.points[-2:])

    def test_wrong_use(self):
        for args in ((), ("--keep-last", "-1"), ("--keep-last", "100001"),
                     ("--keep-last", "1", "--map"), ("--keep-last", "1", "x", "y")):
            self.retain(*args, status=2)
        self.retain("--keep-last", "1", status=1)  # there is no such folder


if __name__ == "__main__":
    main()
