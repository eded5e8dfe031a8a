# SPDX-License-Identifier: BSD-2-Clause
"""The less common ways to call OpenSSL (tls_cells): byte-exact, nothing twice, each connection one."""

from harness import (PROGS, blocks_bytes, check, check_eq, check_nothing_lost, check_truth, main, of_type,
                     os, read_jsonl, truth_of)
from holes import check_dir, check_jsonl

TLS_CELLS = os.path.join(PROGS, "tls_cells")


def cell(case, *args, options=()):
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap_run("--strict", "-o", flows, "-o", jsonl, *options, "--", TLS_CELLS, *args)
    truth = truth_of(p.out())
    check_truth(flows, truth)
    check_nothing_lost(read_jsonl(jsonl))
    check_ended(flows)
    return truth


def check_ended(flows):
    """Every connection is over because the program said so, not for want of knowing better."""
    rows = of_type(read_jsonl(flows + "index.jsonl"), "connection")
    check(rows, "connections are listed")
    for row in rows:
        check_eq(row["end"], "freed", "end of " + row["conn"]["id"])


def row(name, *args):
    return name, lambda case: cell(case, *args)


def test_mapped(case, kind):
    cell(case, "--file", case.path("mapped"), kind)


def test_evicted(case, *options):
    """
    Pages that are gone again when the call returns. Where the kernel lets probes wait for them nothing
    is missing; elsewhere it is exactly their bytes, each told.
    """
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap_run("-vv", "--strict", "-o", flows, "-o", jsonl, *options, "--", TLS_CELLS, "--file", case.path("mapped"),
                     "mapped-evicted", status=None)
    size = max(flow.bytes for flow in truth_of(p.out()))
    whole = blocks_bytes(size)
    stream = (size, lambda offset, length: whole[offset:offset + length])
    holes = check_dir(flows, {"sent": stream, "received": stream}, "unreadable")
    check(all(way == "sent" for _, way in holes) and len(holes) <= 1, "only the client's: %s" % holes)
    can_wait = "kernel feature sleep: yes" in p.err()
    check_eq(bool(holes), not can_wait, "bytes are missing")
    check_jsonl(jsonl, {"sent": stream, "received": stream}, holes, "unreadable")
    check_eq(p.wait(), 3 if holes else 0, "exit status: " + p.err())


def exported(name, *args):
    """The same at the exported functions, which call one another in places."""
    return (name + ", exported functions",
            lambda case: cell(case, *args, options=("--placement", "plain")))


main([
    row("BIO_f_ssl", "bio"),
    row("SSL_peek adds nothing", "peek"),
    exported("SSL_peek adds nothing", "peek"),
    row("early data", "early-data"),
    exported("early data", "early-data"),
    row("SSL_clear between connections", "clear"),
    row("negotiated anew", "renegotiation"),
    row("the handshake inside of a read and a write", "implicit"),
    exported("the handshake inside of a read and a write", "implicit"),
    row("written in one thread, read in another", "two-threads"),
    row("children with the parent's connection", "fork"),
    ("a private mapping", lambda c: test_mapped(c, "mapped-private")),
    ("a shared mapping", lambda c: test_mapped(c, "mapped-shared")),
    ("a mapping evicted during the call", test_evicted),
    ("a mapping evicted during the call, two links a probe",
     lambda c: test_evicted(c, "--without", "session")),
    ("a mapping evicted during the call, a link a place",
     lambda c: test_evicted(c, "--without", "session,multi")),
    ("a mapping evicted during the call, slots of fixed size",
     lambda c: test_evicted(c, "--without", "dynptr")),
    ("a mapping evicted during the call, probes that cannot wait",
     lambda c: test_evicted(c, "--without", "sleep")),
])
