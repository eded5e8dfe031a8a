# SPDX-License-Identifier: BSD-2-Clause
"""
4. What a process pays that is not traced, while plaintap traces another one by -p: with
--no-children nothing; without, children must be seen from their first call on, so the probes are
in every process that maps the file.
"""

from common import Sample
from pair import Loop, on_cpu
from tracers import Output, tap

BENCH = "not traced"
TRACED = "another one is traced, --no-children"
WITH_CHILDREN = "another one is traced with its children"
SIZE, FULL_ROUNDS = 100, 60000
NOTHING_MEASURABLE = 1.05  # the noise of such runs


def alone(b, count):
    loop = Loop(b, SIZE, count)
    ns, caller, _ = loop.run()
    loop.end()
    return Sample(ns, caller=caller)


def beside_a_traced_one(b, count, *options):
    """Both map the same file. The traced one has made its calls and rests."""
    traced = Loop(b, SIZE, max(200, count // 10))
    out = Output(b, "jsonl")
    p = tap(b, "-p", traced.p.pid, *options, *out.args)
    traced.run()
    sample = alone(b, count)
    traced.end()
    p.wait()
    out.remove()
    return sample


def run(b):
    count = b.scaled(FULL_ROUNDS, 200)
    rows = b.interleave(BENCH, "call pair, 100 B", "ns", [
        ("untraced", lambda: alone(b, count)),
        (TRACED, lambda: beside_a_traced_one(b, count, "--no-children")),
        (WITH_CHILDREN, lambda: beside_a_traced_one(b, count)),
    ])
    twins = on_cpu(rows)
    b.rows += twins.values()
    for them in (rows, twins):
        for name in (TRACED, WITH_CHILDREN):
            if name in them and "untraced" in them:
                them[name].set_ratio(them["untraced"])
        if TRACED in them and them[TRACED].ratio:
            them[TRACED].add_target("time / untraced", them[TRACED].ratio["median"],
                                    NOTHING_MEASURABLE)
