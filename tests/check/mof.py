"""Reads what our schema uses of MOF (DSP0004, annex A): qualifier and class declarations. Not the
compiler, which is src/cim's; a second, small reader, so that the two can be compared."""
import os
import re

TOKEN = re.compile(r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<number>[-+]?\d+\b)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>[][(){},:;=#$])
""", re.X | re.S)
WORDS = {"true": True, "false": False, "null": None}


class Wrong(Exception):
    """FILE:LINE: what is wrong."""


class Element:
    """A class, property, method or parameter; of a class, `type` is the superclass."""

    def __init__(self, name, kind, qualifiers, where):
        self.name, self.kind, self.qualifiers, self.where = name, kind, qualifiers, where
        self.type = self.default = None
        self.array = False
        self.members = {}


class Reader:
    def __init__(self, path, shown):
        self.shown, self.tokens, self.at = shown, [], 0
        with open(path, encoding="utf-8") as file:
            text = file.read()
        at = line = 0
        while at < len(text):
            match = TOKEN.match(text, at)
            if not match:
                raise Wrong("%s:%d: no MOF" % (shown, line + 1))
            if match.lastgroup != "space":
                self.tokens.append((match.lastgroup, match.group(), line + 1))
            line += match.group().count("\n")
            at = match.end()
        self.tokens.append(("end", "", line + 1))

    def where(self):
        return "%s:%d" % (self.shown, self.tokens[self.at][2])

    def peek(self):
        return self.tokens[self.at][1].lower()

    def take(self, kind):
        if self.tokens[self.at][0] != kind:
            raise Wrong("%s: %s expected, not %s" % (self.where(), kind, self.tokens[self.at][1]))
        self.at += 1
        return self.tokens[self.at - 1][1]

    def accept(self, text):
        if self.peek() != text:
            return False
        self.at += 1
        return True

    def expect(self, text):
        if not self.accept(text):
            raise Wrong("%s: %s expected, not %s" % (self.where(), text, self.tokens[self.at][1]))

    def value(self):
        kind = self.tokens[self.at][0]
        if kind == "string":
            text = ""
            while self.tokens[self.at][0] == "string":
                text += re.sub(r"\\(.)", r"\1", self.take("string")[1:-1])
            return text
        if kind == "number":
            return int(self.take("number"))
        word = self.take("word").lower()
        if word not in WORDS:
            raise Wrong("%s: %s is no value" % (self.where(), word))
        return WORDS[word]

    def values(self):
        """After the opening brace."""
        found = []
        while not self.accept("}"):
            found.append(self.value())
            if self.peek() != "}":
                self.expect(",")
        return found

    def qualifiers(self):
        found = {}
        if not self.accept("["):
            return found
        while True:
            name = self.take("word")
            if name in found:
                raise Wrong("%s: %s twice" % (self.where(), name))
            if self.accept("("):
                found[name] = self.value()
                self.expect(")")
            else:
                found[name] = self.values() if self.accept("{") else True
            if self.accept("]"):
                return found
            self.expect(",")

    def typed(self, kind):
        """A property, method or parameter up to its name and brackets."""
        qualifiers, where = self.qualifiers(), self.where()
        typename = self.take("word")
        name = self.take("word")
        if name.upper() == "REF":
            typename, name = typename + " REF", self.take("word")
        element = Element(name, kind, qualifiers, where)
        element.type = typename
        if self.accept("["):
            self.expect("]")
            element.array = True
        return element

    def member(self):
        element = self.typed("property")
        if self.accept("("):
            element.kind = "method"
            while not self.accept(")"):
                parameter = self.typed("parameter")
                element.members[parameter.name] = parameter
                if self.peek() != ")":
                    self.expect(",")
        elif self.accept("="):
            element.default = self.values() if self.accept("{") else self.value()
        self.expect(";")
        return element

    def declaration(self):
        """A class, or the name of a pragma, or None for a qualifier's declaration."""
        if self.accept("#"):
            self.expect("pragma")
            name = self.take("word")
            self.expect("(")
            argument = self.value()
            self.expect(")")
            return name, argument
        if self.accept("qualifier"):
            name = self.take("word")
            while not self.accept(";"):
                self.at += 1
            return "qualifier", name
        qualifiers = self.qualifiers()
        self.expect("class")
        where = self.where()
        element = Element(self.take("word"), "class", qualifiers, where)
        if self.accept(":"):
            element.type = self.take("word")
        self.expect("{")
        while not self.accept("}"):
            member = self.member()
            if member.name in element.members:
                raise Wrong("%s: %s twice" % (member.where, member.name))
            element.members[member.name] = member
        self.expect(";")
        return "class", element


def read(top, name):
    """All declarations of a file and of those it includes: (what, element or text)."""
    reader = Reader(os.path.join(top, name), name)
    found = []
    while reader.tokens[reader.at][0] != "end":
        what, element = reader.declaration()
        if what == "include":
            found += read(top, os.path.join(os.path.dirname(name), element))
        else:
            found.append((what, element))
    return found
