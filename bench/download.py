# SPDX-License-Identifier: BSD-2-Clause
"""2. A large download with curl, traced, from nginx, not traced. Time: curl's own time_total."""

import hashlib
import os

from common import MIB, Failed, Missing, Program, Sample, find
from nginx import Nginx
from tracers import FLOOR, Output, floor, note_floor, records_of, tap

BENCH = "download"
FULL_SIZE = 200 * MIB
WALL_FACTOR = 1.3


class Download:
    """What all variants share."""

    def __init__(self, b):
        self.b = b
        self.curl = find("curl", "curl")
        self.folder, self.library = b.private_library(self.curl)
        self.size = 4 * MIB if b.smoke else FULL_SIZE
        content = bytes(range(256)) * (self.size // 256)
        self.block = content[:MIB]
        self.digest = hashlib.sha256(content).hexdigest()
        self.server = Nginx(b, {"data": content})

    def argv(self, path="/dev/null"):
        return [self.curl, "-sSk", "--noproxy", "*", "--http1.1", "--max-time", "110", "-o", path,
                "-w", "%{time_total} %{size_download}\n", self.server.url + "/data"]

    def took(self, line):
        seconds, size = line.split()
        if int(size) != self.size:
            raise Failed("curl received %s of %d bytes" % (size, self.size))
        return float(seconds) * 1000

    def touch_memory(self):
        """
        As much as the output needs is written to a file, which is removed: in a virtual machine the
        host backs memory when it is first touched, and takes it away again when it is not in use.
        """
        path = self.b.path("touched")
        with open(path, "wb", buffering=0) as f:
            for _ in range(self.size // MIB * 5 // 4):
                f.write(self.block)
        os.unlink(path)

    def untraced(self, path="/dev/null"):
        self.touch_memory()
        p = Program(self.b, self.argv(path), library_dir=self.folder)
        ms = self.took(p.line())
        p.wait()
        return Sample(ms)

    def untraced_into_file(self):
        path = self.b.path("body")
        sample = self.untraced(path)
        os.unlink(path)
        return sample

    def with_floor(self):
        probe = floor(self.b, self.library)
        sample = self.untraced()
        probe.stop()
        sample.more.update(link=probe.link, places=probe.places)
        return sample

    def with_tap(self, kind):
        """As its command, so that its first byte is seen; the time is curl's own."""
        out = Output(self.b, kind)
        self.touch_memory()
        p = tap(self.b, *out.args, "--", *self.argv(), library_dir=self.folder)
        ms = self.took(p.line())
        memory = p.memory()
        p.wait()
        sample = Sample(ms, self.captured(out), cpu=p.cpu_seconds - p.cpu_at_ready,
                        bytes=self.size, hwm=memory.get("VmHWM"), records=records_of(
                            out.last_line() if kind == "jsonl" else None))
        out.remove()
        return sample

    def captured(self, out):
        if out.kind == "dir":
            return self.captured_in_files(out)
        for row in out.rows():
            if row["type"] == "exchange" and row["response"]:
                body = row["response"]
                return (body["body_size"] - body["lost_bytes"]) / self.size
        return 0.0

    def captured_in_files(self, out):
        """All of it only when the digest of the body is right."""
        names = [os.path.join(out.path, n) for n in os.listdir(out.path) if n.endswith(".received")]
        got = max([os.path.getsize(n) for n in names] or [0])
        if got < self.size:
            return got / self.size
        digest = hashlib.sha256()
        with open(max(names, key=os.path.getsize), "rb") as f:
            f.seek(-self.size, os.SEEK_END)
            for piece in iter(lambda: f.read(MIB), b""):
                digest.update(piece)
        if digest.hexdigest() != self.digest:
            raise Failed("the captured bytes are not those that were sent")
        return 1.0


def run(b):
    try:
        d = Download(b)
    except (Missing, Failed) as e:
        b.leave_out(BENCH, e)
        return
    try:
        rows = b.interleave(BENCH, "%d MiB" % (d.size // MIB), "ms", [
            ("untraced", d.untraced),
            ("untraced, curl -o FILE", d.untraced_into_file),
            (FLOOR, d.with_floor),
            ("plaintap -o FILE.jsonl", lambda: d.with_tap("jsonl")),
            ("plaintap -o DIR/", lambda: d.with_tap("dir")),
        ], closely=True)
    finally:
        d.server.end()
    note_floor(rows)
    for row in rows.values():
        if "untraced" in rows and row.variant != "untraced":
            row.set_ratio(rows["untraced"])
            if row.captured():
                row.add_target("wall / untraced", row.ratio["median"], WALL_FACTOR)
                row.add_target("captured", min(row.captured()), 1.0, most=False)
