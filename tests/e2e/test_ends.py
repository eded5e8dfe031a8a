# SPDX-License-Identifier: BSD-2-Clause
"""How connections end, as plaintap says it, where both ends do what the test knows (ends.py)."""

import re
import signal
import ssl

from harness import (PROGS, TLS_SERVER, Skip, check, check_eq, main, of_type, os, read_jsonl, socket,
                     subprocess)
from nginx import nginx_argv, wait_listening

PYTHON = "/usr/bin/python3"
ENDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "progs", "ends.py")
TLS_CELLS = os.path.join(PROGS, "tls_cells")


def tapped(case, way, **how):
    """ends.py under plaintap; both outputs are then in the folder."""
    if subprocess.run([PYTHON, "-c", "import ssl"], stderr=subprocess.DEVNULL).returncode:
        raise Skip(PYTHON + " has no ssl module")
    subprocess.run([TLS_SERVER, "--write-cert", case.tmp], check=True)
    return case.tap("-o", case.path("flows") + "/", "-o", case.path("out.jsonl"), "--", PYTHON, ENDS,
                    case.tmp, way, **how)


def closes(case):
    """{role: close}, the same in both outputs."""
    rows = of_type(read_jsonl(case.path("flows/index.jsonl")), "connection")
    lines = of_type(read_jsonl(case.path("out.jsonl")), "connection")
    by_role = {}
    check_eq(len(lines), len(rows), "connections in both outputs")
    for row, line in zip(rows, lines):
        for key in ("opened", "closed", "end", "close", "process", "conn"):
            check_eq(line[key], row[key], key + " in both outputs")
        check(row["conn"]["role"] not in by_role, "one connection a role")
        by_role[row["conn"]["role"]] = row["close"]
    return by_role


def said(how, sent=None, received=None, error=None):
    return {"how": how, "notify_sent": sent, "notify_received": received, "socket_error": error}


def ends(name, way, client, server, status=0):
    def test(case):
        p = tapped(case, way)
        check_eq(p.wait(), status, "exit status: " + p.err())
        check_eq(closes(case), {"client": client, "server": server}, "how they ended")
    return name, test


def test_killed(case):
    p = tapped(case, "wait", stdin=subprocess.PIPE, pipe_out=True)
    go(p)
    check_eq(p.line(), "READY", "second word")
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(p.pid)], check=True,
                              stdout=subprocess.PIPE).stdout.split()
    victims = [int(c) for c in children if command(int(c)).startswith(PYTHON)]
    check_eq(len(victims), 1, "children that are ends.py")
    os.kill(victims[0], signal.SIGKILL)
    check_eq(p.wait(), 137, "exit status: " + p.err())
    check_eq(closes(case), {role: said("process_killed") for role in ("client", "server")},
             "how they ended")


def command(pid):
    with open("/proc/%d/cmdline" % pid, encoding="utf-8") as f:
        return f.read().split("\0")[0]


def go(program):
    check_eq(program.line(), "READY", "first word")
    program.p.stdin.write(b"\n")
    program.p.stdin.flush()


def test_open(case):
    subprocess.run([TLS_SERVER, "--write-cert", case.tmp], check=True)
    program = case.run([PYTHON, ENDS, case.tmp, "wait"], stdin=subprocess.PIPE, pipe_out=True)
    p = case.tap("-o", case.path("flows") + "/", "-o", case.path("out.jsonl"), "-p", program.pid)
    go(program)
    check_eq(program.line(), "READY", "second word")
    p.stop()
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_eq(closes(case), {role: said("open") for role in ("client", "server")}, "how they ended")


def test_replaced(case):
    p = case.tap_run("-o", case.path("flows") + "/", "--", TLS_CELLS, "clear")
    rows = of_type(read_jsonl(case.path("flows/index.jsonl")), "connection")
    found = [(row["conn"]["role"], row["close"]) for row in rows]
    # Every other one says its goodbyes before; the server does not wait for the client's.
    for role, received in (("client", True), ("server", False)):
        check_eq([close for who, close in found if who == role],
                 [said("close_notify", True, received), said("replaced", False, False)] * 2
                 + [said("close_notify", True, received)],
                 "how they ended: " + p.err())


def ask(case, request, linger=False):
    """A request to nginx, and then the connection to its end; returns what came."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", case.port)) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as s:
            s.sendall(request)
            got = s.recv(65536)
            if linger:
                s.unwrap()
            else:
                while s.recv(65536):
                    pass
    return got


def test_nginx(case):
    """
    nginx sets itself that it has received a close_notify when it will not wait for one. To a client
    that has sent one it says nothing, in a way in which the library remembers the contrary.
    """
    nginx = case.run(nginx_argv(case, 10))
    wait_listening(case, nginx)
    jsonl = case.path("out.jsonl")
    p = case.tap("-p", nginx.pid, "-o", jsonl)
    check(p.ready, "ready: " + p.err())
    check(b"200 OK" in ask(case, b"GET /data HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "200")
    check(b"200 OK" in ask(case, b"GET /data HTTP/1.1\r\nHost: x\r\n\r\n", linger=True), "200")
    p.stop()
    check_eq(p.wait(), 0, "plaintap's exit status: " + p.err())
    found = [row["close"] for row in of_type(read_jsonl(jsonl), "connection")]
    check_eq(found, [said("close_notify", True, False), said("close_notify", None, True)],
             "how they ended")


def timeouts(name, way):
    """The kernel tells when it gives a connection up since 5.15."""
    test = ends(name, way, said("timeout", False, False, "ETIMEDOUT"), said("freed", False, False))[1]

    def where_it_is_told(case):
        if tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2]) < (5, 15):
            raise Skip("this kernel does not tell of it")
        test(case)
    return name, where_it_is_told


EXITED = said("process_exited")
RESET = said("reset", False, False, "ECONNRESET")
SELF = said("reset_sent", False, False)

main([
    ends("close_notify both ways", "both", said("close_notify", True, True),
         said("close_notify", True, True)),
    ends("close_notify both ways, Unix sockets", "unix-both", said("close_notify", True, True),
         said("close_notify", True, True)),
    ends("close_notify one way", "one", said("close_notify", True, False),
         said("close_notify", False, True)),
    ends("closed without a word", "abrupt", said("freed", False, False), said("eof", False, False)),
    ends("closed without a word, Unix sockets", "unix-abrupt", said("freed", False, False),
         said("eof", False, False)),
    ends("reset", "reset", said("freed", False, False), RESET),
    ends("reset, not looked at", "reset-unread", said("freed", False, False),
         said("reset", False, False, "ECONNRESET")),
    ends("reset, and then the socket is closed", "reset-closed", said("freed", False, False), RESET),
    ends("reset, and memory BIOs", "memory-reset-closed", said("freed", False, False), RESET),
    ends("reset, and the process exits", "reset-exit", said("freed", False, False),
         said("reset", error="ECONNRESET")),
    ends("reset by this side", "reset-self", SELF, RESET),
    ends("closed with unread bytes", "unread", SELF, RESET),
    ends("bytes that nobody can read", "unreadable", SELF,
         said("eof", False, False, "EPIPE")),
    timeouts("timed out", "timeout"),
    timeouts("timed out, and then the socket is closed", "timeout-closed"),
    ends("timed out, not looked at", "timeout-unread", said("timeout", False, False, "ETIMEDOUT"),
         said("freed", False, False)),
    ends("a broken record", "garbage", said("eof", False, False), said("error", False, False)),
    ends("the process exits", "exit", EXITED, EXITED, 3),
    ends("the process exits after the end", "shutdown-exit", EXITED,
         said("close_notify", None, True)),
    ends("the process runs another program", "exec", said("process_executed"),
         said("process_executed")),
    ("the process is killed", test_killed),
    ("still open", test_open),
    ("SSL_clear", test_replaced),
    ("nginx", test_nginx),
])
