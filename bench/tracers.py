# SPDX-License-Identifier: BSD-2-Clause
"""Who watches: nobody, empty probes (the floor), plaintap, bpftrace; and what they captured."""

import json
import os
import select
import shutil
import signal
import subprocess
import time

from common import DEADLINE_SECONDS, EMPTY_PROBE, PLAINTAP, Failed, Program, exported_offsets, find

FLOOR = "empty probes (floor)"
RECEIVED = ("sock_recv_length", "tcp_rcv_space_adjust")  # tracepoints: since 6.3, and before
SETTLE_SECONDS = 30
TLS_CALLS = ("SSL_read", "SSL_write", "SSL_read_ex", "SSL_write_ex")


def tap(b, *args, library_dir=None):
    """plaintap, ready. Has .attach_seconds and .cpu_at_ready."""
    r, w = os.pipe()
    start = time.monotonic()
    try:
        p = Program(b, [PLAINTAP, "--ready-fd", w] + list(args), pass_fds=(w,),
                    library_dir=library_dir)
    finally:
        os.close(w)
    try:
        ready = select.select([r], [], [], DEADLINE_SECONDS)[0] and os.read(r, 1) == b"\n"
        p.attach_seconds = time.monotonic() - start
    finally:
        os.close(r)
    if not ready:
        p.stop(good=None)
        p.fail("was not ready")
    p.cpu_at_ready = p.cpu_so_far()
    return p


def wait_settled(p, looks):
    """plaintap does what it will go on doing: at its start it looks at what everybody receives."""
    end = time.monotonic() + SETTLE_SECONDS
    while bool(p.tracepoints().intersection(RECEIVED)) != looks:
        if time.monotonic() > end:
            raise Failed("plaintap %s at what is received" % ("does not look" if looks else "looks"))
        time.sleep(0.05)


class Output:
    """Where plaintap writes, and what stands there afterwards."""

    def __init__(self, b, kind):
        self.kind = kind
        self.path = b.path("out.jsonl" if kind == "jsonl" else "out/")
        self.args = ["-o", self.path]

    def rows(self):
        path = self.path if self.kind == "jsonl" else os.path.join(self.path, "index.jsonl")
        with open(path, encoding="utf-8") as f:
            for line in f:
                yield json.loads(line)

    def flow_bytes(self):
        """Of DIR/: the bytes in all files of plaintext."""
        return sum(os.path.getsize(os.path.join(self.path, name)) for name in os.listdir(self.path)
                   if name.endswith((".sent", ".received")))

    def data_bytes(self):
        """Plaintext in `data` lines, by what the lines say, and the summary."""
        size, summary = 0, None
        for row in self.rows():
            if row["type"] == "data":
                size += row["size"]
            elif row["type"] == "summary":
                summary = row
        return size, summary

    def last_line(self):
        """The summary, without reading the rest."""
        with open(self.path, "rb") as f:
            f.seek(max(0, os.path.getsize(self.path) - 65536))
            return json.loads(f.read().splitlines()[-1])

    def remove(self):
        if self.kind == "jsonl":
            os.unlink(self.path)
        else:
            shutil.rmtree(self.path)


def records_of(summary):
    return summary.get("collect", {}).get("records") if summary else None


def probe_offsets(library):
    """Where plaintap would probe calls of this file; (offsets, by whose word)."""
    found = listed_offsets(library)
    if found:
        return found, "plaintap's places"
    return sorted(set(exported_offsets(library, TLS_CALLS).values())), "exported functions"


def listed_offsets(library):
    """From `plaintap ls --probes --json FILE`; [] where this plaintap has no such command."""
    r = subprocess.run([PLAINTAP, "ls", "--probes", "--json", library], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if r.returncode:
        return []
    probes = [p for line in r.stdout.splitlines() for p in json.loads(line)["probes"]]
    return sorted({p["file_offset"] for p in probes if p["role"].startswith(("read", "write"))})


def floor(b, library):
    """Empty probes in place. Has .link, .places."""
    offsets, whose = probe_offsets(library)
    p = Program(b, [EMPTY_PROBE, library] + offsets)
    word, p.link = p.line().split()
    if word != "READY":
        raise Failed("empty_probe said " + word)
    p.places = whose
    return p


def tracepoint_floor(b, tracepoint):
    """An empty program there; for the whole machine."""
    p = Program(b, [EMPTY_PROBE, tracepoint])
    if p.line() != "READY raw":
        raise Failed("empty_probe said something else")
    return p


def note_floor(rows):
    """What the floor was made of: shown beside it."""
    if FLOOR in rows:
        rows[FLOOR].notes.update(rows[FLOOR].samples[0].more)


BPFTRACE = """
BEGIN { printf("READY\\n"); }
uprobe:%(lib)s:SSL_write { printf("%%r\\n", buf(arg1, arg2)); }
uprobe:%(lib)s:SSL_read { @at[tid] = arg1; }
uretprobe:%(lib)s:SSL_read /@at[tid]/ {
    if ((int32)retval > 0) { printf("%%r\\n", buf(@at[tid], (int32)retval)); }
    delete(@at[tid]);
}
"""


# bpftrace wants a mounted tracefs: one in a mount namespace of its own, where there is none.
WITH_TRACEFS = """
at=/sys/kernel/tracing
[ -e $at/uprobe_events ] || mount -t tracefs tracefs $at || exit 1
exec "$@"
"""


def bpftrace(b, library, out_path):
    """The usual one-liner, its buffers as large as it allows; ready when its output says so."""
    program = find("bpftrace", "bpftrace")
    os.environ["BPFTRACE_STRLEN"] = "200"
    argv = ["unshare", "-m", "sh", "-c", WITH_TRACEFS, "sh", program, "-q", "-B", "line", "-e",
            BPFTRACE % {"lib": library}]
    with open(out_path, "wb") as out:
        p = Program(b, argv, out=out)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if b"READY" in read_start(out_path):
            return p
        if p.p.poll() is not None:
            break
        time.sleep(0.02)
    p.fail("was not ready")
    return None


def read_start(path):
    with open(path, "rb") as f:
        return f.read(4096)


def bpftrace_bytes(p, out_path):
    """Ends it; the payload bytes that it printed: pair_loop sends lower-case letters only."""
    p.stop(signal.SIGINT, good=None)
    with open(out_path, "rb") as f:
        text = f.read()
    return len(text) - len(text.translate(None, bytes(range(ord("a"), ord("z") + 1))))
