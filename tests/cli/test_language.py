#!/usr/bin/python3
"""The command line in the languages of po/: what is said, that tables stay straight, that what scripts read
stays English. LANGUAGE with C.UTF-8 needs no locale to be generated."""
import json
import os
import subprocess
import sys
import tempfile
import unicodedata

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_cairnd import FakeCairnd  # noqa: E402

CAIRN = os.path.abspath(sys.argv[1])
LANGUAGES = ("fr", "ru", "zh_CN")


def cairn(language, *words, socket="/nonexistent/control.sock", locale="C.UTF-8"):
    env = dict(os.environ, CAIRN_SOCKET=socket, LC_ALL=locale, LANGUAGE=language, TZ="UTC")
    return subprocess.run([CAIRN, *words], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", timeout=60, check=False)


def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def test_words():
    wanted = {"fr": "Exporter dans un dossier", "ru": "Экспортировать удерживаемую точку",
              "zh_CN": "导出到文件夹"}
    for language in LANGUAGES:
        assert wanted[language] in cairn(language, "export", "-h").stdout, language


def test_which_language():
    english = cairn("", "export", "-h").stdout
    assert "Export a held point" in english
    assert cairn("fr", "export", "-h", locale="C").stdout == english
    assert cairn("xx", "export", "-h").stdout == english
    assert cairn("xx:ru", "export", "-h").stdout == cairn("ru", "export", "-h").stdout
    assert cairn("fr_CA", "export", "-h").stdout == cairn("fr", "export", "-h").stdout


def test_help_fits():
    """Also Chinese, which has no blanks, and with the same commands and options."""
    for language in LANGUAGES:
        for words in (["help"], ["export", "-h"], ["restore", "-h"], ["vm", "list", "-h"],
                      ["verify", "-h"], ["point", "create", "-h"], ["group", "-h"]):
            text = cairn(language, *words).stdout
            for line in text.splitlines():
                assert width(line) <= 80, (language, line)
            english = cairn("", *words).stdout
            assert [w for w in text.split() if w.startswith("--")].count("--quiet") == \
                [w for w in english.split() if w.startswith("--")].count("--quiet")


def test_errors():
    """Of our own, with arguments, of the client library and of the C library."""
    done = cairn("fr", "group", "lst")
    assert done.returncode == 2 and 'commande inconnue "group lst"' in done.stderr, done
    done = cairn("ru", "group", "list")
    assert done.returncode == 1, done
    assert 'на "/nonexistent/control.sock" не отвечает cairnd' in done.stderr, done
    done = cairn("zh_CN", "job", "list", "--limit=x")
    assert done.returncode == 2 and '--limit：' in done.stderr and '"x"' in done.stderr, done


def check_daemon(socket):
    for language in LANGUAGES:
        done = cairn(language, "vm", "list", socket=socket)
        assert done.returncode == 0, done
        rows = done.stdout.splitlines()
        assert "running" not in done.stdout and "NAME" not in rows[0], done.stdout
        # the last column begins in the same cell everywhere
        starts = {width(row[:row.index("vda")]) for row in rows if "vda" in row}
        assert len(starts) == 1, done.stdout
        english = cairn("", "vm", "list", "--json", socket=socket).stdout
        assert cairn(language, "vm", "list", "--json", socket=socket).stdout == english
        assert json.loads(english)[0]["state"] == "running"
    done = cairn("fr", "group", "show", "none", socket=socket)
    assert done.returncode == 1 and "il n'y a pas de groupe" in done.stderr, done


def main():
    tests = [test_words, test_which_language, test_help_fits, test_errors]
    with tempfile.TemporaryDirectory() as folder:
        daemon = FakeCairnd(folder)
        for test in tests:
            test()
        check_daemon(daemon.path)
        daemon.close()
    print("%d languages" % len(LANGUAGES))


main()
