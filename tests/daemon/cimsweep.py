"""Every operation on every class and every object of a running cairn-cimd, and then requests that are
nearly right: an answer or an error, never an end of the program. Used over the fake hypervisor and
in the lab, where there are more objects."""
import http.client
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/lab.d"))

from cairnlab import cimclient  # noqa: E402
from cairnlab.cimclient import CimError, instance_name  # noqa: E402

NAMESPACES = ("root/virtualization/v2", "Root/HyperVCluster/v2", "interop", "root/cimv2", "root")
WSMAN_MODES = ("", "EnumerateEPR", "EnumerateObjectAndEPR")
POLYMORPHISM = ("None", "IncludeSubClassProperties", "ExcludeSubClassProperties")


def parameter(name, inside):
    return '<IPARAMVALUE NAME="%s">%s</IPARAMVALUE>' % (name, inside)


def class_name(name):
    return '<CLASSNAME NAME="%s"/>' % name


def value(text):
    return "<VALUE>%s</VALUE>" % cimclient.escape(text)


class Sweep:
    def __init__(self, url):
        self.cimxml = cimclient.CimXml(url + "/cimom")
        self.wsman = cimclient.Wsman(url + "/wsman")
        self.count = self.refused = 0
        self.bodies = {"/cimom": [], "/wsman": []}  # what was sent, to be spoiled later
        for client in (self.cimxml, self.wsman):
            self.record(client.http)

    def record(self, connection):
        post = connection.post

        def recorded(body, headers):
            seen = self.bodies[connection.path]
            if len(seen) < 4000:
                seen.append((body, headers))
            return post(body, headers)
        connection.post = recorded

    def attempt(self, function, *arguments, **named):
        """The answer, or None for an error that the protocol knows."""
        self.count += 1
        try:
            return function(*arguments, **named)
        except CimError:
            self.refused += 1
            return None

    # -- CIM-XML -----------------------------------------------------------------------------

    def classes(self, namespace):
        answer = self.cimxml.call("EnumerateClassNames", parameter("DeepInheritance", value("TRUE")),
                                  namespace)
        return [each.get("NAME") for each in answer.iter("CLASSNAME")]

    def of_class(self, namespace, name):
        """All that is asked of a class; returns its instances."""
        call = self.cimxml.call
        the_class = parameter("ClassName", class_name(name))
        declared = call("GetClass", the_class + parameter("LocalOnly", value("FALSE")), namespace)
        for operation in ("EnumerateClasses", "EnumerateClassNames", "EnumerateInstanceNames"):
            call(operation, the_class, namespace)
        for flag in ("TRUE", "FALSE"):
            call("EnumerateInstances", the_class + "".join(
                parameter(each, value(flag)) for each in (
                    "LocalOnly", "DeepInheritance", "IncludeQualifiers", "IncludeClassOrigin")) +
                 parameter("PropertyList", "<VALUE.ARRAY><VALUE>Name</VALUE></VALUE.ARRAY>"), namespace)
        for operation in ("Associators", "AssociatorNames", "References", "ReferenceNames"):
            self.attempt(call, operation, parameter("ObjectName", class_name(name)), namespace)
        self.attempt(self.cimxml.query, "SELECT * FROM %s" % name, namespace)
        self.pull(namespace, the_class)
        return declared, self.cimxml.enumerate(name, namespace)

    def pull(self, namespace, the_class):
        """Opened, pulled one by one to the end, and closed half way."""
        for operation, pull in (("OpenEnumerateInstances", "PullInstancesWithPath"),
                                ("OpenEnumerateInstancePaths", "PullInstancePaths")):
            answer = self.cimxml.call(operation, the_class + parameter("MaxObjectCount", value("1")),
                                      namespace)
            for _ in range(3):
                out = {each.get("NAME"): each.findtext("VALUE") for each in answer.iter("PARAMVALUE")}
                if out["EndOfSequence"] == "TRUE":
                    return
                context = parameter("EnumerationContext", value(out["EnumerationContext"]))
                answer = self.cimxml.call(pull, context + parameter("MaxObjectCount", value("2")),
                                          namespace)
            self.attempt(self.cimxml.call, "CloseEnumeration", context, namespace)

    def of_instance(self, namespace, declared, values, epr):
        epr.namespace = namespace
        got = self.cimxml.get(epr)
        for name in epr.keys:
            assert got[name] == values[name], (epr.class_name, name, got[name], values[name])
        named = parameter("ObjectName", instance_name(epr))
        for operation in ("Associators", "AssociatorNames", "References", "ReferenceNames"):
            self.cimxml.call(operation, named, namespace)
        for other, other_epr in self.cimxml.associators(epr):
            other_epr.namespace = namespace
            assert self.cimxml.get(other_epr), other
        for method in declared.iter("METHOD"):
            self.attempt(self.cimxml.invoke, epr, method.get("NAME"))

    # -- WS-Management -----------------------------------------------------------------------

    def over_wsman(self, namespace, name, instances):
        for number, mode in enumerate(WSMAN_MODES):
            inside = ("<w:EnumerationMode>%s</w:EnumerationMode>" % mode if mode else "") + (
                "<b:PolymorphismMode>%s</b:PolymorphismMode>" % POLYMORPHISM[number])
            uri = cimclient.WMI + namespace + "/" + name
            body = self.wsman.send(cimclient.ENUMERATION + "Enumerate", uri,
                                   "<n:Enumerate>%s</n:Enumerate>" % inside)
            context = "<n:EnumerationContext>%s</n:EnumerationContext>" % body.findtext(
                ".//" + cimclient.N + "EnumerationContext")
            verb = ("Release", "Pull")[number % 2]
            self.wsman.send(cimclient.ENUMERATION + verb, uri, "<n:%s>%s</n:%s>" % (
                verb, context, verb))
            if verb == "Pull":  # when there was more than one, it is still there
                self.attempt(self.wsman.send, cimclient.ENUMERATION + "Release", uri,
                             "<n:Release>%s</n:Release>" % context)
        found = self.wsman.enumerate(name, namespace=namespace, page=2)
        assert len(found) == len(instances), (namespace, name, len(found), len(instances))
        for _, epr in found[:20]:
            epr.namespace = namespace
            self.wsman.get(epr)
            if namespace in NAMESPACES[:2]:
                self.wsman.associated(epr)
                self.wsman.associated(epr, "AssociationInstances")

    def run(self):
        for namespace in NAMESPACES:
            for name in self.classes(namespace):
                declared, instances = self.of_class(namespace, name)
                for values, epr in instances[:20]:
                    self.of_instance(namespace, declared, values, epr)
                self.over_wsman(namespace, name, instances)

    # -- spoiled requests --------------------------------------------------------------------

    def spoil(self, seed, rounds):
        """Right requests with bytes changed, doubled, cut: any HTTP answer will do."""
        dice = random.Random(seed)
        answered = 0
        for number in range(rounds):
            connection = (self.cimxml, self.wsman)[number % 2].http
            body, headers = dice.choice(self.bodies[connection.path])
            text = mutate(dice, bytearray(body.encode()))
            try:
                connection.connection.request("POST", connection.path, bytes(text), headers)
                connection.connection.getresponse().read()
                answered += 1
            except (http.client.HTTPException, OSError):
                connection.connection.close()
        assert answered > rounds // 2, "only %d of %d were answered (seed %d)" % (
            answered, rounds, seed)


def mutate(dice, text):
    for _ in range(dice.randint(1, 4)):
        start = dice.randrange(len(text))
        end = min(len(text), start + dice.randint(1, 40))
        kind = dice.randrange(5)
        if kind == 0:
            text[start] = dice.randrange(256)
        elif kind == 1:
            del text[start:end]
        elif kind == 2:
            text[start:start] = text[start:end]
        elif kind == 3:
            text[start:end] = dice.choice((b"", b"<", b"&", b"NULL", b"-1", b"99999999999999999999",
                                           b"\xff", b"<VALUE></VALUE>", b"<a>" * 70))
        else:
            other = dice.randrange(len(text))
            text[start:end] = text[other:other + end - start]
        if not text:
            text += b"x"
    return text
