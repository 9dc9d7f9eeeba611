"""python3-winrm: envelopes with the head that the library writes itself (mustUnderstand without prefix among
others), sent with Protocol.send_message, by which its users reach beyond the remote shell."""
import xml.etree.ElementTree as tree

import xmltodict
from winrm.exceptions import WinRMError
from winrm.protocol import Protocol

from labtest import Failure, expect

from cairnlab.cimclient import A, S, W, Epr, local, properties
import place
from place import OK, STARTED

WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer/"
ENUMERATE = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"


class Winrm:
    def __init__(self, url):
        self.protocol = Protocol(endpoint=url + "/wsman", transport="plaintext", username="nobody",
                                 password="none", server_cert_validation="ignore",
                                 read_timeout_sec=240)

    def send(self, action, uri, body=None, keys=None):
        head = self.protocol._get_soap_header(action=action, resource_uri=uri)
        message = head["env:Header"]["a:MessageID"]
        if keys:
            head["env:Header"]["w:SelectorSet"] = selectors(keys)
        head["env:Body"] = body or {}
        root = tree.fromstring(self.protocol.send_message(xmltodict.unparse({"env:Envelope": head})))
        expect(root.find(".//" + A + "RelatesTo").text == message, "RelatesTo")
        return root.find(S + "Body")

    def identify(self):
        text = xmltodict.unparse({"env:Envelope": {
            "@xmlns:env": S[1:-1],
            "@xmlns:i": "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd",
            "env:Header": {}, "env:Body": {"i:Identify": {}}}})
        root = tree.fromstring(self.protocol.send_message(text))
        return {local(element): element.text for element in root.iter()}

    def get(self, epr):
        return properties(self.send(TRANSFER + "Get", WMI + epr.class_name, keys=epr.keys)[0])

    def query(self, text):
        body = self.send(ENUMERATE, WMI + "*", {"n:Enumerate": {
            "w:OptimizeEnumeration": None, "w:MaxElements": "100",
            "w:EnumerationMode": "EnumerateObjectAndEPR",
            "w:Filter": {"@Dialect": WQL, "#text": text}}})
        return [(properties(item[0]), Epr.read(item[1])) for item in body.iter(W + "Item")]

    def invoke(self, want, epr, method, **arguments):
        uri = WMI + epr.class_name
        body = {"c:%s_INPUT" % method: {"@xmlns:c": uri, **{
            "c:" + name: reference(value) if isinstance(value, Epr) else value
            for name, value in arguments.items()}}}
        out = properties(self.send(uri + "/" + method, uri, body, epr.keys)[0])
        expect(out["ReturnValue"] == str(want), "%s answered %s", method, out)
        return out

    def refused(self, word, call, *arguments):
        try:
            answer = call(*arguments)
        except WinRMError as error:
            # the library's words: code, subcode, WSManFault's number and HTTP status
            expect(word in str(error) and "wsmanfault_code" in str(error), "not %s: %s", word, error)
            return
        raise Failure("no fault %s but %s" % (word, answer))


def selectors(keys):
    return {"w:Selector": [{"@Name": name, "#text": value} for name, value in keys.items()]}


def reference(epr):
    return {"a:EndpointReference": {"a:Address": A[1:-1] + "/role/anonymous", "a:ReferenceParameters": {
        "w:ResourceURI": WMI + epr.class_name, "w:SelectorSet": selectors(epr.keys)}}}


def finish(winrm, job):
    values = place.poll(lambda: winrm.get(job))
    place.check_done(values)
    return values


def tell(site):
    winrm = Winrm(site.url)
    expect(winrm.identify()["ProductVendor"] == "cairn", "Identify")
    groups, points = [winrm.query("select * from " + name)[0][1] for name in (
        "Msvm_CollectionManagementService", "Msvm_CollectionReferencePointService")]
    group = winrm.invoke(OK, groups, "DefineCollection", Name="winrm", Type="0")["DefinedCollection"]
    machines = winrm.query("select * from Msvm_ComputerSystem where ElementName like '%s_'" %
                           site.guests[0][:-1])
    for _, machine in machines:
        winrm.invoke(OK, groups, "AddMember", Member=machine, Collection=group)
    out = winrm.invoke(STARTED, points, "CreateReferencePoint", Collection=group,
                       ReferencePointType="2")
    finish(winrm, out["Job"])
    point = winrm.query("select * from Msvm_ReferencePointCollection")[0][1]
    out = winrm.invoke(STARTED, points, "ExportReferencePoint", ReferencePointCollection=point,
                       ExportDirectory=site.exports("winrm"), ExportSettingData="")
    values = finish(winrm, out["Job"])
    expect(len(values["VirtualMachineId"]) == len(machines) == 2, "the job: %s", values)
    winrm.refused("DestinationUnreachable", winrm.get, Epr("Msvm_ConcreteJob", {"InstanceID": "none"}))
    winrm.refused("DestinationUnreachable", winrm.query, "select * from Msvm_None")
    winrm.refused("CannotProcessFilter", winrm.query, "select from where")
    winrm.invoke(OK, points, "DestroyReferencePoint", AffectedReferencePointCollection=point)
    winrm.send(TRANSFER + "Delete", WMI + group.class_name, keys=group.keys)
    expect(not winrm.query("select * from Msvm_VirtualSystemCollection"), "the group is still there")
