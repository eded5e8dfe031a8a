# SPDX-License-Identifier: BSD-2-Clause
"""tls_pair under plaintap: every size, both APIs, both directions, all the ways a call can go."""

from harness import (TLS_PAIR, Failed, check, check_nothing_lost, check_truth, main, os, read_jsonl,
                     truth_of)

SIZES = ["0", "1", "100", "1k", "4k", "8191", "8k", "16383", "16k", "16385", "17k", "64k", "1M"]


def transfer(case, *args, options=()):
    flows = case.path("flows") + "/"
    jsonl = case.path("out.jsonl")
    p = case.tap_run("-o", flows, "-o", jsonl, *options, "--", TLS_PAIR, *args)
    truth = truth_of(p.out())
    # Without a byte moved there need not be a file; the summary still says that nothing is lost.
    if truth:
        check_truth(flows, truth)
    elif any(os.path.getsize(flows + n) for n in os.listdir(flows) if n != "index.jsonl"):
        raise Failed("bytes where none were sent")
    check(truth or "0" in args, "tls_pair told its truth")
    check_nothing_lost(read_jsonl(jsonl))


def row(name, *args, options=()):
    return name, lambda case: transfer(case, *args, options=options)


# Both ends in one traced process at full speed: here the bytes count, not the speed.
BURST = ("--on-pressure", "slow")

CASES = [row("%s bytes, %s, %s" % (size, api, way), "--size", size, "--api", api, "--dir", way,
             "--count", "3", options=BURST if size == "1M" else ())
         for api in ("plain", "ex") for size in SIZES for way in ("both",)]
CASES += [
    row("client to server only", "--dir", "c2s", "--size", "16k"),
    row("server to client only", "--dir", "s2c", "--size", "16k"),
    row("64 MiB in one call", "--size", "64M", "--dir", "s2c", "--read-size", "64M",
        options=BURST),
    row("64 MiB in one call, client to server", "--size", "64M", "--dir", "c2s", options=BURST),
    row("64 MiB in one call, both ways at once", "--size", "64M", "--api", "ex", options=BURST),
    row("slow: a small buffer, 8 connections", "--threads", "8", "--size", "100k", "--count", "10",
        options=("--on-pressure", "slow", "--buffer", "1M")),
    row("non-blocking with retries", "--nonblocking", "--socketpair", "--size", "256k", "--count", "4"),
    row("non-blocking with retries, ex", "--nonblocking", "--socketpair", "--size", "256k", "--api", "ex"),
    row("partial writes, the buffer moves", "--partial", "--nonblocking", "--socketpair", "--size", "1M"),
    row("partial writes, the buffer moves, ex", "--partial", "--nonblocking", "--socketpair", "--size", "1M", "--api", "ex"),
    row("reads of 112 bytes, 585 of them", "--size", "65520", "--read-size", "112"),
    row("reads of 112 bytes, 585 of them, ex", "--size", "65520", "--read-size", "112", "--api", "ex"),
    row("reads smaller than records", "--size", "100k", "--read-size", "7"),
    row("8 connections at once", "--threads", "8", "--count", "100", "--size", "1k"),
    row("8 connections at once, ex, both ways 1 MiB", "--threads", "8", "--size", "1M", "--api",
        "ex", options=BURST),
    row("64 connections, 1000 calls each", "--threads", "64", "--count", "1000", "--size", "100",
        options=BURST),
    row("64 connections, 1000 calls each, ex", "--threads", "64", "--count", "1000", "--size", "100",
        "--api", "ex", options=BURST),
    row("after 12000 failed reads", "--fail-reads", "12000"),
    row("after 12000 failed reads, ex", "--fail-reads", "12000", "--api", "ex"),
    row("NUL bytes", "--pattern", "nul", "--size", "20000"),
    row("0xff bytes", "--pattern", "ff", "--size", "20000"),
    row("TLS 1.2", "--tls", "1.2", "--size", "100k"),
    row("TLS 1.3", "--tls", "1.3", "--size", "100k"),
    row("TLS 1.2, ex", "--tls", "1.2", "--size", "100k", "--api", "ex"),
    row("a Unix socket pair", "--socketpair", "--size", "100k"),
    row("the server side in a child", "--fork", "--threads", "3", "--size", "100k"),
]

main(CASES)
