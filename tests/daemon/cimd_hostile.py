#!/usr/bin/python3
"""cimd_hostile.py CAIRND CAIRN-CIMD: requests that are made to break the front end, and users who want
what is not theirs. Each test is over when the program still answers, and ends without a complaint."""
import os
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cimsweep  # noqa: E402
from cimd_front import SECONDS, Front, prepared  # noqa: E402
from cimsweep import class_name, parameter, value  # noqa: E402
from cairnlab import cimclient  # noqa: E402
from cairnlab.cimclient import CimError  # noqa: E402
from daemon import main  # noqa: E402

EVENTING = "http://schemas.xmlsoap.org/ws/2004/08/eventing/"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
SELECTORS = "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter"
ASSOCIATION = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding/associationFilter"
GROUPS = "SELECT * FROM __InstanceOperationEvent WHERE TargetInstance ISA 'Msvm_VirtualSystemCollection'"
ALL = cimclient.WMI + "root/virtualization/v2/*"


def wmi(name):
    return cimclient.WMI + "root/virtualization/v2/" + name


def refused(code, function, *arguments, **named):
    """The call must fail so; @code may be one or several."""
    try:
        got = function(*arguments, **named)
    except CimError as error:
        codes = code if isinstance(code, tuple) else (code,)
        if error.code not in codes:
            raise AssertionError("%s, not %s" % (error, codes)) from None
        return error
    raise AssertionError("not refused: %r" % (got,))


def subscribe(client):
    body = client.send(EVENTING + "Subscribe", ALL, (
        '<e:Subscribe><e:Delivery Mode="http://schemas.dmtf.org/wbem/wsman/1/wsman/Pull"/>'
        '<w:Filter Dialect="%s">%s</w:Filter></e:Subscribe>') % (WQL, GROUPS))
    return body.findtext(".//" + cimclient.N + "EnumerationContext")


def pull(client, context, header="<w:OperationTimeout>PT5S</w:OperationTimeout>"):
    return client.send(cimclient.ENUMERATION + "Pull", ALL, (
        "<n:Pull><n:EnumerationContext>%s</n:EnumerationContext><n:MaxElements>20</n:MaxElements>"
        "</n:Pull>") % context, header)


def new_filter(client, text=GROUPS):
    return client.call("CreateInstance", parameter("NewInstance", (
        '<INSTANCE CLASSNAME="CIM_IndicationFilter"><PROPERTY NAME="Query" TYPE="string">%s'
        '</PROPERTY></INSTANCE>') % value(text)), "interop")


def of_filters(client):
    return client.call("EnumerateInstanceNames", parameter(
        "ClassName", class_name("CIM_IndicationFilter")), "interop")


# -- who may ---------------------------------------------------------------------------------------


def test_events_need_a_role():
    """Events tell what the objects are: who may not read those is not told either."""
    with prepared() as daemon, Front(daemon, "eve") as front:
        refused("AccessDenied", subscribe, front.wsman())
        refused(2, new_filter, front.cimxml())
        refused(2, of_filters, front.cimxml())
    with prepared() as daemon, Front(daemon, "olga") as front:
        assert subscribe(front.wsman())
        new_filter(front.cimxml())
        assert len(list(of_filters(front.cimxml()).iter("INSTANCENAME"))) == 1


def open_groups(client):
    answer = client.call("OpenEnumerateInstances", parameter(
        "ClassName", class_name("Msvm_VirtualSystemCollection")) + parameter(
            "MaxObjectCount", value("1")))
    return next(each.findtext("VALUE") for each in answer.iter("PARAMVALUE")
                if each.get("NAME") == "EnumerationContext")


def test_role_taken_away():
    """What was opened with a role is not read on without it."""
    with prepared() as daemon, Front(daemon, "olga") as front:
        wsman, cimxml = front.wsman(), front.cimxml()
        events, page = subscribe(wsman), open_groups(cimxml)
        at = daemon.words.index("olga")
        daemon.end()
        del daemon.words[at - 1:at + 1]
        daemon.begin()
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                wsman.enumerate("Msvm_VirtualSystemCollection")
            except CimError as error:
                if error.code == "AccessDenied":
                    break
            assert time.monotonic() < deadline
        refused("AccessDenied", pull, wsman, events)
        refused(2, cimxml.call, "PullInstancesWithPath", parameter(
            "EnumerationContext", value(page)) + parameter("MaxObjectCount", value("1")))


# -- what is in a request --------------------------------------------------------------------------


def test_instance_in_filter():
    """A selector that carries an instance where the schema has a string."""
    with prepared() as daemon, Front(daemon, "olga") as front:
        inside = "".join((
            '<w:Filter Dialect="%s"><w:SelectorSet><w:Selector Name="%s">' % (SELECTORS, "%s"),
            '<q:Msvm_Error xmlns:q="x/Msvm_Error"><q:Message>x</q:Message></q:Msvm_Error>',
            '</w:Selector></w:SelectorSet></w:Filter>'))
        for name, key in (("__InstanceCreationEvent", "TargetInstance"),
                          ("CIM_InstIndication", "SourceInstance"),
                          ("CIM_InstCreation", "SourceInstance")):
            refused(("CannotProcessFilter", "InvalidParameter", "InvalidResourceURI",
                     "DestinationUnreachable"),
                    front.wsman().enumerate, name, inside=inside % key)
        assert len(front.wsman().enumerate("Msvm_VirtualSystemCollection")) == 2


def test_names_in_names():
    """References in keys of references, with what doubles each time it is quoted."""
    with prepared() as daemon, Front(daemon, "olga") as front:
        key = "<KEYVALUE>%s</KEYVALUE>" % ("\\" * 1000000)
        for _ in range(8):
            key = ('<VALUE.REFERENCE><INSTANCENAME CLASSNAME="Msvm_VirtualSystemCollection">'
                   '<KEYBINDING NAME="InstanceID">%s</KEYBINDING></INSTANCENAME>'
                   '</VALUE.REFERENCE>') % key
        name = ('<INSTANCENAME CLASSNAME="Msvm_VirtualSystemCollection"><KEYBINDING '
                'NAME="InstanceID">%s</KEYBINDING></INSTANCENAME>') % key
        error = refused(6, front.cimxml().call, "GetInstance", parameter("InstanceName", name))
        assert len(error.text) < 1 << 20, len(error.text)


def test_kept_requests():
    """What an open keeps is small, and long lists of names cost no time."""
    with prepared() as daemon, Front(daemon, "olga") as front:
        wsman, cimxml = front.wsman(), front.cimxml()
        many = "".join("<b:IncludeResultProperty>n%d</b:IncludeResultProperty>" % n
                       for n in range(50000))
        _, group = wsman.enumerate("Msvm_VirtualSystemCollection")[0]
        refused("QuotaLimit", wsman.associated, group, Role="x</b:Role>%s<b:Role>" % many)
        filler = "<x>%s</x>" % (" " * (300 << 10))
        refused("QuotaLimit", wsman.enumerate, "Msvm_VirtualSystemCollection", inside=filler)
        refused("QuotaLimit", wsman.send, EVENTING + "Subscribe", ALL, (
            '<e:Subscribe><e:Delivery Mode="http://schemas.dmtf.org/wbem/wsman/1/wsman/Pull"/>'
            '<w:Filter Dialect="%s">%s</w:Filter>%s</e:Subscribe>') % (WQL, GROUPS, filler))
        refused(27, new_filter, cimxml, GROUPS + " " * (40 << 10))
        refused(4, new_filter, cimxml, GROUPS + " " * (10 << 10))
        listed = "".join(value("__n%d" % n) for n in range(4000)) + value("ElementName")
        answer = cimxml.call("EnumerateInstances", parameter(
            "ClassName", class_name("Msvm_VirtualSystemCollection")) + parameter(
                "PropertyList", "<VALUE.ARRAY>%s</VALUE.ARRAY>" % listed))
        assert [p.get("NAME") for p in answer.iter("PROPERTY")] == ["ElementName"] * 2


ODD = ("", "\\", "\"", "' OR 1=1", "\u202e\U0001f4a3", "-1", "99999999999999999999", "*", "\t\n",
       "00000000000000.000000:000", "<INSTANCE CLASSNAME='CIM_Error'/>", "x" * 70000)


def test_every_class_made():
    """CreateInstance and ModifyInstance of everything, with every property, of any shape."""
    with prepared() as daemon, Front(daemon, "adam") as front:
        sweep = cimsweep.Sweep(front.url)
        for namespace in ("root/virtualization/v2", "interop", "root/cimv2"):
            for name in sweep.classes(namespace):
                make_odd(sweep, namespace, sweep.cimxml.get_class(name, namespace))
        assert sweep.refused > 100
        assert len(front.wsman().enumerate("Msvm_VirtualSystemCollection")) == 2


SHAPES = ("%s", "<VALUE.ARRAY>%s%s</VALUE.ARRAY>", "<VALUE.NULL/>", "<VALUE.REFERENCE><CLASSNAME "
          "NAME='x'/></VALUE.REFERENCE>", "<VALUE.OBJECT>%s</VALUE.OBJECT>")


def make_odd(sweep, namespace, declared):
    name = '<INSTANCENAME CLASSNAME="%s"/>' % declared.get("NAME")
    for turn, each in enumerate(each for each in declared if each.tag.startswith("PROPERTY")):
        inside = SHAPES[turn % 5].replace("%s", value(ODD[turn % len(ODD)][:100]))
        body = '<INSTANCE CLASSNAME="%s"><%s NAME="%s">%s</%s></INSTANCE>' % (
            declared.get("NAME"), each.tag, each.get("NAME"), inside, each.tag)
        for operation, parameters in (
                ("CreateInstance", parameter("NewInstance", body)),
                ("ModifyInstance", parameter("ModifiedInstance", (
                    "<VALUE.NAMEDINSTANCE>%s%s</VALUE.NAMEDINSTANCE>") % (name, body))),
                ("SetProperty", parameter("InstanceName", name) + parameter(
                    "PropertyName", value(each.get("NAME"))) + parameter("NewValue", inside))
        )[:1 if turn > 20 else 3]:
            sweep.attempt(sweep.cimxml.call, operation, parameters, namespace)


def test_every_argument():
    """Each method with each parameter of any shape, over both protocols."""
    with prepared() as daemon, Front(daemon, "adam") as front:
        sweep = cimsweep.Sweep(front.url)
        shapes = ("", "<x/>", "<a:ReferenceParameters/>", "<q:Msvm_Error xmlns:q='y/Msvm_Error'/>",
                  "<INSTANCE CLASSNAME='CIM_Error'/>") + ODD[4:]
        for name in ("Msvm_CollectionManagementService", "Msvm_CollectionReferencePointService",
                     "Msvm_CollectionSnapshotService"):
            declared = sweep.cimxml.get_class(name)
            target = sweep.wsman.enumerate(name)[0][1]
            for method in declared.iter("METHOD"):
                names = [each.get("NAME") for each in method if each.tag.startswith("PARAMETER")]
                for odd in shapes:
                    text = odd if odd.startswith("<") else cimclient.escape(odd)
                    invoke_odd(sweep, target, method.get("NAME"), names, text)
        assert sweep.refused > 100


def invoke_odd(sweep, target, method, names, text):
    body = "<c:%s_INPUT xmlns:c='%s'>%s</c:%s_INPUT>" % (method, target.uri(), "".join(
        "<c:%s>%s</c:%s>" % (name, text, name) for name in names), method)
    sweep.attempt(sweep.wsman.send, target.uri() + "/" + method, target.uri(), body,
                  target.selectors())
    for form in ("<VALUE>%s</VALUE>", "<VALUE.ARRAY><VALUE>%s</VALUE><VALUE/></VALUE.ARRAY>",
                 "<VALUE.REFERENCE>%s</VALUE.REFERENCE>"):
        sweep.attempt(sweep.cimxml.send, method, (
            '<METHODCALL NAME="%s"><LOCALINSTANCEPATH>%s%s</LOCALINSTANCEPATH>%s</METHODCALL>') % (
                method, cimclient._namespace(target.namespace), cimclient.instance_name(target),
                "".join('<PARAMVALUE NAME="%s">%s</PARAMVALUE>' % (name, form % text)
                        for name in names)), extrinsic=True)


def test_limits_said_by_clients():
    with prepared() as daemon, Front(daemon, "olga") as front:
        wsman, cimxml = front.wsman(), front.cimxml()
        for elements in ("0", "-1", "4294967295", "4294967296", "99999999999999999999", "x", ""):
            assert len(wsman.enumerate("Msvm_VirtualSystemCollection", inside=(
                "<w:MaxElements>%s</w:MaxElements>" % elements))) == 2
        for count in ("0", "4294967295"):
            cimxml.call("OpenEnumerateInstances", parameter("ClassName", class_name(
                "Msvm_VirtualSystemCollection")) + parameter("MaxObjectCount", value(count)))
        for size, fine in (("8191", False), ("8192", True), ("8193", True), ("-1", False),
                           ("18446744073709551616", True)):
            for policy in ("", ' Policy="Skip"'):
                header = "<w:MaxEnvelopeSize%s>%s</w:MaxEnvelopeSize>" % (policy, size)
                try:
                    wsman.send(cimclient.ENUMERATION + "Enumerate", wmi(
                        "Msvm_VirtualSystemCollection"),
                               "<n:Enumerate><w:OptimizeEnumeration/></n:Enumerate>", header)
                    assert fine, size
                except CimError as error:
                    assert not fine or error.code == "EncodingLimit", (size, error)
        for time_out in ("PT0S", "-PT1S", "PT", "P1000000000000000Y", "PT0.0000001S", "PT1M1H"):
            header = "<w:OperationTimeout>%s</w:OperationTimeout>" % time_out
            sweep_ignores(wsman, header)


def sweep_ignores(wsman, header):
    try:
        wsman.send(cimclient.ENUMERATION + "Enumerate", wmi("Msvm_VirtualSystemCollection"),
                   "<n:Enumerate/>", header)
    except CimError:
        pass


# -- HTTP ------------------------------------------------------------------------------------------


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Raw:
    """A connection of bytes."""

    def __init__(self, front):
        host, port = front.url.rpartition("/")[2].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), SECONDS)

    def say(self, data):
        self.socket.sendall(data)
        return self

    def hear(self):
        """Until the end of the connection, or of the first answer that has a length."""
        data = b""
        while True:
            if data.startswith(CONTINUE):
                data = data[len(CONTINUE):]
            head, _, body = data.partition(b"\r\n\r\n")
            if b"\r\n\r\n" in data and b"ontent-Length: " in head:
                length = int(head.partition(b"ontent-Length: ")[2].split(b"\r")[0])
                if len(body) >= length:
                    break
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError:
                break
            if not more:
                break
            data += more
        self.socket.close()
        return data


def status_of(data):
    return int(data.split(b" ", 2)[1]) if data.startswith(b"HTTP/") else 0


IDENTIFY = (b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:i="http://schemas.'
            b'dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Body><i:Identify/></s:Body>'
            b'</s:Envelope>')


def request(body=IDENTIFY, path=b"/wsman", headers=(), method=b"POST", length=True):
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: x", *headers]
    if length:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(body):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def test_framing():
    """What two servers would understand differently is refused, and nothing after it is answered."""
    with prepared() as daemon, Front(daemon, "olga") as front:
        te = b"Transfer-Encoding: chunked"
        after = request()
        for data in (
                request(headers=[te]) + after,
                request(chunked(IDENTIFY), headers=[te, b"Content-Length: 5"], length=False),
                request(headers=[b"Content-Length: %d" % len(IDENTIFY)]),
                request(headers=[b"Content-Length: +3"], length=False),
                request(headers=[b"Content-Length: 0x10"], length=False),
                request(headers=[b"Content-Length : 3"], length=False),
                request(headers=[b"Content-Length: 18446744073709551617"], length=False),
                request(chunked(IDENTIFY), headers=[b"Transfer-Encoding: gzip, chunked"],
                        length=False),
                request(chunked(IDENTIFY), headers=[te, te], length=False),
                request(b"ffffffffffffffffff\r\nx", headers=[te], length=False),
                request(b"-1\r\nx\r\n0\r\n\r\n", headers=[te], length=False),
                request(headers=[b" folded: x"])):
            heard = Raw(front).say(data).hear()
            assert status_of(heard) in (0, 400, 413), (data[:200], heard[:200])
        for data in (
                request(), request(chunked(IDENTIFY), headers=[te], length=False),
                request(headers=[b"Expect: 100-continue"]),
                request(IDENTIFY.decode().encode("utf-16")),
                request(IDENTIFY.decode().encode("utf-16-be"))):
            heard = Raw(front).say(data).hear()
            assert status_of(heard) == 200, (data[:200], heard[:300])
        for path, method, status in (
                (b"/", b"POST", 404), (b"/wsman", b"GET", 405), (b"/wsman?x", b"POST", 200),
                (b"/wsman%00", b"POST", 404), (b"//wsman", b"POST", 404),
                (b"/cimom/../wsman", b"POST", 404), (b"/wsman", b"M-POST", 510)):
            heard = Raw(front).say(request(path=path, method=method)).hear()
            assert status_of(heard) == status, (path, method, heard[:200])


def test_nothing_is_injected():
    """What a client says comes back as text: no header lines, no elements."""
    evil = "x&#13;&#10;Set-Cookie: a=b&#13;&#10;&lt;/a:MessageID&gt;&lt;evil/&gt;"
    with prepared() as daemon, Front(daemon, "olga") as front:
        for field in ("message", "action", "uri", "selector"):
            said = {"message": "1", "action": "http://x/Get", "uri": wmi("Msvm_Error"),
                    "selector": "x", field: evil}
            body = ('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
                    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
                    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header>'
                    '<a:MessageID>%(message)s</a:MessageID><a:Action>%(action)s</a:Action>'
                    '<w:ResourceURI>%(uri)s</w:ResourceURI><w:SelectorSet><w:Selector Name='
                    '"%(selector)s">%(selector)s</w:Selector></w:SelectorSet></s:Header><s:Body/>'
                    '</s:Envelope>') % said
            heard = Raw(front).say(request(body.encode())).hear()
            head, _, text = heard.partition(b"\r\n\r\n")
            assert status_of(heard) in (400, 500) and b"Set-Cookie" not in head, heard[:400]
            assert b"<evil" not in text, text
            cimclient.tree.fromstring(text)


def test_answers_stay_small():
    """What is quoted back is cut: three million '&' would be forty-five million bytes of a fault."""
    evil = "&amp;" * 700000
    with prepared() as daemon, Front(daemon, "olga") as front:
        envelope = ('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://'
                    'schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem'
                    '/wsman/1/wsman.xsd"><s:Header><a:Action>%s</a:Action>%s</s:Header><s:Body/>'
                    '</s:Envelope>')
        get = cimclient.TRANSFER + "Get"
        cim = ('<CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="%s" PROTOCOLVERSION="1.0">'
               '<SIMPLEREQ><IMETHODCALL NAME="%s"><LOCALNAMESPACEPATH><NAMESPACE NAME="%s"/>'
               '</LOCALNAMESPACEPATH></IMETHODCALL></SIMPLEREQ></MESSAGE></CIM>')
        for path, body in (
                (b"/wsman", envelope % (get, "<a:MessageID>%s</a:MessageID>" % evil)),
                (b"/wsman", envelope % (get, "<w:ResourceURI>%s</w:ResourceURI>" % evil)),
                (b"/wsman", envelope % (evil, "<w:ResourceURI>x</w:ResourceURI>")),
                (b"/wsman", envelope % (get, '<x xmlns="%s" s:mustUnderstand="1"/>' % evil)),
                (b"/wsman", envelope % (get, (
                    '<w:ResourceURI>%s</w:ResourceURI><w:SelectorSet><w:Selector Name="%s">x'
                    '</w:Selector></w:SelectorSet>') % (wmi("Msvm_VirtualSystemCollection"), evil))),
                (b"/cimom", cim % (evil, "GetInstance", "interop")),
                (b"/cimom", cim % ("1", evil, "interop")),
                (b"/cimom", cim % ("1", "GetInstance", evil))):
            heard = Raw(front).say(request(body.encode(), path)).hear()
            assert status_of(heard) in (200, 400, 500), heard[:300]
            assert len(heard) < 100000, (len(heard), body[:300])


def test_clients_vanish():
    """At any byte of a request, and while an event is waited for; also when the program ends."""
    with prepared() as daemon, Front(daemon, "olga") as front:
        whole = request()
        for cut in list(range(1, len(whole), 7)) + [len(whole)] * 20:
            Raw(front).say(whole[:cut]).socket.close()
        wsman = front.wsman()
        waiting = []
        for _ in range(5):
            context = subscribe(wsman)
            raw = Raw(front)
            waiting.append(raw)
            sent = []
            spy = front.wsman()
            spy.http.post = lambda body, headers, sent=sent: sent.append(body) or (0, "", {})
            refused(0, pull, spy, context, "")
            raw.say(request(sent[0].encode()))
        for raw in waiting[:2]:
            raw.socket.close()
        with daemon.client() as client:
            client.call("group-rename", group="web", name="web2")
        assert len(wsman.enumerate("Msvm_VirtualSystemCollection")) == 2
        for raw in waiting[2:4]:
            assert b"web2" in raw.hear()
        # the last one, a half request and a stream that nobody reads are there at the end
        Raw(front).say(whole[:100])


if __name__ == "__main__":
    sys.exit(main([
        test_events_need_a_role, test_role_taken_away, test_instance_in_filter, test_names_in_names,
        test_kept_requests, test_every_class_made, test_every_argument, test_limits_said_by_clients,
        test_framing, test_nothing_is_injected,
        test_answers_stay_small, test_clients_vanish]))
