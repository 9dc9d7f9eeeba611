"""The same objects seen otherwise: the cluster's namespace, an older build's classes, other languages, and jobs
that fail."""
import os
import re
import shutil
import xml.etree.ElementTree as tree

from labtest import expect

from cairnlab import cimclient
from cairnlab.cimclient import CimError, Epr
from cairnlab.common import wait_until
import cmdlets
import place
from place import OK, STARTED

JOB = "Msvm_CollectionReferencePointExportJob"
# hyperv-semantics.md, cluster namespace: classes that one of the two does not have.
ONLY_HOST = ("Msvm_VirtualSystemReferencePointService", "Msvm_VirtualSystemReferencePointExportJob",
             "Msvm_ReferencePointOfVirtualSystem", "Msvm_StorageAllocationSettingData")
BOTH = ("Msvm_CollectionReferencePointService", JOB, "Msvm_ReferencePointCollection",
        "Msvm_CollectedReferencePoints", "Msvm_VirtualSystemReferencePoint", "Msvm_ConcreteJob")
LANGUAGES = {"fr": ("MS_40C", r"[éèàêç]"), "ru": ("MS_419", "[а-яА-Я]"), "zh": ("MS_804", "[一-龥]")}


def status_of(call, *arguments):
    try:
        call(*arguments)
    except CimError as error:
        return error.code
    return 0


def cluster(site, client):
    """Root/HyperVCluster/v2: fewer classes, the same objects."""
    for name in ONLY_HOST:
        expect(status_of(client.get_class, name) == 0 and
               status_of(client.get_class, name, place.CLUSTER) == 6, "%s in the namespaces", name)
    for name in BOTH:
        expect(status_of(client.get_class, name, place.CLUSTER) == 0, "%s on the cluster", name)
    site.cairn("group", "create", "cluster", *site.guests)
    session = cmdlets.Session(site.url, place.CLUSTER)
    # It was made past cairn-cimd, which hears of it in an event.
    groups = wait_until("the group", lambda: [
        epr for values, epr in session.instances("Msvm_VirtualSystemCollection")
        if values["ElementName"] == "cluster"], 60)
    service = session.instances("Msvm_CollectionReferencePointService")[0][1]
    out = session.must(STARTED, service, "CreateReferencePoint", ("Collection", groups[0]),
                       ("ReferencePointType", "2"))
    place.check_done(place.poll(lambda: session.get(out["Job"])))
    host = cmdlets.Session(site.url)
    points = [[(values["ElementName"], epr.keys) for values, epr in
               each.instances("Msvm_ReferencePointCollection")] for each in (host, session)]
    expect(points[0] == points[1] and len(points[0]) == 1, "points here and there: %s", points)
    return session, service, groups[0], Epr("Msvm_ReferencePointCollection", points[0][0][1])


def failing(site, session, service, point):
    """A job that fails says all at once, on both protocols: state 10, an error code, words, Msvm_Error."""
    folder = site.exports("failing")
    out = session.must(STARTED, service, "ExportReferencePoint", ("ReferencePointCollection", point),
                       ("ExportDirectory", folder), ("ExportSettingData", ""))
    place.check_done(place.poll(lambda: session.get(out["Job"])))
    # its data is no longer held: nothing can be exported a second time to another place
    other = site.exports("failing-again")
    code, out = session.invoke(service, "ExportReferencePoint", ("ReferencePointCollection", point),
                               ("ExportDirectory", other), ("ExportSettingData", None))
    if code == STARTED:
        job = place.poll(lambda: session.get(out["Job"]))
        expect(int(job["JobState"]) == 10 and int(job["ErrorCode"]) >= place.FAILED and
               job["ErrorDescription"], "the job: %s", job)
        error = tree.fromstring(session.must(OK, out["Job"], "GetError")["Error"])
        expect(error.get("CLASSNAME") == "Msvm_Error" and
               error.find("PROPERTY[@NAME='Message']/VALUE").text, "GetError")
    else:
        expect(code >= place.FAILED and not out.get("Job"), "a refusal with %d and %s", code, out)
    expect(not os.listdir(other), "something was left in %s", other)


def parts(site):
    """The machine's own points: RCT identifiers parallel to the disks."""
    host = cmdlets.Session(site.url)
    members = host.query("select * from Msvm_VirtualSystemReferencePoint")
    expect(len(members) == len(site.guests), "members: %s", members)
    for values, epr in members:
        expect(set(epr.keys) == {"InstanceID", "VirtualSystemIdentifier"}, "keys: %s", epr.keys)


def description(client, element):
    return element.find("QUALIFIER[@NAME='Description']/VALUE").text


def languages(site, client):
    """Descriptions: by sub-namespace, by Accept-Language, and by WS-Man's Locale."""
    english = description(client, client.get_class("Msvm_ConcreteJob"))
    for language, (suffix, letters) in LANGUAGES.items():
        by_namespace = description(client, client.get_class(
            "Msvm_ConcreteJob", place.NAMESPACE + "/" + suffix))
        other = cimclient.CimXml(site.url + "/cimom", {"Accept-Language": language})
        text = description(other, other.get_class("Msvm_ConcreteJob"))
        session = cmdlets.Session(site.url)
        element = session.send(
            cmdlets.TRANSFER + "Get", cmdlets.CLASSES, "", cmdlets.selectors(
                {"__cimnamespace": place.NAMESPACE, "ClassName": "Msvm_ConcreteJob"}),
            '<w:Option Name="IncludeQualifiers" Type="xs:boolean">True</w:Option>',
            language=language).first
        expect(text == by_namespace == description(client, element) != english, "%s: %s, %s", language,
               text, by_namespace)
        everything = "".join(value.text or "" for value in other.get_class("CIM_ConcreteJob").iter("VALUE"))
        expect(re.search(letters, everything), "no %s in %s", letters, text)


def restart(site, build):
    """cairn-cimd again, as that build."""
    path = os.path.join(site.lab.directory, "cairn.conf")
    site.lab.stop_cimd()
    text = re.sub("compat-build=.*\n", "", open(path).read())
    with open(path, "w") as file:
        file.write(text.replace("[cimd]\n", "[cimd]\ncompat-build=%d\n" % build))
    site.lab.start_cimd()
    return cimclient.CimXml(site.url + "/cimom")


def builds(site):
    """14393 has no ExportedGuestStateFilePaths, neither in the class nor in instances."""
    for build, there in ((14393, False), (26100, True)):
        client = restart(site, build)
        names = [member.get("NAME") for member in client.get_class(JOB)]
        expect(("ExportedGuestStateFilePaths" in names) == there, "%d: %s", build, names)
        for values, _ in client.enumerate(JOB):
            expect(("ExportedGuestStateFilePaths" in values) == there, "%d: %s", build, values)
        for values, _ in cmdlets.Session(site.url).instances(JOB):
            # an empty array is no element (DSP0230), so only its absence can be seen here
            expect(there or "ExportedGuestStateFilePaths" not in values, "%d: %s", build, values)


def tell(site):
    client = cimclient.CimXml(site.url + "/cimom")
    session, service, group, point = cluster(site, client)
    parts(site)
    failing(site, session, service, point)
    languages(site, client)
    session.must(OK, service, "DestroyReferencePoint", ("AffectedReferencePointCollection", point))
    session.remove(group)
    builds(site)
    for name in ("failing", "failing-again"):
        shutil.rmtree(site.exports(name))
