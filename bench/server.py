# SPDX-License-Identifier: BSD-2-Clause
"""3. nginx as the traced server under h2load: HTTP/1.1, 16 connections, a file of 1 KiB."""

import re

from common import Failed, Missing, Program, Sample, find
from nginx import Nginx
from tracers import FLOOR, Output, floor, note_floor, records_of, tap

BENCH = "nginx, h2load"
CONNECTIONS = 16
FULL_REQUESTS = 40000
RATE_SHARE = 0.5
MEMORY_MAX_MB = 80


class Load:
    def __init__(self, b):
        self.b = b
        self.h2load = find("h2load", "nghttp2-client")
        self.requests = b.scaled(FULL_REQUESTS, 10 * CONNECTIONS)
        self.server = Nginx(b, {"kib": b"x" * 1024}, private=True)

    def requests_per_second(self):
        p = Program(self.b, [self.h2load, "--h1", "-c", CONNECTIONS, "-n", self.requests,
                             self.server.url + "/kib"])
        text = p.rest()
        rate = re.search(r"finished in .*?, ([0-9.]+) req/s", text)
        good = re.search(r"(\d+) succeeded", text)
        if not rate or not good or int(good.group(1)) != self.requests:
            raise Failed("h2load: " + text[-500:])
        return float(rate.group(1))

    def untraced(self):
        return Sample(self.requests_per_second())

    def with_floor(self):
        probe = floor(self.b, self.server.library)
        sample = self.untraced()
        probe.stop()
        sample.more.update(link=probe.link, places=probe.places)
        return sample

    def with_tap(self, kind):
        out = Output(self.b, kind)
        pids = [word for pid in self.server.pids() for word in ("-p", pid)]
        p = tap(self.b, *pids, *out.args)
        rate = self.requests_per_second()
        memory = p.memory()
        p.stop()
        seen, summary = self.complete(out) if kind == "jsonl" else (self.in_files(out), None)
        out.remove()
        return Sample(rate, seen / self.requests, cpu=p.cpu_seconds - p.cpu_at_ready,
                      hwm=memory["VmHWM"], records=records_of(summary),
                      bytes=summary["collect"]["bytes"] if summary else None)

    def complete(self, out):
        """Exchanges whose two sides are complete and right, and the summary."""
        cnt, summary = 0, None
        for row in out.rows():
            if row["type"] == "exchange":
                q, a = row["request"], row["response"]
                cnt += bool(q and a and q["complete"] and a["complete"] and
                            a["body_size"] == 1024 and q["path"] == "/kib")
            elif row["type"] == "summary":
                summary = row
        return cnt, summary

    def in_files(self, out):
        """Connections whose both directions have no hole count; of their bytes, the bodies."""
        whole = 0
        for row in out.rows():
            if row["type"] == "connection" and not (row["sent"]["lost_bytes"] or
                                                    row["received"]["lost_bytes"]):
                whole += self.answers(out, row["sent"]["file"])
        return whole

    def answers(self, out, name):
        if not name:
            return 0
        with open(out.path + name, "rb") as f:
            return f.read().count(b"x" * 1024)


def run(b):
    try:
        load = Load(b)
    except (Missing, Failed) as e:
        b.leave_out(BENCH, e)
        return
    try:
        rows = b.interleave(BENCH, "1 KiB file", "req/s", [
            ("untraced", load.untraced),
            (FLOOR, load.with_floor),
            ("plaintap -o FILE.jsonl", lambda: load.with_tap("jsonl")),
            ("plaintap -o DIR/", lambda: load.with_tap("dir")),
        ], better="more")
    finally:
        load.server.end()
    note_floor(rows)
    for row in rows.values():
        if "untraced" in rows and row.variant != "untraced":
            row.set_ratio(rows["untraced"])
            if row.captured():
                add_targets(row)


def add_targets(row):
    row.add_target("requests/s / untraced", row.ratio["median"], RATE_SHARE, most=False)
    row.add_target("complete exchanges", min(row.captured()), 1.0, most=False)
    row.add_target("memory, MB", max(s.more["hwm"] for s in row.samples) / 1e6, MEMORY_MAX_MB)
