# SPDX-License-Identifier: BSD-2-Clause
"""
4b. What the rest of the machine pays while plaintap watches a process and what it may start:
hooks on fork, exec and exit, in the programs' loader, and, while a watched process needs it for its
addresses, on what sockets receive.
"""

from common import MACHINE_LOOP, Failed, Program, Sample, median
from pair import Loop
from tracers import RECEIVED, Output, tap, tracepoint_floor, wait_settled

BENCH = "rest of the machine"
WATCHING = "another one is traced with its children"
NEEDING = "one is, whose sockets are found by what it receives"
EMPTY = "an empty program at the tracepoint (floor)"
CALLS, RECEIVES, STARTS = 2000000, 2000000, 400
CALL_NS_MAX = 30  # added to a system call, or to one that receives


def one(b, kind, count):
    p = Program(b, [MACHINE_LOOP, kind, count])
    ns = float(p.line())
    p.wait()
    return Sample(ns)


def while_watching(b, kind, count, *options):
    """The traced one has made its calls and rests."""
    watched = Loop(b, 100, 200, *options)
    out = Output(b, "jsonl")
    p = tap(b, "-p", watched.p.pid, *out.args)
    if not options:
        wait_settled(p, False)
    watched.run()
    wait_settled(p, bool(options))
    sample = one(b, kind, count)
    watched.end()
    p.wait()
    out.remove()
    return sample


def beside_empty(b, kind, count):
    try:
        p = tracepoint_floor(b, RECEIVED[0])
    except Failed:
        p = tracepoint_floor(b, RECEIVED[1])
    sample = one(b, kind, count)
    p.stop()
    return sample


def variants_of(b, kind, count):
    found = [("untraced", lambda: one(b, kind, count)),
             (WATCHING, lambda: while_watching(b, kind, count))]
    if kind == "receives":
        found += [(EMPTY, lambda: beside_empty(b, kind, count)),
                  (NEEDING, lambda: while_watching(b, kind, count, "--memory"))]
    return found


def added_ns(rows, name):
    return max(0, median(rows[name].values()) - median(rows["untraced"].values()))


def run(b):
    for kind, case, count in (("calls", "a system call", b.scaled(CALLS, 1000)),
                              ("receives", "recv of 100 bytes", b.scaled(RECEIVES, 100)),
                              ("starts", "/bin/true, start to end", b.scaled(STARTS, 4))):
        rows = b.interleave(BENCH, case, "ns", variants_of(b, kind, count))
        for name in (WATCHING, EMPTY, NEEDING):
            if name in rows and "untraced" in rows:
                rows[name].set_ratio(rows["untraced"])
                rows[name].notes["added_ns"] = round(added_ns(rows, name))
        if kind != "starts" and WATCHING in rows and "untraced" in rows:
            rows[WATCHING].add_target("added ns", added_ns(rows, WATCHING), CALL_NS_MAX)
