# SPDX-License-Identifier: BSD-2-Clause
"""Programs that run already: one, two, with children, and in the middle of a connection."""

from harness import (TLS_PAIR, check, check_eq, check_nothing_lost, check_truth, main, read_jsonl,
                     signal, subprocess, truth_of)


def attach(case, *pids):
    args = []
    for pid in pids:
        args += ["-p", pid]
    p = case.tap(*args, "-o", case.path("flows") + "/", "-o", case.path("out.jsonl"))
    check(p.ready, "ready: " + p.err())
    return p


def finish(case, p, truth):
    p.stop(signal.SIGINT)
    check_eq(p.wait(), 0, "plaintap's exit status")
    check_truth(case.path("flows"), truth)
    check_nothing_lost(read_jsonl(case.path("out.jsonl")))


def run_pairs(case, cnt, *args):
    pairs = [case.pair(*args) for _ in range(cnt)]
    p = attach(case, *[pair.pid for pair in pairs])
    truth = []
    for pair in pairs:
        pair.go()
    for pair in pairs:
        truth += truth_of(pair.rest())
    finish(case, p, sorted(truth))


def test_connected(case):
    pair = case.pair("--wait-connected", "--size", "100k")
    p = attach(case, pair.pid)
    pair.go()
    finish(case, p, truth_of(pair.rest()))


def test_only_the_named(case):
    mine, other = case.pair("--size", "10k"), case.pair("--size", "20k")
    p = attach(case, mine.pid)
    other.go()
    other.rest()
    mine.go()
    finish(case, p, truth_of(mine.rest()))


def test_child_program(case):
    """A shell that starts the program later: fork and exec after attaching."""
    shell = case.run(["sh", "-c", "read line; %s --size 50k; exit 0" % TLS_PAIR],
                     stdin=subprocess.PIPE, pipe_out=True)
    p = attach(case, shell.pid)
    shell.p.stdin.write(b"go\n")
    shell.p.stdin.flush()
    finish(case, p, truth_of(shell.rest()))


main([("one process", lambda c: run_pairs(c, 1, "--size", "64k", "--count", "5")),
      ("two processes", lambda c: run_pairs(c, 2, "--size", "64k")),
      ("children by fork", lambda c: run_pairs(c, 1, "--fork", "--threads", "3")),
      ("between handshake and first byte", test_connected),
      ("nobody but the named", test_only_the_named),
      ("a program that a traced shell starts", test_child_program)])
