#!/usr/bin/env python3
"""cairn-export when the server or the disk fails: the right status, a clear word, no final file."""
import resource

from exportlab import *

need("qemu-img", "qemu-io", "qemu-nbd", "nbdkit")

SIZE = 32 * MIB


class Source(Case):
    def setUp(self):
        super().setUp()
        self.disk, self.out = self.path("disk.raw"), self.path("out.qcow2")
        with open(self.disk, "wb") as file:
            file.write(self.random.randbytes(SIZE))

    def test_error_while_reading(self):
        switch = self.path("switch")
        server = self.serve(nbdkit, "--filter=error", "file", self.disk, "error=EIO",
                            "error-pread-rate=20%", f"error-file={switch}")
        with open(switch, "w"):
            pass
        words = self.fails(4, server.uri(), self.out)
        self.assertIn("Input/output error", words)
        self.assertRegex(words, "at byte [0-9]+")
        # Not the same server: nbdkit 1.32 sometimes aborts when a client goes away.
        self.export(self.serve(nbdkit, "file", self.disk).uri(), self.out)
        self.same(self.disk, self.out, "raw")

    def test_error_at_a_place(self):
        """A bad sector, somewhere: the copy names the request it lies in."""
        bad = self.random.randrange(0, SIZE // 512) * 512
        script = f"""case "$1" in
            get_size) echo {SIZE};;
            can_extents) exit 3;;
            pread) if [ $4 -le {bad} -a {bad} -lt $(($4 + $3)) ]; then
                       echo EIO bad sector >&2; exit 1; fi
                   dd if={self.disk} iflag=count_bytes,skip_bytes skip=$4 count=$3 bs=1M status=none;;
            *) exit 2;;
            esac"""
        with open(self.path("script"), "w") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(self.path("script"), 0o700)
        server = self.serve(nbdkit, "sh", self.path("script"))
        words = self.fails(4, server.uri(), self.out)
        at = int(words.split("at byte ")[1].split(":")[0])
        self.assertLessEqual(at, bad)
        self.assertLess(bad, at + 4 * CLUSTER)

    def test_error_of_extents(self):
        server = self.serve(nbdkit, "--filter=error", "file", self.disk, "error-extents-rate=100%")
        self.assertIn("cairn-export: ", self.fails(4, server.uri(), self.out))

    def test_stall(self):
        server = self.serve(nbdkit, "--filter=delay", "file", self.disk, "delay-read=60")
        self.addCleanup(server.stop, signal.SIGKILL)
        began = time.monotonic()
        words = self.fails(4, "--timeout", "1", server.uri(), self.out)
        self.assertIn("no answer for 1 seconds", words)
        self.assertLess(time.monotonic() - began, 50)
        server.stop(signal.SIGKILL)

    def test_dropped_connection(self):
        server = self.serve(nbdkit, "file", self.disk)
        copy = Copy("--rate", "4M", server.uri(), self.out)
        copy.until_done(2 * MIB)
        server.stop(signal.SIGKILL)
        error = copy.until(lambda line: "error" in line)["error"]
        self.assertEqual(error["class"], "Peer")
        self.assertEqual(copy.end()[0], 4)
        self.assertFalse(os.path.exists(self.out))

    def test_dropped_and_gone_on(self):
        """A server that comes back at the same place: the copy goes on from the journal."""
        server = self.serve(nbdkit, "file", self.disk)
        copy = Copy("--rate", "4M", server.uri(), self.out)
        copy.until_done(2 * MIB)
        server.stop(signal.SIGKILL)
        self.assertEqual(copy.end()[0], 4)
        again = nbdkit(self.dir, "file", self.disk)
        self.addCleanup(again.stop)
        os.replace(again.socket, server.socket)
        result = self.export(server.uri(), self.out)
        self.assertGreater(result["resumed-at"], 0)
        self.same(self.disk, self.out, "raw")

    def test_single_connection(self):
        """Servers that take one client, say nothing of extents, or know no structured replies."""
        sh("qemu-img", "convert", "-O", "qcow2", self.disk, self.path("disk.qcow2"))
        makers = ((qemu_nbd, self.path("disk.qcow2"), "-e", "1"),
                  (nbdkit, "--filter=multi-conn", "file", self.disk, "multi-conn-mode=disable"),
                  (nbdkit, "--filter=noextents", "file", self.disk),
                  (nbdkit, "--no-sr", "file", self.disk))
        for maker, *args in makers:
            with self.subTest(args=args), self.serve(maker, *args) as server:
                name = "vda" if maker is qemu_nbd else ""
                self.export("--timeout", "30", "--connections", "4", server.uri(name), self.out)
                self.same(self.disk, self.out, "raw")
                os.unlink(self.out)


class Target(Case):
    def setUp(self):
        super().setUp()
        self.disk = self.path("disk.raw")
        with open(self.disk, "wb") as file:
            file.write(self.random.randbytes(SIZE))
        self.uri = self.serve(qemu_nbd, self.disk, fmt="raw").uri("vda")

    def test_file_size_limit(self):
        for fmt in ("qcow2", "raw"):
            out = self.path("out." + fmt)
            words = self.fails(5, "--sink", fmt, self.uri, out, preexec_fn=self.limit)
            self.assertIn("cannot write", words)
            self.assertTrue(os.path.exists(out + ".part"))
            self.export("--sink", fmt, self.uri, out)
            self.same(self.disk, out, "raw", fmt)
            self.no_leftovers(out)

    def limit(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 * MIB, 20 * MIB))

    def test_full_disk(self):
        """A tmpfs that is too small; when it is made larger the copy goes on."""
        small = self.path("small")
        os.mkdir(small)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", small],
                          capture_output=True).returncode:
            self.skipTest("needs the right to mount a tmpfs")
        self.addCleanup(sh, "umount", small)
        out = small + "/out.qcow2"
        words = self.fails(5, self.uri, out)
        self.assertIn("No space left on device", words)
        sh("mount", "-o", "remount,size=80m", small)
        self.assertGreater(self.export(self.uri, out)["resumed-at"], 0)
        self.same(self.disk, out, "raw")
        self.no_leftovers(out)

    def test_result_cannot_be_written(self):
        out = self.path("out.qcow2")
        done = self.run_export("--result", self.path("no/folder/result"), self.uri, out)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertFalse(os.path.exists(out))
        self.export(self.uri, out)
        self.same(self.disk, out, "raw")


if __name__ == "__main__":
    main()
