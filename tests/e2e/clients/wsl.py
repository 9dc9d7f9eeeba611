"""The commands of the package wsl, WS-Management with bash, curl, awk and sed: every command, and the whole way
from a group to its destruction. Its habits: -associators asks for associations and -references for what they
lead to; wslput ends with 1 although the answer is a PutResponse, since it looks for the word _OUTPUT."""
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as tree

from labtest import expect

from cairnlab.cimclient import local, properties
import place
from place import DENIED, INVALID_PARAMETER, INVALID_STATE, OK, STARTED

WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
SELECTOR = "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter"
GROUP, POINT = "Msvm_VirtualSystemCollection", "Msvm_ReferencePointCollection"
POINTS, JOB = "Msvm_CollectionReferencePointService", "Msvm_CollectionReferencePointExportJob"


class Wsl:
    """Each command writes request-N.xml, response-N.xml and response.xml into its folder."""

    def __init__(self, site, folder):
        self.site, self.folder = site, folder
        # WSDEFAULTSCHEMA's default is a vendor's own; every host before /wbem/wscim/1/ must do.
        self.environment = dict(os.environ, HOME=folder, WSENDPOINT=site.host, WSUSER="nobody",
                                WSPASS="none", WSNOSSL="true", WSAUTOMATED="1", OUTLEVEL="1",
                                WSDEFAULTSCHEMA="schemas.example.org")

    def run(self, *words):
        """(exit status, the responses' bodies)"""
        for name in os.listdir(self.folder):
            if name.startswith("re") and name != "response.xml":
                os.unlink(os.path.join(self.folder, name))
        done = subprocess.run(words, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240)
        names = sorted((name for name in os.listdir(self.folder) if name.startswith("response-")),
                       key=lambda name: int(re.sub(r"\D", "", name)))
        expect(names, "%s wrote nothing: %s", words, done.stdout)
        return done.returncode, [tree.parse(os.path.join(self.folder, name)).getroot()[1]
                                 for name in names]

    def enumerate(self, class_name, *words):
        """The items of all pages; in one answer where they fit, unless the test says how."""
        words += () if "-opti" in words else ("-opti", "100")
        status, bodies = self.run("wslenum", class_name, "-ns", place.NAMESPACE, *words)
        expect(status == 0, "wslenum %s %s failed", class_name, words)
        return [item for body in bodies for items in body.iter() if local(items) == "Items"
                for item in items]

    def find(self, class_name, name):
        """The file with the end-point reference of the one that has this ElementName."""
        found = self.enumerate(class_name, "-mode", "epr", "-filter",
                               "select * from %s where ElementName='%s'" % (class_name, name))
        expect(len(found) == 1 and local(found[0]) == "EndpointReference", "%s: %s", name, found)
        return self.keep(name)

    def keep(self, name):
        path = os.path.join(self.folder, "kept-%s.xml" % name)
        shutil.copy(os.path.join(self.folder, "response.xml"), path)
        return path

    def get(self, class_name, *keys):
        status, bodies = self.run("wslget", class_name, "__cimnamespace=" + place.NAMESPACE, *keys)
        return properties(bodies[-1][0]) if status == 0 else fault(bodies[-1])

    def invoke(self, class_name, method, *words):
        """The output's properties, or the fault's words."""
        where = () if "-inst" in words else ("-ns", place.NAMESPACE)
        _, bodies = self.run("wslinvoke", class_name, method, *words, *where)
        if local(bodies[-1][0]) == "Fault":
            return fault(bodies[-1])
        expect(local(bodies[-1][0]) == method + "_OUTPUT", "output: %s", bodies[-1][0].tag)
        return properties(bodies[-1][0])

    def must(self, want, class_name, method, *words):
        out = self.invoke(class_name, method, *words)
        expect(out.get("ReturnValue") == str(want), "%s.%s %s answered %s, not %d", class_name, method,
               words, out, want)
        return out


def fault(body):
    expect(local(body[0]) == "Fault", "not a fault: %s", body[0].tag)
    return {"Fault": " ".join(body.itertext())}


def reads(wsl):
    """wslid, wslecn, wslget and the modes and filters of wslenum."""
    _, bodies = wsl.run("wslid", "check")
    expect(local(bodies[0][0]) == "IdentifyResponse", "wslid: %s", bodies[0][0].tag)
    status, bodies = wsl.run("wslecn", "check")
    names = [element.text for element in bodies[0].iter() if local(element) == "name"]
    expect(status == 0 and JOB in names, "wslecn check: %d %s", status, names)
    status, bodies = wsl.run("wslecn", "getclass", JOB)
    expect([element.get("SUPERCLASS") for element in bodies[0].iter("CLASS")] == ["CIM_ConcreteJob"],
           "wslecn getclass")
    everything = wsl.enumerate("CIM_System")
    expect({local(item) for item in everything} == {"Msvm_ComputerSystem"}, "polymorphic: %s",
           everything)
    for words, tag in ((("-mode", "epr"), "EndpointReference"), (("-mode", "objepr"), "Item"),
                       (("-opti", "1"), "Msvm_ComputerSystem")):
        found = wsl.enumerate("Msvm_ComputerSystem", *words)
        expect([local(item) for item in found] == [tag] * len(everything), "%s: %s", words, found)
    for words in (("-filter", "select * from Msvm_ComputerSystem where ElementName='vm1'"),
                  ("-dialect", WQL, "-filter",
                   "select * from Msvm_ComputerSystem where ElementName like 'vm_' and not Name = 'x' "
                   "and ElementName &lt;&gt; 'VM2'"),
                  ("-dialect", SELECTOR, "-filter", "ElementName=vm1")):
        names = [properties(item)["ElementName"] for item in
                 wsl.enumerate("Msvm_ComputerSystem", *words)]
        expect(names == ["vm1"], "%s found %s", words, names)


def make_group(wsl):
    wsl.must(OK, "Msvm_CollectionManagementService", "DefineCollection", "Name=wsl", "Type=0")
    group = wsl.find(GROUP, "wsl")
    for guest in wsl.site.guests:
        machine = wsl.find("Msvm_ComputerSystem", guest)
        wsl.must(OK, "Msvm_CollectionManagementService", "AddMember", "Member=FILE:" + machine,
                 "Collection=FILE:" + group)
    key = "CollectionID=" + re.search(r'"CollectionID">([^<]*)', open(group).read()).group(1)
    expect(wsl.get(GROUP, key)["ElementName"] == "wsl", "wslget of the group")
    members = [properties(item)["ElementName"] for item in wsl.enumerate(GROUP, "-references", key)
               if local(item) == "Msvm_ComputerSystem"]
    expect(sorted(members) == sorted(wsl.site.guests), "members: %s", members)
    links = [local(item) for item in wsl.enumerate(GROUP, "-associators", key)]
    expect(links.count("Msvm_CollectedVirtualSystems") == len(members), "links: %s", links)
    return group


def job_of(wsl, out, class_name):
    job = out["Job"]
    expect(job.class_name == class_name, "the job is a %s", job.class_name)
    key = "InstanceID=" + job.keys["InstanceID"]
    values = place.poll(lambda: wsl.get(class_name, key))
    place.check_done(values)
    return values, key


def export(wsl, point):
    folder = wsl.site.exports("wsl")
    out = wsl.must(STARTED, POINTS, "ExportReferencePoint", "ReferencePointCollection=FILE:" + point,
                   "ExportDirectory=" + folder, "ExportSettingData=")
    values, key = job_of(wsl, out, JOB)
    expect(values["ExportDirectory"] == folder and
           len(values["ExportedLogFilePaths"]) == len(values["ExportedDisks"]), "job: %s", values)
    wsl.enumerate(JOB, "-mode", "epr", "-filter",
                  "select * from %s where ExportDirectory = '%s'" % (JOB, folder))
    return wsl.keep("job"), key


def put(wsl, key):
    """wslput sends the whole instance back, or a fragment."""
    query = "select * from %s where %s" % (JOB, re.sub("=(.*)", r"='\1'", key))
    for words, value in (((), "21"), (("-fragment",), "22")):
        _, bodies = wsl.run("wslput", JOB, "Priority=" + value, "-filter", query, *words, "-ns",
                            place.NAMESPACE)
        expect(local(bodies[-1][0]) != "Fault", "wslput: %s", " ".join(bodies[-1].itertext()))
        expect(wsl.get(JOB, key)["Priority"] == value, "wslput %s wrote nothing", words)


def errors(wsl, job, point):
    wsl.must(INVALID_STATE, JOB, "RequestStateChange", "RequestedState=4", "-inst", job)
    wsl.must(INVALID_PARAMETER, JOB, "RequestStateChange", "RequestedState=99", "-inst", job)
    expect(wsl.must(OK, JOB, "GetErrorEx", "-inst", job)["Errors"] is None, "errors of success")
    wsl.must(DENIED, POINTS, "ExportReferencePoint", "ReferencePointCollection=FILE:" + point,
             "ExportDirectory=/etc")
    for what, answer in (
            ("ActionNotSupported", wsl.invoke(JOB, "Nothing", "-inst", job)),
            ("InvalidParameter", wsl.invoke(POINTS, "ExportReferencePoint", "ExportDirectory=/x")),
            ("DestinationUnreachable", wsl.get(JOB, "InstanceID=none")),
            ("DestinationUnreachable", wsl.get("Msvm_None", "InstanceID=none"))):
        expect(what in answer.get("Fault", ""), "no %s but %s", what, answer)


def story(wsl):
    reads(wsl)
    group = make_group(wsl)
    out = wsl.must(STARTED, POINTS, "CreateReferencePoint", "Collection=FILE:" + group,
                   "ReferencePointType=2")
    job_of(wsl, out, "Msvm_ConcreteJob")
    point = wsl.find(POINT, "wsl@1")
    job, key = export(wsl, point)
    put(wsl, key)
    errors(wsl, job, point)
    wsl.must(OK, POINTS, "DestroyReferencePoint", "AffectedReferencePointCollection=FILE:" + point)
    wsl.must(OK, "Msvm_CollectionManagementService", "DestroyCollection", "Collection=FILE:" + group)
    expect(not wsl.enumerate(GROUP), "the group is still there")


def tell(site):
    with tempfile.TemporaryDirectory(prefix="cairn-wsl-") as folder:
        story(Wsl(site, folder))
