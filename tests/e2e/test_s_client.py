# SPDX-License-Identifier: BSD-2-Clause
"""openssl s_client, which also writes 0 bytes, against our own server."""

from harness import (check, check_eq, check_nothing_lost, exchanges, main, need, read_jsonl,
                     signal, subprocess)

REQUEST = b"GET /users/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def argv(server):
    need("openssl")
    return ["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:%d" % server.port]


def check_seen(case):
    rows = read_jsonl(case.path("out.jsonl"))
    check_nothing_lost(rows)
    check_eq([(x["request"]["path"], x["response"]["status"], x["conn"]["role"])
              for x in exchanges(rows)], [("/users/1", 200, "client")], "exchanges")


def test_started(case):
    s = case.server()
    p = case.tap("-o", case.path("out.jsonl"), "--", *argv(s), stdin=subprocess.PIPE)
    p.p.stdin.write(REQUEST)
    p.p.stdin.flush()
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check(b"Ada Lovelace" in p.out(), "s_client got the answer: " + p.err())
    check_seen(case)


def test_attached(case):
    s = case.server()
    client = case.run(argv(s), stdin=subprocess.PIPE, pipe_out=True)
    p = case.tap("-p", client.pid, "-o", case.path("out.jsonl"))
    check(p.ready, "ready: " + p.err())
    client.p.stdin.write(REQUEST)
    client.p.stdin.flush()
    check(b"Ada Lovelace" in client.rest(), "s_client got the answer: " + client.err())
    p.stop(signal.SIGTERM)
    check_eq(p.wait(), 0, "plaintap's exit status")
    check_seen(case)


main([("plaintap -- openssl s_client", test_started), ("-p of an s_client", test_attached)])
