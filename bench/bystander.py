# SPDX-License-Identifier: BSD-2-Clause
"""
4. What a process pays that is not traced, while plaintap traces another one by -p: nothing, as the
probes are in that one alone until it forks. With two traced ones they are in every process that
maps the file.
"""

from common import Sample
from pair import Loop, on_cpu
from tracers import Output, tap, wait_settled

BENCH = "not traced"
TRACED = "another one is traced"
NO_CHILDREN = "another one is traced, --no-children"
TWO = "two others are traced"
SIZE, FULL_ROUNDS = 100, 60000
NOTHING_MEASURABLE = 1.05  # the noise of such runs


def alone(b, count):
    loop = Loop(b, SIZE, count)
    ns, caller, _ = loop.run()
    loop.end()
    return Sample(ns, caller=caller)


def beside_traced_ones(b, count, cnt, *options):
    """All map the same file. The traced ones have made their calls and rest."""
    traced = [Loop(b, SIZE, max(200, count // 10)) for _ in range(cnt)]
    pids = [word for loop in traced for word in ("-p", loop.p.pid)]
    out = Output(b, "jsonl")
    p = tap(b, *pids, *options, *out.args)
    for loop in traced:
        loop.run()
    wait_settled(p, False)
    sample = alone(b, count)
    for loop in traced:
        loop.end()
    p.wait()
    out.remove()
    return sample


def run(b):
    count = b.scaled(FULL_ROUNDS, 200)
    rows = b.interleave(BENCH, "call pair, 100 B", "ns", [
        ("untraced", lambda: alone(b, count)),
        (TRACED, lambda: beside_traced_ones(b, count, 1)),
        (NO_CHILDREN, lambda: beside_traced_ones(b, count, 1, "--no-children")),
        (TWO, lambda: beside_traced_ones(b, count, 2)),
    ])
    twins = on_cpu(rows)
    b.rows += twins.values()
    for them in (rows, twins):
        for name in (TRACED, NO_CHILDREN, TWO):
            if name in them and "untraced" in them:
                them[name].set_ratio(them["untraced"])
        for name in (TRACED, NO_CHILDREN):
            if name in them and them[name].ratio:
                them[name].add_target("time / untraced", them[name].ratio["median"],
                                      NOTHING_MEASURABLE)
