"""What PowerShell does with Hyper-V, cmdlet by cmdlet, on the requests of cmdlets.py: New-CimSession,
Get-CimInstance, Get-CimAssociatedInstance, Invoke-CimMethod, Set-CimInstance, Remove-CimInstance, Get-CimClass
and Register-CimIndicationEvent."""
import xml.etree.ElementTree as tree
from xml.sax.saxutils import escape

from labtest import expect

from cairnlab.cimclient import N, Epr, local
import cmdlets
import place
from cmdlets import CQL, DMTF, WMI, expect_fault, guid, selectors
from place import DENIED, INVALID_PARAMETER, INVALID_STATE, OK, STARTED

GROUP, POINT = "Msvm_VirtualSystemCollection", "Msvm_ReferencePointCollection"
JOB = "Msvm_CollectionReferencePointExportJob"
SETTINGS = "Msvm_CollectionReferencePointSettingData"
EXPORT_SETTINGS = "Msvm_CollectionReferencePointExportSettingData"

# The serialisations of embedded instances that clients send (hyperv-semantics, embedded instances).
MINIMAL = '<INSTANCE CLASSNAME="{0}"><PROPERTY NAME="{1}" TYPE="uint8"><VALUE>{2}</VALUE></PROPERTY></INSTANCE>'
CIM_DTD = (
    '<?xml version="1.0" encoding="utf-8"?><CIM CIMVERSION="2.0" DTDVERSION="2.0"><DECLARATION>'
    '<DECLGROUP><VALUE.OBJECT><INSTANCE CLASSNAME="{0}"><QUALIFIER NAME="dynamic" TYPE="boolean"><VALUE>TRUE'
    '</VALUE></QUALIFIER><PROPERTY NAME="InstanceID" TYPE="string"></PROPERTY>'
    '<PROPERTY NAME="{1}" CLASSORIGIN="{0}" TYPE="uint8"><VALUE>{2}</VALUE></PROPERTY></INSTANCE>'
    '</VALUE.OBJECT></DECLGROUP></DECLARATION></CIM>')
WMI_DTD = (
    '<INSTANCE CLASSNAME="{0}"><QUALIFIER NAME="dynamic" PROPAGATED="true" TYPE="boolean" TOINSTANCE="true">'
    '<VALUE>TRUE</VALUE></QUALIFIER>'
    '<PROPERTY NAME="__PATH" CLASSORIGIN="___SYSTEM" TYPE="string"></PROPERTY>'
    '<PROPERTY NAME="__CLASS" CLASSORIGIN="___SYSTEM" TYPE="string"><VALUE>{0}</VALUE></PROPERTY>'
    '<PROPERTY NAME="__GENUS" CLASSORIGIN="___SYSTEM" TYPE="sint32"><VALUE>2</VALUE></PROPERTY>'
    '<PROPERTY.ARRAY NAME="__DERIVATION" CLASSORIGIN="___SYSTEM" TYPE="string"><VALUE.ARRAY>'
    '<VALUE>CIM_SettingData</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>'
    '<PROPERTY NAME="ElementName" CLASSORIGIN="CIM_ManagedElement" PROPAGATED="TRUE" TYPE="string">'
    '</PROPERTY><PROPERTY NAME="{1}" CLASSORIGIN="{0}" TYPE="uint8"><QUALIFIER NAME="Read" TYPE="boolean">'
    '<VALUE>TRUE</VALUE></QUALIFIER><VALUE>{2}</VALUE></PROPERTY></INSTANCE>')
MI_XML = (
    '<INSTANCE CLASSNAME="{0}"><PROPERTY NAME="Caption" TYPE="string"></PROPERTY><PROPERTY NAME="{1}" '
    'TYPE="uint8" MODIFIED="TRUE"><VALUE>{2}</VALUE></PROPERTY></INSTANCE>')
MOF = "\r\ninstance of {0}\r\n{{\r\n  {1} = {2};\r\n}};\r\n"
SHAPES = {"minimal": MINIMAL, "CIM DTD": CIM_DTD, "WMI DTD": WMI_DTD, "MI XML": MI_XML, "MOF": MOF}


def new_session(session):
    """New-CimSession, and Test-WSMan without credentials."""
    expect(session.identify()["ProductVendor"], "Identify names no vendor")
    for path in ("/wsman", "/wsman/", "/wsman-anon/identify"):
        found = session.identify(path, WSMANIDENTIFY="unauthenticated")
        expect(found["ProtocolVersion"].endswith("/wsman.xsd"), "Identify: %s", found)


def get_instance(session):
    """Get-CimInstance -ClassName, -Filter, -Query, -QueryDialect, -InputObject."""
    machines = session.instances("Msvm_ComputerSystem")
    expect(len(session.enumerate(DMTF + "msvm_computersystem", page=1)) == len(machines), "in pages")
    one = [epr for values, epr in machines if values["ElementName"] == "vm1"][0]
    text = "select * from Msvm_ComputerSystem where Name = '%s'" % one.keys["Name"].lower()
    for found in (session.query(text), session.query("SELECT * FROM Msvm_ComputerSystem WHERE "
                                                     "Name = '%s'" % one.keys["Name"], CQL)):
        expect([epr for _, epr in found] == [one], "the query found %s", found)
    values = session.get(one)
    expect(values["ElementName"] == "vm1" and values["Caption"] is not None, "Get: %s", values)
    # a request with Microsoft's resource URI, without __cimnamespace, is answered in that form
    uri = WMI + place.NAMESPACE + "/Msvm_ComputerSystem"
    found = session.send(cmdlets.TRANSFER + "Get", uri, "", selectors(one.keys)).first
    expect(found.tag == "{%s}Msvm_ComputerSystem" % uri, "the answer has %s", found.tag)
    items = session.enumerate(WMI + "root/virtualization/v2/*", '<w:Filter Dialect="%s">%s</w:Filter>' % (
        cmdlets.WQL, text), "")
    expect([epr.uri() for _, epr in items] == [uri], "items: %s", [epr.uri() for _, epr in items])
    return [epr for values, epr in machines if values["ElementName"] in session.guests]


def get_class(session):
    """Get-CimClass: keys, types, value names."""
    found = session.get_class(JOB)
    expect(found.get("SUPERCLASS") == "CIM_ConcreteJob" and
           found.get("DERIVATION", "").split(",")[0] == "CIM_ConcreteJob", "class: %s", found.attrib)
    members = {member.get("NAME"): member for member in found if member.get("NAME")}
    key = members["InstanceID"].find("QUALIFIER[@NAME='Key']")
    expect(key is not None and members["JobState"].get("TYPE") == "uint16" and
           members["ExportedDisks"].tag == "PROPERTY.ARRAY", "members of the class")
    values = members["JobState"].find("QUALIFIER[@NAME='Values']")
    expect("Running" in [value.text for value in values.iter("VALUE")], "Values of JobState")
    expect_fault("DestinationUnreachable", session.get_class, "Msvm_None")


def one(session, class_name):
    found = session.instances(class_name)
    expect(len(found) == 1, "%d of %s", len(found), class_name)
    return found[0][1]


def make_group(session, machines):
    service = one(session, "Msvm_CollectionManagementService")
    group = session.must(OK, service, "DefineCollection", ("Name", "ps"), ("Id", None),
                         ("Type", "0"))["DefinedCollection"]
    for machine in machines:
        session.must(OK, service, "AddMember", ("Member", machine), ("Collection", group))
    expect(session.get(group)["InstanceID"] in (None, ""), "a group's InstanceID is empty")
    # -Association and -ResultClassName, and the links themselves
    members = session.associated(group, AssociationClassName="Msvm_CollectedVirtualSystems",
                                 ResultClassName="CIM_ComputerSystem")
    expect(sorted(epr.keys["Name"] for _, epr in members) ==
           sorted(machine.keys["Name"] for machine in machines), "members: %s", members)
    links = session.associated(group, "AssociationInstances", Role="Collection",
                               ResultClassName="CIM_MemberOfCollection")
    expect([values["Collection"] for values, _ in links] == [group] * len(machines), "links %s", links)
    return service, group


def wait(session, out, class_name):
    """Readable at once, in state 4 until the end (checked by poll)."""
    job = out["Job"]
    expect(job.class_name == class_name and set(job.keys) == {"InstanceID"}, "job: %s", job.uri())
    place.check_done(place.poll(lambda: session.get(job)))
    return job


def create_points(session, service, group):
    """Invoke-CimMethod with each form of the settings. Setting 2 is crash consistency, which the collection
    shows as 1; without settings it is application consistency, 2 there."""
    arguments = [(name, shape.format(SETTINGS, "ConsistencyLevel", 2), "1")
                 for name, shape in SHAPES.items()] + [("NULL", None, "2"), ("empty", "", "2")]
    for name, settings, level in arguments:
        out = session.must(STARTED, service, "CreateReferencePoint", ("Collection", group),
                           ("ReferencePointSettings", settings), ("ReferencePointType", "2"),
                           ("ResultingReferencePointCollection", None))
        expect(out.get("ResultingReferencePointCollection") is None, "a result before its time")
        job = wait(session, out, "Msvm_ConcreteJob")
        found = session.associated(job, AssociationClassName="CIM_AffectedJobElement",
                                   ResultClassName=POINT)
        expect(len(found) == 1 and found[0][0]["ConsistencyLevel"] == level, "%s: %s", name, found)
    for name, shape in SHAPES.items():
        code, _ = session.invoke(service, "CreateReferencePoint", ("Collection", group), (
            "ReferencePointSettings", shape.format("Msvm_Error", "ErrorType", 2)),
            ("ReferencePointType", "2"))
        expect(code in (32773, 32776), "the wrong class as %s answered %d", name, code)
    session.must(INVALID_PARAMETER, service, "CreateReferencePoint", ("Collection", group),
                 ("ReferencePointType", "0"))
    return found[0][1]


def check_point(session, group, point, job):
    """Two keys; what the job touched and made, and whose job it is."""
    expect(set(point.keys) == {"CollectionID", "VirtualSystemCollectionId"} and
           point.keys["VirtualSystemCollectionId"] == group.keys["CollectionID"], "%s", point.keys)
    links = session.associated(job, "AssociationInstances", ResultClassName="Msvm_AffectedJobElement")
    effects = {values["AffectedElement"].class_name: values["ElementEffects"] for values, _ in links}
    expect(effects[POINT] == "5" and GROUP in effects, "effects: %s", effects)
    owners = session.associated(job, AssociationClassName="Msvm_OwningJobElement")
    expect([epr.class_name for _, epr in owners] == ["Msvm_CollectionReferencePointService"],
           "owners: %s", owners)
    for values, epr in session.associated(point, AssociationClassName="Msvm_CollectedReferencePoints"):
        identifiers = [values[name] for name in ("VirtualDiskIdentifiers",
                                                 "ResilientChangeTrackingIdentifiers")]
        lengths = [len(each) if isinstance(each, list) else 1 for each in identifiers]
        expect(lengths[0] == lengths[1] and values["HasAssociatedData"] == "false" and
               set(epr.keys) == {"InstanceID", "VirtualSystemIdentifier"}, "member: %s", values)


def export(session, service, point, machines):
    """An instance in an array in an instance, as GetText(2) gives it: escaped twice."""
    nested = "".join("<VALUE>%s</VALUE>" % escape(MINIMAL.replace("uint8", "string").format(
        "Msvm_VirtualMachineToDisks", "VirtualMachineId", machine.keys["Name"])) for machine in machines)
    settings = (
        '<INSTANCE CLASSNAME="%s"><PROPERTY NAME="__CLASS" CLASSORIGIN="___SYSTEM" TYPE="string"><VALUE>%s'
        '</VALUE></PROPERTY><PROPERTY NAME="BaseReferencePointCollection" TYPE="string"></PROPERTY>'
        '<PROPERTY.ARRAY NAME="VirtualMachinesToDisksToExport" TYPE="string" EmbeddedObject="instance">'
        '<VALUE.ARRAY>%s</VALUE.ARRAY></PROPERTY.ARRAY></INSTANCE>' % (
            EXPORT_SETTINGS, EXPORT_SETTINGS, nested))
    return session.must(STARTED, service, "ExportReferencePoint", ("ReferencePointCollection", point),
                        ("ExportDirectory", session.exports), ("ExportSettingData", settings))


def set_instance(session, job):
    """Set-CimInstance: of the whole instance only what is named is written."""
    values = dict(session.get(job), Priority="17", JobState="2", ElementName="other")
    for name in ("InstallDate", "TimeSubmitted", "ScheduledStartTime", "StartTime", "ElapsedTime",
                 "UntilTime", "TimeOfLastStateChange", "TimeBeforeRemoval"):
        values.pop(name)
    session.set(job, values, "Priority")
    now = session.get(job)
    expect(now["Priority"] == "17" and now["JobState"] == "7", "Set-CimInstance: %s", now)
    expect_fault("UnsupportedFeature", session.set, job, values, "JobState")


def event_of(answer):
    """(class, TargetInstance's properties) of the first event of a Pull."""
    event = answer.first.find(N + "Items")[0]
    target = [child for child in event if local(child) == "TargetInstance"][0]
    if not len(target):
        target = tree.fromstring(target.text)
        return local(event), {each.get("NAME"): "".join(each.itertext()) for each in target}
    return local(event), cmdlets.values(target)


class Subscription:
    """Register-CimIndicationEvent: a pull subscription."""

    def __init__(self, session, query):
        self.session = session
        self.scope = selectors({"__cimnamespace": session.namespace})
        answer = session.send(cmdlets.EVENTING + "Subscribe", DMTF + "*", (
            '<e:Subscribe><e:Delivery Mode="http://schemas.dmtf.org/wbem/wsman/1/wsman/Pull">'
            '<w:Heartbeats>PT900.000S</w:Heartbeats></e:Delivery><e:Expires>PT600.000S</e:Expires>'
            '<w:Filter Dialect="%s">%s</w:Filter></e:Subscribe>') % (cmdlets.WQL, escape(query)), self.scope)
        self.context = answer.first.find(N + "EnumerationContext").text
        self.identifier = [each for each in answer.first.iter() if local(each) == "Identifier"][0].text

    def pull(self, timeout="PT120.000S"):
        return self.session.send(cmdlets.ENUMERATION + "Pull", DMTF + "*", (
            "<n:Pull><n:EnumerationContext>%s</n:EnumerationContext><n:MaxElements>1</n:MaxElements>"
            "</n:Pull>") % self.context, self.scope, timeout=timeout)

    def end(self):
        self.session.send(cmdlets.EVENTING + "Unsubscribe", DMTF + "*", "<e:Unsubscribe/>",
                          self.scope + "<e:Identifier>%s</e:Identifier>" % self.identifier)
        expect_fault("InvalidEnumerationContext", self.pull)


def errors(session, service, group, job, point):
    missing = Epr(POINT, dict(point.keys, CollectionID="00000000-0000-0000-0000-000000000000"))
    none = Epr(JOB, {"InstanceID": "none"})
    session.must(INVALID_STATE, job, "RequestStateChange", ("RequestedState", "4"))
    session.must(DENIED, service, "ExportReferencePoint", ("ReferencePointCollection", point),
                 ("ExportDirectory", session.exports + "/.." * 20 + "/etc"), ("ExportSettingData", None))
    expect(session.must(OK, job, "GetErrorEx").get("Errors") is None, "errors of success")
    text = "select * from Msvm_ComputerSystem where"
    for code, call, *arguments in (
            ("DestinationUnreachable", session.get, none),
            ("DestinationUnreachable", session.instances, "Msvm_None"),
            ("DestinationUnreachable", session.invoke, service, "DestroyReferencePoint",
             ("AffectedReferencePointCollection", missing)),
            ("ActionNotSupported", session.invoke, job, "Nothing"),
            ("InvalidParameter", session.invoke, service, "ExportReferencePoint",
             ("ExportDirectory", session.exports)),
            ("InvalidParameter", session.invoke, service, "CreateReferencePoint", ("Collection", group),
             ("ReferencePointType", "2"), ("ResultingReferencePointCollection", point)),
            ("InvalidSelectors", session.get, Epr(JOB, {"Name": "export"})),
            ("CannotProcessFilter", session.query, text),
            ("FilterDialectRequestedUnavailable", session.query, text, "http://example.org/none"),
            ("DestinationUnreachable", session.send, cmdlets.TRANSFER + "Get",
             "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd")):
        fault = expect_fault(code, call, *arguments)
        expect(fault.number, "the fault has no number: %s", fault)


def tell(site):
    session = cmdlets.Session(site.url)
    session.guests, session.exports = site.guests, site.exports("powershell")
    new_session(session)
    get_class(session)
    machines = get_instance(session)
    groups, group = make_group(session, machines)
    service = one(session, "Msvm_CollectionReferencePointService")
    point = create_points(session, service, group)
    changes = Subscription(cmdlets.Session(site.url), "SELECT * FROM __InstanceModificationEvent WITHIN 1 "
                           "WHERE TargetInstance ISA 'CIM_ConcreteJob'")
    expect_fault("TimedOut", changes.pull, "PT0.200S")
    out = export(session, service, point, machines)
    kind, target = event_of(changes.pull())
    expect(kind == "__InstanceModificationEvent" and
           target["InstanceID"] == out["Job"].keys["InstanceID"], "event: %s %s", kind, target)
    changes.end()
    job = wait(session, out, JOB)
    made = session.associated(point, AssociationClassName="Msvm_AffectedJobElement",
                              ResultClassName="Msvm_ConcreteJob")
    check_point(session, group, point, made[0][1])
    values = session.get(job)
    expect("JobType" not in values and len(values["VirtualMachineId"]) == len(machines), "%s", values)
    expect(guid(values["CollectionId"]) == group.keys["CollectionID"], "CollectionId: %s", values)
    set_instance(session, job)
    errors(session, service, group, job, point)
    session.remove(job)
    expect_fault("DestinationUnreachable", session.get, job)
    for _, each in session.instances(POINT):
        session.must(OK, service, "DestroyReferencePoint", ("AffectedReferencePointCollection", each))
    session.must(OK, groups, "DestroyCollection", ("Collection", group))
    expect(not session.instances(GROUP), "the group is still there")
