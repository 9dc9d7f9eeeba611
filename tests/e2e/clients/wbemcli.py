"""sblim's wbemcli, CIM-XML: all of its verbs, and the whole way from a group to its destruction. Two of its
habits show here: of several references in a call those with one key come first, since it takes what
follows for keys; and it prints references without the colon before the class."""
import os
import re

from labtest import expect

import place
from place import DENIED, INVALID_STATE, OK, STARTED, refused


class Wbemcli:
    def __init__(self, site):
        self.site = site
        self.base = "%s/%s:" % (site.host, place.NAMESPACE)

    def run(self, verb, path, *words, options=()):
        path = path if path.startswith(self.site.host) else self.base + path
        return place.run(["wbemcli", verb, *options, "http://" + path, *words])

    def names(self, verb, path, *options):
        """Paths without host and namespace; wbemcli wants them in that form."""
        return [line.partition("/v2:")[2] for line in
                self.run(verb, path, options=options).splitlines() if line]

    def one(self, class_name):
        found = self.names("ein", class_name)
        expect(len(found) == 1, "%d instances of %s", len(found), class_name)
        return found[0]

    def instances(self, verb, path, *words, options=()):
        """[(path, {property: text})]"""
        found = []
        for line in self.run(verb, path, *words, options=("-nl", *options)).splitlines():
            if line.startswith("-"):
                name, _, value = line[1:].partition("=")
                found[-1][1][name] = value.strip('"')
            elif line:
                found.append((line.partition("/v2:")[2], {}))
        return found

    def get(self, path, *words):
        return self.instances("gi", path, *words)[0][1]

    def call(self, path, call):
        """(code, {parameter: value}) of METHOD[.NAME=VALUE,...]"""
        text = self.run("cm", path, call, options=("-nl",))
        code = int(re.search(r"%s: (\d+)" % call.partition(".")[0], text).group(1))
        out = dict(re.findall(r"^(\w+)(?: \(reference\))?: (.*)$", text, re.MULTILINE))
        return code, {name: re.sub(r".*/v2:?", "", value) for name, value in out.items()}

    def must(self, want, path, call):
        code, out = self.call(path, call)
        expect(code == want, "%s of %s answered %d, not %d", call, path, code, want)
        return out


def classes(cli):
    """gc, gcd, ec, ecn."""
    names = cli.names("ecn", "CIM_ConcreteJob")
    expect("Msvm_ConcreteJob" in names, "subclasses of CIM_ConcreteJob: %s", names)
    expect(cli.run("ec", "CIM_ConcreteJob").count("JobState=") == len(names), "ec and ecn differ")
    known = cli.run("gc", "Msvm_CollectionReferencePointExportJob", options=("-nl",))
    expect("ExportedLogFilePaths" in known and "JobType" not in known, "the class: %s", known)
    text = cli.run("gcd", "Msvm_CollectionReferencePointExportJob")
    expect('SUPERCLASS="CIM_ConcreteJob"' in text and text.count("<METHOD ") == 4, "gcd: %s", text)


def make_group(cli):
    service = cli.one("Msvm_CollectionManagementService")
    group = cli.must(OK, service, 'DefineCollection.Name="wbemcli",Type=0')["DefinedCollection"]
    machines = [path for path, values in cli.instances("ei", "Msvm_ComputerSystem")
                if values["ElementName"] in cli.site.guests]
    for machine in machines:
        cli.must(OK, service, "AddMember.Collection=%s,Member=%s" % (group, machine))
    expect(cli.get(group)["InstanceID"] == "", "a group's InstanceID is empty")
    members = cli.names("ain", group, "-ac", "CIM_CollectedMSEs") or cli.names(
        "ain", group, "-ac", "Msvm_CollectedVirtualSystems")
    expect(sorted(members) == sorted(machines), "members: %s", members)
    links = cli.names("rin", group, "-arc", "Msvm_CollectedVirtualSystems", "-ar", "Collection")
    expect(len(links) == len(machines), "links: %s", links)
    expect(not cli.names("rin", group, "-arc", "Msvm_CollectedVirtualSystems", "-ar", "Member"),
           "the group is a member")
    return service, group


def take_point(cli, group):
    service = cli.one("Msvm_CollectionReferencePointService")
    out = cli.must(STARTED, service, "CreateReferencePoint.ReferencePointType=2,Collection=" + group)
    job = out["Job"]
    place.check_done(place.poll(lambda: cli.get(job)))
    found = cli.instances("ai", job, options=("-ac", "CIM_AffectedJobElement", "-arc",
                                              "Msvm_ReferencePointCollection"))
    expect(len(found) == 1, "the job made %s", found)
    path, values = found[0]
    expect(path.count("=") == 2 and values["ConsistencyLevel"] == "2" and
           values["HasAssociatedLog"] == "FALSE", "the point: %s %s", path, values)
    effects = [values["ElementEffects"] for path, values in cli.instances("ri", job, options=(
        "-arc", "Msvm_AffectedJobElement")) if "AffectedElement" in path and
        "Msvm_ReferencePointCollection" in path]
    expect(effects == ["5"], "effects on the point: %s", effects)
    owners = cli.names("ain", job, "-ac", "Msvm_OwningJobElement")
    expect(owners == [service], "owners: %s", owners)
    return service, path


def export(cli, service, point):
    folder = cli.site.exports("wbemcli")
    job = cli.must(STARTED, service, 'ExportReferencePoint.ExportDirectory="%s",'
                   "ReferencePointCollection=%s" % (folder, point))["Job"]
    state = cli.get(job, "JobState,ErrorCode")
    expect(set(state) == {"JobState", "ErrorCode"}, "a property list gave %s", state)
    cli.run("sp", job, "Priority=42")
    expect(cli.run("gp", job, "Priority").strip() == "42", "the priority was not set")
    values = place.poll(lambda: cli.get(job))
    place.check_done(values)
    expect(values["ExportDirectory"] == folder and "JobType" not in values, "the job: %s", values)
    files = values["ExportedLogFilePaths"].split('","')
    expect(len(files) == len(values["ExportedDisks"].split('","')) and
           all(os.path.isfile(name) for name in files), "files: %s", files)
    expect(len(values["VirtualMachineId"].split('","')) == 2, "machines: %s", values)
    return job


def errors(cli, service, point, job):
    cli.must(DENIED, service, 'ExportReferencePoint.ExportDirectory="/etc",'
             "ReferencePointCollection=" + point)
    cli.must(INVALID_STATE, job, "RequestStateChange.RequestedState=4")
    cli.must(OK, job, "GetErrorEx")
    text = cli.run("cmx", job, "GetError")
    expect("<RETURNVALUE" in text and "Msvm_Error" not in text, "GetError of success: %s", text)
    for status, verb, path, *words in (
            (5, "ein", "Msvm_None"),
            (3, "ein", cli.site.host + "/nowhere:CIM_Service"),
            (6, "gi", 'Msvm_ConcreteJob.InstanceID="none"'),
            (7, "sp", job, "JobState=4"),
            (7, "mi", point, 'ElementName="other"'),
            (7, "ci", 'Msvm_ConcreteJob.InstanceID="5"', 'InstanceID="5"'),
            (7, "dc", "Msvm_ConcreteJob"),
            (12, "gp", job, "Nothing"),
            (17, "cm", job, "Nothing.X=1"),
            (4, "cm", service, 'ExportReferencePoint.ExportDirectory="/x"'),
            (6, "cm", service, "DestroyReferencePoint.AffectedReferencePointCollection=" +
             re.sub("[0-9A-F]{8}-", "00000000-", point))):
        refused("(%d) CIM_ERR" % status, cli.run, verb, path, *words)


def tell(site):
    cli = Wbemcli(site)
    classes(cli)
    groups, group = make_group(cli)
    service, point = take_point(cli, group)
    job = export(cli, service, point)
    errors(cli, service, point, job)
    cli.must(OK, service, "DestroyReferencePoint.AffectedReferencePointCollection=" + point)
    refused("(6) CIM_ERR", cli.run, "gi", point)
    cli.run("mi", job, "Priority=43")
    cli.run("di", job)
    refused("(6) CIM_ERR", cli.run, "gi", job)
    cli.must(OK, groups, 'RenameCollection.NewName="old",Collection=' + group)
    cli.run("di", group)
    expect(not site.cairn("group", "list"), "the group is still there")
