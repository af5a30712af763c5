"""What modules bring to a server, asked of the running program: their sections of src/rules/modules.txt.

Used by tests/servers/record. MODULE LIST and COMMAND say what a module is called and which commands it has; how
its values and what it keeps beside keys are named is read from a base that the server wrote. The form of the
table is told at its head.
"""

import pathlib
import re
import tempfile

import tables

WRITTEN = pathlib.Path(__file__).resolve().parent / "written.txt"
SAMPLES = pathlib.Path(__file__).resolve().parent / "samples.txt"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Base:
    """Just enough of the format to find modules in a base of strings and values of modules."""

    def __init__(self, data):
        self.data, self.at = data, 9
        self.types, self.beside = set(), set()
        while self.entry():
            pass

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def length(self):
        first = self.take(1)[0]
        if first >> 6 == 0:
            return first & 63
        if first >> 6 == 1:
            return (first & 63) << 8 | self.take(1)[0]
        return int.from_bytes(self.take({0x80: 4, 0x81: 8}[first]), "big")

    def string(self):
        first = self.data[self.at]
        if first >> 6 == 3:
            self.take(1)
            if first == 0xC3:
                packed, _ = self.length(), self.length()
                return self.take(packed)
            return self.take({0xC0: 1, 0xC1: 2, 0xC2: 4}[first])
        return self.take(self.length())

    def operations(self):
        read = {1: self.length, 2: self.length, 3: lambda: self.take(4), 4: lambda: self.take(8), 5: self.string}
        operation = self.length()
        while operation:
            read[operation]()
            operation = self.length()

    def identifier(self):
        number = self.length()
        name = "".join(ALPHABET[number >> (58 - 6 * place) & 63] for place in range(9))
        return name, number & 1023

    def entry(self):
        number = self.take(1)[0]
        if number == 0xFF:
            return False
        if number == 0xFA:
            self.string(), self.string()
        elif number == 0xF7:
            self.beside.add(self.identifier())
            self.length(), self.length(), self.operations()
        elif number == 0xFE:
            self.length()
        elif number == 0xFB:
            self.length(), self.length()
        elif number in (0, 7):
            self.string()
            if number == 7:
                self.types.add(self.identifier())
                self.operations()
            else:
                self.string()
        else:
            raise ValueError(f"a base of samples holds {number} before byte {self.at}")
        return True


class Probe(tables.Probe):
    """A server that has loaded a module."""

    def __init__(self, name, server_class, options):
        super().__init__(name, server_class)
        self.options, self.has_manifest = options, True

    def start(self, files, *options, seconds=10):
        return super().start(files, *self.options, *options, seconds=seconds)


def listed(client):
    """Name, version and path of every module that is loaded."""
    for reply in client("MODULE", "LIST"):
        module = tables.pairs(reply)
        yield module[b"name"].decode(), module[b"ver"], pathlib.Path(module.get(b"path", b"").decode()).name


def samples(module):
    for line in SAMPLES.read_text().splitlines():
        name, *words = line.split(" ")
        if name == module:
            yield words


def written_by(server, between):
    """Fills a set with something of every module, with a rewrite or nothing between; the number of keys by database."""
    client = server.connect()
    if client is None:
        raise RuntimeError(server.log_text().splitlines()[-1])
    there = {module for module, _, _ in listed(client)} | {"plain"}
    for line in WRITTEN.read_text().splitlines():
        if line == "after a rewrite":
            between(client)
        module, colon, words = line.partition(": ")
        if colon and module in there:
            client(*words.split(" "))
    sizes = client.dbsizes()
    server.shutdown(client)
    return sizes


def written(client, directory, rewrite):
    """What a base holds that is written now."""
    rewrite(client)
    newest = max((directory / "aof").glob("*.base.rdb"), key=lambda path: path.stat().st_mtime_ns)
    return Base(newest.read_bytes())


def ends_it(probe, rows):
    """Commands that are well formed and stop the loading of a log, with any small number of words."""
    found = []
    for name, *_ in rows:
        calls = (tables.record(*tables.words_of(name, count)) for count in range(len(name.split("|")), 7))
        if any(probe.log(tables.P + call + tables.LAST).outcome in ("dies", "hangs") for call in calls):
            found.append(name)
    return found


def sections(name, version, server_class, library, rewrite):
    """The sections of what a server has with this library, `None`: of what is built into it. By module."""
    options = ("--loadmodule", str(library)) if library else ()
    with tempfile.TemporaryDirectory(prefix="aofkit-module-") as scratch:
        server = server_class(name, scratch, *options)
        client = server.connect()
        every = tables.commands(client)
        found = {}
        for module, number, path in list(listed(client)):
            if bool(path) != bool(library):
                continue
            names = {each.decode().upper() for each in client("COMMAND", "LIST", "FILTERBY", "MODULE", module)}
            names |= {row[0] for row in every if row[0].split("|")[0] in names}
            before = written(client, pathlib.Path(scratch), rewrite)
            for words in samples(module):
                client(*words)
            after = written(client, pathlib.Path(scratch), rewrite)
            rows = [row for row in every if row[0] in names]
            found[module] = section(name, version, (module, number, path), before, after, rows, options, server_class)
        server.shutdown(client)
    return found


def section(name, version, listed_as, before, after, rows, options, server_class):
    module, number, path = listed_as
    lines = [f"module {module} {number} {name} {version}", f"file {path}" if path else "built-in yes"]
    lines += [f"type {kind} {encoding}" for kind, encoding in sorted(before.types | after.types)]
    lines += [f"aux {kind} {encoding}" for kind, encoding in sorted(before.beside | after.beside)]
    # What is built in is asked with its server's own commands.
    if options:
        lines += [f"dies {command}" for command in ends_it(Probe(name, server_class, options), rows)]
    lines += ["command\t" + "\t".join(str(cell) for cell in row) for row in rows]
    return "\n".join(lines) + "\n"


def replaced(text, name, new):
    """The file with these sections of a server, by module, in the place of those it has."""
    head, *old = re.split(r"(?m)^(?=module )", text)
    every = {tuple(part.split(" ", 4)[n] for n in (1, 3)): part.rstrip("\n") + "\n" for part in old}
    every.update({(module, name): section for module, section in new.items()})

    def order(key):
        module, server = key
        family, number = server.split("-")
        return module.lower(), family, tuple(int(part) for part in number.split("."))
    return head.rstrip("\n") + "\n\n" + "\n".join(every[key] for key in sorted(every, key=order))
