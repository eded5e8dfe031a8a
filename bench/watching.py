# SPDX-License-Identifier: BSD-2-Clause
"""
4b. What the rest of the machine pays while plaintap watches a process and what it may start:
hooks on fork, exec and exit, on what sockets receive, and in the programs' loader.
"""

from common import MACHINE_LOOP, Program, Sample, median
from pair import Loop
from tracers import Output, tap

BENCH = "rest of the machine"
WATCHING = "another one is traced with its children"
CALLS, RECEIVES, STARTS = 2000000, 2000000, 400
CALL_NS_MAX = 30  # added to a system call, or to one that receives


def one(b, kind, count):
    p = Program(b, [MACHINE_LOOP, kind, count])
    ns = float(p.line())
    p.wait()
    return Sample(ns)


def while_watching(b, kind, count):
    watched = Loop(b, 100, 200)
    out = Output(b, "jsonl")
    p = tap(b, "-p", watched.p.pid, *out.args)
    sample = one(b, kind, count)
    watched.run()
    watched.end()
    p.wait()
    out.remove()
    return sample


def run(b):
    for kind, case, count in (("calls", "a system call", b.scaled(CALLS, 1000)),
                              ("receives", "recv of 100 bytes", b.scaled(RECEIVES, 100)),
                              ("starts", "/bin/true, start to end", b.scaled(STARTS, 4))):
        rows = b.interleave(BENCH, case, "ns", [
            ("untraced", lambda k=kind, c=count: one(b, k, c)),
            (WATCHING, lambda k=kind, c=count: while_watching(b, k, c)),
        ])
        if WATCHING not in rows or "untraced" not in rows:
            continue
        rows[WATCHING].set_ratio(rows["untraced"])
        if kind != "starts":
            added = median(rows[WATCHING].values()) - median(rows["untraced"].values())
            rows[WATCHING].add_target("added ns", max(0, added), CALL_NS_MAX)
