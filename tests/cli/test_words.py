#!/usr/bin/python3
"""Help, completion and cairn(1) tell the same commands and options, and help fits 80 columns."""
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_cairnd import FakeCairnd  # noqa: E402

CAIRN = os.path.abspath(sys.argv[1])
TOP = os.path.abspath(sys.argv[2])


def output(*words, socket="/nonexistent/control.sock", status=0):
    env = dict(os.environ, CAIRN_SOCKET=socket, LC_ALL="C.UTF-8")
    done = subprocess.run([CAIRN, *words], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == status, (words, done.returncode, done.stderr)
    return done.stdout


def complete(*words, socket="/nonexistent/control.sock"):
    return output("--complete", *words, socket=socket).split()


def commands():
    for noun in complete(""):
        verbs = complete(noun, "")
        if verbs and verbs != [":files"] and noun != "help":
            for verb in verbs:
                yield [noun, verb]
        else:
            yield [noun]


def helped(words):
    """The own options of a command as its help tells them, {"--name": "-x" or None}, and the
    global ones."""
    text = output(*words, "-h")
    for line in text.splitlines():
        assert len(line) <= 80, line
    own, _, common = text.partition("options of every command:")

    def options(part):
        found = re.findall(r"^  (?:(-\w), |    )(--[a-z-]+)", part, re.M)
        return {name: letter or None for letter, name in found}
    return options(own), options(common)


def manual():
    """The same from the page: {"export": {...}}, and the global ones under ""."""
    pages, current, depth = {"": {}}, "", 0
    with open(os.path.join(TOP, "man/cairn.1"), encoding="utf-8") as stream:
        for line in stream:
            if line.startswith(".Ss") or line.startswith(".Sh"):
                current = "" if current == "" else None
            command = re.match(r"\.It Ic ([a-z]+(?: [a-z]+)?)", line)
            option = re.match(r"\.It (?:Fl (\w) , )?Fl (-[a-z-]+)", line)
            if command:
                current = command.group(1)
                assert current not in pages, "%s is there twice" % current
                pages[current] = {}
            elif option and current is not None:
                letter = option.group(1)
                pages[current]["-" + option.group(2)] = "-" + letter if letter else None
    return pages


def check_manual(all_commands, pages):
    names = [" ".join(words) for words in all_commands]
    assert sorted(names) == sorted(set(pages) - {""}), set(names) ^ set(pages)
    for words in all_commands:
        own, common = helped(words)
        name = " ".join(words)
        assert own == pages[name], "%s: help %r, manual %r" % (name, own, pages[name])
        assert common == pages[""], "help %r, manual %r" % (common, pages[""])
        offered = complete(*words, "--")
        assert sorted(offered) == sorted(list(own) + list(common)), (name, offered)


def check_synopsis(all_commands):
    """The arguments in the page are those of the usage line."""
    with open(os.path.join(TOP, "man/cairn.1"), encoding="utf-8") as stream:
        items = re.findall(r"^\.It Ic ([a-z ]+?)((?: Ar| Op| Cm).*)?$", stream.read(), re.M)
    want = {name.strip(): re.findall(r"[A-Z]{2,}", arguments) for name, arguments in items}
    for words in all_commands:
        usage = output(*words, "-h").splitlines()[0].replace("[OPTION]...", "")
        name = " ".join(words)
        assert re.findall(r"[A-Z]{2,}", usage) == want[name], (name, usage, want[name])


def check_overview(all_commands):
    for text in (output("--help"), output("help"), output("help", "requests")):
        for line in text.splitlines():
            assert len(line) <= 80, line
    for words in all_commands:
        assert re.search(r"^  %s( |$)" % " ".join(words), output("help"), re.M), words


def check_values(socket):
    assert complete("export", "x", "y", "--format", "") == ["qcow2", "raw"]
    assert complete("export", "--format", "r") == ["raw"]
    assert complete("point", "create", "-c", "b") == ["best"]
    assert complete("group", "show", "", socket=socket) == ["web"]
    assert complete("export", "web", socket=socket) == ["web@1", "web@2"]
    assert complete("export", "web@1", "--base", "", socket=socket) == ["web@1", "web@2"]
    assert complete("export", "web@1", "", socket=socket) == [":files"]
    assert complete("group", "create", "n", "d", socket=socket) == ["db"]
    assert complete("group", "add", "web", "db", "a", socket=socket) == ["app-数据"]
    assert complete("schedule", "run", "", socket=socket) == ["nightly", "web"]
    assert complete("job", "watch", "", socket=socket) == ["1", "2", "3"]
    assert complete("export", "--base=web@", socket=socket) == ["--base=web@1", "--base=web@2"]
    assert complete("export", "--format=r") == ["--format=raw"]
    assert complete("--socket", "") == [":files"]
    assert complete("--quiet", "po") == ["point"]
    assert "requests" in complete("help", "")


def check_bash(socket):
    """The script that bash loads gives what the program prints, also where bash breaks words."""
    script = os.path.join(TOP, "packaging/cairn.bash")
    program = r"""
        set -eu
        PATH=$1:$PATH
        . "$2"
        COMP_LINE=$3 COMP_POINT=${#3}
        read -ra COMP_WORDS <<< "$4"
        [ -z "$5" ] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMPREPLY=()
        _cairn
        printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"}
    """

    def offered(line, words, empty=""):
        done = subprocess.run(["bash", "-c", program, "bash", os.path.dirname(CAIRN), script,
                               line, words, empty], stdout=subprocess.PIPE, text=True, check=True,
                              env=dict(os.environ, CAIRN_SOCKET=socket, LC_ALL="C.UTF-8"))
        return done.stdout.split()
    assert "group" in offered("cairn ", "cairn", "1")
    assert offered("cairn gr", "cairn gr") == ["group"]
    assert offered("cairn group sh", "cairn group sh") == ["show"]
    # '@', ':' and '=' break words in bash: only what stands behind the last one is replaced.
    assert offered("cairn export web@", "cairn export web @", "") == ["1", "2"]
    assert offered("cairn export x --base=web@", "cairn export x --base = web @", "") == ["1", "2"]
    assert offered("cairn export web@1 /b --format=q", "cairn export web @ 1 /b --format = q") \
        == ["qcow2"]


def check_examples(daemon):
    """The examples of the page are commands that exist: none may be a usage error."""
    with open(os.path.join(TOP, "man/cairn.1"), encoding="utf-8") as stream:
        text = stream.read().replace("\\e\n", " ")
    daemon.scenario = "empty"
    lines = re.findall(r"^\$ (cairn .*)$", text, re.M)
    env = dict(os.environ, CAIRN_SOCKET=daemon.path, LIBVIRT_DEFAULT_URI="test:///default")
    assert len(lines) >= 9, lines
    for line in lines:
        if "--host" in line:
            continue  # test_remote.py runs those
        words = shlex.split(line.partition("|")[0])
        done = subprocess.run([CAIRN] + words[1:], env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        local = words[1] in ("verify", "restore")  # there is no /backup
        assert done.returncode == (1 if local else 0), (line, done.stdout, done.stderr)


def main():
    all_commands = list(commands())
    assert ["job", "watch"] in all_commands and ["export"] in all_commands, all_commands
    check_overview(all_commands)
    check_manual(all_commands, manual())
    check_synopsis(all_commands)
    with tempfile.TemporaryDirectory() as folder:
        daemon = FakeCairnd(folder)
        check_values(daemon.path)
        check_bash(daemon.path)
        check_examples(daemon)
        daemon.close()
    print("%d commands" % len(all_commands))


main()
