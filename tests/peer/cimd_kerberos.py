#!/usr/bin/python3
"""cairn-cimd and Kerberos: cimd_kerberos.py CAIRN_CIMD CLIENT. A KDC of MIT's in a folder of its own, on a
port of its own; curl, which knows nothing of encrypted messages, over TLS, and our own client (CLIENT URL)
with them over plain HTTP, as SPNEGO and as bare Kerberos."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

REALM = "CAIRN.TEST"
IDENTIFY = ('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            'xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
            "<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>")
TOOLS = ["krb5kdc", "kdb5_util", "kadmin.local", "kinit", "curl", "openssl"]
DEADLINE = 120  # seconds


def free_port():
    """For TCP and UDP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
                return udp.getsockname()[1]
            except OSError:
                continue


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def configure(folder, port):
    """An environment in which Kerberos knows this folder only."""
    krb5 = write(folder, "krb5.conf", """[libdefaults]
default_realm = %(realm)s
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
[realms]
%(realm)s = {
 kdc = 127.0.0.1:%(port)d
}
[domain_realm]
localhost = %(realm)s
""" % {"realm": REALM, "port": port})
    kdc = write(folder, "kdc.conf", """[kdcdefaults]
kdc_listen = 127.0.0.1:%(port)d
kdc_tcp_listen = 127.0.0.1:%(port)d
[realms]
%(realm)s = {
 database_name = %(folder)s/principal
 key_stash_file = %(folder)s/stash
 acl_file = %(folder)s/acl
}
""" % {"realm": REALM, "port": port, "folder": folder})
    environment = dict(os.environ, KRB5_CONFIG=krb5, KRB5_KDC_PROFILE=kdc,
                       KRB5CCNAME="FILE:%s/ccache" % folder, KRB5RCACHENAME="none:",
                       PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    environment.pop("KRB5_KTNAME", None)
    # For a program built with a leak sanitizer: gss-ntlmssp loses memory.
    environment["LSAN_OPTIONS"] = "suppressions=" + write(folder, "lsan", "leak:gssntlmssp\n")
    return environment


def run(environment, *command, **more):
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True, timeout=150, **more)
    if done.returncode:
        sys.exit("%s: %s" % (command[0], done.stdout))
    return done.stdout


def wait_for_port(kdc, port):
    """False: it has ended."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end and kdc.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)  # the KDC has no other way of saying so
    if kdc.poll() is None:
        kdc.kill()
        sys.exit("the KDC does not come up")
    return False


def make_realm(folder, environment):
    run(environment, "kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
    for principal in ("alice", "stranger"):
        run(environment, "kadmin.local", "addprinc", "-pw", "secret", principal)
    # WSMAN is what Windows asks for; any key of the file will do.
    for service in ("HTTP/localhost", "WSMAN/localhost"):
        run(environment, "kadmin.local", "addprinc", "-randkey", service)
        run(environment, "kadmin.local", "ktadd", "-k", folder + "/keytab", service)


def start_kdc(folder):
    """(KDC, environment of its clients). Another program may be faster to take the port that was free."""
    for attempt in range(10):
        port = free_port()
        environment = configure(folder, port)
        if attempt == 0:
            make_realm(folder, environment)
        kdc = subprocess.Popen(["krb5kdc", "-n"], env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        if wait_for_port(kdc, port):
            return kdc, environment
    sys.exit("the KDC finds no port")


def start_cimd(program, folder, environment):
    run(environment, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem")
    cimd = subprocess.Popen(
        [program, "--config", write(folder, "cairn.conf", ""), "--user", "",
         "--listen", "http://127.0.0.1:0", "--listen", "https://127.0.0.1:0",
         "--auth", "negotiate", "--keytab", folder + "/keytab",
         "--map", "alice@%s=root" % REALM, "--tls-cert", folder + "/cert.pem",
         "--tls-key", folder + "/key.pem", "--control", folder + "/control.sock"],
        env=environment, stderr=subprocess.PIPE, universal_newlines=True)
    urls = {}
    while len(urls) < 2:
        line = cimd.stderr.readline()
        if not line:
            sys.exit("cairn-cimd has ended")
        found = re.search(r"listening on ((https?)://127\.0\.0\.1(:\d+))", line)
        if found:
            urls[found.group(2)] = "%s://localhost%s" % (found.group(2), found.group(3))
    return cimd, urls


def curl(environment, folder, url, *options):
    """The status of an authenticated Identify, and its text."""
    text = run(environment, "curl", "-s", "--max-time", "120", "--cacert", folder + "/cert.pem",
               "-H", "Content-Type: application/soap+xml;charset=UTF-8", "-d", IDENTIFY,
               "-w", "\n%{http_code}", *options, url + "/wsman")
    body, _, status = text.rpartition("\n")
    return int(status), body


def check(what, good):
    if not good:
        sys.exit("not as it must be: " + what)
    print("ok - " + what)


def steps(client, folder, environment, urls):
    negotiate = ("--negotiate", "-u", ":")
    status, _ = curl(environment, folder, urls["https"], *negotiate)
    check("without a ticket it is 401", status == 401)
    run(environment, "kinit", "alice", input="secret\n")
    status, body = curl(environment, folder, urls["https"], *negotiate)
    check("curl over TLS with a ticket", status == 200 and "IdentifyResponse" in body)
    status, _ = curl(environment, folder, urls["http"], *negotiate)
    check("a body in the clear over plain HTTP is refused", status == 403)
    print(run(environment, client, urls["http"]), end="")
    run(environment, "kinit", "stranger", input="secret\n")
    status, _ = curl(environment, folder, urls["https"], *negotiate)
    # Kerberos' own rules name him after his principal; cairnd decides what that user may do.
    check("a ticket without a line in the table has the user of its name", status == 200)


def main():
    missing = [tool for tool in TOOLS if not shutil.which(
        tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if missing:
        print("not there: " + ", ".join(missing))
        sys.exit(77)
    program, client = map(os.path.abspath, sys.argv[1:3])
    started = []
    with tempfile.TemporaryDirectory(prefix="cairn-krb5-") as folder:
        try:
            kdc, environment = start_kdc(folder)
            started.append(kdc)
            cimd, urls = start_cimd(program, folder, environment)
            started.append(cimd)
            steps(client, folder, environment, urls)
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=DEADLINE)
    check("cairn-cimd ends well", started[1].returncode == 0)


main()
