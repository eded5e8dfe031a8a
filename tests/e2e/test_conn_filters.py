# SPDX-License-Identifier: BSD-2-Clause
"""--port and --host: connections by the ends of their sockets."""

import json

from harness import (CURL, TLS_PAIR, check, check_eq, check_nothing_lost, check_truth, exchanges,
                     flows_in, free_port, main, of_type, read_jsonl, signal, truth_of)
from talking import need_ipv6, talk_argv


def seen(case, filters, urls, more=()):
    """What is seen of a program that asks for each URL in a process of its own; and the counts."""
    jsonl = case.path("out.jsonl")
    script = "; ".join(" ".join("'%s'" % w for w in CURL + [url]) for url in urls)
    case.tap_run(*more, *filters, "--force", "-o", jsonl, "--", "sh", "-c", script)
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    check(rows[-1]["balanced"], "the counters balance")
    return [x["request"]["url"] for x in exchanges(rows)], rows[-1]


def urls_of(*servers):
    return ["https://127.0.0.1:%d/users/1" % s.port for s in servers]


def test_port(case, *more):
    a, b = case.server(), case.server()
    urls = urls_of(a, b, a, b, b)
    got, summary = seen(case, ["--port", a.port], urls, more)
    check_eq(got, urls_of(a, a), "seen with --port")
    check_eq(summary["kernel"]["conns_filtered"], 3, "filtered")
    check_eq(summary["stream"]["connections"], 2, "connections")
    got, summary = seen(case, ["--exclude-port", a.port], urls, more)
    check_eq(got, urls_of(b, b, b), "seen with --exclude-port")
    check_eq(summary["kernel"]["conns_filtered"], 2, "filtered")
    got, _ = seen(case, ["--port", a.port, "--port", b.port], urls, more)
    check_eq(got, urls, "seen with both")


def test_host(case):
    a = case.server()
    urls = urls_of(a, a)
    for filters, all_in in ((["--host", "127.0.0.0/8"], True), (["--host", "10.0.0.0/8"], False),
                            (["--host", "10.0.0.0/8", "--host", "127.0.0.1"], True),
                            (["--exclude-host", "127.0.0.1"], False),
                            (["--exclude-host", "::/0"], False), (["--host", "::1"], False),
                            (["--host", "127.0.0.1", "--port", str(a.port)], True),
                            (["--host", "127.0.0.1", "--exclude-port", str(a.port)], False)):
        got, summary = seen(case, filters, urls)
        check_eq(got, urls if all_in else [], "seen with %s" % filters)
        check_eq(summary["kernel"]["conns_filtered"], 0 if all_in else 2, "filtered")
        check_eq(summary["stream"]["bytes"] > 0, all_in, "bytes that were passed on")


def check_talk(case, way, filters, all_in):
    """Both ends of talk.py's connection are its own, so both are in, or neither."""
    jsonl = case.path("out.jsonl")
    p = case.tap_run(*filters, "--force", "-o", jsonl, "--", *talk_argv(case, way))
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    check(rows[-1]["balanced"], "the counters balance")
    ends = {(r["conn"]["role"], r["conn"]["local"]) for r in of_type(rows, "data")}
    truth = [json.loads(line) for line in p.out().splitlines()]
    check_eq(len(truth), 2, "ends of a connection")
    check_eq(ends, {(t["role"], t["local"]) for t in truth} if all_in else set(),
             "seen of %s with %s" % (way, filters))
    check_eq(rows[-1]["kernel"]["conns_filtered"], 0 if all_in else 2, "filtered")


def test_ipv6(case):
    need_ipv6()
    for filters, all_in in ((["--host", "::1"], True), (["--host", "::/64"], True),
                            (["--host", "2001:db8::/32"], False), (["--host", "127.0.0.1"], False),
                            (["--exclude-host", "::1"], False),
                            (["--exclude-host", "127.0.0.0/8"], True),
                            (["--host", "::1", "--port", "1"], False),
                            (["--exclude-port", "1"], True)):
        check_talk(case, "ipv6", filters, all_in)


def test_mapped(case):
    """An IPv4 client of a server whose socket takes both: that has ::ffff:127.0.0.1 for a peer."""
    need_ipv6()
    for filters, all_in in ((["--host", "127.0.0.1"], True), (["--host", "127.0.0.0/8"], True),
                            (["--host", "::ffff:127.0.0.1"], True), (["--host", "10.0.0.0/8"], False),
                            (["--host", "::1"], False), (["--exclude-host", "127.0.0.1"], False),
                            (["--exclude-host", "::ffff:127.0.0.0/104"], False),
                            (["--host", "127.0.0.1", "--port", "1"], False)):
        check_talk(case, "mapped", filters, all_in)


def test_kept_out_of_the_check(case):
    """
    Calls on connections that are kept out are not counted, and that is no fault of the places where
    libssl is probed: the check that runs on the server's first calls must not take it for one.
    """
    server, jsonl = case.server(), case.path("out.jsonl")
    p = case.tap("-p", server.pid, "-v", "--port", 1, "-o", jsonl)
    check(p.ready, "ready: " + p.err())
    urls = [server.url + "/users/%d" % (i % 7) for i in range(50)]
    words = [w for url in urls for w in ("-o", "/dev/null", url)]
    check_eq(case.run(CURL + words).wait(), 0, "curl")
    p.stop(signal.SIGINT)
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check("wrong" not in p.err(), "nothing is said of wrong places: " + p.err())
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    check_eq(rows[-1]["kernel"]["conns_filtered"], 1, "connections that were kept out")
    check_eq(rows[-1]["kernel"]["bytes_seen"], 0, "bytes that were counted")
    check_eq(rows[-1]["kernel"]["states_dropped"], 0, "calls that were not followed")


def test_server(case):
    """One process, some of whose connections are wanted: those of a client on that port."""
    server, jsonl = case.server(), case.path("out.jsonl")
    before, out, after = free_port(), free_port(), free_port()
    p = case.tap("-p", server.pid, "-o", jsonl, "--exclude-port", out)
    check(p.ready, "ready: " + p.err())
    for port in (before, out, after):
        c = case.run(CURL + ["--local-port", "%d" % port, server.url + "/users/%d" % (port % 7)])
        check_eq(c.wait(), 0, "curl: " + c.err())
    p.stop(signal.SIGINT)
    check_eq(p.wait(), 0, "exit status: " + p.err())
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    got = [x["conn"]["remote"].rpartition(":")[2] for x in exchanges(rows)]
    check_eq(got, ["%d" % before, "%d" % after], "whose requests were seen")
    check_eq(rows[-1]["kernel"]["conns_filtered"], 1, "filtered")


def test_unknown(case):
    """Unix sockets have neither: wanted ports keep them out, refused ones do not."""
    flows = case.path("flows")
    p = case.tap_run("--port", "443", "-o", flows + "/", "--", TLS_PAIR, "--size", "100k")
    check(truth_of(p.out()), "it has said something")
    check_eq(flows_in(flows), [], "flows")
    check("2 connections filtered out" in p.err(), "the counts tell: " + p.err())
    p = case.tap_run("--exclude-port", "443", "-o", flows + "2/", "--", TLS_PAIR, "--size", "100k")
    check_truth(flows + "2", truth_of(p.out()))


def test_bad_words(case):
    for args, word in ((["--port", "0"], "65535"), (["--port", "65536"], "65536"),
                       (["--exclude-port", "https"], "https"), (["--host", "example.com"], "names"),
                       (["--host", "10.0.0.0/33"], "32"), (["--exclude-host", "::/x"], "::/x")):
        p = case.tap_run(*args, "--", "true", status=2)
        check(word in p.err() and args[0] in p.err(), "%s is named: %s" % (word, p.err()))


main([
    ("by port", test_port),
    ("by port, multi", lambda c: test_port(c, "--without", "session")),
    ("by port, perf", lambda c: test_port(c, "--without", "session,multi")),
    ("by address", test_host),
    ("by address, IPv6", test_ipv6),
    ("by address, IPv4 on a socket for both", test_mapped),
    ("some of a server's", test_server),
    ("places are not blamed for what is kept out", test_kept_out_of_the_check),
    ("ends that are not known", test_unknown),
    ("words that mean nothing", test_bad_words),
])
