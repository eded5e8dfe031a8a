# SPDX-License-Identifier: BSD-2-Clause
"""Many threads and many connections: everything is seen, and nothing is left behind of them."""

import collections
import re

from bpf_maps import entries
from harness import (PROGS, RUN_SECONDS, TLS_PAIR, check, check_eq, check_nothing_lost, flows_in, main, of_type, os,
                     read_jsonl, subprocess, truth_of)

TLS_CELLS = os.path.join(PROGS, "tls_cells")
PAIRS = 10000  # each is two connections
FAILING_THREADS = 20000
BUFFER = "32M"
QUEUE = "4M"  # what may wait for the disk is no part of what is kept of connections
RESIDENT_MAX_KIB = (32 + 16) * 1024


def start(case, *argv):
    """A program that waits for go(), and after its work for the end of its input."""
    p = case.run([argv[0], "--wait"] + list(argv[1:]), stdin=subprocess.PIPE, pipe_out=True)
    check_eq(p.line().split()[0], "READY", "its first word")
    return p


def go(program):
    program.p.stdin.write(b"\n")
    program.p.stdin.flush()


def most_resident_kib(program):
    """The most up to its end, which it waits for."""
    most = 0
    while program.p.poll() is None:
        with open("/proc/%d/status" % program.pid, encoding="ascii") as f:
            found = re.search(r"VmHWM:\s+(\d+) kB", f.read())
        if found:
            most = int(found.group(1))
        try:
            program.p.wait(0.01)
        except subprocess.TimeoutExpired:
            pass
    return most


def work(program):
    """What it says up to DONE."""
    text = []
    while not text or not text[-1].startswith("DONE"):
        text.append(program.p.stdout.readline().decode())
        check(text[-1], "it works to its end: " + program.err())
    return truth_of("".join(text).encode())


def check_same(flows, truth):
    got = collections.Counter(flows_in(flows))
    want = collections.Counter(truth)
    check(got == want, "%d flows, %d of them wrong; %d missing" %
          (sum(got.values()), sum((got - want).values()), sum((want - got).values())))


def test_connections(case, *options):
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    program = start(case, TLS_CELLS, "--stay", "--count", str(PAIRS), "connections")
    p = case.tap("-p", program.pid, "--strict", "--buffer", BUFFER, "--queue", QUEUE, "-o", flows,
                 "-o", jsonl, *options)
    check(p.ready, "ready: " + p.err())
    go(program)
    truth = work(program)
    check_eq(len(truth), 4 * PAIRS, "flows that the program told")
    # The program lives on: what is kept of a connection must have gone with the connection.
    left = entries(p.pid, "conns", "unsent_ends", "calls")
    check_eq(left.get("conns"), 0, "connections left in the kernel")
    check_eq(left.get("unsent_ends"), 0, "ends left in the kernel")
    check(left.get("calls", 0) <= 1, "threads left in the kernel: %s" % left)
    program.p.stdin.close()
    program.p.stdin = None
    resident = most_resident_kib(p)
    check(0 < resident < RESIDENT_MAX_KIB, "%d KiB resident, the buffer included" % resident)
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_same(flows, truth)
    check_nothing_lost(read_jsonl(jsonl))
    rows = of_type(read_jsonl(flows + "index.jsonl"), "connection")
    check_eq(collections.Counter(row["end"] for row in rows), {"freed": 2 * PAIRS}, "ends")


def test_failing_threads(case, *options):
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap("--strict", "-o", flows, "-o", jsonl, *options, "--", TLS_PAIR, "--wait-connected",
                 "--fail-reads", str(FAILING_THREADS), "--count", "50", stdin=subprocess.PIPE,
                 pipe_out=True)
    check_eq(p.line(RUN_SECONDS).split()[0], "READY", "the program's word after the failed reads")
    left = entries(p.pid, "conns", "calls")
    check(left.get("calls", 0) <= 2, "threads left in the kernel: %s" % left)
    check(left["conns"] <= 2, "connections in the kernel: %s" % left)
    go(p)
    truth = truth_of(p.rest())
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_same(flows, truth)
    check_nothing_lost(read_jsonl(jsonl))


main([
    ("20000 connections", test_connections),
    ("20000 connections, two links a probe", lambda c: test_connections(c, "--without", "session")),
    ("20000 threads with a failed read", test_failing_threads),
    ("20000 threads with a failed read, two links a probe",
     lambda c: test_failing_threads(c, "--without", "session")),
])
