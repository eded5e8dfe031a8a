# SPDX-License-Identifier: BSD-2-Clause
"""4. What a process pays that is not traced, while plaintap traces another one by -p."""

from common import Sample
from pair import Loop
from tracers import Output, tap

BENCH = "not traced"
SIZE, FULL_ROUNDS = 100, 60000
NOTHING_MEASURABLE = 1.05  # the noise of such runs


def alone(b, count):
    loop = Loop(b, SIZE, count)
    ns, _ = loop.run()
    loop.end()
    return Sample(ns)


def beside_a_traced_one(b, count):
    """Both map the same file, so the probes are in both as far as the kernel lets them be."""
    traced = Loop(b, SIZE, count)
    out = Output(b, "jsonl")
    p = tap(b, "-p", traced.p.pid, *out.args)
    sample = alone(b, count)
    traced.p.go()
    traced.p.line()
    traced.end()
    p.wait()
    out.remove()
    return sample


def run(b):
    count = b.scaled(FULL_ROUNDS, 200)
    rows = b.interleave(BENCH, "call pair, 100 B", "ns", [
        ("untraced", lambda: alone(b, count)),
        ("another one is traced", lambda: beside_a_traced_one(b, count)),
    ])
    row = rows.get("another one is traced")
    if row and "untraced" in rows:
        row.set_ratio(rows["untraced"])
        row.add_target("time / untraced", row.ratio["median"], NOTHING_MEASURABLE)
