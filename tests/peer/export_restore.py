#!/usr/bin/env python3
"""Whole exports on disk: cairn-export fills the folders that cairn-export-format(7) describes, the manifest
is written here from that description, and `cairn verify` and `cairn restore` are the judges and the
judged, with cmp(1) and qemu-img for a second opinion."""
from exportfolder import *

POINTS = 12


class Exports(ExportFolder):
    def chain(self, sink, *options):
        for _ in range(POINTS):
            self.point(sink, options)
        report = self.verify(self.root)
        self.assertEqual((report["points"], report["images"], report["errors"],
                          report["warnings"]), (POINTS, POINTS, 0, 0), report)
        self.assertEqual(report["qemu-img"], sink == "qcow2")
        for point in self.points:
            out = self.restore(point["id"], "raw")
            sh("cmp", f"{out}/web/vda.raw", point["reference"])
            shutil.rmtree(out)
            out = self.restore(f"shop@{point['number']}", "qcow2")
            self.check(f"{out}/web/vda.qcow2")
            self.same(f"{out}/web/vda.qcow2", point["reference"], "qcow2", "raw")
            shutil.rmtree(out)
        last = self.points[-1]
        self.same(f"{self.root}/{self.group}/{last['id']}/{self.vm}/vda.{sink}", last["reference"],
                  sink, "raw")

    def test_chain_qcow2(self):
        self.chain("qcow2")

    def test_chain_compressed(self):
        self.chain("qcow2", "--compress", "zstd", "--digest", "sha256")

    def test_chain_raw(self):
        self.chain("raw")

    def test_zero_clusters_dropped_are_noticed(self):
        """An increment that lost its zero clusters restores old data: verify and restore refuse it."""
        sh("qemu-io", "-f", "qcow2", "-c", f"write -P 7 0 {MIB}", self.disk)
        self.point("qcow2")
        sh("qemu-io", "-f", "qcow2", "-c", f"write -z 0 {MIB}", self.disk)
        self.point("qcow2")
        path = f"{self.root}/{self.group}/{self.points[1]['id']}/{self.vm}/vda.qcow2"
        image = Qcow2(path)
        data = bytearray(image.bytes)
        dropped = [place for _, place, entry in image.entries() if entry & 1]
        self.assertGreater(len(dropped), 0)
        for place in dropped:
            data[place:place + 8] = bytes(8)
        with open(path, "wb") as file:
            file.write(data)
        report = self.verify(self.root, status=1)
        self.assertTrue(any("tables differ" in f["what"] for f in report["findings"]), report)
        done = self.cairn("restore", self.root, "--point", "2", "--to", self.path("out"), status=1)
        self.assertIn("vda.qcow2", done.stderr)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_restored_configuration(self):
        self.point("qcow2")
        out = self.restore("latest", "qcow2", "--suffix", "-copy")
        with open(f"{out}/web/config.xml") as file:
            text = file.read()
        self.assertIn(f'<source file="{out}/web/vda.qcow2"/>', text)
        self.assertIn('type="qcow2"', text)
        self.assertNotIn("/dev/mapper", text)
        self.assertIn("<name>web-copy</name>", text)
        with open(f"{out}/web/config.original.xml") as file:
            self.assertEqual(file.read(), XML.format(name="web"))

    def test_too_little_space(self):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", self.make("full")],
                          capture_output=True).returncode:
            self.skipTest("cannot mount a tmpfs")
        self.addCleanup(sh, "umount", self.path("full"))
        sh("qemu-io", "-f", "qcow2", "-c", f"write -P 7 0 {20 * MIB}", self.disk)
        self.point("qcow2", ["--compress", "zstd"])
        done = self.cairn("restore", self.root, "--to", self.path("full/out"), status=1)
        self.assertIn("are needed", done.stderr)
        self.assertEqual(os.listdir(self.path("full")), [])


if __name__ == "__main__":
    main()
