# SPDX-License-Identifier: BSD-2-Clause
"""Python under plaintap: its ssl module knows only the _ex calls."""

from harness import (blocks_bytes, body_in_flow, check_eq, check_nothing_lost, exchanges,
                     hashlib, main, read_jsonl)
from talking import PYTHON, need_python_ssl

SIZE = 5000001

FETCH = """
import ssl, sys, urllib.request
context = ssl._create_unverified_context()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                     urllib.request.HTTPSHandler(context=context))
data = opener.open(sys.argv[1], data=sys.argv[2].encode() if len(sys.argv) > 2 else None).read()
import hashlib
print(hashlib.sha256(data).hexdigest())
"""


def test_get(case):
    need_python_ssl()
    s = case.server()
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap_run("-o", flows, "-o", jsonl, "--", PYTHON, "-c", FETCH,
                     "%s/bytes/%d" % (s.url, SIZE))
    want = hashlib.sha256(blocks_bytes(SIZE)).hexdigest()
    check_eq(p.out().decode().strip(), want, "what python received")
    check_eq(body_in_flow(flows, "received", SIZE), want, "what plaintap saw")
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    check_eq([(x["request"]["method"], x["response"]["status"], x["response"]["body_size"])
              for x in exchanges(rows)], [("GET", 200, SIZE)], "exchanges")


def test_post(case):
    need_python_ssl()
    s = case.server()
    jsonl = case.path("out.jsonl")
    case.tap_run("-o", jsonl, "--", PYTHON, "-c", FETCH, s.url + "/echo", "hello=world")
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    check_eq([(x["request"]["method"], x["request"]["body"], x["response"]["body"])
              for x in exchanges(rows)], [("POST", "hello=world", "hello=world")], "exchanges")


main([("GET of %d bytes, byte-exact" % SIZE, test_get), ("POST", test_post)])
