"""Two small CIM clients for tests and the demo, written from DSP0200 and DSP0226 and not from our own
codec: CIM-XML and WS-Management over http.client, one connection each, kept alive."""
import http.client
import re
import urllib.parse
import uuid
import xml.etree.ElementTree as tree
from xml.sax.saxutils import escape, quoteattr

NAMESPACE = "root/virtualization/v2"
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
S = "{http://www.w3.org/2003/05/soap-envelope}"
A = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
W = "{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}"
N = "{http://schemas.xmlsoap.org/ws/2004/09/enumeration}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer/"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/"


class CimError(Exception):
    """An ERROR element or a SOAP fault: the code is a CIM status or a subcode's local name."""

    def __init__(self, code, text):
        super().__init__("%s: %s" % (code, text))
        self.code = code
        self.text = text


class Http:
    def __init__(self, url, headers=None):
        parts = urllib.parse.urlsplit(url)
        self.path = parts.path
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=240)
        self.headers = headers or {}

    def post(self, body, headers):
        self.connection.request("POST", self.path, body.encode(), {**self.headers, **headers})
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers

    def close(self):
        self.connection.close()


def local(element):
    return element.tag.rpartition("}")[2]


# -- WS-Management ---------------------------------------------------------------------------------


class Epr:
    """What names an instance over WS-Man: its class and its keys."""

    def __init__(self, class_name, keys, namespace=NAMESPACE):
        self.class_name, self.keys, self.namespace = class_name, keys, namespace

    @classmethod
    def read(cls, element):
        uri = element.find(".//" + W + "ResourceURI").text.strip()
        keys = {}
        namespace = NAMESPACE
        for selector in next(element.iter(W + "SelectorSet"), ()):
            if selector.get("Name").lower() == "__cimnamespace":
                namespace = selector.text
            elif len(selector):
                keys[selector.get("Name")] = cls.read(selector)
            else:
                keys[selector.get("Name")] = selector.text or ""
        return cls(uri.rpartition("/")[2], keys, namespace)

    def uri(self):
        return WMI + self.namespace + "/" + self.class_name

    def selectors(self):
        return "<w:SelectorSet>%s</w:SelectorSet>" % "".join(
            "<w:Selector Name=%s>%s</w:Selector>" % (
                quoteattr(name), value.xml() if isinstance(value, Epr) else escape(value))
            for name, value in self.keys.items()) if self.keys else ""

    def xml(self):
        return ("<a:EndpointReference>%s</a:EndpointReference>" % self.inside())

    def inside(self):
        return ("<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
                "</a:Address><a:ReferenceParameters><w:ResourceURI>%s</w:ResourceURI>%s"
                "</a:ReferenceParameters>" % (self.uri(), self.selectors()))

    def path(self):
        """The object path, as a string parameter carries it."""
        return "\\\\.\\%s:%s.%s" % (self.namespace.replace("/", "\\"), self.class_name, ",".join(
            '%s="%s"' % (name, value.replace("\\", "\\\\").replace('"', '\\"'))
            for name, value in sorted(self.keys.items())))

    def __eq__(self, other):
        return (self.class_name.lower(), self.keys) == (other.class_name.lower(), other.keys)


def _value(element):
    if element.get(NIL) in ("true", "1"):
        return None
    if element.find(W + "ResourceURI") is not None or element.find(
            ".//" + A + "ReferenceParameters") is not None:
        return Epr.read(element)
    if len(element):
        return element[0].text
    return element.text or ""


def properties(element):
    """{name: value}; a repeated element is a list."""
    found = {}
    for child in element:
        name, value = local(child), _value(child)
        if name in found:
            before = found[name]
            found[name] = (before if isinstance(before, list) else [before]) + [value]
        else:
            found[name] = value
    return found


class Wsman:
    def __init__(self, url, headers=None):
        self.http = Http(url, headers)

    def send(self, action, uri, body, header=""):
        message = "uuid:" + str(uuid.uuid4()).upper()
        envelope = (
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
            'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
            'xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" '
            'xmlns:e="http://schemas.xmlsoap.org/ws/2004/08/eventing" '
            'xmlns:b="http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd" '
            'xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"><s:Header>'
            '<a:To>http://localhost/wsman</a:To>'
            '<w:ResourceURI s:mustUnderstand="true">%s</w:ResourceURI>'
            '<a:ReplyTo><a:Address s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/'
            'addressing/role/anonymous</a:Address></a:ReplyTo>'
            '<a:Action s:mustUnderstand="true">%s</a:Action><a:MessageID>%s</a:MessageID>'
            '<w:MaxEnvelopeSize s:mustUnderstand="true">512000</w:MaxEnvelopeSize>'
            '<w:OperationTimeout>PT60.000S</w:OperationTimeout>%s</s:Header><s:Body>%s</s:Body>'
            '</s:Envelope>' % (uri, action, message, header, body))
        status, text, _ = self.http.post(
            envelope, {"Content-Type": "application/soap+xml;charset=UTF-8"})
        if not text:
            raise CimError(status, "no body")
        root = tree.fromstring(text)
        fault = root.find(".//" + S + "Fault")
        if fault is not None:
            code = fault.find("%sCode/%sSubcode/%sValue" % (S, S, S))
            if code is None:
                code = fault.find("%sCode/%sValue" % (S, S))
            raise CimError(code.text.rpartition(":")[2], "".join(
                fault.find(S + "Reason").itertext()))
        relates = root.find(".//" + A + "RelatesTo")
        if relates is None or relates.text != message:
            raise CimError("RelatesTo", "the answer is to another message")
        return root.find(S + "Body")

    def identify(self):
        status, text, _ = self.http.post(
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:i="http://schemas.'
            'dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><i:Identify/>'
            '</s:Body></s:Envelope>', {"Content-Type": "application/soap+xml;charset=UTF-8"})
        return status, {local(e): e.text for e in tree.fromstring(text).iter()}

    def get(self, epr):
        return properties(self.send(TRANSFER + "Get", epr.uri(), "", epr.selectors())[0])

    def put(self, epr, changes):
        body = "<c:%s xmlns:c=%s>%s</c:%s>" % (
            epr.class_name, quoteattr(epr.uri()), "".join(
                "<c:%s>%s</c:%s>" % (name, escape(value), name)
                for name, value in changes.items()), epr.class_name)
        self.send(TRANSFER + "Put", epr.uri(), body, epr.selectors())

    def delete(self, epr):
        self.send(TRANSFER + "Delete", epr.uri(), "", epr.selectors())

    def enumerate(self, class_name, query=None, inside="", namespace=NAMESPACE, page=50):
        """All instances as (properties, Epr)."""
        uri = WMI + namespace + "/" + class_name
        if query:
            inside = ('<w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">%s'
                      '</w:Filter>' % escape(query))
        body = self.send(ENUMERATION + "Enumerate", uri, (
            "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>%d</w:MaxElements>"
            "<w:EnumerationMode>EnumerateObjectAndEPR</w:EnumerationMode>%s</n:Enumerate>") % (
                page, inside))
        found = []
        while True:
            for item in body.iter(W + "Item"):
                found.append((properties(item[0]), Epr.read(item[1])))
            context = body.find(".//" + N + "EnumerationContext")
            if context is None or not context.text:
                return found
            body = self.send(ENUMERATION + "Pull", uri, (
                "<n:Pull><n:EnumerationContext>%s</n:EnumerationContext><n:MaxElements>%d"
                "</n:MaxElements></n:Pull>") % (context.text, page))

    def associated(self, epr, kind="AssociatedInstances", **filters):
        inside = ('<w:Filter Dialect="http://schemas.dmtf.org/wbem/wsman/1/cimbinding/'
                  'associationFilter"><b:%s><b:Object>%s</b:Object>%s</b:%s></w:Filter>' % (
                      kind, epr.inside(), "".join("<b:%s>%s</b:%s>" % (name, value, name)
                                                  for name, value in filters.items()), kind))
        return self.enumerate("*", inside=inside)

    def invoke(self, epr, method, arguments=()):
        """Arguments are (name, value) pairs; a value is text, an Epr or None. Returns the output."""
        def one(name, value):
            if value is None:
                return ('<c:%s xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
                        'xsi:nil="true"/>' % name)
            return "<c:%s>%s</c:%s>" % (
                name, value.inside() if isinstance(value, Epr) else escape(value), name)
        body = "<c:%s_INPUT xmlns:c=%s>%s</c:%s_INPUT>" % (
            method, quoteattr(epr.uri()), "".join(one(*pair) for pair in arguments), method)
        output = properties(self.send(epr.uri() + "/" + method, epr.uri(), body,
                                      epr.selectors())[0])
        return int(output.pop("ReturnValue")), output

    def close(self):
        self.http.close()


# -- CIM-XML ---------------------------------------------------------------------------------------


def keybindings(keys):
    return "".join("<KEYBINDING NAME=%s>%s</KEYBINDING>" % (quoteattr(name), (
        "<VALUE.REFERENCE>%s</VALUE.REFERENCE>" % instance_name(value) if isinstance(value, Epr)
        else '<KEYVALUE VALUETYPE="string">%s</KEYVALUE>' % escape(value or "")))
                   for name, value in keys.items())


def instance_name(epr):
    return "<INSTANCENAME CLASSNAME=%s>%s</INSTANCENAME>" % (
        quoteattr(epr.class_name), keybindings(epr.keys))


def _namespace(namespace):
    return "<LOCALNAMESPACEPATH>%s</LOCALNAMESPACEPATH>" % "".join(
        "<NAMESPACE NAME=%s/>" % quoteattr(part) for part in namespace.split("/"))


def _xml_value(element):
    reference = element.find("VALUE.REFERENCE")
    if reference is not None:
        return read_name(next(reference.iter("INSTANCENAME")))
    array = element.find("VALUE.ARRAY")
    if array is not None:
        return [value.text or "" for value in array]
    value = element.find("VALUE")
    return None if value is None else value.text or ""


def read_name(element):
    return Epr(element.get("CLASSNAME"), {
        binding.get("NAME"): (read_name(next(binding.iter("INSTANCENAME")))
                              if binding.find("KEYVALUE") is None
                              else binding.find("KEYVALUE").text or "")
        for binding in element.findall("KEYBINDING")})


def read_instance(element):
    return {p.get("NAME"): _xml_value(p) for p in element if p.tag.startswith("PROPERTY")}


class CimXml:
    def __init__(self, url, headers=None):
        self.http = Http(url, headers)

    def send(self, method, inside, extrinsic=False):
        status, text, headers = self.http.post(
            '<?xml version="1.0" encoding="utf-8"?><CIM CIMVERSION="2.0" DTDVERSION="2.0">'
            '<MESSAGE ID="7" PROTOCOLVERSION="1.0"><SIMPLEREQ>%s</SIMPLEREQ></MESSAGE></CIM>' %
            inside, {"Content-Type": 'application/xml; charset="utf-8"',
                     "CIMOperation": "MethodCall", "CIMMethod": method})
        if status != 200:
            raise CimError(status, headers.get("CIMError", ""))
        root = tree.fromstring(text)
        error = root.find(".//ERROR")
        if error is not None:
            raise CimError(int(error.get("CODE")), error.get("DESCRIPTION"))
        return root.find(".//METHODRESPONSE" if extrinsic else ".//IMETHODRESPONSE")

    def call(self, name, parameters="", namespace=NAMESPACE):
        return self.send(name, '<IMETHODCALL NAME="%s">%s%s</IMETHODCALL>' % (
            name, _namespace(namespace), parameters))

    def get(self, epr):
        answer = self.call("GetInstance", '<IPARAMVALUE NAME="InstanceName">%s</IPARAMVALUE>' %
                           instance_name(epr), epr.namespace)
        return read_instance(answer.find(".//INSTANCE"))

    def enumerate(self, class_name, namespace=NAMESPACE):
        answer = self.call("EnumerateInstances", '<IPARAMVALUE NAME="ClassName"><CLASSNAME NAME="%s"/>'
                           '</IPARAMVALUE><IPARAMVALUE NAME="LocalOnly"><VALUE>FALSE</VALUE>'
                           '</IPARAMVALUE>' % class_name, namespace)
        return [(read_instance(each.find("INSTANCE")), read_name(each.find("INSTANCENAME")))
                for each in answer.iter("VALUE.NAMEDINSTANCE")]

    def delete(self, epr):
        self.call("DeleteInstance", '<IPARAMVALUE NAME="InstanceName">%s</IPARAMVALUE>' %
                  instance_name(epr), epr.namespace)

    def query(self, text, namespace=NAMESPACE):
        answer = self.call("ExecQuery", '<IPARAMVALUE NAME="QueryLanguage"><VALUE>WQL</VALUE>'
                           '</IPARAMVALUE><IPARAMVALUE NAME="Query"><VALUE>%s</VALUE></IPARAMVALUE>' %
                           escape(text), namespace)
        return [read_instance(each) for each in answer.iter("INSTANCE")]

    def associators(self, epr, **filters):
        classes = "".join('<IPARAMVALUE NAME="%s"><CLASSNAME NAME="%s"/></IPARAMVALUE>' % pair
                          for pair in filters.items())
        answer = self.call("Associators", '<IPARAMVALUE NAME="ObjectName">%s</IPARAMVALUE>%s' % (
            instance_name(epr), classes), epr.namespace)
        return [(read_instance(each.find("INSTANCE")), read_name(next(each.iter("INSTANCENAME"))))
                for each in answer.iter("VALUE.OBJECTWITHPATH")]

    def get_class(self, name, namespace=NAMESPACE):
        return self.call("GetClass", '<IPARAMVALUE NAME="ClassName"><CLASSNAME NAME="%s"/>'
                         '</IPARAMVALUE><IPARAMVALUE NAME="LocalOnly"><VALUE>FALSE</VALUE>'
                         '</IPARAMVALUE>' % name, namespace).find(".//CLASS")

    def invoke(self, epr, method, arguments=()):
        def one(name, value):
            if value is None:
                return '<PARAMVALUE NAME="%s"></PARAMVALUE>' % name
            if isinstance(value, Epr):
                return ('<PARAMVALUE NAME="%s" PARAMTYPE="reference"><VALUE.REFERENCE>%s'
                        '</VALUE.REFERENCE></PARAMVALUE>' % (name, instance_name(value)))
            return '<PARAMVALUE NAME="%s"><VALUE>%s</VALUE></PARAMVALUE>' % (name, escape(value))
        answer = self.send(method, '<METHODCALL NAME="%s"><LOCALINSTANCEPATH>%s%s'
                           '</LOCALINSTANCEPATH>%s</METHODCALL>' % (
                               method, _namespace(epr.namespace), instance_name(epr),
                               "".join(one(*pair) for pair in arguments)), extrinsic=True)
        out = {each.get("NAME"): _xml_value(each) for each in answer.findall("PARAMVALUE")}
        return int(answer.find("RETURNVALUE/VALUE").text), out

    def close(self):
        self.http.close()


def guid_of(path):
    """The first GUID of a text."""
    return re.search(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", path).group(0)
