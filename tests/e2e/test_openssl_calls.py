# SPDX-License-Identifier: BSD-2-Clause
"""The less common ways to call OpenSSL (tls_cells): byte-exact, nothing twice, each connection one."""

from harness import (PROGS, check, check_eq, check_nothing_lost, check_truth, main, of_type, os,
                     read_jsonl, truth_of)

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
])
