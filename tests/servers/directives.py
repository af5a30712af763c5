"""Which lines of a configuration file a server takes, asked of the running program: rows of src/rules/servers.txt.

A server is started on a file of the line in question and one more that every server refuses. It complains of the
first that it does not take, with its number, and never gets as far as serving.
"""

import concurrent.futures
import pathlib
import re
import subprocess
import tempfile

# Known to every server, and no server takes this value.
STOP = "maxmemory no-size"
COUNT = re.compile(r"wrong number of arguments|Bad directive", re.I)

# What no CONFIG GET * lists: lines that are no settings, and settings that are hidden.
BESIDE = """include rename-command user loadmodule sentinel list-max-ziplist-entries list-max-ziplist-value
aof-disable-auto-gc cluster-message-gossip-perc cluster-ping-interval cluster-slot-migration-max-archived-tasks
cluster-slot-migration-sync-buffer-drain-timeout debug-context enable-debug-assert events-per-io-thread hash-seed
io-threads-always-active key-load-delay lazyexpire-nested-arbitrary-keys loading-process-events-interval-bytes
lua-enable-deprecated-api lua-enable-insecure-api min-io-threads-avoid-copy-reply min-string-size-avoid-copy-reply
min-string-size-avoid-copy-reply-threaded rdb-key-save-delay repl-rdb-channel use-exit-on-panic""".split()

# Of these only the number of words is asked.
LINES = ("include", "rename-command", "user", "loadmodule", "list-max-ziplist-entries", "list-max-ziplist-value")

MOST_WORDS = 8
MOST_ADDRESSES = 16

CLASSES = "normal slave replica pubsub master".split()

# Words that may be rules of a user, and signs behind which something of the user's own stands.
RULES = """on off nopass resetpass reset allkeys resetkeys allchannels resetchannels allcommands nocommands
sanitize-payload skip-sanitize-payload clearselectors alldbs resetdbs db=1""".split()
SIGNS = {">": ">x", "#": "#" + "a" * 64, "<": "<x", "!": "!" + "a" * 64, "~": "~x", "&": "&*", "+": "+get", "-": "-get",
         "%": "%R~x", "(": "(+get)"}


class Asked:
    """One server, asked about lines."""

    def __init__(self, program):
        self.program = program
        unknown, dotted = self.why("no-such-line 1"), self.why("no.such 1")
        self.unknown = "any" if unknown is None else "dotted" if dotted is None else "refused"

    def run(self, text):
        with tempfile.TemporaryDirectory(prefix="aofkit-lines-") as scratch:
            path = pathlib.Path(scratch) / "conf"
            path.write_text(text)
            done = subprocess.run([str(self.program), str(path)], cwd=scratch, capture_output=True, timeout=20,
                                  stdin=subprocess.DEVNULL, check=False)
            return (done.stdout + done.stderr).decode(errors="replace")

    def why(self, line):
        """Why the line is refused; None when it is taken, or left for modules."""
        said = self.run(f"{line}\n{STOP}\n")
        told = re.search(r"at line (\d+)\n>>> '[^\n]*'\n([^\n]*)", said)
        if told:
            return None if int(told[1]) > 1 else told[2].strip()
        return said.strip().split("\n")[-1]

    def is_left_over(self, line):
        """Whether a server that leaves what it does not know for modules has left this line."""
        if self.unknown != "any":
            return False
        said = self.run(f"port 0\n{line}\nno-such-line 1\n")
        return f">>> '{line}'" in said

    def takes_count(self, name, count):
        line = " ".join([name] + ["x"] * count)
        why = self.why(line)
        return not (why and COUNT.search(why)) and not (why is None and self.is_left_over(line))

    def counts(self, name):
        """So many words, from the fewest to the most; `-` for no end."""
        taken = [count for count in range(MOST_WORDS + 1) if self.takes_count(name, count)]
        if not taken:
            return None
        if taken[-1] < MOST_WORDS:
            return f"{taken[0]} {taken[-1]}"
        # Addresses to listen on have an end further on, which has a complaint of its own.
        is_limited = "Too many" in (self.why(" ".join([name] + ["x"] * (MOST_ADDRESSES + 1))) or "")
        return f"{taken[0]} {MOST_ADDRESSES if is_limited else '-'}"

    def form(self, name):
        """How its values are read; None where there is no such line."""
        if name == "sentinel":
            return "refused"
        if name in LINES:
            meaning = self.by_meaning(name)
            if meaning:
                return meaning
            counts = self.counts(name)
            return counts and f"words {counts}"
        why = self.why(f"{name} -x")
        if why is None and self.is_left_over(f"{name} -x"):
            return None
        if why is not None and "Bad directive" in why and not self.counts(name):
            return None
        return self.by_complaint(name, why or "") or self.by_words(name)

    def by_complaint(self, name, why):
        if "'yes' or 'no'" in why:
            return "yes-no"
        if "into an integer" in why:
            return "number " + self.bounds(name, str(-(1 << 63)), str((1 << 63) - 1))
        if "memory or percent" in why:
            return "memory-or-percent"
        if "memory value" in why:
            return "memory " + self.bounds(name, "0", str((1 << 64) - 1))
        if "octal" in why:
            return "octal " + self.bounds(name, "0", "7" * 20)
        if "one of the following" in why:
            values = why.split("following:")[1].strip().rstrip(".").split(", ")
            several = self.why(f"{name} {values[0]} {values[0]}")
            return ("one-of " if several and COUNT.search(several) else "some-of ") + "|".join(values)
        if "event class" in why:
            fit = [chr(c) for c in range(33, 127) if chr(c) not in "\"'#\\" and not self.why(f"{name} {chr(c)}")]
            return "letters " + "".join(fit)
        if "save param" in why:
            return "points" if self.why(f"{name} 1") else "loose-points"
        return None

    def large_sizes(self):
        """What a size is taken for whose digits are beyond 64 bits."""
        if "memory value" in (self.why(f"maxmemory {1 << 64}") or ""):
            return "refused"
        return "signed" if "memory value" in (self.why(f"maxmemory {1 << 64}kb") or "") else "largest"

    def bounds(self, name, least, most):
        """Least and most, as the complaints tell them."""
        for value in (least, most):
            why = self.why(f"{name} {value}") or ""
            told = re.search(r"between (-?\w+) and (-?\w+) inclusive", why)
            if told:
                return f"{told[1]} {told[2]}"
            told = re.search(r"greater or equal to (-?\w+)", why)
            if told:
                # Refused at the top, too: it is signed.
                return f"{told[1]} {(1 << 63) - 1 if value == most else most}"
        return f"{least} {most}"

    def by_meaning(self, name):
        """Lines of several words that mean different things."""
        takes = lambda words: self.why(f"{name} {words}") is None
        if name in ("replicaof", "slaveof") and takes("h 65535") and takes("no one") and not takes("h 65536"):
            return "address"
        if name == "oom-score-adj-values":
            told = re.search(r"between (-?\d+) and (-?\d+)", self.why(f"{name} x x x") or "")
            return told and f"numbers {self.counts(name).split(' ')[0]} {told[1]} {told[2]}"
        if name == "latency-tracking-info-percentiles":
            told = re.search(r"between \[([\d.]+),([\d.]+)\]", self.why(f"{name} -1") or "")
            return told and f"percentages {told[1]} {told[2]}"
        if name == "client-output-buffer-limit":
            classes = "|".join(word for word in CLASSES if takes(f"{word} 0 0 0"))
            return f"buffer-limits {classes}" if takes("normal 0 0 0 pubsub 0 0 0") else f"buffer-limit {classes}"
        if name == "user":
            words = [word for word in RULES if takes(f"x {word}")]
            signs = [sign for sign, rule in SIGNS.items() if "Syntax" not in (self.why(f"{name} x {rule}") or "")]
            return f"acl {''.join(signs)} {'|'.join(word.replace('=1', '=') for word in words)}"
        return None

    def by_words(self, name):
        meaning = self.by_meaning(name)
        if meaning:
            return meaning
        counts = self.counts(name)
        if counts != "1 1":
            return counts and f"words {counts}"
        is_name = self.why(f"{name} x") is None and self.why(f"{name} x/y") is not None
        if is_name and "no such" in self.why(f"{name} x/y").lower():
            is_name = False
        is_filled = self.why(f'{name} ""') is not None
        return ("filled-" if is_filled else "") + ("name" if is_name else "text")


def rows(program, listed, known):
    """The rows of a server: `directive NAME FORM`; `listed` is what its CONFIG GET * answers, `known` what other
    servers have."""
    asked = Asked(program)
    names = sorted(set(listed) | set(BESIDE) | set(known))
    with concurrent.futures.ThreadPoolExecutor(2) as several:
        forms = list(several.map(asked.form, names))
    yield f"unknown-directives {asked.unknown}"
    yield f"single-word {'split' if asked.why('oom-score-adj-values "1 1 1"') is None else 'kept'}"
    yield f"large-sizes {asked.large_sizes()}"
    for name, form in zip(names, forms):
        if form:
            yield f"directive\t{name}\t{form}"
