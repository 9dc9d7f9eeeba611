"""CIM-XML indications from end to end: filter, destination and subscription are made in interop, a point is taken,
and what cairn-cimd sends is caught here; destinations that the configuration does not allow are refused."""
import http.server
import queue
import threading
import xml.etree.ElementTree as tree

from labtest import Failure, expect

from cairnlab import cimclient
from cairnlab.cimclient import CimError, escape
import place

INTEROP = "root/interop"
SECONDS = 120
ANSWER = (b'<?xml version="1.0" encoding="utf-8"?><CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="%s" '
          b'PROTOCOLVERSION="1.0"><SIMPLEEXPRSP><EXPMETHODRESPONSE NAME="ExportIndication"><IRETURNVALUE>'
          b'</IRETURNVALUE></EXPMETHODRESPONSE></SIMPLEEXPRSP></MESSAGE></CIM>')


class Listener:
    """An HTTP server on loopback, on a port of the kernel's choice; what it got is in a queue."""

    def __init__(self):
        got = self.got = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                root = tree.fromstring(self.rfile.read(int(self.headers["Content-Length"])))
                body = ANSWER % root.find("MESSAGE").get("ID").encode()
                self.send_response(200)
                self.send_header("Content-Type", 'application/xml; charset="utf-8"')
                self.send_header("CIMExport", "MethodResponse")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                got.put((self.headers, root))

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.server.server_address[1]

    def next(self):
        """(class, {property: text or embedded instance}) of the next indication."""
        try:
            headers, root = self.got.get(timeout=SECONDS)
        except queue.Empty:
            raise Failure("no indication in %d s" % SECONDS)
        expect(headers["CIMExport"] == "MethodRequest" and
               headers["CIMExportMethod"] == "ExportIndication", "headers: %s", headers)
        call = root.find("MESSAGE/SIMPLEEXPREQ/EXPMETHODCALL[@NAME='ExportIndication']")
        instance = call.find("EXPPARAMVALUE[@NAME='NewIndication']/INSTANCE")
        return instance.get("CLASSNAME"), cimclient.read_instance(instance)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def create(client, class_name, **values):
    def one(name, value):
        if isinstance(value, cimclient.Epr):
            return '<PROPERTY.REFERENCE NAME="%s"><VALUE.REFERENCE>%s</VALUE.REFERENCE>' \
                "</PROPERTY.REFERENCE>" % (name, cimclient.instance_name(value))
        return '<PROPERTY NAME="%s" TYPE="%s"><VALUE>%s</VALUE></PROPERTY>' % (
            name, "uint16" if isinstance(value, int) else "string", escape(str(value)))
    answer = client.call("CreateInstance", '<IPARAMVALUE NAME="NewInstance"><INSTANCE CLASSNAME="%s">%s'
                         "</INSTANCE></IPARAMVALUE>" % (class_name, "".join(
                             one(*pair) for pair in values.items())), INTEROP)
    epr = cimclient.read_name(answer.find(".//INSTANCENAME"))
    epr.namespace = INTEROP
    return epr


def subscribe(client, name, query, url):
    shown = create(client, "CIM_IndicationFilter", Name=name, Query=query, QueryLanguage="WQL",
                   SourceNamespace=place.NAMESPACE)
    destination = create(client, "CIM_ListenerDestinationCIMXML", Name=name, Destination=url,
                         PersistenceType=3)
    subscription = create(client, "CIM_IndicationSubscription", Filter=shown, Handler=destination)
    return [subscription, destination, shown]


def delete(client, eprs):
    for epr in eprs:
        client.call("DeleteInstance", '<IPARAMVALUE NAME="InstanceName">%s</IPARAMVALUE>' %
                    name_of(epr), INTEROP)


def name_of(epr):
    """An INSTANCENAME whose keys may be references."""
    return '<INSTANCENAME CLASSNAME="%s">%s</INSTANCENAME>' % (epr.class_name, "".join(
        '<KEYBINDING NAME="%s">%s</KEYBINDING>' % (
            name, "<VALUE.REFERENCE>%s</VALUE.REFERENCE>" % name_of(value)
            if isinstance(value, cimclient.Epr) else
            '<KEYVALUE VALUETYPE="string">%s</KEYVALUE>' % escape(value))
        for name, value in epr.keys.items()))


def embedded(text):
    element = tree.fromstring(text)
    return element.get("CLASSNAME"), cimclient.read_instance(element)


def refused_destination(client, url):
    for destination in ("http://127.0.0.1:9/x", "http://localhost:1/", url.replace("http", "https"),
                        url.replace("127.0.0.1", "127.0.0.1@192.0.2.1"), "file:///etc/passwd"):
        try:
            create(client, "CIM_ListenerDestinationCIMXML", Name="refused", Destination=destination,
                   PersistenceType=3)
        except CimError as error:
            expect(error.code in (2, 4), "%s gave %s", destination, error)
            continue
        raise Failure("the destination %s was taken" % destination)


def follow(listener, job, end):
    """Reads indications until the job's last modification; numbers without gaps."""
    numbers, states = [], []
    while end not in states:
        kind, values = listener.next()
        if kind == "CIM_InstModification":
            name, now = embedded(values["SourceInstance"])
            _, before = embedded(values["PreviousInstance"])
            expect(name.endswith("ConcreteJob") and values["IndicationTime"], "%s: %s", name, values)
            if now["InstanceID"] == job:
                states.append(now["JobState"])
                expect(before["InstanceID"] == job, "before: %s", before)
        if values.get("SequenceNumber"):
            numbers.append(int(values["SequenceNumber"]))
    expect(numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True,
           "numbers: %s", numbers)


def tell(site):
    client = cimclient.CimXml(site.url + "/cimom")
    listener, url = site.listener, site.listener.url + "/events"
    refused_destination(client, site.listener.url)
    changes = subscribe(client, "jobs", "SELECT * FROM CIM_InstModification WHERE SourceInstance ISA "
                        "CIM_ConcreteJob", url)
    points = subscribe(client, "points", "SELECT * FROM CIM_InstCreation WHERE SourceInstance ISA "
                       "Msvm_ReferencePointCollection", url + "/points")
    site.cairn("group", "create", "events", *site.guests)
    site.cairn("point", "create", "events")
    seen = {}
    while not {"CIM_InstCreation", "CIM_InstModification"} <= set(seen):
        kind, values = listener.next()
        seen[kind] = embedded(values["SourceInstance"])
    expect(seen["CIM_InstCreation"][0] == "Msvm_ReferencePointCollection" and
           seen["CIM_InstCreation"][1]["ElementName"] == "events@1", "creation: %s", seen)
    job = seen["CIM_InstModification"][1]["InstanceID"]
    if seen["CIM_InstModification"][1]["JobState"] != "7":
        follow(listener, job, "7")
    delete(client, changes + points)
    expect(not [epr for _, epr in client.enumerate("CIM_IndicationSubscription", INTEROP)],
           "subscriptions are left")
    site.cairn("point", "delete", "events@1")
    site.cairn("group", "delete", "events")
