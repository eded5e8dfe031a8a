# SPDX-License-Identifier: BSD-2-Clause
"""curl under plaintap against our own server: what HTTP looks like at the end of the pipeline."""

import json

from harness import (CURL, blocks_bytes, body_in_flow, check, check_eq, check_exchange_shape,
                     check_nothing_lost, exchanges, hashlib, main, need, os, read_jsonl,
                     sha256_file)


def curl(case, *args, tap_args=()):
    """Runs curl under plaintap; returns the exchanges."""
    need("curl")
    jsonl = case.path("out.jsonl")
    case.tap_run("-o", jsonl, *tap_args, "--", *CURL, *args)
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    found = exchanges(rows)
    for x in found:
        check_exchange_shape(x)
    return found


def one(found):
    check_eq(len(found), 1, "exchanges")
    return found[0]


def header(message, name):
    return [v for n, v in message["headers"] if n.lower() == name]


def test_json(case):
    s = case.server()
    x = one(curl(case, s.url + "/users/1", "-o", case.path("body")))
    check_eq(x["request"]["method"], "GET", "method")
    check_eq(x["request"]["path"], "/users/1", "path")
    check_eq(x["request"]["host"], "localhost:%d" % s.port, "host")
    check_eq(x["request"]["url"], s.url + "/users/1", "url")
    check_eq(x["http"], "1.1", "http")
    check_eq(x["response"]["status"], 200, "status")
    check_eq(x["response"]["reason"], "OK", "reason")
    check_eq(x["response"]["complete"], True, "complete")
    check_eq(header(x["response"], "content-type"), ["application/json"], "type")
    check_eq(json.loads(x["response"]["body"])["name"], "Ada Lovelace", "body")
    with open(case.path("body"), encoding="utf-8") as f:
        check_eq(x["response"]["body"], f.read(), "body")
    check_eq(x["response"]["body_encoding"], "utf8", "body_encoding")
    check_eq(x["conn"]["role"], "client", "role")
    check_eq(x["process"]["comm"], "curl", "comm")
    check(x["duration_ns"] > 0, "duration")
    check(str(x["conn"]["id"]).startswith("%d." % x["process"]["pid"]), "conn id is <pid>.<n>")
    check("local" in x["conn"] and "remote" in x["conn"], "the addresses have a place")


def test_head(case):
    s = case.server()
    x = one(curl(case, "-I", s.url + "/bytes/1000"))
    check_eq(x["request"]["method"], "HEAD", "method")
    check_eq(x["response"]["body_size"], 0, "body_size")
    check_eq(x["response"]["complete"], True, "complete")


def test_post(case):
    s = case.server()
    x = one(curl(case, "--data-binary", "name=Grace&n=1", s.url + "/echo"))
    check_eq(x["request"]["method"], "POST", "method")
    check_eq(x["request"]["body"], "name=Grace&n=1", "request body")
    check_eq(x["request"]["body_size"], 14, "body_size")
    check_eq(x["response"]["body"], "name=Grace&n=1", "response body")


def test_chunked(case):
    s = case.server()
    x = one(curl(case, s.url + "/bytes/100000?chunked=1&write=777"))
    check_eq(x["response"]["body_size"], 100000, "body_size, without the chunks' frames")
    check_eq(x["response"]["body"], blocks_bytes(100000).decode(), "body")


def test_close_delimited(case):
    s = case.server()
    x = one(curl(case, s.url + "/bytes/50000?close=1"))
    check_eq(x["response"]["body_size"], 50000, "body_size")
    check_eq(x["response"]["complete"], True, "complete")


def test_download(case, query):
    s = case.server()
    size = 64 << 20
    flows, got = case.path("flows") + "/", case.path("got")
    x = one(curl(case, "-o", got, "%s/bytes/%d%s" % (s.url, size, query), tap_args=("-o", flows)))
    want = hashlib.sha256(blocks_bytes(size)).hexdigest()
    check_eq(sha256_file(got), want, "what curl received")
    check_eq(body_in_flow(flows, "received", size), want, "what plaintap saw")
    check_eq(x["response"]["body_size"], size, "body_size")
    check(os.path.exists(flows + "index.jsonl"), "index.jsonl is there")


def test_keep_alive(case):
    s = case.server()
    found = curl(case, s.url + "/users/1", s.url + "/status/404")
    check_eq([x["response"]["status"] for x in found], [200, 404], "statuses in order")
    check_eq(len({x["conn"]["id"] for x in found}), 1, "connections")


def test_no_body(case):
    s = case.server()
    found = curl(case, s.url + "/status/204", s.url + "/status/304", s.url + "/users/1")
    check_eq([x["response"]["status"] for x in found], [204, 304, 200], "statuses")


def test_continue(case):
    s = case.server()
    data, flows = case.path("data"), case.path("flows") + "/"
    size = (1 << 20) + 4321
    with open(data, "wb") as f:
        f.write(blocks_bytes(size))
    x = one(curl(case, "--data-binary", "@" + data, "-H", "Expect: 100-continue", "-o",
                 case.path("got"), s.url + "/continue", tap_args=("-o", flows)))
    check_eq(x["response"]["status"], 200, "the final status, not the 100")
    check_eq(x["request"]["body_size"], size, "request's body_size")
    check_eq(x["response"]["body_size"], size, "response's body_size")
    check_eq(body_in_flow(flows, "sent", size), sha256_file(data), "sent")
    check_eq(body_in_flow(flows, "received", size), sha256_file(data), "received")


def test_stdout_is_the_programs(case):
    need("curl")
    s = case.server()
    p = case.tap_run("-o", case.path("out.jsonl"), "--", *CURL, s.url + "/bytes/160")
    check_eq(p.out(), blocks_bytes(160), "stdout")


def test_terminal(case):
    need("curl")
    s = case.server()
    p = case.tap_run("--color", "never", "--", *CURL, "-o", case.path("body"), s.url + "/users/1")
    text = p.out().decode()
    for word in ("GET", "/users/1", "200", "curl[", "Ada Lovelace", "application/json"):
        check(word in text, "the terminal shows " + word)
    check("\x1b" not in text, "no colour when told never")


main([
    ("a JSON answer, field by field", test_json),
    ("HEAD", test_head),
    ("POST", test_post),
    ("chunked", test_chunked),
    ("ended by close", test_close_delimited),
    ("64 MiB, byte-exact", lambda c: test_download(c, "")),
    ("64 MiB in 1 MiB calls of _ex, byte-exact",
     lambda c: test_download(c, "?write=1M&api=ex")),
    ("keep-alive with two URLs", test_keep_alive),
    ("statuses without a body", test_no_body),
    ("100-continue with more than 1 MiB", test_continue),
    ("stdout is the program's own with -o", test_stdout_is_the_programs),
    ("the terminal's block", test_terminal),
])
