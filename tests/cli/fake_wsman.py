"""A WS-Management server of canned objects for the tests of `cairn --host`: it answers the operations
in the shapes that cairn-cimd and Hyper-V use, keeps what it was asked, and plays faults."""
import http.server
import re
import ssl
import threading
import uuid
import xml.etree.ElementTree as tree
from xml.sax.saxutils import escape, quoteattr

S = "{http://www.w3.org/2003/05/soap-envelope}"
A = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
W = "{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}"
N = "{http://schemas.xmlsoap.org/ws/2004/09/enumeration}"
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/"
OPEN = ('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
        'xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" '
        'xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Header/><s:Body>')
CLOSE = "</s:Body></s:Envelope>"

GROUP = "11111111-0000-4000-8000-000000000001"
POINT = "22222222-0000-4000-8000-00000000000%d"
DB = "44444444-0000-4000-8000-000000000001"
APP = "44444444-0000-4000-8000-000000000002"
EXPORT_JOB = "Msvm_CollectionReferencePointExportJob"

KEYS = {"Msvm_VirtualSystemCollection": ["CollectionID"],
        "Msvm_ReferencePointCollection": ["CollectionID", "VirtualSystemCollectionId"],
        "Msvm_VirtualSystemReferencePoint": ["InstanceID", "VirtualSystemIdentifier"],
        "Msvm_ComputerSystem": ["CreationClassName", "Name"],
        "Msvm_StorageAllocationSettingData": ["InstanceID"],
        "Msvm_CollectionManagementService": ["Name"],
        "Msvm_CollectionReferencePointService": ["Name"],
        EXPORT_JOB: ["InstanceID"], "Msvm_ConcreteJob": ["InstanceID"],
        "Msvm_CollectedVirtualSystems": ["Collection", "Member"],
        "Msvm_CollectedReferencePoints": ["Collection", "Member"]}


class Fault(Exception):
    def __init__(self, subcode, status, text):
        super().__init__(text)
        self.subcode, self.status = subcode, status


class Ref:
    def __init__(self, class_name, **keys):
        self.class_name, self.keys = class_name, keys

    def xml(self):
        return ("<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
                "</a:Address><a:ReferenceParameters><w:ResourceURI>%s%s</w:ResourceURI>"
                "<w:SelectorSet><w:Selector Name=\"__cimnamespace\">root/virtualization/v2"
                "</w:Selector>%s</w:SelectorSet></a:ReferenceParameters>" % (
                    WMI, self.class_name, "".join("<w:Selector Name=%s>%s</w:Selector>" % (
                        quoteattr(key), "<a:EndpointReference>%s</a:EndpointReference>" % value.xml()
                        if isinstance(value, Ref) else escape(value))
                        for key, value in self.keys.items())))


class Time:
    def __init__(self, text, kind="Datetime"):
        self.text, self.kind = text, kind


def value_xml(name, value):
    if value is None:
        return '<p:%s xsi:nil="true"/>' % name
    if isinstance(value, list):
        return "".join(value_xml(name, each) for each in value)
    inside = (value.xml() if isinstance(value, Ref) else
              "<cim:%s>%s</cim:%s>" % (value.kind, value.text, value.kind)
              if isinstance(value, Time) else escape(value))
    return "<p:%s>%s</p:%s>" % (name, inside, name)


def element(name, class_name, values):
    return "<p:%s xmlns:p=%s>%s</p:%s>" % (name, quoteattr(WMI + class_name), "".join(
        value_xml(key, value) for key, value in values.items()), name)


def reference(class_name, values):
    return Ref(class_name, **{key: values[key] for key in KEYS[class_name]})


def read_reference(node):
    """{key: text} of the selectors below; those of references inside are left out."""
    sets = next(node.iter(W + "SelectorSet"), [])
    return {each.get("Name"): each.text for each in sets if each.get("Name") != "__cimnamespace"}


def job(number, name, class_name=EXPORT_JOB, state=7, **more):
    ended = state not in (4, 5)
    values = {"InstanceID": "33333333-0000-4000-8000-00000000000%d" % number,
              "ElementName": ("Export of" if class_name == EXPORT_JOB else "Creation of") +
              " reference point " + name,
              "OperationalStatus": ["2", "17"] if ended else ["2"],
              "StatusDescriptions": ["OK", "Completed"] if ended else ["OK"],
              "JobState": str(state), "JobStatus": "completed" if ended else "copying",
              "TimeSubmitted": Time("2026-11-20T10:1%d:00Z" % number),
              "StartTime": Time("20261120101%d01.000000+000" % number, "CIM_DateTime"),
              "ElapsedTime": Time("P0DT0H0M2.500000S", "Interval"),
              "TimeOfLastStateChange": Time("2026-11-20T10:1%d:03Z" % number),
              "TimeBeforeRemoval": Time("P7DT0H0M0S", "Interval"),
              "Owner": "root", "Priority": "100", "PercentComplete": "100" if ended else "40",
              "Cancellable": "false" if ended else "true", "ErrorCode": "0",
              "ErrorSummaryDescription": None}
    return dict(values, **more)


def schedule(number, name, state=2, **more):
    """An export job that waits for its time."""
    return job(number, "", state=state, ElementName=name, **dict({
        "Name": "schedule", "Description": "Backup of group web: every day at 02:00 UTC",
        "OperationalStatus": ["2"], "StatusDescriptions": ["OK"], "PercentComplete": "0",
        "JobStatus": "waits", "CollectionId": GROUP, "ExportDirectory": "/backup",
        "ScheduledStartTime": Time("2026-11-30T02:00:00Z"), "RunMonth": None, "RunDay": None,
        "RunDayOfWeek": None, "RunStartInterval": Time("P0DT2H0M0S", "Interval"), "LocalOrUtcTime": "2",
        "JobRunTimes": "0", "UntilTime": Time("99999999999999.999999+000", "CIM_DateTime"),
        "RecoveryAction": "3", "OtherRecoveryAction": None, "DeleteOnCompletion": "true",
        "Notify": None}, **more))


class FakeWsman:
    def __init__(self, tls=None, user=None):
        self.asked = []  # (operation or method, class, {parameter: value})
        self.scenario = "good"
        self.vendor = "cairn"
        self.authorization = user
        self.gate = threading.Event()  # what "slow" waits for
        self.contexts = {}
        self.states = {}  # job -> states that Get tells before the last one
        self.fill()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one piece

            def do_POST(self):
                outer.answer(self)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *words: None  # clients go as they please
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = "http%s://127.0.0.1:%d" % ("s" if tls else "", self.server.server_port)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def fill(self):
        group = {"CollectionID": GROUP, "ElementName": "web"}
        vms = [{"CreationClassName": "Msvm_ComputerSystem", "Name": each, "ElementName": name,
                "EnabledState": state, "Caption": "Virtual Machine"}
               for each, name, state in ((DB, "db", "2"), (APP, "app", "3"))]
        self.objects = {
            "Msvm_VirtualSystemCollection": [group],
            "Msvm_ComputerSystem": [{"CreationClassName": "Msvm_ComputerSystem", "Name": "kvm7",
                                     "ElementName": "kvm7", "EnabledState": "2"}] + vms,
            "Msvm_StorageAllocationSettingData": [
                {"InstanceID": "Cairn:%s\\vda" % DB, "ElementName": "vda",
                 "HostResource": ["/images/db.qcow2"], "VirtualQuantity": "524288",
                 "VirtualResourceBlockSize": "512"}],
            "Msvm_CollectionManagementService": [{"Name": "groups"}],
            "Msvm_CollectionReferencePointService": [{"Name": "points"}],
            "Msvm_ReferencePointCollection": [],
            "Msvm_VirtualSystemReferencePoint": [], "Msvm_CollectedReferencePoints": [],
            "Msvm_CollectedVirtualSystems": [],
            EXPORT_JOB: [job(2, "web@1", ReferencePointGroupId=POINT % 1, CollectionId=GROUP,
                             ExportDirectory="/backup", BaseReferencePointGroupId=None,
                             ExportedDisks=["Cairn:%s\\vda" % DB])],
            "Msvm_ConcreteJob": [job(1, "web@1", "Msvm_ConcreteJob")]}
        for vm in vms:
            self.objects["Msvm_CollectedVirtualSystems"].append(
                {"Collection": reference("Msvm_VirtualSystemCollection", group),
                 "Member": reference("Msvm_ComputerSystem", vm)})
        self.add_point(1)
        self.add_point(2)

    def add_point(self, number):
        point = {"CollectionID": POINT % number, "VirtualSystemCollectionId": GROUP,
                 "ElementName": "web@%d" % number, "ConsistencyLevel": "2" if number == 1 else "1",
                 "Description": "Taken at 2026-11-20T10:0%d:00.500000Z" % number}
        member = {"InstanceID": "Cairn:%s\\%s" % (DB, POINT % number), "ElementName": "db",
                  "VirtualSystemIdentifier": DB, "ConsistencyLevel": "1" if number == 1 else "2",
                  "VirtualDiskIdentifiers": ["Cairn:%s\\vda" % DB, "Cairn:%s\\vdb" % DB]}
        self.objects["Msvm_ReferencePointCollection"].append(point)
        self.objects["Msvm_VirtualSystemReferencePoint"].append(member)
        self.objects["Msvm_CollectedReferencePoints"].append(
            {"Collection": reference("Msvm_ReferencePointCollection", point),
             "Member": reference("Msvm_VirtualSystemReferencePoint", member)})

    # -- HTTP --

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        status, headers, text = 200, {}, ""
        if self.scenario == "slow":
            self.gate.wait(120)
        if self.authorization and handler.headers["Authorization"] != self.authorization:
            status, headers = 401, {"WWW-Authenticate": 'Basic realm="WSMAN"'}
        elif self.scenario == "redirect":
            status, headers = 302, {"Location": "http://127.0.0.1:1/wsman"}
        elif self.scenario == "large":
            text = OPEN + " " * (5 << 20) + CLOSE
        elif self.scenario == "html":
            text = "<!DOCTYPE html><html><body>welcome</body></html>"
        elif self.scenario == "closed":
            handler.close_connection = True
            return
        else:
            try:
                text = OPEN + self.operate(tree.fromstring(body)) + CLOSE
            except Fault as fault:
                status, text = 400, OPEN + self.fault(fault) + CLOSE
        data = text.encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.send_header("Content-Type", "application/soap+xml;charset=UTF-8")
        for header in headers.items():
            handler.send_header(*header)
        handler.end_headers()
        handler.wfile.write(data)

    @staticmethod
    def fault(fault):
        return ("<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>%s</s:Value>"
                "</s:Subcode></s:Code><s:Reason><s:Text xml:lang=\"en-US\">%s</s:Text></s:Reason>"
                "<s:Detail><p:CIM_Error xmlns:p=\"x\"><p:CIMStatusCode>%d</p:CIMStatusCode>"
                "</p:CIM_Error></s:Detail></s:Fault>" % (fault.subcode, escape(str(fault)),
                                                         fault.status))

    # -- operations --

    def operate(self, envelope):
        header, body = envelope.find(S + "Header"), envelope.find(S + "Body")
        if header.find(A + "Action") is None:
            return ('<i:IdentifyResponse xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/'
                    'wsmanidentity.xsd"><i:ProtocolVersion>x</i:ProtocolVersion><i:ProductVendor>'
                    '%s</i:ProductVendor><i:ProductVersion>0.1.0</i:ProductVersion>'
                    '</i:IdentifyResponse>' % self.vendor)
        class_name = header.find(W + "ResourceURI").text.rpartition("/")[2]
        action = header.find(A + "Action").text.rpartition("/")[2]
        keys = read_reference(header)
        if self.scenario == "fault":
            raise Fault("w:AccessDenied", 2, "user \"x\" may not <do> this")
        assert header.find(A + "MessageID").text.startswith("uuid:")
        if action == "Enumerate":
            return self.page(class_name, self.objects[class_name], "w", "Enumerate")
        if action == "Pull":
            context = body.find(".//" + N + "EnumerationContext").text
            return self.page(class_name, self.contexts.pop(context), "n", "Pull")
        if action == "Get":
            return self.get(class_name, keys)
        if action == "Put":
            self.asked.append(("Put", class_name, {
                each.tag.rpartition("}")[2]: each.text for each in body[0]}))
            return ""
        if action == "Create":
            return self.create(class_name, body[0])
        if action == "Delete":
            self.asked.append(("Delete", class_name, keys))
            self.objects[class_name] = [each for each in self.objects[class_name]
                                        if any(each[key] != value for key, value in keys.items())]
            return ""
        return self.invoke(class_name, keys, action, body[0])

    def create(self, class_name, instance):
        values = {each.tag.rpartition("}")[2]: each.text for each in instance}
        assert instance.tag == "{%s%s}%s" % (WMI, class_name, class_name), instance.tag
        self.asked.append(("Create", class_name, values))
        made = schedule(8, **dict({"name": values.get("ElementName", "web")}, **{
            name: value for name, value in values.items() if name != "ElementName"}))
        self.objects[class_name].append(made)
        return ('<x:ResourceCreated xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer">%s'
                '</x:ResourceCreated>' % reference(class_name, made).xml())

    def page(self, class_name, rest, prefix, name):
        """Two objects each, so that there is always more than one page."""
        now, later = rest[:2], rest[2:]
        context = str(uuid.uuid4()) if later else ""
        if later:
            self.contexts[context] = later
        items = "".join("<w:Item>%s<a:EndpointReference>%s</a:EndpointReference></w:Item>" % (
            element(class_name, class_name, each), reference(class_name, each).xml())
            for each in now)
        return "<n:%sResponse><n:EnumerationContext>%s</n:EnumerationContext><%s:Items>%s</%s:Items>" \
            "%s</n:%sResponse>" % (name, context, prefix, items, prefix,
                                   "" if later else "<%s:EndOfSequence/>" % prefix, name)

    def get(self, class_name, keys):
        for each in self.objects[class_name]:
            if all(each[key] == value for key, value in keys.items()):
                states = self.states.get(each.get("InstanceID"), [])
                return element(class_name, class_name,
                               dict(each, JobState=states.pop(0)) if states else each)
        raise Fault("a:DestinationUnreachable", 6, "there is no such object")

    def invoke(self, class_name, keys, method, arguments):
        assert arguments.tag.endswith("}%s_INPUT" % method), arguments.tag
        values = {}
        for each in arguments:
            name = each.tag.rpartition("}")[2]
            values[name] = read_reference(each) if len(each) else each.text
        self.asked.append((method, class_name, values))
        code, out = "0", {}
        if self.scenario == "refused":
            code = "32775"
        elif method == "DefineCollection":
            self.objects["Msvm_VirtualSystemCollection"].append(
                {"CollectionID": values.get("Id", POINT % 9), "ElementName": values["Name"]})
            out = {"DefinedCollection": Ref("Msvm_VirtualSystemCollection",
                                            CollectionID=values.get("Id", POINT % 9))}
        elif method == "RenameCollection":
            self.objects["Msvm_VirtualSystemCollection"][0]["ElementName"] = values["NewName"]
        elif method == "CreateReferencePoint":
            self.add_point(3)
            code, out = self.start("Msvm_ConcreteJob", job(3, "web@3", "Msvm_ConcreteJob"))
        elif method == "ExportReferencePoint":
            point = values["ReferencePointCollection"]["CollectionID"]
            base = re.search(r'CollectionID="([^"]*)', values.get("ExportSettingData", "")
                             .replace("&quot;", '"').replace("&amp;quot;", '"') or "")
            base = base.group(1) if base else None
            if base == "Cairn:auto":  # what lies in the folder
                base = POINT % 1 if values["ExportDirectory"].rstrip("/") == "/backup" else None
            code, out = self.start(EXPORT_JOB, job(
                4, "web@" + point[-1], ReferencePointGroupId=point, CollectionId=GROUP,
                BaseReferencePointGroupId=base,
                ExportDirectory=values["ExportDirectory"],
                StatusDescriptions=["OK", "Completed", "a warning",
                                    "db:vda exported in full: it is new"],
                ExportedDisks=["Cairn:%s\\vda" % DB, "Cairn:%s\\vdb" % DB]))
        elif method == "RequestStateChange":
            self.change(class_name, keys, values["RequestedState"])
        elif method == "GetErrorEx":
            out = {"Errors": ['<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="Message" TYPE='
                              '"string"><VALUE>the disk &amp; its host</VALUE></PROPERTY><PROPERTY '
                              'NAME="MessageID" TYPE="string"><VALUE>CAIRN0415</VALUE></PROPERTY>'
                              '<PROPERTY NAME="ProbableCause" TYPE="uint16"><VALUE>50</VALUE>'
                              '</PROPERTY><PROPERTY NAME="ErrorSource" TYPE="string"><VALUE>'
                              '//H/root/virtualization/v2:Msvm_StorageAllocationSettingData.'
                              'InstanceID="Cairn:%s\\\\vda"</VALUE></PROPERTY>'
                              '<PROPERTY.ARRAY NAME="MessageArguments" TYPE="string"><VALUE.ARRAY>'
                              '<VALUE>/b</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>'
                              '<PROPERTY.ARRAY NAME="RecommendedActions" TYPE="string"><VALUE.ARRAY>'
                              '<VALUE>Make room.</VALUE><VALUE>Wait.</VALUE></VALUE.ARRAY></PROPERTY.ARRAY></INSTANCE>'
                              % DB]}
        return element(method + "_OUTPUT", class_name, dict(out, ReturnValue=code))

    def change(self, class_name, keys, state):
        """Of schedules: one that waits runs, unless it is said to fail at once."""
        found = [each for each in self.objects[class_name]
                 if each["InstanceID"] == keys["InstanceID"] and each.get("Name") == "schedule"]
        for each in found:
            runs = state == "2" and each["JobState"] == "2"
            if runs and self.scenario != "no run":
                same = ("ExportDirectory", "RunMonth", "RunDay", "RunDayOfWeek", "RunStartInterval",
                        "LocalOrUtcTime", "JobRunTimes", "CollectionId")
                self.objects[class_name] += [
                    job(7, "web@2", state=4, CollectionId=GROUP, ExportDirectory="/backup"),
                    job(6, "web@3", state=4, Name="export", **{key: each[key] for key in same})]
            if self.scenario != "no run":
                each["JobState"] = "4" if runs else {"2": "2", "3": "5", "4": "8"}[state]

    def start(self, class_name, values):
        self.objects[class_name].append(values)
        self.states[values["InstanceID"]] = ["4"]
        return "4096", {"Job": Ref(class_name, InstanceID=values["InstanceID"])}
