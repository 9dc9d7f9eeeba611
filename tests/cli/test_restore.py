#!/usr/bin/python3
"""`cairn verify` and `cairn restore` on an export that is made here, byte by byte, from
cairn-export-format(7): raw images with SHA-256, so that nothing of the program's own is needed.
Machines are defined in libvirt's test driver, which keeps them in the process."""
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile

CAIRN = os.path.abspath(sys.argv[1])
GROUP = "11111111-0000-4000-8000-000000000001"
POINTS = ["22222222-0000-4000-8000-00000000000%d" % i for i in (1, 2)]
CLUSTER, BLOCK = 65536, 1 << 20
NAMES = {"db": "44444444-0000-4000-8000-000000000001",
         "test": "44444444-0000-4000-8000-000000000002",
         "two": "44444444-0000-4000-8000-000000000003"}
OTHER_DISK = """<disk type='file' device='disk'><driver name='qemu' type='raw'/>
<source file='/images/original.raw'/><target dev='vdb' bus='virtio'/></disk>"""


def image(seed):
    data = bytearray(3 * BLOCK + 512)
    for at in (0, 5 * CLUSTER, BLOCK + 15 * CLUSTER, 3 * BLOCK):
        text = hashlib.sha256(b"%d %d" % (seed, at)).digest() * 16
        data[at:at + len(text)] = text
    return bytes(data)


def blocks(data):
    runs, digests = [], []
    for first in range(0, len(data), BLOCK):
        message, mask = b"", 0
        for i in range(16):
            cluster = data[first + i * CLUSTER:min(first + (i + 1) * CLUSTER, first + BLOCK)]
            if cluster.strip(b"\0"):
                message += cluster.ljust(CLUSTER, b"\0")
                mask |= 1 << i
        if mask:
            digests.append(hashlib.sha256(message + mask.to_bytes(2, "little")).digest())
            number = first // BLOCK
            if runs and sum(runs[-1]) == number:
                runs[-1][1] += 1
            else:
                runs.append([number, 1])
    return {"size": BLOCK, "algorithm": "sha256", "runs": runs,
            "digests": base64.b64encode(b"".join(digests)).decode()}


def put(folder, name, data):
    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
    with open(os.path.join(folder, name), "wb") as stream:
        stream.write(data)
    return {"path": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def machine(folder, name, seed):
    guid = NAMES[name]
    config = """<domain type='test'><name>%s</name><uuid>%s</uuid><memory>65536</memory>
<os><type>hvm</type></os><devices><disk type='file' device='disk'>
<driver name='qemu' type='raw'/><source file='/images/%s.raw'/><target dev='vda' bus='virtio'/>
</disk>%s</devices></domain>""" % (name, guid.lower(), name, OTHER_DISK if name == "two" else "")
    data = image(seed)
    path = guid + "/vda.raw"
    put(folder, path, data)
    return {"id": guid, "name": name, "state": "running", "consistency": "crash",
            "consistency-reason": None, "config": put(folder, guid + "/config.xml",
                                                      config.encode()),
            "runtime": put(folder, guid + "/runtime.json", b"{}"),
            "guest-state": [put(folder, guid + "/guest-state/tpm/tpm2/x", b"t")
                            for machine in ("db",) if name == machine],
            "disks": [{"target": "vda", "id": "d", "path": path, "kind": "full", "reason": None,
                       "source": {"path": "/images/%s.raw" % name, "format": "raw"},
                       "size": len(data), "format": "raw", "backing": None, "compression": None,
                       "cluster-size": CLUSTER, "file-size": len(data), "blocks": blocks(data),
                       "metadata": None}]}


def export(top, number):
    folder = os.path.join(top, GROUP, POINTS[number - 1])
    os.makedirs(folder)
    manifest = {"format": "cairn-export", "version": 1, "created": "2026-11-20T10:00:00Z",
                "generator": "test", "group": {"id": GROUP, "name": "web"},
                "point": {"id": POINTS[number - 1], "number": number,
                          "created": "2026-11-20T10:0%d:00Z" % number, "consistency": "crash",
                          "requested": "crash", "pause-us": 1, "skew-us": 0}, "base": None,
                "vms": [machine(folder, name, number) for name in NAMES]}
    text = json.dumps(manifest).encode()
    with open(os.path.join(folder, "manifest.sha256"), "w", encoding="ascii") as stream:
        stream.write("%s  manifest.json\n" % hashlib.sha256(text).hexdigest())
    put(folder, "manifest.json", text)


def run(*words, status=0):
    env = dict(os.environ, LC_ALL="C.UTF-8", CAIRN_SOCKET="/nonexistent")
    done = subprocess.run([CAIRN, *words], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done


def read(path):
    with open(path, "rb") as stream:
        return stream.read()


def test_verify(top, out):
    done = run("verify", top)
    assert "2 points, 6 images" in done.stdout and "0 errors, 0 warnings" in done.stdout, done
    assert json.loads(run("verify", top, "--json", "--threads", "1").stdout)["errors"] == 0
    assert run("verify", top, "--quiet").stdout == ""


def test_verify_damage(top, out):
    path = os.path.join(top, GROUP, POINTS[1], NAMES["db"], "vda.raw")
    data = bytearray(read(path))
    data[5 * CLUSTER + 7] ^= 1
    with open(path, "r+b") as stream:
        stream.write(data)
    done = run("verify", top, status=1)
    assert "vda.raw" in done.stdout and "error" in done.stdout, done
    report = json.loads(run("verify", top, "--json", status=1).stdout)
    assert report["errors"] == 1 and report["findings"][0]["offset"] == 0, report
    failed = run("restore", top, "--to", out, "--point", "2", status=1)
    assert "vda.raw" in failed.stderr and not os.path.exists(os.path.join(out, "db")), failed


def test_verify_nothing(top, out):
    os.mkdir(out)
    # As a backup disk that is not mounted.
    assert "no complete export" in run("verify", out, status=1).stderr
    run("verify", "/nonexistent", status=1)
    run("verify", top, "--threads", "x", status=2)


def test_restore(top, out):
    done = run("restore", top, "--to", out, "--format", "raw")
    assert "web@2" in done.stderr, done
    for name in NAMES:
        assert read(os.path.join(out, name, "vda.raw")) == image(2), name
        config = read(os.path.join(out, name, "config.xml")).decode()
        assert os.path.join(out, name, "vda.raw") in config, config
    again = run("restore", top, "--to", out, "--format", "raw", status=1)
    assert "exist" in again.stderr, again


def test_restore_one(top, out):
    # Relative folders are made absolute: the configuration needs them.
    done = run("restore", top, "--to", os.path.relpath(out), "--point", "web@1", "--format=raw",
               "--disk", "db:vda", "--quiet")
    assert done.stdout == os.path.join(os.path.realpath(out), "db", "vda.raw") + "\n", done
    assert read(done.stdout.strip()) == image(1)
    assert not os.path.exists(os.path.join(out, "test"))
    failed = run("restore", top, "--to", out + "2", "--point", "7", status=1)
    assert "7" in failed.stderr and not os.path.exists(out + "2")
    run("restore", top, "--to", out + "2", "--vm", "nobody", status=1)
    assert not os.path.exists(out + "2")


def test_define(top, out):
    done = run("restore", top, "--to", out, "--vm", "db", "--format", "raw", "--define",
               "--connect", "test:///default")
    assert 'defined "db"' in done.stderr, done
    tpm = os.path.join(out, "db", "guest-state", "tpm")
    assert "TPM state of \"db\"" in done.stderr and tpm + "\n" in done.stderr, done
    assert read(os.path.join(tpm, "tpm2", "x")) == b"t"


def test_define_taken(top, out):
    # The test driver has a machine "test": nothing may be written, nor the machine replaced.
    done = run("restore", top, "--to", out, "--define", "--connect", "test:///default", status=1)
    assert '"test"' in done.stderr and not os.path.exists(out), done
    done = run("restore", top, "--to", out, "--vm", "test", "--suffix", "-2", "--format", "raw",
               "--define", "--connect", "test:///default")
    assert 'defined "test-2"' in done.stderr, done


def test_define_original(top, out):
    # Its second disk is not in the export: the restored machine would write to the original.
    done = run("restore", top, "--to", out, "--vm", "two", "--format", "raw", "--define",
               "--connect", "test:///default", status=1)
    assert '"vdb" was not restored' in done.stderr and "/images/original.raw" in done.stderr, done
    assert os.path.exists(os.path.join(out, "two", "vda.raw"))


def main():
    tests = sorted((name, test) for name, test in globals().items() if name.startswith("test_"))
    print("1..%d" % len(tests))
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            folder = os.path.realpath(folder)
            top = os.path.join(folder, "exports")
            export(top, 1)
            export(top, 2)
            try:
                test(top, os.path.join(folder, "out"))
                print("ok %d %s" % (number, name), flush=True)
            except Exception as error:  # noqa: BLE001: told as a failure
                failed += 1
                print("not ok %d %s\n# %s" % (number, name, str(error).replace("\n", "\n# ")),
                      flush=True)
    return 1 if failed else 0


sys.exit(main())
