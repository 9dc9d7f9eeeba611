"""What the tests of cairn-export share: real NBD servers, the program, and a reader of its images that
knows only the format's description, so that the writer is not judged by its own code."""
import atexit, base64, hashlib, json, os, random, select, shutil, signal, socket, struct
import subprocess, sys, tempfile, time, unittest

EXPORT = os.environ.get("CAIRN_EXPORT", "cairn-export")
DEADLINE = 240  # seconds until something that is sure to come counts as lost
CLUSTER, BLOCK, MIB = 65536, 1 << 20, 1 << 20
# The same data each time, or any: CAIRN_TEST_SEED=$RANDOM.
SEED = int(os.environ.get("CAIRN_TEST_SEED", 1))


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            print(f"{program} is not installed", file=sys.stderr)
            sys.exit(77)


def sh(*args, **kwargs):
    return subprocess.run(args, check=True, capture_output=True, text=True, **kwargs).stdout


def gone(pid, deadline=DEADLINE):
    """Waits until a process that is not our child has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(fd) as handle:
        if not select.select([handle], [], [], deadline)[0]:
            raise TimeoutError(f"process {pid} does not end")


class Server:
    """An NBD server that went into the background by itself, so that it is ready when start returns."""

    def __init__(self, folder):
        self.folder = tempfile.mkdtemp(dir=folder)
        self.socket, self.pidfile = self.folder + "/nbd.sock", self.folder + "/pid"
        self.pid = self.child = None
        atexit.register(self.stop)

    def started(self):
        with open(self.pidfile) as file:
            self.pid = int(file.read())
        return self

    def uri(self, name=""):
        return f"nbd+unix:///{name}?socket={self.socket}"

    def stop(self, number=signal.SIGTERM):
        if self.pid:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass
            if self.child:
                self.child.wait(DEADLINE)
            else:
                gone(self.pid)
            self.pid = None

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.stop()


def storage_daemon(folder, image, fmt="qcow2", bitmap=None):
    server = Server(folder)
    export = "nbd,id=e,node-name=disk,name=vda" + (f",bitmaps.0={bitmap}" if bitmap else "")
    sh("qemu-storage-daemon", "--blockdev", f"file,node-name=file,filename={image},read-only=on",
       "--blockdev", f"{fmt},node-name=disk,file=file,read-only=on", "--nbd-server",
       f"addr.type=unix,addr.path={server.socket}", "--export", export, "--pidfile",
       server.pidfile, "--daemonize")
    return server.started()


def qemu_nbd(folder, image, *args, fmt="qcow2"):
    server = Server(folder)
    sh("qemu-nbd", "-r", "-f", fmt, "-t", "-k", server.socket, "-x", "vda", "--fork",
       "--pid-file", server.pidfile, *args, image)
    return server.started()


def nbdkit(folder, *args):
    """nbdkit comes into being with our listening socket: there is nothing to wait for."""
    server = Server(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(server.socket)
        listener.listen(16)
        command = 'fd=$1; shift; eval "exec 3<&$fd"; LISTEN_FDS=1 LISTEN_PID=$$ exec nbdkit "$@"'
        # It writes of each connection that breaks, which many of these tests are about.
        server.child = subprocess.Popen(["sh", "-c", command, "sh", str(listener.fileno()), *args],
                                        pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
    server.pid = server.child.pid
    return server


class Copy:
    """A running cairn-export with its control pipe."""

    def __init__(self, *args, **kwargs):
        read, self.control = os.pipe()
        self.process = subprocess.Popen(
            [EXPORT, "--progress", "--control", str(read), *args], pass_fds=[read],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)
        os.close(read)

    def say(self, line):
        os.write(self.control, line.encode() + b"\n")

    def close(self):
        if self.control is not None:
            os.close(self.control)
            self.control = None

    def lines(self):
        """JSON lines as they come."""
        end = time.monotonic() + DEADLINE
        pending = b""
        while select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return
            *complete, pending = (pending + data).split(b"\n")
            for line in complete:
                yield json.loads(line)
        raise TimeoutError("cairn-export says nothing")

    def until(self, wanted):
        for line in self.lines():
            if wanted(line):
                return line
        raise AssertionError("ended: " + self.process.stderr.read().decode())

    def until_done(self, n):
        return self.until(lambda line: line.get("progress", {}).get("done", 0) >= n)

    def until_state(self, state):
        return self.until(lambda line: line.get("state") == state)

    def end(self):
        """Exit status and stderr."""
        out, err = self.process.communicate(timeout=DEADLINE)
        self.close()
        return self.process.returncode, err.decode()


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="cairn-export-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.random = random.Random(f"{SEED} {self.id()}")

    def path(self, name):
        return os.path.join(self.dir, name)

    def serve(self, make, *args, **kwargs):
        server = make(self.dir, *args, **kwargs)
        self.addCleanup(server.stop)
        return server

    def run_export(self, *args, **kwargs):
        return subprocess.run([EXPORT, *args], capture_output=True, text=True,
                              timeout=10 * DEADLINE, **kwargs)

    def export(self, *args, **kwargs):
        """A copy that must succeed; gives the result."""
        result = self.path("result.json")
        done = self.run_export("--result", result, *args, **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(result) as file:
            return json.load(file)

    def fails(self, status, *args, **kwargs):
        """A copy that must fail so, without anything under the final name; gives its last words."""
        done = self.run_export(*args, **kwargs)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertFalse(os.path.exists(args[-1]), "a file under the final name")
        lines = done.stderr.strip().split("\n")
        self.assertTrue(lines[-1].startswith("cairn-export: "), done.stderr)
        return lines[-1]

    def same(self, a, b, fmt_a="qcow2", fmt_b="qcow2"):
        done = subprocess.run(["qemu-img", "compare", "-f", fmt_a, "-F", fmt_b, a, b],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"{a} {b}: {done.stdout}{done.stderr}")

    def check(self, image):
        done = subprocess.run(["qemu-img", "check", "--output=json", image], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for key in ("corruptions", "leaks", "check-errors"):
            self.assertEqual(json.loads(done.stdout).get(key, 0), 0, done.stdout)

    def no_leftovers(self, out):
        self.assertTrue(os.path.exists(out))
        self.assertFalse(os.path.exists(out + ".part"))
        self.assertFalse(os.path.exists(out + ".part.state"))


def write_random(rng, image, size, n, extra=()):
    """n writes, zero-writes and discards at any byte, as a guest would."""
    args = []
    for _ in range(n):
        length = rng.choice((512, 4096, 65536, 300 * 1024, 2 * MIB))
        offset = rng.randrange(0, size // 512) * 512
        length = min(length, size - offset)
        verb = rng.choice((f"write -P {rng.randrange(1, 255)}",) * 3 + ("write -z", "discard",
                                                                        "write -P 0"))
        args += ["-c", f"{verb} {offset} {length}"]
    sh("qemu-io", "-f", "qcow2", "-d", "unmap", *args, *extra, image)


class Qcow2:
    """Reads our images by the book (qcow2.h, digest.h); zstd clusters through zstd(1)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        (self.magic, self.version, backing, backing_len, bits, self.size, _, l1_entries, self.l1,
         self.table, self.table_clusters) = struct.unpack_from(">IIQIIQIIQQI", self.bytes)
        assert (self.magic, self.version, bits) == (0x514649fb, 3, 16)
        self.backing = self.bytes[backing:backing + backing_len].decode() if backing else None
        self.l1_clusters = (l1_entries * 8 + CLUSTER - 1) // CLUSTER
        self.l1_table = struct.unpack_from(f">{l1_entries}Q", self.bytes, self.l1)

    def l2_tables(self):
        return [(i, entry & 0x00fffffffffffe00) for i, entry in enumerate(self.l1_table) if entry]

    def entries(self):
        """(guest cluster, place of the entry in the file, entry) of all that are carried."""
        for index, offset in self.l2_tables():
            for i, entry in enumerate(struct.unpack_from(">8192Q", self.bytes, offset)):
                if entry:
                    yield index * 8192 + i, offset + 8 * i, entry

    def cluster(self, entry):
        """Contents and, of a compressed one, the stored bytes."""
        if entry & 1:
            return bytes(CLUSTER), b""
        if not entry >> 62 & 1:
            offset = entry & 0x00fffffffffffe00
            return self.bytes[offset:offset + CLUSTER], b""
        offset, sectors = entry & (1 << 54) - 1, (entry >> 54 & 0xff) + 1
        assert offset % 512 == 0
        stored = self.bytes[offset:offset + 512 * sectors]
        return unzstd(stored), stored

    def block_digests(self, algorithm):
        messages = {}
        for cluster, _, entry in self.entries():
            contents, stored = self.cluster(entry)
            block = messages.setdefault(cluster // 16, [algorithm(), 0])
            block[0].update(contents + stored)
            block[1] |= 1 << cluster % 16
        for block, (digest, mask) in sorted(messages.items()):
            digest.update(struct.pack("<H", mask))
            yield block, digest.digest()

    def metadata(self):
        """Offsets of the clusters of the metadata digest, in its order."""
        yield 0
        yield from (self.l1 + i * CLUSTER for i in range(self.l1_clusters))
        yield from (offset for _, offset in self.l2_tables())
        yield from (self.table + i * CLUSTER for i in range(self.table_clusters))
        n = self.table_clusters * 8192
        yield from filter(None, struct.unpack_from(f">{n}Q", self.bytes, self.table))

    def metadata_digest(self, algorithm):
        parts = (algorithm(self.bytes[at:at + CLUSTER]).digest() for at in self.metadata())
        return algorithm(b"".join(parts)).hexdigest()

    def unexplained(self):
        """Bytes of the file that are neither contents nor table nor zero."""
        left = bytearray(self.bytes)
        for at in self.metadata():
            left[at:at + CLUSTER] = bytes(CLUSTER)
        for _, _, entry in self.entries():
            if entry >> 62 & 1:
                at, n = entry & (1 << 54) - 1, 512 * ((entry >> 54 & 0xff) + 1)
                left[at:at + n] = bytes(n)
            elif not entry & 1:
                at = entry & 0x00fffffffffffe00
                left[at:at + CLUSTER] = bytes(CLUSTER)
        assert len(left) == len(self.bytes)
        return len(left) - left.count(0)


def unzstd(stored):
    done = subprocess.run(["zstd", "-dcq", "--no-check"], input=stored, capture_output=True)
    return done.stdout[:CLUSTER]


def runs_to_blocks(runs):
    return [block for first, count in runs for block in range(first, first + count)]


def main():
    print(f"# CAIRN_TEST_SEED={SEED}")
    unittest.main(verbosity=2)
