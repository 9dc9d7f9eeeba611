"""The envelopes of the CIM cmdlets and of WinRM: one for each row of protocol.md's table of cmdlets. They are
written here as a Windows client writes them, headers, options and prefixes, and sent with http.client."""
import http.client
import re
import urllib.parse
import uuid
import xml.etree.ElementTree as tree
from xml.sax.saxutils import escape, quoteattr

from labtest import Failure, expect

from cairnlab.cimclient import A, N, S, W, Epr, local
import place

DMTF = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
ALL = "http://schemas.dmtf.org/wbem/wscim/1/*"
CLASSES = "http://schemas.dmtf.org/wbem/cim-xml/2/cim-schema/2/*"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer/"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/"
EVENTING = "http://schemas.xmlsoap.org/ws/2004/08/eventing/"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
CQL = "http://schemas.dmtf.org/wbem/cql/1/dsp0202.pdf"
ASSOCIATION = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding/associationFilter"
ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
FAULT = "{http://schemas.microsoft.com/wbem/wsman/1/wsmanfault}WSManFault"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"

# As Windows sends it: no XML declaration, these prefixes, identifiers of session and operation.
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
    'xmlns:b="http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd" '
    'xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd" '
    'xmlns:e="http://schemas.xmlsoap.org/ws/2004/08/eventing"><s:Header>'
    '<a:To>http://HV01.example.org:5985/wsman</a:To>'
    '<w:ResourceURI s:mustUnderstand="true">{uri}</w:ResourceURI>'
    '<a:ReplyTo><a:Address s:mustUnderstand="true">' + ANONYMOUS + '</a:Address></a:ReplyTo>'
    '<a:Action s:mustUnderstand="true">{action}</a:Action>'
    '<w:MaxEnvelopeSize s:mustUnderstand="true">512000</w:MaxEnvelopeSize>'
    '<a:MessageID>uuid:{message}</a:MessageID>'
    '<w:Locale xml:lang="{language}" s:mustUnderstand="false"/>'
    '<p:DataLocale xml:lang="{language}" s:mustUnderstand="false"/>'
    '<p:SessionId s:mustUnderstand="false">uuid:' + str(uuid.uuid4()).upper() + '</p:SessionId>'
    '<p:OperationID s:mustUnderstand="false">uuid:{message}</p:OperationID>'
    '<p:SequenceId s:mustUnderstand="false">1</p:SequenceId>{header}'
    '<w:OptionSet xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{options}'
    '<w:Option Name="wmiarray:__MI_OPERATIONOPTIONS_CHANNELVALUE" Type="xs:unsignedInt">0</w:Option>'
    '<w:Option Name="wmiarray:__MI_OPERATIONOPTIONS_CHANNELVALUE" Type="xs:unsignedInt">1</w:Option>'
    '<w:Option Name="wmi:__MI_OPERATIONOPTIONS_WRITEERRORMODE" Type="xs:unsignedInt">1</w:Option>'
    '<w:Option Name="msftwinrm:UsePreciseArrays" Type="xs:boolean">true</w:Option></w:OptionSet>'
    '<w:OperationTimeout>{timeout}</w:OperationTimeout></s:Header>'
    '<s:Body>{body}</s:Body></s:Envelope>')


class Fault(Failure):
    def __init__(self, code, number, text):
        super().__init__("%s (%s): %s" % (code, number, text))
        self.code, self.number = code, number


class Answer:
    """A checked answer: RelatesTo, Action, content type; or its fault, raised."""

    def __init__(self, sent, action, status, headers, text):
        expect(text.startswith("<s:Envelope"), "WinRM wants no XML declaration: %.60s", text)
        expect(headers["Content-Type"].lower().startswith("application/soap+xml"), "type: %s",
               headers["Content-Type"])
        self.root = tree.fromstring(text)
        header = {local(child): (child.text or "").strip() for child in self.root.find(S + "Header")}
        expect(header["RelatesTo"] == "uuid:" + sent, "RelatesTo: %s", header)
        self.body = self.root.find(S + "Body")
        fault = self.body.find(S + "Fault")
        if fault is not None:
            code = fault.find(".//%sSubcode/%sValue" % (S, S)).text
            detail = fault.find(".//" + FAULT)
            expect(status in (400, 500) and detail is not None, "a fault with %d, WSManFault %s", status,
                   detail)
            raise Fault(code.partition(":")[2], int(detail.get("Code")), "".join(
                fault.find(S + "Reason").itertext()))
        expect(status == 200 and header["Action"] == action + "Response", "answer %d %s", status, header)

    @property
    def first(self):
        return self.body[0]


def values(element):
    """{name: text, [texts] or Epr}"""
    found = {}
    for child in element:
        if child.find(W + "ResourceURI") is not None or child.find(A + "ReferenceParameters") is not None:
            value = Epr.read(child)
        elif child.get(XSI + "nil") == "true":
            value = None
        else:
            value = child[0].text if len(child) else child.text or ""
        found.setdefault(local(child), []).append(value)
    return {name: value[0] if len(value) == 1 else value for name, value in found.items()}


def selectors(keys):
    return "<w:SelectorSet>%s</w:SelectorSet>" % "".join(
        "<w:Selector Name=%s>%s</w:Selector>" % (quoteattr(name), escape(value))
        for name, value in keys.items())


def address(uri, keys):
    """A reference without a wrapper, as Windows writes one."""
    return "<a:Address>%s</a:Address><a:ReferenceParameters><w:ResourceURI>%s</w:ResourceURI>%s" \
        "</a:ReferenceParameters>" % (ANONYMOUS, uri, selectors(keys))


class Session:
    def __init__(self, url, namespace=place.NAMESPACE):
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=240)
        self.namespace = namespace

    def post(self, text, path="/wsman?PSVersion=5.1.17763.1", **headers):
        self.connection.request("POST", path, text.encode(), {
            "User-Agent": "Microsoft WinRM Client",
            "Content-Type": "application/soap+xml;charset=UTF-8", **headers})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    def send(self, action, uri, body="", header="", options="", timeout="PT60.000S",
             language="en-US"):
        message = str(uuid.uuid4()).upper()
        return Answer(message, action, *self.post(ENVELOPE.format(
            uri=uri, action=action, message=message, header=header, options=options, timeout=timeout,
            language=language, body=body)))

    def keys(self, epr):
        return selectors({"__cimnamespace": self.namespace, **epr.keys})

    # -- Get-CimInstance ---------------------------------------------------------------------------

    def enumerate(self, uri, filter_text="", header=None, page=32000):
        """[(element, Epr)] with all pages; the context must end empty, then absent."""
        header = selectors({"__cimnamespace": self.namespace}) if header is None else header
        answer = self.send(ENUMERATION + "Enumerate", uri, (
            "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>%d</w:MaxElements><w:EnumerationMode>"
            "EnumerateObjectAndEPR</w:EnumerationMode>%s</n:Enumerate>") % (page, filter_text), header)
        items, space = list(answer.first.find(W + "Items")), W
        context = answer.first.find(N + "EnumerationContext")
        expect(context is not None, "no EnumerationContext")
        while context is not None and context.text:
            expect(answer.first.find(space + "EndOfSequence") is None, "a context after the end")
            answer = self.send(ENUMERATION + "Pull", uri, (
                "<n:Pull><n:EnumerationContext>%s</n:EnumerationContext><n:MaxElements>%d"
                "</n:MaxElements></n:Pull>") % (context.text, page), header)
            items, space = items + list(answer.first.find(N + "Items")), N
            context = answer.first.find(N + "EnumerationContext")
        expect(answer.first.find(space + "EndOfSequence") is not None, "no EndOfSequence at the end")
        expect(all(item.tag == W + "Item" and len(item) == 2 and
                   item[1].tag == A + "EndpointReference" for item in items), "items: %s", items)
        return [(item[0], Epr.read(item[1])) for item in items]

    def instances(self, class_name, text=""):
        return [(values(element), epr) for element, epr in
                self.enumerate(DMTF + class_name, text)]

    def query(self, text, dialect=WQL):
        return [(values(element), epr) for element, epr in self.enumerate(
            DMTF + "*", "<w:Filter Dialect=%s>%s</w:Filter>" % (quoteattr(dialect), escape(text)))]

    def get(self, epr):
        return values(self.send(TRANSFER + "Get", DMTF + epr.class_name, "", self.keys(epr)).first)

    def associated(self, epr, kind="AssociatedInstances", **names):
        inside = "".join("<b:%s>%s</b:%s>" % (name, value, name) for name, value in names.items())
        keys = {"__cimnamespace": self.namespace, **epr.keys}
        return [(values(element), found) for element, found in self.enumerate(
            ALL, '<w:Filter Dialect="%s"><b:%s><b:Object>%s</b:Object>%s</b:%s></w:Filter>' % (
                ASSOCIATION, kind, address(DMTF + epr.class_name, keys), inside, kind))]

    # -- Invoke-CimMethod, Set-CimInstance, Get-CimClass -----------------------------------------------

    def argument(self, name, value):
        if value is None:
            return '<c:%s xmlns:xsi="%s" xsi:nil="true"/>' % (name, XSI[1:-1])
        if isinstance(value, Epr):
            keys = {"__cimnamespace": self.namespace, **value.keys}
            return "<c:%s>%s</c:%s>" % (name, address(DMTF + value.class_name, keys), name)
        return "<c:%s>%s</c:%s>" % (name, escape(value), name)

    def invoke(self, epr, method, *arguments):
        """(code, {name: value})"""
        uri = DMTF + epr.class_name
        body = "<c:%s_INPUT xmlns:c=%s>%s</c:%s_INPUT>" % (method, quoteattr(uri), "".join(
            self.argument(*pair) for pair in arguments), method)
        output = self.send(uri + "/" + method, uri, body, self.keys(epr)).first
        expect(output.tag == "{%s}%s_OUTPUT" % (uri, method), "the output is %s", output.tag)
        out = values(output)
        return int(out.pop("ReturnValue")), out

    def must(self, want, epr, method, *arguments):
        code, out = self.invoke(epr, method, *arguments)
        expect(code == want, "%s%s answered %d, not %d", method, arguments, code, want)
        return out

    def set(self, epr, instance, *changed):
        """The whole instance goes, and the names of what was changed."""
        uri = DMTF + epr.class_name
        def texts(name, value):
            return "".join(self.argument(name, one) for one in
                           (value if isinstance(value, list) else [value]))
        body = '<c:%s xmlns:c="%s" xmlns:xsi="%s" xsi:type="c:%s_Type">%s</c:%s>' % (
            epr.class_name, uri, XSI[1:-1], epr.class_name,
            "".join(texts(*pair) for pair in instance.items()), epr.class_name)
        options = "".join('<w:Option Name="wmiarray:__MIInstanceModifiedPropertiesList" Type="xs:string">'
                          "%s</w:Option>" % name for name in changed)
        return self.send(TRANSFER + "Put", uri, body, self.keys(epr), options)

    def remove(self, epr):
        answer = self.send(TRANSFER + "Delete", DMTF + epr.class_name, "", self.keys(epr))
        expect(not len(answer.body), "Delete answers with a body")

    def get_class(self, name):
        options = "".join('<w:Option Name="%s" Type="xs:boolean">True</w:Option>' % option for option in (
            "IncludeInheritanceHierarchy", "IncludeInheritedElements", "IncludeQualifiers"))
        found = self.send(TRANSFER + "Get", CLASSES, "", selectors(
            {"__cimnamespace": self.namespace, "ClassName": name}), options).first
        expect(found.tag == "CLASS", "the class is a %s", found.tag)
        return found

    def identify(self, path="/wsman", **headers):
        status, _, text = self.post(
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsmid="http://schemas.'
            'dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><wsmid:Identify/>'
            '</s:Body></s:Envelope>', path, **headers)
        expect(status == 200, "Identify: %d %s", status, text)
        return {local(element): element.text for element in tree.fromstring(text).iter()}


def expect_fault(code, call, *arguments):
    try:
        answer = call(*arguments)
    except Fault as fault:
        expect(fault.code == code, "the fault is %s, not %s", fault, code)
        return fault
    raise Failure("no fault %s but %s" % (code, answer))


def guid(text):
    return re.search(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", text).group(0)
