# SPDX-License-Identifier: BSD-2-Clause
"""
The tracepoint at the end of what receives from sockets, which the whole machine pays for: there
while a watched process needs it for its addresses, from that one's first connection on, and gone
when none does.
"""

import json
import re
import time

from harness import (CURL, PLAINTAP, TLS_PAIR, Failed, Skip, check, check_eq, check_nothing_lost,
                     check_truth, env, libraries_of, main, need, of_type, os, read_jsonl, shutil,
                     signal, subprocess, truth_of)
from own_libraries import blind_whole_machine
from talking import PYTHON, need_python_ssl, talk_argv

TRACEPOINTS = ("sock_recv_length", "tcp_rcv_space_adjust")
NEEDS = r"process (\d+) needs it, for the sockets"  # what -v says
LINGER_SECONDS = 5  # it stays for so long when nobody needs it any more
SHORT_SECONDS = 0.7 * LINGER_SECONDS
LONG_SECONDS = 4 * LINGER_SECONDS

# Each line on stdin is one connection in both directions, with itself, by asyncio.
BY_ASYNCIO = """
import asyncio, json, os, sys
folder = sys.argv[1]
print("READY", flush=True)

async def serve(reader, writer):
    await reader.readexactly(8)
    writer.write(b"answer")
    await writer.drain()
    writer.close()

async def once():
    import ssl
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server)
    port = listener.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
    writer.write(b"question")
    assert await reader.readexactly(6) == b"answer"
    own = writer.get_extra_info("sockname")[1]
    writer.close()
    listener.close()
    return [own, port]

for line in sys.stdin:
    print(json.dumps(asyncio.run(once())), flush=True)
"""


def tracepoints(pid):
    """Those of the above that a process has programs at."""
    found = []
    for fd in os.listdir("/proc/%d/fdinfo" % pid):
        try:
            with open("/proc/%d/fdinfo/%s" % (pid, fd), encoding="ascii") as f:
                name = re.search(r"^tp_name:\s*(\w+)$", f.read(), re.M)
        except FileNotFoundError:  # closed meanwhile
            continue
        if name and name.group(1) in TRACEPOINTS:
            found.append(name.group(1))
    return found


def wait_until(attached, pid, seconds):
    end = time.monotonic() + seconds
    while bool(tracepoints(pid)) != attached:
        check(time.monotonic() < end, "attached is %s within %d s" % (attached, seconds))
        time.sleep(0.02)


def need_holding(case):
    """Elsewhere it is attached all the time."""
    p = case.tap_run("-vv", "-o", case.path("probe.jsonl"), "--", "true")
    if not all("feature %s: yes" % f in p.err() for f in ("loop", "sleep")):
        raise Skip("no thread can be held on this kernel")


class Asker:
    """A program with memory BIOs that makes a connection whenever it is told to."""

    def __init__(self, case, **how):
        need_python_ssl()
        talk_argv(case, "")  # writes the certificate
        self.p = case.run([PYTHON, "-c", BY_ASYNCIO, case.tmp], stdin=subprocess.PIPE, pipe_out=True,
                          **how)
        self.pid = self.p.pid
        check_eq(self.p.line(), "READY", "its first word")
        self.truth = []

    def connect(self):
        self.p.p.stdin.write(b"\n")
        self.p.p.stdin.flush()
        own, port = ("127.0.0.1:%d" % n for n in json.loads(self.p.line()))
        self.truth += [["client", own, port], ["server", port, own]]

    def end(self):
        self.p.p.stdin.close()
        self.p.p.stdin = None
        check_eq(self.p.wait(), 0, "its exit status")


def wait_connected(pid, port):
    """Its own address, once it waits for its input with a connection to that port."""
    end = time.monotonic() + LONG_SECONDS
    while time.monotonic() < end:
        with open("/proc/%d/wchan" % pid, encoding="ascii") as f:
            waits_for_input = "pipe_read" in f.read()
        with open("/proc/net/tcp", encoding="ascii") as f:
            rows = [line.split()[1:4] for line in f]
        own = [a for a, b, state in rows if b == "0100007F:%04X" % port and state == "01"]
        if waits_for_input and own:
            return "127.0.0.1:%d" % int(own[0].partition(":")[2], 16)
        time.sleep(0.02)
    raise Failed("curl is not connected")


def sockets_of(case):
    """Of all connections, as plaintap says."""
    rows = of_type(read_jsonl(case.path("flows") + "/index.jsonl"), "connection")
    return sorted([r["conn"]["role"], r["conn"]["local"], r["conn"]["remote"]] for r in rows)


def outputs(case):
    return ["-v", "-o", case.path("flows") + "/", "-o", case.path("out.jsonl")]


def finish(case, p, truth):
    check_eq(p.wait(), 0, "plaintap's exit status: " + p.err())
    check_nothing_lost(read_jsonl(case.path("out.jsonl")))
    check_eq(sockets_of(case), sorted(truth), "connections")


def test_sockets_only(case):
    need_holding(case)
    pair = case.pair("--size", "10k")
    p = case.tap(*outputs(case), "-p", pair.pid)
    check(tracepoints(p.pid), "attached at first: the program may be in a handshake")
    wait_until(False, p.pid, LONG_SECONDS)
    pair.go()
    truth = truth_of(pair.rest())
    check_eq(p.wait(), 0, "plaintap's exit status")
    check_truth(case.path("flows"), truth)
    check(all(local for _, local, _ in sockets_of(case)), "its sockets are known all the same")
    check_eq(re.findall(NEEDS, p.err()), [], "nobody needs it: " + p.err())


def test_command(case):
    """Not before anybody needs it; and by a program that starts after one that does not."""
    need_holding(case)
    need_python_ssl()
    argv = talk_argv(case, "asyncio")
    sockets = [PYTHON, argv[1], case.tmp, "ipv4"]
    p = case.tap(*outputs(case), "--", "sh", "-c", 'read x; %s; exec %s' % (
        " ".join(sockets), " ".join(argv)), stdin=subprocess.PIPE)
    check_eq(tracepoints(p.pid), [], "attached before anything runs")
    p.p.stdin.write(b"\n")
    p.p.stdin.flush()
    wait_until(True, p.pid, LONG_SECONDS)
    check_eq(p.wait(), 0, "plaintap's exit status: " + p.err())
    truth = [json.loads(line) for line in p.out().splitlines()]
    check_eq(len(truth), 402, "connection objects")
    needing = re.findall(NEEDS, p.err())
    check_eq(needing, [str(truth[-1]["pid"])], "who needed it")
    check_eq(sockets_of(case), sorted([t["role"], t["local"], t["remote"]] for t in truth),
             "connections")


def test_comes_and_goes(case):
    need_holding(case)
    other, asker = case.pair("--size", "1k"), Asker(case)
    p = case.tap(*outputs(case), "-p", other.pid, "-p", asker.pid)
    wait_until(False, p.pid, LONG_SECONDS)
    asker.connect()
    check(tracepoints(p.pid), "attached")
    time_left = time.monotonic() + LINGER_SECONDS + SHORT_SECONDS
    while time.monotonic() < time_left:
        check(tracepoints(p.pid), "stays attached while the process lives")
        time.sleep(0.1)
    asker.connect()
    asker.end()
    wait_until(False, p.pid, LONG_SECONDS)
    other.go()
    other.rest()
    check_eq(p.wait(), 0, "plaintap's exit status: " + p.err())
    found = sockets_of(case)
    check(all(row in found for row in asker.truth), "each connection of the asker has its socket")


def test_from_before(case):
    """A connection that is there already, with a BIO of curl's own: by its first call."""
    need_holding(case)
    need("curl")
    s = case.server()
    # With --max-time curl polls, and does not wait for its input alone.
    curl = case.run(CURL[:CURL.index("--max-time")] + ["-X", "POST", "-T", "-", "-H",
                    "Transfer-Encoding:", "-H", "Content-Length: 5", "-H", "Expect:",
                    s.url + "/echo"], stdin=subprocess.PIPE)
    local = wait_connected(curl.pid, s.port)
    p = case.tap(*outputs(case), "-p", curl.pid)
    wait_until(False, p.pid, LONG_SECONDS)
    curl.p.stdin.write(b"hello")
    curl.p.stdin.flush()
    wait_until(True, p.pid, LONG_SECONDS)
    curl.p.stdin.close()
    curl.p.stdin = None
    check_eq(p.wait(), 0, "plaintap's exit status: " + p.err())
    check_eq(sockets_of(case), [["client", local, "127.0.0.1:%d" % s.port]], "connections")


def test_dlopen(case):
    """A library that nobody has seen before, loaded while the program runs."""
    need_holding(case)
    folder = case.path("lib")
    os.mkdir(folder)
    for name, path in libraries_of(TLS_PAIR):
        if name.startswith(("libssl.", "libcrypto.")):
            shutil.copy(path, folder)
    asker = Asker(case, environ=env(LD_LIBRARY_PATH=folder))
    p = case.tap(*outputs(case), "-p", asker.pid)
    wait_until(False, p.pid, LONG_SECONDS)
    asker.connect()
    check(tracepoints(p.pid), "attached")
    check("probing %s/libssl" % folder in p.err(), "its own library: " + p.err())
    asker.end()
    finish(case, p, asker.truth)


def test_removed(case):
    need_holding(case)
    other, asker = case.pair("--size", "1k"), Asker(case)
    ctl = case.path("ctl")
    p = case.tap("--ctl", ctl, *outputs(case), "-p", other.pid, "-p", asker.pid)
    asker.connect()
    check_eq(case.run([PLAINTAP, "ctl", "--ctl", ctl, "remove-pid", str(asker.pid)]).wait(), 0, "ctl")
    wait_until(False, p.pid, LONG_SECONDS)
    check_eq(case.run([PLAINTAP, "ctl", "--ctl", ctl, "add-pid", str(asker.pid)]).wait(), 0, "ctl")
    check(tracepoints(p.pid), "attached: it may be in a handshake")
    asker.connect()
    other.go()
    other.rest()
    asker.end()
    p.wait()
    found = sockets_of(case)
    check(all(row in found for row in asker.truth), "each connection of the asker has its socket")


def test_whole_machine(case):
    need_holding(case)
    p, environ = blind_whole_machine(case, *outputs(case)[1:])
    with open("/proc/%d/task/%d/children" % (p.pid, p.pid), encoding="ascii") as f:
        inner = int(f.read())
    check(tracepoints(inner), "attached at first")
    wait_until(False, inner, LONG_SECONDS)
    asker = Asker(case, environ=environ)
    asker.connect()
    check(tracepoints(inner), "attached")
    asker.end()
    wait_until(False, inner, LONG_SECONDS)
    p.stop(signal.SIGINT)
    finish(case, p, asker.truth)


def test_no_pause(case):
    """Where nobody may wait it is there all the time."""
    pair = case.pair("--size", "1k")
    p = case.tap("--no-pause", *outputs(case), "-p", pair.pid)
    end = time.monotonic() + LINGER_SECONDS + 1
    while time.monotonic() < end:
        check(tracepoints(p.pid), "attached")
        time.sleep(0.1)
    pair.go()
    pair.rest()
    check_eq(p.wait(), 0, "plaintap's exit status")


main([("a program with sockets does not need it", test_sockets_only),
      ("a command, and what it starts later", test_command),
      ("it comes with who needs it, and goes with it", test_comes_and_goes),
      ("a connection from before, with a BIO of its own", test_from_before),
      ("a library loaded later", test_dlopen),
      ("a process that is removed, and added again", test_removed),
      ("the whole machine", test_whole_machine),
      ("threads may not wait", test_no_pause)])
