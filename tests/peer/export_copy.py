#!/usr/bin/env python3
"""cairn-export against real servers: what comes out is what went in."""
import fcntl

from exportlab import *

need("qemu-img", "qemu-io", "qemu-nbd", "qemu-storage-daemon", "nbdkit", "zstd")


class Chains(Case):
    def make_disk(self, size="96M"):
        disk = self.path("disk.qcow2")
        sh("qemu-img", "create", "-q", "-f", "qcow2", disk, size)
        return disk

    def point(self, disk, name):
        """A new bitmap, and what the disk holds at this instant."""
        sh("qemu-img", "bitmap", "--add", disk, name)
        copy = self.path(f"at-{name}.raw")
        sh("qemu-img", "convert", "-O", "raw", disk, copy)
        return copy

    def test_increment_carries_zeroes(self):
        disk = self.make_disk()
        sh("qemu-io", "-f", "qcow2", "-c", "write -P 1 0 32M", "-c", "write -P 2 64M 1M", disk)
        with self.serve(qemu_nbd, disk) as server:
            self.export(server.uri("vda"), self.path("full.qcow2"))
        self.point(disk, "b")
        sh("qemu-io", "-f", "qcow2", "-d", "unmap", "-c", "write -z 1M 1M", "-c", "discard 3M 2M",
           "-c", "write -P 0 8M 1M", "-c", "write -P 9 12M 64k", disk)
        with self.serve(qemu_nbd, disk, "-B", "b") as server:
            result = self.export("--since", "qemu:dirty-bitmap:b", "--parent",
                                 self.path("full.qcow2"), "--backing", "full.qcow2",
                                 server.uri("vda"), self.path("inc.qcow2"))
        self.assertEqual(result["kind"], "incremental")
        self.assertEqual(result["zero-bytes"], 4 * MIB)
        self.assertEqual(result["data-bytes"], CLUSTER)
        self.check(self.path("inc.qcow2"))
        self.same(disk, self.path("inc.qcow2"))
        self.drop_zeroes(disk)

    def drop_zeroes(self, disk):
        """The same increment without its zero clusters must be found wrong: else this test is blind."""
        image = Qcow2(self.path("inc.qcow2"))
        broken = bytearray(image.bytes)
        for _, place, entry in image.entries():
            if entry & 1:
                broken[place:place + 8] = bytes(8)
        with open(self.path("dropped.qcow2"), "wb") as file:
            file.write(broken)
        with self.assertRaises(AssertionError):
            self.same(disk, self.path("dropped.qcow2"))

    def chain(self, sink, *options):
        size = 70 * MIB + 512 * self.random.randrange(0, 3000)
        disk = self.make_disk(str(size))
        previous, points = None, []
        for i in range(4):
            write_random(self.random, disk, size, 25)
            out = self.path(f"{i}.{sink}")
            args = ["--sink", sink, *options]
            if previous:
                args += ["--since", f"qemu:dirty-bitmap:b{i - 1}", "--parent", previous]
                args += [] if sink == "raw" else ["--backing", os.path.basename(previous)]
            bitmap = f"b{i - 1}" if previous else None
            with self.serve(storage_daemon, disk, bitmap=bitmap) as server:
                self.export(*args, server.uri("vda"), out)
            points.append((out, self.point(disk, f"b{i}")))
            previous = out
        for out, reference in points:
            self.same(out, reference, sink, "raw")
            self.no_leftovers(out)
            if sink == "qcow2":
                self.check(out)

    def test_chain_qcow2(self):
        self.chain("qcow2")

    def test_chain_compressed(self):
        self.chain("qcow2", "--compress", "zstd", "--digest", "sha256")

    def test_chain_raw(self):
        self.chain("raw")

    def test_extents_file(self):
        disk = self.make_disk()
        sh("qemu-io", "-f", "qcow2", "-c", "write -P 1 0 32M", disk)
        with self.serve(qemu_nbd, disk) as server:
            self.export(server.uri("vda"), self.path("full.qcow2"))
            self.assertEqual(self.ranges("--map", server.uri("vda"), self.path("allocated")),
                             (96 * MIB, [(0, 32 * MIB)]))
        self.point(disk, "b")
        sh("qemu-io", "-f", "qcow2", "-c", "write -P 3 5M 64k", "-c", "write -z 9M 1M", disk)
        with self.serve(qemu_nbd, disk, "-B", "b") as server:
            changed = self.path("changed")
            self.assertEqual(self.ranges("--map", "--since", "qemu:dirty-bitmap:b",
                                         server.uri("vda"), changed),
                             (96 * MIB, [(5 * MIB, CLUSTER), (9 * MIB, MIB)]))
            self.export("--since", changed, "--backing", "full.qcow2", server.uri("vda"),
                        self.path("inc.qcow2"))
        self.same(disk, self.path("inc.qcow2"))

    def ranges(self, *args):
        """Decodes what --map wrote, by the description in extents_codec.c."""
        done = self.run_export(*args)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(args[-1], "rb") as file:
            data = file.read()
        body, checksum = data[:-32], data[-32:]
        self.assertEqual(hashlib.sha256(body).digest(), checksum)
        magic, version, size, count = struct.unpack_from("<8sIQI", body)
        self.assertEqual((magic, version), (b"cairnext", 1))
        numbers, value, shift = [], 0, 0
        for byte in body[24:]:
            value, shift = value | (byte & 127) << shift, shift + 7
            if byte < 128:
                numbers.append(value)
                value = shift = 0
        at, found = 0, []
        for gap, length in zip(numbers[::2], numbers[1::2]):
            found.append((at + gap, length))
            at += gap + length
        self.assertEqual(len(found), count)
        return size, found


class Formats(Case):
    def raw_disk(self, size):
        """Random, compressible, zero and missing parts, and data at the very end."""
        with open(self.path("disk.raw"), "wb") as file:
            file.truncate(size)
            for _ in range(12):
                length = self.random.choice((1, 700, CLUSTER, 3 * CLUSTER, 2 * MIB))
                kind = self.random.choice(("random", "text", "zero"))
                file.seek(self.random.randrange(0, size))
                length = min(length, size - file.tell())
                file.write({"random": self.random.randbytes(length), "zero": bytes(length),
                            "text": (b"cairn " * length)[:length]}[kind])
            file.seek(size - 1)
            file.write(b"x")
        return self.path("disk.raw")

    def test_odd_sizes(self):
        sizes = [1, 511, 512, 513, CLUSTER - 1, CLUSTER, CLUSTER + 1, MIB + 1, 3 * MIB - 512]
        sizes += [512 * MIB + 1, 512 * MIB - 7] + [self.random.randrange(1, 9 * MIB)]
        for size in sizes:
            with self.subTest(size=size):
                disk = self.raw_disk(size)
                with self.serve(nbdkit, "file", disk) as server:
                    self.odd_size(disk, size, server.uri())

    def odd_size(self, disk, size, uri):
        raw, image = self.path("out.raw"), self.path("out.qcow2")
        result = self.export("--sink", "raw", uri, raw)
        self.assertEqual((result["size"], os.path.getsize(raw)), (size, size))
        sh("cmp", disk, raw)
        result = self.export(uri, image)
        shown = (size + 511) // 512 * 512
        info = json.loads(sh("qemu-img", "info", "--output=json", image))
        self.assertEqual((result["size"], info["virtual-size"]), (size, shown))
        self.check(image)
        sh("qemu-img", "convert", "-O", "raw", image, self.path("back.raw"))
        os.truncate(self.path("back.raw"), size)
        sh("cmp", disk, self.path("back.raw"))
        os.unlink(raw)
        os.unlink(image)

    def by_the_book(self, *options):
        """Digests, tables and every byte of the file, recomputed from the description."""
        disk = self.raw_disk(20 * MIB + 512)
        out = self.path("out.qcow2")
        with self.serve(nbdkit, "file", disk) as server:
            result = self.export("--digest", "sha256", *options, server.uri(), out)
        image = Qcow2(out)
        blocks = list(image.block_digests(hashlib.sha256))
        self.assertEqual(runs_to_blocks(result["blocks"]["runs"]), [b for b, _ in blocks])
        self.assertEqual(base64.b64decode(result["blocks"]["digests"]),
                         b"".join(digest for _, digest in blocks))
        self.assertEqual(result["metadata"]["digest"], image.metadata_digest(hashlib.sha256))
        self.assertEqual(result["file-size"], len(image.bytes))
        self.assertEqual(image.unexplained(), 0)
        self.check(out)
        self.same(disk, out, "raw")
        return result

    def test_book_plain(self):
        self.assertIsNone(self.by_the_book()["compression"])

    def test_book_compressed(self):
        self.assertEqual(self.by_the_book("--compress", "zstd")["compression"], "zstd")

    def test_raw_digests_are_those_of_qcow2(self):
        disk = self.raw_disk(20 * MIB)
        with self.serve(nbdkit, "file", disk) as server:
            raw = self.export("--sink", "raw", server.uri(), self.path("out.raw"))
            qcow2 = self.export(server.uri(), self.path("out.qcow2"))
        self.assertEqual(raw["blocks"], qcow2["blocks"])
        self.assertIsNone(raw["metadata"])

    def test_empty_disks(self):
        for size in ("0", "5M", "2T"):
            with self.subTest(size=size), self.serve(nbdkit, "memory", size) as server:
                out = self.path(f"empty-{size}.qcow2")
                result = self.export(server.uri(), out)
                self.assertEqual(result["blocks"]["runs"], [])
                self.check(out)

    def test_far_apart(self):
        """A few clusters on a disk of 3 TiB: tables only where they are needed."""
        out = self.path("out.qcow2")
        data = "@0x10000 1 2 3 @0x1f000000000 1*70000 @0x2bffffff000 7*4096"
        with self.serve(nbdkit, "data", data, f"size={3 << 40}") as server:
            self.export(server.uri(), out)
        self.assertLess(os.path.getsize(out), 4 * MIB)
        self.check(out)
        image = Qcow2(out)
        held = {cluster: image.cluster(entry)[0] for cluster, _, entry in image.entries()}
        self.assertEqual(held, {
            1: b"\1\2\3".ljust(CLUSTER, b"\0"),
            0x1f00000: b"\1" * CLUSTER,
            0x1f00001: (b"\1" * (70000 - CLUSTER)).ljust(CLUSTER, b"\0"),
            0x2bfffff: (b"\7" * 4096).rjust(CLUSTER, b"\0")})

    def test_backing_name(self):
        disk = self.raw_disk(MIB)
        with self.serve(nbdkit, "file", disk) as server:
            self.export(server.uri(), self.path("full.qcow2"))
            with open(self.path("none"), "wb") as file:
                body = struct.pack("<8sIQI", b"cairnext", 1, MIB, 0)
                file.write(body + hashlib.sha256(body).digest())
            os.mkdir(self.path("sub"))
            out = self.path("sub/inc.qcow2")
            self.export("--since", self.path("none"), "--parent", self.path("full.qcow2"),
                        "--backing", "../full.qcow2", server.uri(), out)
        info = json.loads(sh("qemu-img", "info", "--output=json", out))
        self.assertEqual((info["backing-filename"], info["backing-filename-format"]),
                         ("../full.qcow2", "qcow2"))
        self.same(disk, out, "raw")


class Refusals(Case):
    def test_usage(self):
        uri, out = "nbd+unix:///?socket=/nonexistent", self.path("out")
        for args in ([], [uri], [uri, out, "third"], ["--sink", "vmdk", uri, out],
                     ["--compress", "lzo", uri, out], ["--since", "a:b", uri, out],
                     ["--sink", "raw", "--since", "a:b", uri, out], ["--rate", "fast", uri, out],
                     ["--sink", "raw", "--compress", "zstd", uri, out], ["--requests", "0", uri, out],
                     ["--connections", "99", uri, out], ["--control", "77", uri, out],
                     ["--parent", "x", uri, out], ["--digest", "md5", uri, out], ["--what", uri, out]):
            done = self.run_export(*args)
            self.assertEqual(done.returncode, 2, args)
            self.assertTrue(done.stderr.startswith("cairn-export: "))
        self.assertEqual(os.listdir(self.dir), [])

    def test_wrong_world(self):
        out = self.path("out")
        self.fails(4, "nbd+unix:///?socket=" + self.path("none"), out)
        self.fails(4, "http://example.com/", out)
        with self.serve(nbdkit, "memory", "2M") as server:
            words = self.fails(4, "--since", "qemu:dirty-bitmap:no", "--backing", "b",
                               server.uri(), out)
            self.assertIn("does not offer", words)
            self.fails(1, "--since", self.path("none"), "--backing", "b", server.uri(), out)
            self.fails(1, server.uri(), self.path("no/such/folder"))
            self.parents(server.uri(), out)
            self.assertFalse(os.path.exists(out + ".part.state"))
            self.busy(server.uri(), out)
            with open(out, "wb") as file:
                file.write(b"mine")
            self.assertEqual(self.run_export(server.uri(), out).returncode, 1)
            with open(out, "rb") as file:
                self.assertEqual(file.read(), b"mine")

    def busy(self, uri, out):
        """The journal of another copy, which has just begun, is left alone."""
        with open(out + ".part.state", "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.assertIn("another copy", self.fails(1, uri, out))
            self.assertTrue(os.path.exists(out + ".part.state"))

    def parents(self, uri, out):
        with open(self.path("extents"), "wb") as file:
            body = struct.pack("<8sIQI", b"cairnext", 1, 2 * MIB, 0)
            file.write(body + hashlib.sha256(body).digest())
        since = ("--since", self.path("extents"))
        sh("qemu-img", "create", "-q", "-f", "qcow2", self.path("small.qcow2"), "1M")
        words = self.fails(1, *since, "--parent", self.path("small.qcow2"), "--backing", "b", uri,
                           out)
        self.assertIn("must be exported in full", words)
        self.fails(1, *since, "--parent", self.path("gone"), "--backing", "b", uri, out)
        self.fails(1, *since, "--sink", "raw", "--parent", self.path("small.qcow2"), uri, out)
        with open(self.path("extents"), "r+b") as file:
            file.seek(14)
            file.write(b"x")
        self.assertIn("damaged", self.fails(1, *since, "--backing", "b", uri, out))


class Manual(Case):
    """cairn-export(1): its examples work, its options are the program's."""

    def setUp(self):
        super().setUp()
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, "../../man/cairn-export.1")) as file:
            self.page = file.read()

    def test_examples(self):
        examples, script, inside = self.page.split(".Sh EXAMPLES")[1], ["set -e"], False
        for line in examples.split("\n"):
            if line.startswith(".Bd") or line.startswith(".Ed"):
                inside = line.startswith(".Bd")
            elif inside:
                script.append(line.replace("\\e", "\\"))
        self.addCleanup(self.end_server)
        path = os.path.dirname(os.path.abspath(EXPORT)) + ":" + os.environ["PATH"]
        done = subprocess.run(["sh", "-c", "\n".join(script)], cwd=self.dir, text=True,
                              capture_output=True, env={**os.environ, "PATH": path})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.same(self.path("disk.qcow2"), self.path("tuesday.qcow2"))
        self.same(self.path("disk.qcow2"), self.path("tuesday.raw"), "qcow2", "raw")
        self.same(self.path("disk.qcow2"), self.path("small.qcow2"))

    def end_server(self):
        """Where an example failed its server is still there."""
        if os.path.exists(self.path("pid")):
            with open(self.path("pid")) as file:
                pid = int(file.read())
            os.kill(pid, signal.SIGTERM)
            gone(pid)

    def test_options(self):
        words = self.run_export("--help").stdout.replace("=", " ").split()
        options = {word[2:] for word in words if word.startswith("--")}
        self.assertGreater(len(options), 10)
        told = {word for line in self.page.split("\n") for word in line.replace("|", "").split()
                if line.startswith((".It Fl", ".Op Fl", ".Fl")) and word.startswith("-")}
        self.assertEqual({"-" + option for option in options}, told)


if __name__ == "__main__":
    main()
