# SPDX-License-Identifier: BSD-2-Clause
"""5. Start to ready, SIGTERM to exit, memory at rest; 6. the consumer's CPU time."""

import time

from common import Row, Sample, spread
from pair import Loop
from tracers import Output, tap

ATTACH_MAX_MS, DETACH_MAX_MS = 100, 150


class Lifecycle:
    """One plaintap gives all figures of a round."""

    def __init__(self, b):
        self.b = b
        self.last = None

    def attach(self):
        loop = Loop(self.b, 100, 200)
        out = Output(self.b, "jsonl")
        p = tap(self.b, "-p", loop.p.pid, *out.args)
        rss, kernel = p.memory()["VmRSS"], p.kernel_memory()
        start = time.monotonic()
        p.stop()
        detach = time.monotonic() - start
        loop.p.go()
        loop.p.line()
        loop.end()
        out.remove()
        self.last = (detach * 1000, rss / 1e6, kernel / 1e6)
        return Sample(p.attach_seconds * 1000)


def run(b):
    life = Lifecycle(b)
    b.interleave("plaintap itself", "one libssl, -p", "ms", [
        ("start to ready", life.attach),
        ("SIGTERM to exit", lambda: Sample(life.last[0])),
    ])
    for row in b.rows[-2:]:
        if row.variant == "start to ready":
            row.add_target("ms", row_median(row), ATTACH_MAX_MS)
        elif row.variant == "SIGTERM to exit":
            row.add_target("ms", row_median(row), DETACH_MAX_MS)
    if life.last:
        add_memory(b, "at rest, VmRSS", [life.last[1]])
        add_memory(b, "at rest, BPF maps (kernel)", [life.last[2]])


def row_median(row):
    return spread(row.values())["median"]


def add_memory(b, what, values):
    add_row(b, "memory", what, "MB", values)


def add_row(b, case, variant, unit, values):
    if values:
        row = Row("plaintap itself", case, variant, unit)
        row.samples = [Sample(v) for v in values]
        b.rows.append(row)


def add_consumer_costs(b):
    """From the samples of the rows that are there: call it last."""
    for row in list(b.rows):
        cpu = [s.more for s in row.samples if s.more.get("cpu") is not None]
        if not cpu or not row.variant.startswith("plaintap"):
            continue
        name = "%s %s, %s" % (row.bench, row.case, row.variant[len("plaintap "):])
        add_row(b, "consumer CPU per GB", name, "s",
                [m["cpu"] / (m["bytes"] / 1e9) for m in cpu if m.get("bytes")])
        add_row(b, "consumer CPU per million records", name, "s",
                [m["cpu"] / (m["records"] / 1e6) for m in cpu if m.get("records")])
        add_memory(b, "peak, %s" % name, [m["hwm"] / 1e6 for m in cpu if m.get("hwm")])
