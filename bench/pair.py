# SPDX-License-Identifier: BSD-2-Clause
"""1. An SSL_write and the SSL_read of the same bytes, over a socket pair in one thread."""

from common import PAIR_LOOP, Failed, Program, Row, Sample, median, spread
from tracers import (FLOOR, Output, bpftrace, bpftrace_bytes, floor, note_floor, records_of, tap,
                     wait_settled)

BENCH = "call pair"
# Size of a call, rounds of a full run: fewer of the large ones, so that the outputs stay small.
SIZES = [(100, 60000), (1024, 40000), (4096, 16000), (16384, 6000)]
FLOOR_FACTOR = 1.5
YOUNG = "plaintap -o FILE.jsonl, first 5 s"


def label(size):
    return "%d B" % size if size < 1024 else "%d KiB" % (size // 1024)


class Loop:
    """pair_loop, after its handshake, on its own copy of the library."""

    def __init__(self, b, size, count, *options):
        folder, self.library = b.private_library(PAIR_LOOP)
        self.p = Program(b, [PAIR_LOOP, "--wait", "--size", size, "--count", count, *options],
                         library_dir=folder, stdin=True)
        self.p.line()

    def run(self):
        """Nanoseconds per pair, the same on the CPU, all bytes that passed the calls."""
        self.p.go()
        words = self.p.line().split()
        told = dict(zip(words[::2], map(int, words[1::2])))
        return told["NS"] / told["ROUNDS"], told["CPU"] / told["ROUNDS"], told["BYTES"]

    def end(self):
        self.p.close_stdin()
        self.p.wait()


def untraced(b, size, count):
    loop = Loop(b, size, count)
    ns, caller, _ = loop.run()
    loop.end()
    return Sample(ns, caller=caller)


def with_floor(b, size, count):
    loop = Loop(b, size, count)
    probe = floor(b, loop.library)
    ns, caller, _ = loop.run()
    loop.end()
    probe.stop()
    return Sample(ns, caller=caller, link=probe.link, places=probe.places)


def with_tap(b, size, count, kind, settled):
    loop = Loop(b, size, count)
    out = Output(b, kind)
    p = tap(b, "-p", loop.p.pid, *out.args)
    if settled:
        wait_settled(p, False)
    ns, caller, truth = loop.run()
    loop.end()
    p.wait()  # the last process it watched has ended
    if kind == "jsonl":
        got, summary = out.data_bytes()
    else:
        got, summary = out.flow_bytes(), None
    out.remove()
    return Sample(ns, got / truth, caller=caller, cpu=p.cpu_seconds - p.cpu_at_ready,
                  bytes=got, records=records_of(summary))


def with_bpftrace(b, size, count):
    loop = Loop(b, size, max(200, count // 10))
    out = b.path("bpftrace")
    p = bpftrace(b, loop.library, out)
    ns, caller, truth = loop.run()
    loop.end()
    got = bpftrace_bytes(p, out)
    if not got:
        raise Failed("bpftrace printed nothing: " + p.err()[-300:])
    return Sample(ns, got / truth, caller=caller)


def on_cpu(rows):
    """The same rounds by the CPU time of the calling thread: what other load does not disturb."""
    found = {}
    for name, row in rows.items():
        twin = Row(row.bench, row.case + ", CPU time of the caller", name, row.unit)
        twin.samples = [Sample(s.more["caller"], s.captured) for s in row.samples]
        found[name] = twin
    return found


def compare(rows, has_target):
    """To the untraced rounds, and (plaintap - untraced) / (floor - untraced)."""
    base, empty = rows.get("untraced"), rows.get(FLOOR)
    for row in rows.values():
        if base and row is not base:
            row.set_ratio(base)
        if base and empty and row.variant.startswith("plaintap"):
            shares = [(t.value - u.value) / (f.value - u.value) for t, u, f in
                      zip(row.samples, base.samples, empty.samples) if f.value > u.value]
            row.notes["added_by_floor"] = spread(shares)
            if has_target and row.variant != YOUNG:
                row.add_target("added cost / floor's", median(shares), FLOOR_FACTOR)


def run(b):
    for size, full in SIZES[:1] if b.smoke else SIZES:
        count = b.scaled(full, 200)
        has_target = size == SIZES[0][0]
        settled = has_target and not b.smoke
        variants = [
            ("untraced", lambda: untraced(b, size, count)),
            (FLOOR, lambda: with_floor(b, size, count)),
            ("plaintap -o FILE.jsonl", lambda: with_tap(b, size, count, "jsonl", settled)),
            ("plaintap -o DIR/", lambda: with_tap(b, size, count, "dir", settled)),
            ("bpftrace", lambda: with_bpftrace(b, size, count)),
        ]
        if settled:
            variants.insert(-1, (YOUNG, lambda: with_tap(b, size, count, "jsonl", False)))
        rows = b.interleave(BENCH, label(size), "ns", variants, closely=has_target)
        note_floor(rows)
        compare(rows, has_target)
        twins = on_cpu(rows)
        compare(twins, has_target)
        b.rows += twins.values()
