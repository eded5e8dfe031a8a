# SPDX-License-Identifier: BSD-2-Clause
"""Whole-machine mode, held to libraries of our own (own_libraries.py)."""

from harness import (TLS_PAIR, check_eq, check_nothing_lost, check_truth, main, read_jsonl, signal,
                     truth_of)
from own_libraries import whole_machine


def test_whole_machine(case, size):
    p, environ = whole_machine(case, "-o", case.path("flows") + "/", "-o", case.path("out.jsonl"))
    pair = case.run([TLS_PAIR, "--size", size], environ=environ)
    check_eq(pair.wait(), 0, "tls_pair's exit status")
    p.stop(signal.SIGINT)
    check_eq(p.wait(), 0, "plaintap's exit status")
    check_truth(case.path("flows"), truth_of(pair.out()))
    check_nothing_lost(read_jsonl(case.path("out.jsonl")))


main([("libraries from the loader's cache", lambda c: test_whole_machine(c, "100k")),
      ("calls longer than the buffer takes", lambda c: test_whole_machine(c, "16M"))])
