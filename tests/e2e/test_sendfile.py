# SPDX-License-Identifier: BSD-2-Clause
"""tls_sendfile under plaintap. Most kernels at hand have no kernel TLS: then SSL_sendfile fails, and
must add nothing. With it (tests/vm has kernels that do) the bytes of the file are what was sent."""

from harness import PROGS, check_nothing_lost, check_truth, main, os, read_jsonl, truth_of

TLS_SENDFILE = os.path.join(PROGS, "tls_sendfile")


def transfer(case, *args, options=()):
    flows = case.path("flows") + "/"
    jsonl = case.path("out.jsonl")
    p = case.tap_run("-o", flows, "-o", jsonl, "--buffer", "64M", *options, "--", TLS_SENDFILE, *args)
    check_truth(flows, truth_of(p.out()))
    check_nothing_lost(read_jsonl(jsonl))


def row(*args, options=()):
    return " ".join(args + options), lambda case: transfer(case, *args, options=options)


main([
    row("--tls", "1.2"),
    row("--tls", "1.3", "--client-sends"),
    row("--after", "close", options=("--without", "session")),
    row("--client-sends", options=("--on-pressure", "slow", "--buffer", "64K")),
    row("--nonblocking", options=("--without", "session,multi,cookie,loop")),
])
