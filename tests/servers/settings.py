"""What is in force where a configuration says nothing: rows of src/rules/settings.txt, asked of running servers."""

import pathlib
import subprocess
import tempfile
import time

# These depend on where and how the server was started.
OF_THE_PLACE = {"dir", "unixsocket", "pidfile"}

HEAD = """# What each server has in force where its configuration says nothing, as CONFIG GET tells it.
# Written by tests/servers/record --settings. What depends on the place (dir, pidfile, unixsocket) is not here.
#
#   NAME VALUE SERVERS    tabs between; SERVERS: * for all that were asked, else their names with commas between
"""


def asked(program, connect):
    """The settings of a server that was given none. It has a network of its own, where its port is free."""
    with tempfile.TemporaryDirectory(prefix="aofkit-settings-") as scratch:
        path = pathlib.Path(scratch) / "s"
        process = subprocess.Popen(["unshare", "-rn", str(program), "--unixsocket", str(path)], cwd=scratch,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            client = connected(path, connect)
            words = [word.decode() for word in client("CONFIG", "GET", "*")]
            client.close()
        finally:
            process.kill()
            process.wait()
    found = dict(zip(words[::2], words[1::2]))
    return {name: value for name, value in found.items() if name not in OF_THE_PLACE}


def connected(path, connect):
    """A client of a server that is coming up."""
    end = time.time() + 20
    while True:
        try:
            return connect(path)
        except OSError:
            if time.time() > end:
                raise
            time.sleep(0.02)


def table(by_server):
    """The rows of all servers together."""
    rows = {}
    for server, settings in by_server.items():
        for name, value in settings.items():
            rows.setdefault((name, value), []).append(server)
    every = len(by_server)
    lines = [f"{name}\t{value}\t{'*' if len(servers) == every else ','.join(servers)}\n"
             for (name, value), servers in sorted(rows.items())]
    return HEAD + "\n" + "".join(lines)
