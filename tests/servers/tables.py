"""What a server knows and does, asked of the running program: its section of src/rules/servers.txt.

Used by tests/servers/record. COMMAND and COMMAND DOCS say what it knows; how it behaves is seen by starting it
on small files in directories of their own. The form of the table is told at its head.
"""

import pathlib
import random
import re
import struct
import tempfile

import directives

P = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
MULTI = b"*1\r\n$5\r\nMULTI\r\n"
LAST = b"*3\r\n$3\r\nSET\r\n$1\r\nz\r\n$1\r\n9\r\n"
SINGLE = "appendonly.aof"
INCREMENT = "aof/appendonly.aof.1.incr.aof"
BASE = "aof/appendonly.aof.1.base.rdb"
MANIFEST = "aof/appendonly.aof.manifest"

def record(*words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def crc64(data, _table=[]):
    if not _table:
        for n in range(256):
            c = n
            for _ in range(8):
                c = (c >> 1) ^ 0x95AC9329AC4BC9B5 if c & 1 else c >> 1
            _table.append(c)
    crc = 0
    for byte in data:
        crc = _table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def rdb(magic, body=b"\x00\x01k\x01v"):
    version = int(re.sub(rb"\D", b"", magic))
    data = magic + b"\xfe\x00" + body + b"\xff"
    return data + (struct.pack("<Q", crc64(data)) if version >= 5 else b"")


class Tried:
    """What a start on some files came to."""

    def __init__(self, outcome, keys, sizes, log):
        self.outcome, self.keys, self.sizes, self.log = outcome, keys, sizes, log


class Probe:
    def __init__(self, name, server_class):
        self.name, self.server_class = name, server_class
        self.has_manifest = None

    def start(self, files, *options, seconds=10):
        """Starts on these files: `loads`, `refuses` or `dies`, the keys there were, and the sizes afterwards."""
        with tempfile.TemporaryDirectory(prefix="aofkit-probe-", ignore_cleanup_errors=True) as scratch:
            root = pathlib.Path(scratch)
            for name, data in files.items():
                path = root / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
            quiet = ("--always-show-logo", "no", "--crash-log-enabled", "no", "--crash-memcheck-enabled", "no")
            server = self.server_class(self.name, root, *quiet, *options)
            client, keys = None, None
            try:
                client = server.connect(seconds)
                if client is not None:
                    keys = sum(client.dbsizes().values())
            except (TimeoutError, OSError):
                pass
            log = server.log_text()
            code = server.process.poll()
            if client is not None:
                client.close()
                outcome = "loads"
            elif code is None:
                outcome = "hangs"
            elif code == 1 and "BUG REPORT" not in log:
                outcome = "refuses"
            else:
                outcome = "dies"
            sizes = {name: (root / name).stat().st_size if (root / name).exists() else None for name in files}
            server.kill()
            return Tried(outcome, keys, sizes, log)

    def log(self, data, *options, **more):
        """Starts on one file of records."""
        if not self.has_manifest:
            return self.start({SINGLE: data}, *options, **more)
        manifest = b"file appendonly.aof.1.incr.aof seq 1 type i\n"
        return self.start({INCREMENT: data, MANIFEST: manifest}, *options, **more)

    def base(self, data, *options, **more):
        """Starts on a base alone."""
        if not self.has_manifest:
            return self.start({SINGLE: data}, *options, **more)
        manifest = b"file appendonly.aof.1.base.rdb seq 1 type b\n"
        return self.start({BASE: data, MANIFEST: manifest}, *options, **more)

    def manifest(self):
        tried = self.start({INCREMENT: P, MANIFEST: b"file appendonly.aof.1.incr.aof seq 1 type i\n"})
        if tried.keys == 0:
            return "none"
        quoted = b'file "appendonly"".aof.1.incr.aof" seq 1 type i\n'
        tried = self.start({INCREMENT: P, MANIFEST: quoted})
        return "concatenating" if tried.keys == 1 else "strict"

    def arity(self):
        """Whether a command with a wrong number of arguments is refused with a clear error."""
        return "refused" if self.log(P + record("GET", "a", "b")).outcome == "refuses" else "unchecked"

    def open_transaction(self):
        tried = self.log(P + MULTI + LAST + LAST[:-5])
        return "left" if self.only_size(tried) == len(P + MULTI + LAST) else "cut"

    def rdb_before_torn_command(self):
        tried = self.base(rdb(b"REDIS0009") + LAST[:-5])
        return "cut" if self.only_size(tried) == 0 else "kept"

    @staticmethod
    def only_size(tried):
        return next(size for name, size in tried.sizes.items() if not name.endswith("manifest"))

    def allocation(self):
        """Whether an argument length far beyond the memory kills it, or it only reserves addresses."""
        tried = self.log(P + b"*2\r\n$3\r\nGET\r\n$%d\r\nabc" % (1 << 40))
        return "reserves" if tried.outcome == "loads" else "asks"

    def values(self):
        """Which packed values it opens by itself: none, those it makes listpacks of, or all."""
        def refuses(number, packed):
            body = bytes([number]) + b"\x01k" + bytes([len(packed)]) + packed
            return self.base(rdb(b"REDIS0009" if number < 16 else b"REDIS0010", body)).outcome != "loads"
        # Headers that announce five entries; there are two.
        ziplist = struct.pack("<IIH", 17, 13, 5) + b"\x00\x01a\x03\x01b\xff"
        listpack = struct.pack("<IH", 13, 5) + b"\x81a\x02\x81b\x02\xff"
        if not refuses(13, ziplist):
            return "trusts"
        return "opens" if refuses(16, listpack) else "converts"

    def restore(self):
        payload = b"\x00\x01v" + struct.pack("<H", 9) + bytes(8)
        return "unsummed" if self.log(P + record(b"RESTORE", b"r", b"0", payload)).keys == 2 else "checked"

    def rdb_versions(self, magic, numbers, *options):
        def reads(number):
            return self.base(rdb(magic % number), *options).keys == 1
        return ranges([n for n in numbers if reads(n)])

    def numbers(self, magic):
        """Which numbers of types and opcodes it has heard of: NULs follow them, which all understand in some way."""
        def is_heard(number):
            tried = self.base(magic + b"\xfe\x00" + bytes([number]) + bytes(4096))
            if re.search(rf"Unknown RDB encoding type {number}\b|type or opcode {number}\b", tried.log):
                return False
            # Redis 8.6 says nothing of a number it has not heard of, only that the file ended too early.
            common = r"overcommit|Short read or OOM|Internal error in RDB|Error reading the RDB"
            warnings = [line for line in tried.log.splitlines() if " # " in line and not re.search(common, line)]
            return tried.outcome != "refuses" or "Unexpected EOF reading RDB" not in tried.log or warnings != []
        return ranges([number for number in range(256) if is_heard(number)])

    def tail_option(self):
        return self.log(P, "--aof-load-corrupt-tail-max-size", "100").outcome == "loads"

    def version_check_option(self):
        return self.log(P, "--rdb-version-check", "relaxed").outcome == "loads"


def ranges(numbers):
    text, numbers = [], sorted(numbers)
    while numbers:
        first = last = numbers.pop(0)
        while numbers and numbers[0] == last + 1:
            last = numbers.pop(0)
        text.append(f"{first}-{last}" if last > first else str(first))
    return ",".join(text) or "none"


# ---- what it knows -------------------------------------------------------------------------------------------

def pairs(reply):
    """A map, which comes as a flat list."""
    return {reply[n]: reply[n + 1] for n in range(0, len(reply), 2)}


def key_spec(reply):
    """`RW,update@1+0/1/0`: flags, where to begin, and range: last, step, limit; or `#index/first/step`."""
    spec = pairs(reply)
    flags = ",".join(flag.decode() for flag in spec[b"flags"])
    begin, find = pairs(spec[b"begin_search"]), pairs(spec[b"find_keys"])
    where, what = pairs(begin[b"spec"] or []), pairs(find[b"spec"] or [])
    if begin[b"type"] == b"unknown" or find[b"type"] == b"unknown":
        return f"{flags}@?"
    if begin[b"type"] == b"keyword":
        start = f"{where[b'keyword'].decode()}:{where[b'startfrom']}"
    else:
        start = str(where[b"index"])
    if find[b"type"] == b"range":
        return f"{flags}@{start}+{what[b'lastkey']}/{what[b'keystep']}/{what[b'limit']}"
    return f"{flags}@{start}#{what[b'keynumidx']}/{what[b'firstkey']}/{what[b'keystep']}"


def oldest_key_spec(first, last, step):
    """What COMMAND says before there were key specs."""
    if first == 0:
        return []
    return [f"@{first}+{last - first if last >= 0 else last}/{step}/0"]


def commands(client):
    """Rows of the table: name, arity, group, since, flags, key specs."""
    docs = {}
    # Redis 6.2 has none.
    if any(reply[0] == b"command" and len(reply) >= 10 for reply in client("COMMAND")):
        for name, doc in pairs(client("COMMAND", "DOCS")).items():
            collect(docs, name, doc)
    rows = []
    for reply in client("COMMAND"):
        rows.extend(command_rows(reply, docs))
    return sorted(rows)


def collect(docs, name, doc):
    doc = pairs(doc)
    docs[name.upper()] = doc
    for sub, inner in pairs(doc.get(b"subcommands", [])).items():
        collect(docs, sub, inner)


def command_rows(reply, docs):
    name = reply[0].upper()
    doc = docs.get(name, {})
    group = doc.get(b"group", b"-").decode()
    since = doc.get(b"since", b"").decode() or "-"
    if not re.fullmatch(r"[0-9.]+", since):
        since = "-"
    # A status is a plain word here as well.
    flags = ",".join(sorted(flag.decode() for flag in reply[2])) or "-"
    if len(reply) >= 10:
        specs, subs = [key_spec(spec) for spec in reply[8]], reply[9]
    else:
        specs, subs = oldest_key_spec(reply[3], reply[4], reply[5]), []
    yield name.decode(), reply[1], group, since, flags, " ".join(specs) or "-"
    for sub in subs:
        yield from command_rows(sub, docs)


# ---- what it does with commands it cannot want ---------------------------------------------------------------

# These end or change the process itself, which is known without a try.
NEVER_TRIED = ("SHUTDOWN", "DEBUG")


def is_never_tried(name):
    """Of PSYNC it is the number of arguments that decides, on every server alike."""
    return name.split("|")[0] in NEVER_TRIED or name == "PSYNC"


def words_of(name, count):
    """A call of so many words, by a name that may have a subcommand."""
    words = name.split("|")
    return words + ["k" if n == 0 else "1" for n in range(count - len(words))]


# A key of the kind that a command of this group works on.
KEYS = {
    "string": record("SET", "k", "1"),
    "bitmap": record("SET", "k", "1"),
    "list": record("RPUSH", "k", "1"),
    "set": record("SADD", "k", "1"),
    "sorted-set": record("ZADD", "k", "1", "1"),
    "geo": record("GEOADD", "k", "1", "1", "1"),
    "hash": record("HSET", "k", "1", "1"),
    "stream": record("XADD", "k", "1-1", "1", "1") + record("XGROUP", "CREATE", "k", "1", "0"),
    "hyperloglog": record("PFADD", "k", "1"),
}


# How often the same log is tried: where a program lies in memory differs from start to start.
TRIES = 3


def traffic(seed):
    """Records of many lengths, as a real log has them: what a server's memory is like behind them is anyone's guess."""
    chance = random.Random(seed)

    def word():
        return chance.choice(["1", str(chance.randrange(1 << 40)), "x" * chance.randrange(70), "a word", "\x00\xff" * 9])

    def one():
        key = f"t{chance.randrange(4)}"
        kind = chance.choice(["SET", "APPEND", "RPUSH", "SADD", "HSET", "ZADD", "INCRBY"])
        if kind in ("SET", "APPEND"):
            return record(kind, "s" + key, word())
        if kind == "INCRBY":
            return record(kind, "i" + key, chance.randrange(1000))
        pairs = [word() for _ in range(2 * chance.randrange(1, 12))]
        if kind == "ZADD":
            pairs[::2] = [chance.randrange(100) for _ in pairs[::2]]
        return record(kind, kind[0] + key, *pairs)
    return b"".join(one() for _ in range(300))


# Logs behind which a short call is tried as well.
TRAFFIC = [traffic(seed) for seed in range(4)]


def goes_on(probe, name, count, group):
    """Whether it goes on loading after so few words, whatever was in its memory before, and whether or not there is
    such a key: what it finds where no argument is must not decide."""
    noise = record("SET", "x" * 100, "y" * 100) * 3 + record("MSET", *["1"] * 10)
    key = KEYS.get(group, KEYS["string"])
    call = record(*words_of(name, count))
    # Calls of three to five words, which leave other things where the fourth and fifth argument would be.
    short = record("SELECT", "0") + record("SET", "a", "1")
    longer = record("SETRANGE", "x", "0", "zz") + record("RPUSH", "y", "1", "2", "3")
    before = (P, P + noise, P + key, P + noise + key, P + short, P + longer + key, P + short + key) * TRIES
    before += tuple(P + some + key for some in TRAFFIC) + tuple(P + some for some in TRAFFIC)
    return all(went_on(probe.log(data + call + LAST)) for data in before)


def few_arguments(probe, rows):
    """`NAME count`: too few words, and yet it goes on loading."""
    found = []
    for name, arity, group, *_ in rows:
        if is_never_tried(name):
            continue
        found += [(name, count) for count in range(len(name.split("|")), abs(arity))
                  if goes_on(probe, name, count, group)]
    return found


def went_on(tried):
    return tried.outcome == "loads" and (tried.keys or 0) > 0


def deadly(probe, rows):
    """Commands that are well formed and stop the loading of a log: it dies, or ends."""
    found = []
    for name, arity, *_ in rows:
        if is_never_tried(name):
            continue
        call = record(*words_of(name, abs(arity)))
        if probe.log(P + call + LAST).outcome == "dies":
            found.append(name)
    return found


def deaths(probe):
    """Calls that no server logs and not every one survives."""
    calls = ["WAIT 1 0", "DEBUG RELOAD"]
    return [call for call in calls if probe.log(P + record(*call.split()) + LAST).outcome in ("dies", "hangs")]


def section(name, version, server_class, program, known):
    """The section of this server, as it stands in the file; `known`: names of directives that others have."""
    probe = Probe(name, server_class)
    manifest = probe.manifest()
    probe.has_manifest = manifest != "none"
    with tempfile.TemporaryDirectory(prefix="aofkit-table-") as scratch:
        server = server_class(name, scratch)
        client = server.connect()
        rows = commands(client)
        listed = [word.decode() for word in pairs(client("CONFIG", "GET", "*"))]
        server.shutdown(client)
    redis = probe.rdb_versions(b"REDIS%04d", range(1, 100))
    valkey = probe.rdb_versions(b"VALKEY%03d", range(1, 100))
    newest = lambda text: int(re.split(r"[,-]", text)[-1])
    lines = [
        f"server {name} {version}",
        f"manifest {manifest}",
        f"annotations {'yes' if probe.log(b'#TS:1700000000' + bytes([13, 10]) + P).outcome == 'loads' else 'no'}",
        f"arity {probe.arity()}",
        f"open-transaction {probe.open_transaction()}",
        f"rdb-before-torn-command {probe.rdb_before_torn_command()}",
        f"allocation {probe.allocation()}",
        f"values {probe.values()}",
        f"restore {probe.restore()}",
        f"rdb redis {redis}",
        f"rdb valkey {valkey}",
    ]
    if probe.version_check_option():
        option = ("--rdb-version-check", "relaxed")
        lines += [
            "option rdb-version-check",
            f"relaxed redis {probe.rdb_versions(b'REDIS%04d', range(1, 100), *option)}",
            f"relaxed valkey {probe.rdb_versions(b'VALKEY%03d', range(1, 100), *option)}",
        ]
    if probe.tail_option():
        lines.append("option aof-load-corrupt-tail-max-size")
    lines.append(f"numbers redis {probe.numbers(b'REDIS%04d' % newest(redis))}")
    if valkey != "none":
        lines.append(f"numbers valkey {probe.numbers(b'VALKEY%03d' % newest(valkey))}")
    for command in deadly(probe, rows):
        lines.append(f"dies {command}")
    lines += [f"dies-of {call}" for call in deaths(probe)]
    if "arity unchecked" in lines:
        for command, count in few_arguments(probe, rows):
            lines.append(f"goes-on {command} {count}")
    for row in rows:
        lines.append("command\t" + "\t".join(str(cell) for cell in row))
    lines += directives.rows(program, listed, known)
    return "\n".join(lines) + "\n"


def known_directives(text):
    """Names that any section has."""
    return {line.split("\t")[1] for line in text.splitlines() if line.startswith("directive\t")}


def replaced(text, name, new):
    """The file with this server's section in its place, or in the order of names and versions."""
    head, *old = re.split(r"(?m)^(?=server )", text)
    sections = {part.split(" ", 2)[1]: part.rstrip("\n") + "\n" for part in old}
    sections[name] = new

    def order(named):
        family, number = named.split("-")
        return family, tuple(int(part) for part in number.split("."))
    return head.rstrip("\n") + "\n\n" + "\n".join(sections[named] for named in sorted(sections, key=order))
