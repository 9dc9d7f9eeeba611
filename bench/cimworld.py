"""What bench/cim measures: a cairnd with ended jobs, a cairn-cimd, and what is said to it."""
import contextlib
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from xml.sax.saxutils import escape

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "daemon"))
from daemon import Daemon  # noqa: E402  pylint: disable=wrong-import-position

COMPLETED, FAILED = 7, 10
ENDED = 1790000000000000  # microseconds since 1970


# ---- the world ----

def stored_job(number, group):
    """An export of two machines that has ended; one in a hundred failed."""
    failed = number % 100 == 50
    point = str(uuid.UUID(int=(1 << 100) + number)).upper()
    vms = [str(uuid.UUID(int=(1 << 101) + i)).upper() for i in (1, 2)]
    folder = "/exports/web/%d" % number
    job = {"id": job_id(number), "number": number, "kind": "export",
           "state": FAILED if failed else COMPLETED, "phase": "ended",
           "outcome": FAILED if failed else COMPLETED, "status": 3 if failed else 2, "consistency": "application",
           "group": group, "group-name": "web", "point": point, "point-name": "web@%d" % number,
           "owner": "backup", "priority": 100, "submitted": ENDED, "started": ENDED, "ended": ENDED + 1000000,
           "state-changed": ENDED + 1000000, "keep-us": 300 * 365 * 86400 * 1000000, "directory": folder,
           "format": "qcow2", "vm-ids": vms,
           "exported-disks": ["%s/%s/vda.qcow2" % (folder, vm) for vm in vms],
           "log-files": [folder + "/cairn.log"],
           "config-files": ["%s/%s/domain.xml" % (folder, vm) for vm in vms],
           "members": [{"id": vm, "name": "web-%d" % i, "flags": 0, "status": 2} for i, vm in enumerate(vms)]}
    if failed:
        job["errors"] = [{"class": "IO", "code": 32768, "vm": vms[0], "disk": "vda",
                          "message": "cannot write \"%s\": No space left on device" % folder}]
    return job


def job_id(number):
    return str(uuid.UUID(int=(1 << 90) + number)).upper()


class Cairnd(Daemon):
    """Its store has @count ended jobs, as an earlier life would have left them."""

    def __init__(self, build, count):
        self.count = count
        options = ["--administrator", "root"]
        if os.geteuid() == 0:
            options += ["--front-end-user", "nobody"]
        super().__init__(os.path.join(build, "src/cairnd/cairnd"), *options)

    def begin(self):
        super().begin()
        with self.client() as client:
            group = client.call("group-create", name="web")["id"]
        self.end()
        with contextlib.closing(sqlite3.connect(self.path("state", "store.sqlite"))) as store, store:
            store.executemany("INSERT INTO object VALUES ('job', ?, 1, ?)",
                              ((job_id(n), json.dumps(stored_job(n, group)).encode())
                               for n in range(1, self.count + 1)))
        super().begin()


class Cimd:
    """cairn-cimd with its sandbox, as nobody where root begins it."""

    def __init__(self, build, cairnd):
        root = os.geteuid() == 0
        socket_name = "control-front.sock" if root else "control.sock"
        self.log = open(cairnd.path("cimd.log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [os.path.join(build, "src/cimd/cairn-cimd"), "--config", cairnd.path("conf"),
             "--listen", "http://127.0.0.1:0", "--auth", "none", "--none-user", "root",
             "--control", cairnd.path("run", socket_name), "--user", "nobody" if root else ""],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.address = self.wait_for_port()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(30)
        self.log.close()
        if status:
            raise RuntimeError("cairn-cimd ended with %d" % status)

    def wait_for_port(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.log.seek(0)
            said = self.log.read()
            found = re.search(r"listening on http://([\d.]+):(\d+)", said)
            if found:
                return found.group(1), int(found.group(2))
            if self.process.poll() is not None:
                raise RuntimeError("cairn-cimd: " + said)
            time.sleep(0.01)
        raise RuntimeError("cairn-cimd does not listen")

    def memory(self):
        """Resident now and at its peak, in MiB; the peak begins anew at forget_peak()."""
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            facts = dict(line.split(":", 1) for line in file)
        return tuple(int(facts[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))

    def forget_peak(self):
        with open("/proc/%d/clear_refs" % self.process.pid, "w", encoding="ascii") as file:
            file.write("5")

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))


# ---- what is said ----

CIMXML_TYPE = 'application/xml; charset="utf-8"'
WSMAN_TYPE = "application/soap+xml;charset=UTF-8"
NAMESPACE = "root/virtualization/v2"
JOB = "Msvm_CollectionReferencePointExportJob"
SERVICE = "Msvm_CollectionReferencePointService"
URI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/" + NAMESPACE + "/"


class Request:
    """A body, and where it goes; @pull is what asks for more."""

    def __init__(self, path, content_type, body, pull=None):
        self.path, self.type, self.body, self.pull = path, content_type, body, pull

    def head(self, close=False):
        return ("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nCIMOperation: MethodCall\r\n"
                "%sContent-Length: %d\r\n\r\n" %
                (self.path, self.type, "Connection: close\r\n" if close else "", len(self.body))).encode()


def cimxml(call, inner, method=None):
    spaces = "".join('<NAMESPACE NAME="%s"/>' % part for part in NAMESPACE.split("/"))
    local = "<LOCALNAMESPACEPATH>%s</LOCALNAMESPACEPATH>" % spaces
    if method:
        body = ('<METHODCALL NAME="%s"><LOCALINSTANCEPATH>%s%s</LOCALINSTANCEPATH></METHODCALL>' %
                (method, local, inner))
    else:
        body = '<IMETHODCALL NAME="%s">%s%s</IMETHODCALL>' % (call, local, inner)
    text = ('<?xml version="1.0" encoding="utf-8"?>\n<CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="1" '
            'PROTOCOLVERSION="1.0"><SIMPLEREQ>%s</SIMPLEREQ></MESSAGE></CIM>' % body)
    return Request("/cimom", CIMXML_TYPE, text.encode())


def cimxml_name(class_name, keys):
    return '<INSTANCENAME CLASSNAME="%s">%s</INSTANCENAME>' % (class_name, "".join(
        '<KEYBINDING NAME="%s"><KEYVALUE VALUETYPE="string">%s</KEYVALUE></KEYBINDING>' % (name, escape(value))
        for name, value in keys))


def parameter(name, value):
    return '<IPARAMVALUE NAME="%s">%s</IPARAMVALUE>' % (name, value)


def envelope(uri, action, body, keys=(), size=512000):
    selectors = "".join('<w:Selector Name="%s">%s</w:Selector>' % (name, escape(value)) for name, value in keys)
    return (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" '
        'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header><a:To>http://localhost/wsman</a:To>'
        '<w:ResourceURI s:mustUnderstand="true">%s</w:ResourceURI><a:ReplyTo><a:Address '
        's:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address>'
        '</a:ReplyTo><a:Action s:mustUnderstand="true">%s</a:Action><w:MaxEnvelopeSize s:mustUnderstand="true">'
        '%d</w:MaxEnvelopeSize><a:MessageID>uuid:7A9F1C0E-2B1D-4C55-9E7B-0123456789AB</a:MessageID>%s'
        '<w:OperationTimeout>PT60.000S</w:OperationTimeout></s:Header><s:Body>%s</s:Body></s:Envelope>' %
        (uri, action, size, "<w:SelectorSet>%s</w:SelectorSet>" % selectors if keys else "", body)).encode()


def wsman(uri, action, body="", keys=(), **more):
    return Request("/wsman", WSMAN_TYPE, envelope(uri, action, body, keys, **more))


ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/"
GET = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"


def wsman_enumerate(uri, query=None, **more):
    flt = ('<w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">%s</w:Filter>' % escape(query)
           if query else "")
    request = wsman(uri, ENUMERATION + "Enumerate", "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>32000"
                    "</w:MaxElements>%s</n:Enumerate>" % flt, **more)
    request.pull = envelope(uri, ENUMERATION + "Pull", "<n:Pull><n:EnumerationContext>@CONTEXT@"
                            "</n:EnumerationContext><n:MaxElements>32000</n:MaxElements></n:Pull>")
    return request


def requests(service_keys):
    """(name, CIM-XML, WS-Management, whether it is a long list)."""
    key = (("InstanceID", job_id(50)),)
    by_key = "SELECT * FROM %s WHERE InstanceID = '%s'" % (JOB, job_id(50))
    by_state = "SELECT * FROM %s WHERE JobState = %d" % (JOB, FAILED)
    wql = parameter("QueryLanguage", "<VALUE>WQL</VALUE>")

    def get(class_name, keys):
        return (cimxml("GetInstance", parameter("InstanceName", cimxml_name(class_name, keys))),
                wsman(URI + class_name, GET, keys=keys))

    def query(text):
        return (cimxml("ExecQuery", wql + parameter("Query", "<VALUE>%s</VALUE>" % escape(text))),
                wsman_enumerate(URI + "*", text))

    return [
        ("GetInstance, a job", *get(JOB, key), False),
        ("GetInstance, a service", *get(SERVICE, service_keys), False),
        ("WQL by key", *query(by_key), False),
        ("WQL by state, 1 of 100", *query(by_state), False),
        ("Invoke GetError", cimxml(None, cimxml_name(JOB, key), "GetError"),
         wsman(URI + JOB, URI + JOB + "/GetError", '<p:GetError_INPUT xmlns:p="%s"/>' % (URI + JOB), key), False),
        ("EnumerateInstances", cimxml("EnumerateInstances", parameter("ClassName", '<CLASSNAME NAME="%s"/>' % JOB)),
         wsman_enumerate(URI + JOB), True),
    ]


def one_envelope():
    """A list of WS-Management in a single answer, the largest that is made: wrk need not look into it."""
    request = wsman_enumerate(URI + JOB, size=4 << 20)
    request.pull = None
    return request


# ---- one at a time ----

class Connection:
    """HTTP by hand, to decide what goes into which segment."""

    def __init__(self, address, nodelay=True, receive=None):
        self.socket = socket.socket()
        if receive:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.socket.settimeout(60)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, nodelay)
        self.rest = b""
        self.silence = 0  # the longest wait for bytes, in seconds

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, request, close=False, parts=1):
        head = request.head(close)
        if parts == 1:
            self.socket.sendall(head + request.body)
            return
        self.socket.sendall(head)
        self.socket.sendall(request.body)

    def until(self, mark):
        while mark not in self.rest:
            self.more()
        text, self.rest = self.rest.split(mark, 1)
        return text

    def more(self):
        begun = time.monotonic()
        data = self.socket.recv(1 << 18)
        self.silence = max(self.silence, time.monotonic() - begun)
        if not data:
            raise EOFError("closed in the middle")
        self.rest += data

    def exactly(self, size):
        while len(self.rest) < size:
            self.more()
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def receive(self):
        """Status and body."""
        self.silence = 0
        head = self.until(b"\r\n\r\n").decode("latin-1")
        status = int(head.split()[1])
        length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
        if length:
            return status, self.exactly(int(length.group(1)))
        body = []
        while True:
            size = int(self.until(b"\r\n"), 16)
            body.append(self.exactly(size))
            self.until(b"\r\n")
            if not size:
                return status, b"".join(body)

    def ask(self, request, **how):
        self.send(request, **how)
        return self.receive()


def ask(address, request):
    with Connection(address) as connection:
        status, body = connection.ask(request)
        if status != 200 or b"<ERROR" in body or b":Fault>" in body:
            raise RuntimeError("%d: %s" % (status, body[:2000].decode(errors="replace")))
        return body


def wait_for_jobs(cimd, count):
    """Until all are there; the answer's length."""
    names = cimxml("EnumerateInstanceNames", parameter("ClassName", '<CLASSNAME NAME="%s"/>' % JOB))
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with Connection(cimd.address) as connection:
            _, body = connection.ask(names)
        if body.count(b"<INSTANCENAME") == count:
            return
        time.sleep(0.1)
    raise RuntimeError("not all jobs came: " + body[:500].decode())


def service_keys(cimd):
    body = ask(cimd.address, cimxml("EnumerateInstanceNames",
                                    parameter("ClassName", '<CLASSNAME NAME="%s"/>' % SERVICE)))
    return re.findall(r'<KEYBINDING NAME="(\w+)"><KEYVALUE[^>]*>([^<]*)<', body.decode())
