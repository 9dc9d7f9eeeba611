#!/usr/bin/python3
"""cairn-cimd and clients of others: cimd_clients.py CAIRN_CIMD. curl with certificates over TLS, certificates
that change while it runs, and python3-winrm with NTLM and encrypted messages over plain HTTP."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

IDENTIFY = ('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            'xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
            "<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>")
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, timeout=150)
    if done.returncode:
        sys.exit("%s: %s" % (command[0], done.stdout))


def check(what, good):
    if not good:
        sys.exit("not as it must be: " + what)
    print("ok - " + what)


def make_ca(folder, name, subject):
    run("openssl", "req", "-x509", *KEY, "-days", "2", "-subj", "/CN=" + subject,
        "-addext", "subjectAltName=DNS:localhost",
        "-keyout", "%s/%s.key" % (folder, name), "-out", "%s/%s.pem" % (folder, name))


def make_signed(folder, name, subject, purpose):
    base = os.path.join(folder, name)
    run("openssl", "req", *KEY, "-subj", "/CN=" + subject, "-keyout", base + ".key",
        "-out", base + ".csr")
    with open(base + ".ext", "w") as file:
        file.write("extendedKeyUsage=%s\nsubjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;"
                   "UTF8:%s@corp\n" % (purpose, subject))
    run("openssl", "x509", "-req", "-in", base + ".csr", "-CA", folder + "/ca.pem",
        "-CAkey", folder + "/ca.key", "-CAcreateserial", "-days", "2", "-extfile", base + ".ext",
        "-out", base + ".pem")


class Cimd:
    def __init__(self, program, folder, *options):
        config = os.path.join(folder, "cairn.conf")
        open(config, "w").close()
        self.process = subprocess.Popen(
            [program, "--config", config, "--user", "", "--control", folder + "/control.sock",
             *options], stderr=subprocess.PIPE, universal_newlines=True)
        self.url = self.wait_for(r"listening on (\S+)").replace("127.0.0.1", "localhost")

    def wait_for(self, pattern):
        for line in self.process.stderr:
            found = re.search(pattern, line)
            if found:
                return found.group(found.re.groups)
        sys.exit("cairn-cimd has ended")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=120)


def curl(cimd, ca, *options):
    done = subprocess.run(
        ["curl", "-s", "--max-time", "120", "--cacert", ca, "-o", "/dev/null", "-d", IDENTIFY,
         "-H", "Content-Type: application/soap+xml", "-w", "%{http_code}", *options,
         cimd.url + "/wsman"], stdout=subprocess.PIPE, universal_newlines=True, timeout=150)
    return done.stdout if done.returncode == 0 else "failed"


def certificates(program, folder):
    make_ca(folder, "server", "localhost")
    make_ca(folder, "ca", "clients")
    make_ca(folder, "self", "carol")
    make_signed(folder, "carol", "carol", "clientAuth")
    make_signed(folder, "dave", "dave", "clientAuth")
    make_signed(folder, "stranger", "stranger", "clientAuth")
    make_signed(folder, "wrong", "carol", "serverAuth")
    server = folder + "/server.pem"
    expected = {"carol": "200", "dave": "200", "stranger": "401", "wrong": "401", "self": "401"}
    with Cimd(program, folder, "--listen", "https://127.0.0.1:0", "--auth", "cert",
              "--cert-map", "cn:carol=root", "--cert-map", "upn:dave@corp=root",
              "--tls-cert", server, "--tls-key", folder + "/server.key",
              "--tls-ca", folder + "/ca.pem") as cimd:
        for name, status in expected.items():
            pair = ("--cert", "%s/%s.pem" % (folder, name), "--key", "%s/%s.key" % (folder, name))
            check("certificate of %s: %s" % (name, status), curl(cimd, server, *pair) == status)
        check("no certificate", curl(cimd, server) == "401")
        check("TLS 1.1 is refused", curl(cimd, server, "--tls-max", "1.1") == "failed")
        shutil.copy(server, folder + "/old.pem")
        make_ca(folder, "server", "localhost")
        cimd.process.send_signal(signal.SIGHUP)
        cimd.wait_for("read again")
        check("the new certificate", curl(cimd, server) == "401")
        check("the old one is gone", curl(cimd, folder + "/old.pem") == "failed")


WINRM = r"""
import sys
from winrm.protocol import Protocol
client = Protocol(sys.argv[1] + "/wsman", transport="ntlm", username=r"WORK\alice",
                  password="secret", message_encryption="always")
for _ in range(2):
    answer = client.send_message(sys.argv[2])
    print(answer if isinstance(answer, str) else answer.decode())
"""


# NTLM wants MD4, which OpenSSL 3 has only when it is asked.
LEGACY = """openssl_conf = all
[all]
providers = providers
[providers]
default = on
legacy = on
[on]
activate = 1
"""


def python_with_winrm():
    """Debian's module is Debian's Python's; another may come first in PATH."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run(
                [python, "-c", "import winrm"], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


def winrm_ntlm(program, folder):
    python = python_with_winrm()
    if not python:
        print("ok - SKIP: no python3-winrm")
        return
    with open(folder + "/ntlm", "w") as file:
        file.write("WORK:alice:secret\n")
    os.environ["NTLM_USER_FILE"] = folder + "/ntlm"
    with Cimd(program, folder, "--listen", "http://127.0.0.1:0", "--auth", "negotiate",
              "--map", r"WORK\alice=root") as cimd:
        with open(folder + "/openssl.cnf", "w") as file:
            file.write(LEGACY)
        done = subprocess.run([python, "-c", WINRM, cimd.url, IDENTIFY], timeout=150,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True,
                              env=dict(os.environ, OPENSSL_CONF=folder + "/openssl.cnf"))
        if done.returncode:
            print(done.stdout)
        check("winrm with NTLM, encrypted", done.stdout.count("<wsmid:IdentifyResponse>") == 2)


def main():
    missing = [tool for tool in ("curl", "openssl") if not shutil.which(tool)]
    if missing:
        print("not there: " + ", ".join(missing))
        sys.exit(77)
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="cairn-cimd-") as folder:
        certificates(program, folder)
        winrm_ntlm(program, folder)


main()
