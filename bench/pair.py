# SPDX-License-Identifier: BSD-2-Clause
"""1. An SSL_write and the SSL_read of the same bytes, over a socket pair in one thread."""

from common import PAIR_LOOP, Failed, Program, Sample, median, spread
from tracers import FLOOR, Output, bpftrace, bpftrace_bytes, floor, note_floor, records_of, tap

BENCH = "call pair"
# Size of a call, rounds of a full run: fewer of the large ones, so that the outputs stay small.
SIZES = [(100, 60000), (1024, 40000), (4096, 16000), (16384, 6000)]
FLOOR_FACTOR = 1.5


def label(size):
    return "%d B" % size if size < 1024 else "%d KiB" % (size // 1024)


class Loop:
    """pair_loop, after its handshake, on its own copy of the library."""

    def __init__(self, b, size, count):
        folder, self.library = b.private_library(PAIR_LOOP)
        self.p = Program(b, [PAIR_LOOP, "--wait", "--size", size, "--count", count],
                         library_dir=folder, stdin=True)
        self.p.line()

    def run(self):
        """Nanoseconds per pair, all bytes that passed the calls."""
        self.p.go()
        words = self.p.line().split()
        return int(words[3]) / int(words[1]), int(words[5])

    def end(self):
        self.p.close_stdin()
        self.p.wait()


def untraced(b, size, count):
    loop = Loop(b, size, count)
    ns, _ = loop.run()
    loop.end()
    return Sample(ns)


def with_floor(b, size, count):
    loop = Loop(b, size, count)
    probe = floor(b, loop.library)
    ns, _ = loop.run()
    loop.end()
    probe.stop()
    return Sample(ns, link=probe.link, places=probe.places)


def with_tap(b, size, count, kind):
    loop = Loop(b, size, count)
    out = Output(b, kind)
    p = tap(b, "-p", loop.p.pid, *out.args)
    ns, truth = loop.run()
    loop.end()
    p.wait()  # the last process it watched has ended
    if kind == "jsonl":
        got, summary = out.data_bytes()
    else:
        got, summary = out.flow_bytes(), None
    out.remove()
    return Sample(ns, got / truth, cpu=p.cpu_seconds - p.cpu_at_ready, bytes=got,
                  records=records_of(summary))


def with_bpftrace(b, size, count):
    loop = Loop(b, size, max(200, count // 10))
    out = b.path("bpftrace")
    p = bpftrace(b, loop.library, out)
    ns, truth = loop.run()
    loop.end()
    got = bpftrace_bytes(p, out)
    if not got:
        raise Failed("bpftrace printed nothing: " + p.err()[-300:])
    return Sample(ns, got / truth)


def add_floor_target(rows):
    """(plaintap - untraced) / (floor - untraced), round by round."""
    traced = rows.get("plaintap -o FILE.jsonl")
    base, empty = rows.get("untraced"), rows.get(FLOOR)
    if not traced or not base or not empty:
        return
    shares = [(t.value - u.value) / (f.value - u.value) for t, u, f in
              zip(traced.samples, base.samples, empty.samples) if f.value > u.value]
    traced.notes["added_by_floor"] = spread(shares)
    if traced.case == label(100):
        traced.add_target("added cost / floor's", median(shares), FLOOR_FACTOR)


def run(b):
    for size, full in SIZES[:1] if b.smoke else SIZES:
        count = b.scaled(full, 200)
        rows = b.interleave(BENCH, label(size), "ns", [
            ("untraced", lambda: untraced(b, size, count)),
            (FLOOR, lambda: with_floor(b, size, count)),
            ("plaintap -o FILE.jsonl", lambda: with_tap(b, size, count, "jsonl")),
            ("plaintap -o DIR/", lambda: with_tap(b, size, count, "dir")),
            ("bpftrace", lambda: with_bpftrace(b, size, count)),
        ])
        for row in rows.values():
            if "untraced" in rows and row.variant != "untraced":
                row.set_ratio(rows["untraced"])
        note_floor(rows)
        add_floor_target(rows)
