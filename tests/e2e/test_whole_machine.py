# SPDX-License-Identifier: BSD-2-Clause
"""Whole-machine mode, held to libraries of our own (own_libraries.py)."""

from harness import (TLS_PAIR, check, check_eq, check_nothing_lost, check_truth, env, main, os,
                     read_jsonl, shutil, signal, truth_of)
from own_libraries import blind_whole_machine, check_probed_only_below, own_name, whole_machine


def run_pair(case, size, environ, program=TLS_PAIR):
    pair = case.run([program, "--size", size], environ=environ)
    check_eq(pair.wait(), 0, "tls_pair's exit status")
    return truth_of(pair.out())


def finish(case, p, truth):
    p.stop(signal.SIGINT)
    check_eq(p.wait(), 0, "plaintap's exit status")
    check_truth(case.path("flows"), truth)
    check_nothing_lost(read_jsonl(case.path("out.jsonl")))


def start(case):
    return blind_whole_machine(case, "-o", case.path("flows") + "/", "-o", case.path("out.jsonl"))


def test_whole_machine(case):
    p, environ = start(case)
    finish(case, p, run_pair(case, "100k", environ))


def test_long_calls(case):
    """Its threads may be held back, though nobody named the program."""
    program = case.path(own_name("long"))
    shutil.copy(TLS_PAIR, program)
    p, environ = whole_machine(case, "-c", own_name("long"), "-o", case.path("flows") + "/", "-o",
                               case.path("out.jsonl"))
    finish(case, p, run_pair(case, "16M", environ, program))


def test_nobody_else(case):
    """What keeps this test's hands off other programs of the machine: their files are out of reach."""
    p, environ = start(case)
    folder, other = environ["LD_LIBRARY_PATH"], case.path("other")
    shutil.copytree(folder, other)
    run_pair(case, "1k", env(LD_LIBRARY_PATH=other))
    truth = run_pair(case, "1k", environ)
    finish(case, p, truth)
    check_probed_only_below(p, folder)
    check_eq(os.listdir(other), os.listdir(folder), "the same libraries")
    check(" waited for " not in p.err(), "nobody's loader is probed: " + p.err())


main([("libraries from the loader's cache", test_whole_machine),
      ("calls longer than the buffer takes", test_long_calls),
      ("no other program is looked into", test_nobody_else)])
