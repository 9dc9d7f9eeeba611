#!/usr/bin/env python3
"""cairn-export stopped, suspended, slowed down and killed: it goes on, and the image is right."""
from exportlab import *

need("qemu-img", "qemu-nbd")

SIZE = 64 * MIB


class Interrupted(Case):
    def setUp(self):
        super().setUp()
        self.disk = self.path("disk.raw")
        with open(self.disk, "wb") as file:
            for _ in range(SIZE // MIB):
                file.write(self.random.choice((self.random.randbytes(MIB), b"cairn!\0\0" * (MIB // 8),
                                               self.random.randbytes(CLUSTER).ljust(MIB, b"\0"))))
        self.out, self.result = self.path("out"), self.path("result.json")

    def source(self):
        """qemu-nbd: nbdkit 1.32 sometimes aborts when a client goes away with reads in flight."""
        return self.serve(qemu_nbd, self.disk, "-e", "8", fmt="raw")

    def finish(self, fmt, *args):
        """The same copy again, to its end; gives the byte of the disk where it went on."""
        result = self.export(*args)
        self.no_leftovers(self.out)
        self.same(self.disk, self.out, "raw", fmt)
        if fmt == "qcow2":
            self.check(self.out)
            image = Qcow2(self.out)
            self.assertEqual(image.unexplained(), 0)
            self.assertEqual(result["metadata"]["digest"], image.metadata_digest(hashlib.sha256))
            self.assertEqual(base64.b64decode(result["blocks"]["digests"]),
                             b"".join(digest for _, digest in image.block_digests(hashlib.sha256)))
        return result["resumed-at"]

    def kill_and_go_on(self, fmt, *options):
        """Up to three times: makes durable what there is, goes on a bit, is killed."""
        uri = self.source().uri("vda")
        args = ["--sink", fmt, "--digest", "sha256", *options, uri, self.out]
        durable = 0
        for _ in range(3):
            copy = Copy("--rate", "6M", *args)
            copy.until_done(durable + self.random.randrange(1, 4 * MIB))
            copy.say("suspend")
            copy.until_state("suspended")
            line = copy.until(lambda line: "progress" in line)
            durable = line["progress"]["done"]
            copy.say("resume")
            copy.until_done(durable + self.random.randrange(1, 3 * MIB))
            copy.process.kill()
            copy.end()
            self.assertFalse(os.path.exists(self.out))
        self.assertGreaterEqual(self.finish(fmt, *args), durable)

    def test_kill_qcow2(self):
        self.kill_and_go_on("qcow2")

    def test_kill_compressed(self):
        self.kill_and_go_on("qcow2", "--compress", "zstd")

    def test_kill_raw(self):
        self.kill_and_go_on("raw")

    def test_kill_anywhere(self):
        """Without a word before: whatever was durable, the image is right."""
        args = ["--digest", "sha256", self.source().uri("vda"), self.out]
        for _ in range(5):
            copy = Copy("--rate", "20M", *args)
            copy.until_done(self.random.randrange(1, 30 * MIB))
            copy.process.kill()
            copy.end()
            if os.path.exists(self.out):  # too late: the next one begins anew
                self.same(self.disk, self.out, "raw", "qcow2")
                os.unlink(self.out)
        self.finish("qcow2", *args)

    def test_cancel(self):
        """Each way to end it keeps what was written."""
        args = ["--digest", "sha256", self.source().uri("vda"), self.out]
        ways = [lambda copy: copy.say("cancel"), lambda copy: copy.close(),
                lambda copy: copy.process.terminate(),
                lambda copy: copy.process.send_signal(signal.SIGINT)]
        done = 0
        for way in ways:
            copy = Copy("--rate", "8M", *args)
            done += 4 * MIB
            copy.until_done(done)
            way(copy)
            error = copy.until(lambda line: "error" in line)["error"]
            self.assertEqual(error["class"], "Cancelled")
            self.assertEqual(copy.end(), (3, "cairn-export: the copy was cancelled\n"))
            self.assertFalse(os.path.exists(self.out))
        self.assertGreater(self.finish("qcow2", *args), done - 8 * MIB)

    def test_cancel_while_waiting_for_the_server(self):
        """The server does not even answer the first question."""
        server = Server(self.dir)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(server.socket)
            listener.listen(1)
            copy = Copy(server.uri(), self.out)
            connection, _ = listener.accept()
            copy.say("cancel")
            self.assertEqual(copy.end()[0], 3)
            connection.close()

    def test_suspend(self):
        copy = Copy("--rate", "6M", "--digest", "sha256", self.source().uri("vda"), self.out)
        copy.until_done(MIB)
        for stop, go in ((lambda: copy.say("suspend"), lambda: copy.say("resume")),
                         (lambda: copy.process.send_signal(signal.SIGUSR1),
                          lambda: copy.process.send_signal(signal.SIGUSR2))):
            stop()
            copy.until_state("suspended")
            seen = [copy.until(lambda line: "progress" in line)["progress"] for _ in range(4)]
            self.assertEqual(len({progress["done"] for progress in seen}), 1)
            self.assertLess(seen[0]["done"], SIZE)
            go()
            copy.until_state("running")
            copy.until_done(seen[0]["done"] + 1)
        copy.say("suspend")
        copy.until_state("suspended")
        copy.say("cancel")
        self.assertEqual(copy.end()[0], 3)
        self.finish("qcow2", "--digest", "sha256", self.serve_again(copy), self.out)

    def serve_again(self, copy):
        return copy.process.args[-2]

    def test_rate(self):
        began = time.monotonic()
        copy = Copy("--rate", "1M", self.source().uri("vda"), self.out)
        copy.until_done(4 * MIB)
        self.assertGreater(time.monotonic() - began, 1.2)
        copy.say("rate 0")
        last = None
        for line in copy.lines():
            last = line.get("progress", last)
        self.assertEqual(copy.end()[0], 0)
        self.assertLess(time.monotonic() - began, SIZE / MIB - 10)
        self.assertEqual((last["done"], last["total"]), (SIZE, SIZE))
        self.assertLess(last["written"], SIZE)

    def interrupted(self, *args):
        copy = Copy("--rate", "5M", *args)
        copy.until_done(2 * MIB)
        copy.say("cancel")
        self.assertEqual(copy.end()[0], 3)

    def test_other_copy_begins_anew(self):
        uri = self.source().uri("vda")
        args = ["--digest", "sha256", uri, self.out]
        for other in (["--identity", "x"], ["--compress", "zstd"], ["--sink", "raw"]):
            self.interrupted(*args)
            fmt = "raw" if "raw" in other else "qcow2"
            self.assertEqual(self.finish(fmt, *other, *args), 0)
            os.unlink(self.out)
        self.interrupted("--identity", "x", *args)
        self.assertGreater(self.finish("qcow2", "--identity", "x", *args), 0)

    def test_damaged_leftovers(self):
        args = ["--digest", "sha256", self.source().uri("vda"), self.out]
        part, state = self.out + ".part", self.out + ".part.state"
        for damage in (lambda: os.unlink(part), lambda: os.truncate(part, 100000),
                       lambda: os.truncate(state, 10), lambda: os.unlink(state)):
            self.interrupted(*args)
            damage()
            self.assertEqual(self.finish("qcow2", *args), 0)
            os.unlink(self.out)

    def test_raw_ends_in_a_hole(self):
        """What is durable of a raw image may end before the block that was reached last."""
        with open(self.disk, "r+b") as file:
            file.write(self.random.randbytes(CLUSTER) + bytes(40 * MIB))
        args = ["--sink", "raw", "--digest", "sha256", self.source().uri("vda"), self.out]
        self.interrupted(*args)
        self.assertGreater(self.finish("raw", *args), 0)

    def test_one_at_a_time(self):
        args = ["--digest", "sha256", self.source().uri("vda"), self.out]
        copy = Copy("--rate", "2M", *args)
        copy.until_done(MIB)
        self.assertIn("another copy is writing", self.fails(1, *args))
        copy.say("rate 0")
        self.assertEqual(copy.end()[0], 0)
        self.same(self.disk, self.out, "raw", "qcow2")

    def test_increment_goes_on(self):
        """A synthetic raw full and a qcow2 increment, each cancelled in the middle."""
        uri, base = self.source().uri("vda"), self.path("base.raw")
        shutil.copy(self.disk, base)
        with open(base, "r+b") as file:
            file.seek(10 * MIB)
            file.write(self.random.randbytes(20 * MIB))
        sh("qemu-img", "convert", "-O", "qcow2", base, self.path("base.qcow2"))
        body = struct.pack("<8sIQI", b"cairnext", 1, SIZE, 1) + bytes([0x80, 0x80, 0x80, 0x05] +
                                                                      [0x80, 0x80, 0x80, 0x0a])
        with open(self.path("since"), "wb") as file:
            file.write(body + hashlib.sha256(body).digest())
        for fmt, parent in (("raw", ["--parent", base]),
                            ("qcow2", ["--parent", self.path("base.qcow2"), "--backing",
                                       "base.qcow2"])):
            args = ["--digest", "sha256", "--sink", fmt, "--since", self.path("since"), *parent, uri,
                    self.out]
            self.interrupted(*args)
            self.assertGreater(self.finish(fmt, *args), 0)
            os.unlink(self.out)


if __name__ == "__main__":
    main()
