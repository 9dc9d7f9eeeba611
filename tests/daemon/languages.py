#!/usr/bin/python3
"""languages.py CAIRND CAIRN-CIMD: the language of answers, by every way that clients ask for one."""
import os
import re
import sys
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import SECONDS, main  # noqa: E402

from cimd_front import Front, prepared  # noqa: E402

NAMESPACE = "root/virtualization/v2"
CALL = """<?xml version="1.0"?><CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="1"
 PROTOCOLVERSION="1.0"><SIMPLEREQ><IMETHODCALL NAME="%s"><LOCALNAMESPACEPATH>%s</LOCALNAMESPACEPATH>
<IPARAMVALUE NAME="ClassName"><CLASSNAME NAME="%s"/></IPARAMVALUE>%s</IMETHODCALL></SIMPLEREQ>
</MESSAGE></CIM>"""
ENVELOPE = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
 xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"><s:Header><a:To>http://x/wsman</a:To>
<a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action><a:MessageID>uuid:1</a:MessageID>
<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address>
</a:ReplyTo><w:ResourceURI>http://schemas.microsoft.com/wbem/wsman/1/wmi/%s/Msvm_Nothing</w:ResourceURI>
%s</s:Header><s:Body/></s:Envelope>"""
WANTED = {"en": "has no class", "fr": "n'a pas de classe", "ru": "нет класса", "zh": "没有类"}
MISSING = {"en": "there is no class", "fr": "il n'y a pas de classe", "ru": "нет класса",
           "zh": "没有类"}
TAGS = {"en": "en-US", "fr": "fr-FR", "ru": "ru-RU", "zh": "zh-CN"}


def post(url, body, content_type, language=None):
    headers = {"Content-Type": content_type}
    if language:
        headers["Accept-Language"] = language
    request = urllib.request.Request(url, body.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.headers.get("Content-Language"), answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.headers.get("Content-Language"), answer.read().decode()


def cimxml(front, operation="EnumerateInstances", name="Msvm_Nothing", namespace=NAMESPACE,
           language=None, more=""):
    parts = "".join('<NAMESPACE NAME="%s"/>' % part for part in namespace.split("/"))
    return post(front.url + "/cimom", CALL % (operation, parts, name, more), "application/xml",
                language)


def wsman(front, header="", namespace=NAMESPACE, language=None):
    return post(front.url + "/wsman", ENVELOPE % (namespace, header),
                "application/soap+xml;charset=UTF-8", language)[1]


def test_cimxml_errors():
    with prepared() as daemon, Front(daemon, "olga") as front:
        for asked, got in ((None, "en"), ("fr", "fr"), ("de, ru;q=0.8, en;q=0.5", "ru"),
                           ("zh-CN", "zh"), ("de", "en")):
            tag, text = cimxml(front, language=asked)
            assert MISSING[got] in text and "<ERROR CODE=" in text, (asked, text)
            assert tag == (None if got == "en" else TAGS[got]), (asked, tag)
        for sub, got in (("MS_409", "en"), ("ms_40c", "fr"), ("MS_419", "ru"), ("MS_804", "zh")):
            assert MISSING[got] in cimxml(front, namespace=NAMESPACE + "/" + sub)[1], sub


def test_cimxml_classes():
    amended = '<IPARAMVALUE NAME="IncludeQualifiers"><VALUE>TRUE</VALUE></IPARAMVALUE>'
    with prepared() as daemon, Front(daemon, "olga") as front:
        tag, text = cimxml(front, "GetClass", "Msvm_VirtualSystemCollection", language="fr",
                           more=amended)
        assert tag == "fr-FR" and "groupe" in text, text[:2000]
        tag, text = cimxml(front, name="Msvm_VirtualSystemCollection", language="fr")
        assert tag is None and "<ERROR" not in text, tag


def test_wsman_faults():
    with prepared() as daemon, Front(daemon, "olga") as front:
        for tag, got in (("fr-FR", "fr"), ("ru-RU", "ru"), ("zh-CN", "zh"), ("de-DE", "en")):
            text = wsman(front, '<w:Locale xml:lang="%s" s:mustUnderstand="false"/>' % tag)
            reason = re.search(r'<s:Text xml:lang="([^"]*)">([^<]*)', text)
            assert reason and reason.group(1) == TAGS[got], text
            assert WANTED[got] in reason.group(2), text
        both = '<w:Locale xml:lang="fr-FR"/><p:DataLocale xml:lang="ru-RU"/>'
        assert WANTED["ru"] in wsman(front, both)
        assert WANTED["fr"] in wsman(front, language="fr")
        assert WANTED["ru"] in wsman(front, '<w:Locale xml:lang="ru-RU"/>', language="fr")


sys.exit(main([test_cimxml_errors, test_cimxml_classes, test_wsman_faults]))
