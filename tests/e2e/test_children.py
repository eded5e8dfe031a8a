# SPDX-License-Identifier: BSD-2-Clause
"""--no-children: one process and nobody else, neither watched nor made to pay."""

from harness import (TLS_PAIR, check, check_eq, check_nothing_lost, check_truth, main, os,
                     read_jsonl, truth_of)
from probed_code import bytes_at, call_places, own_libssl


def test_not_in_others(case):
    """The code of a process that is not watched stays as it is: nothing to run into."""
    library, environ = own_libssl(case)
    offsets = call_places(library)
    watched, other = case.pair(environ=environ), case.pair(environ=environ)
    clean = bytes_at(other.pid, library, offsets)
    check_eq(len(clean), len(offsets), "places found in memory")
    flows = case.path("flows") + "/"
    p = case.tap("-p", watched.pid, "--no-children", "-o", flows)
    check(p.ready, "ready: " + p.err())
    check(all(a != b for a, b in zip(bytes_at(watched.pid, library, offsets), clean)),
          "the watched process has the probes")
    check_eq(bytes_at(other.pid, library, offsets), clean, "the other one's code")
    other.go()
    watched.go()
    truth = truth_of(watched.rest())
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_truth(flows, truth)


def test_not_the_child(case, *options):
    """tls_pair --fork: the server side is a child, and none of its bytes are wanted."""
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap_run("--no-children", "-o", flows, "-o", jsonl, *options, "--", TLS_PAIR, "--fork",
                     "--threads", "3", "--size", "100k")
    truth = truth_of(p.out())
    pids = {f.pid for f in truth}
    check(len(pids) > 1, "several processes told their truth")
    seen = {int(n.split(".")[0]) for n in os.listdir(flows) if n != "index.jsonl"}
    check_eq(len(seen), 1, "processes that were seen")
    check_truth(flows, [f for f in truth if f.pid in seen])
    check_nothing_lost(read_jsonl(jsonl))


def test_needs_a_process(case):
    # Taken for the whole machine, it would still be nobody's.
    p = case.tap_run("--no-children", "-c", "pt_nobody", whole_machine=True, status=2)
    check("--no-children" in p.err(), "the option is named: " + p.err())


main([
    ("others do not have the probes", test_not_in_others),
    ("a child is not watched", test_not_the_child),
    ("a child is not watched, multi", lambda c: test_not_the_child(c, "--without", "session")),
    ("a child is not watched, perf",
     lambda c: test_not_the_child(c, "--without", "session,multi")),
    ("--no-children alone", test_needs_a_process),
])
