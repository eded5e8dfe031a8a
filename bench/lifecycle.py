# SPDX-License-Identifier: BSD-2-Clause
"""5. Start to ready, SIGTERM to exit, memory at rest; 6. the consumer's CPU time."""

import time

from common import Row, Sample, spread
from pair import Loop
from tracers import Output, tap

ATTACH_MAX_MS, DETACH_MAX_MS = 100, 150
IDLE_MAX_PERCENT = 0.5
IDLE_SECONDS = 2
BENCH = "plaintap itself"


class Lifecycle:
    """One plaintap gives all figures of a round."""

    def __init__(self, b):
        self.b = b
        self.detach_ms = self.idle_percent = None
        self.memory = []  # of a round: VmRSS, ring, other maps, in MB

    def attach(self):
        loop = Loop(self.b, 100, 200)
        out = Output(self.b, "jsonl")
        p = tap(self.b, "-p", loop.p.pid, *out.args)
        ring, maps = p.kernel_memory()
        self.memory.append([n / 1e6 for n in (p.memory()["VmRSS"], ring, maps)])
        self.idle_percent = idle_share(p, 0.2 if self.b.smoke else IDLE_SECONDS) * 100
        start = time.monotonic()
        p.stop()
        self.detach_ms = (time.monotonic() - start) * 1000
        loop.p.go()
        loop.p.line()
        loop.end()
        out.remove()
        return Sample(p.attach_seconds * 1000)


def idle_share(p, seconds):
    """Of one CPU. The only sleep here: rest is what is measured."""
    time.sleep(seconds / 10)
    start, cpu = time.monotonic(), p.cpu_so_far()
    time.sleep(seconds)
    return (p.cpu_so_far() - cpu) / (time.monotonic() - start)


def run(b):
    life = Lifecycle(b)
    rows = b.interleave(BENCH, "one libssl, -p", "ms", [
        ("start to ready", life.attach),
        ("SIGTERM to exit", lambda: Sample(life.detach_ms)),
        ("CPU at rest", lambda: Sample(life.idle_percent)),
    ])
    if len(rows) < 3:
        return
    rows["CPU at rest"].unit = "%"
    for name, limit in (("start to ready", ATTACH_MAX_MS), ("SIGTERM to exit", DETACH_MAX_MS),
                        ("CPU at rest", IDLE_MAX_PERCENT)):
        rows[name].add_target(rows[name].unit, row_median(rows[name]), limit)
    for i, name in enumerate(("at rest, VmRSS", "ring buffer (kernel)", "other maps (kernel)")):
        add_memory(b, name, [m[i] for m in life.memory])


def row_median(row):
    return spread(row.values())["median"]


def add_memory(b, what, values):
    add_row(b, "memory", what, "MB", values)


def add_row(b, case, variant, unit, values):
    if values:
        row = Row(BENCH, case, variant, unit)
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
