# SPDX-License-Identifier: BSD-2-Clause
"""Losses that cannot be avoided are exact in every output: position, length, cause."""

import re

from harness import (TLS_PAIR, blocks_bytes, check, check_eq, main, need, need_namespaces, os, signal,
                     truth_of)
from holes import check_dir, check_jsonl, sum_of

# What the client sends is one stream of blocks from 0 on, and short enough per call that the
# program is not stopped for it.
CALL, CALLS = 102400, 400
TOTAL = CALL * CALLS
TRAFFIC = ["--dir", "c2s", "--size", str(CALL), "--count", str(CALLS)]


def truths():
    whole = blocks_bytes(TOTAL)
    way = (TOTAL, lambda offset, size: whole[offset:offset + size])
    return {"sent": way, "received": way}


def held(case, *args, **how):
    """plaintap over the pair, held by SIGSTOP while all of the traffic passes."""
    pair = case.pair(*TRAFFIC)
    p = case.tap("--strict", "-p", pair.pid, *args, **how)
    check(p.ready, "ready: " + p.err())
    p.stop(signal.SIGSTOP)
    pair.go()
    truth = truth_of(pair.rest())
    check_eq(pair.wait(), 0, "the program's exit status")
    check_eq([flow.bytes for flow in truth], [TOTAL] * 2, "what the program moved")
    p.stop(signal.SIGCONT)
    check_eq(p.wait(), 3, "exit status: " + p.err())
    return p


def lost_by_word(p):
    found = re.search(r"(\d+) bytes LOST \((\d+): the buffer was full", p.err())
    check(found and found.group(1) == found.group(2), "the last line says so: " + p.err())
    return int(found.group(1))


def check_files(p, flows, jsonl):
    want = truths()
    lost = lost_by_word(p)
    check(0 < lost < 2 * TOTAL, "a part is lost: %d" % lost)
    holes = check_dir(flows, want)
    check_eq(sum_of(holes), lost, "lost bytes in DIR/")
    check_jsonl(jsonl, want, holes)


def test_held(case, *options):
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    check_files(held(case, "-o", flows, "-o", jsonl, *options), flows, jsonl)


def test_small_buffer(case, *options):
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap_run("--strict", "--no-pause", "--buffer", "64K", "-o", flows, "-o", jsonl, *options,
                     "--", TLS_PAIR, *TRAFFIC, status=3)
    check_files(p, flows, jsonl)


def check_shown(p):
    """The terminal's blocks are the stream: in order, a hole says its length."""
    whole, at, flow, told = blocks_bytes(TOTAL), {}, None, 0
    for line in p.out().decode().splitlines():
        head = re.match(r"[\d:.]+ tls_pair\[\d+\] . (sent|received) .*(#\d+\.\d+)$", line)
        hole = re.match(r"  !! (\d+) bytes lost here \(ring full\)$", line)
        if head:
            flow = head.groups()
        elif hole:
            told += int(hole.group(1))
            at[flow] = at.get(flow, 0) + int(hole.group(1))
        elif re.match(r"    \d*$", line):
            # A piece may begin or end within a line; a newline goes with what is before it.
            digits, offset = line[4:].encode(), at.get(flow, 0)
            end = offset + len(digits)
            check(whole[offset:end] == digits, "%s of %s goes on at %d" % (flow + (offset,)))
            at[flow] = end + (digits != b"" and whole[end:end + 1] == b"\n")
        else:
            check(line.startswith("TRUTH"), "a line that was not expected: " + line)
    check_eq(list(at.values()), [TOTAL] * 2, "length of the two flows")
    check_eq(told, lost_by_word(p), "lost bytes on the terminal")


def test_held_terminal(case):
    check_shown(held(case, "--color", "never"))


def test_small_buffer_terminal(case):
    check_shown(case.tap_run("--strict", "--color", "never", "--no-pause", "--buffer", "64K", "--",
                             TLS_PAIR, *TRAFFIC, status=3))


def test_full_disk(case):
    """DIR/ on a disk of 1 MiB: it ends with what fitted, and the other output misses nothing."""
    need("unshare")
    need_namespaces()
    disk, kept, jsonl = case.path("disk"), case.path("kept"), case.path("out.jsonl")
    os.mkdir(disk)
    script = ('mount -t tmpfs -o size=1m none "$0" && "$@"; r=$?; cp -r "$0"/flows "%s"; exit $r' % kept)
    p = case.tap("--strict", "--buffer", "128M", "-o", disk + "/flows/", "-o", jsonl, "--", TLS_PAIR,
                 *TRAFFIC, prefix=["unshare", "-m", "--propagation", "private", "sh", "-c", script, disk])
    check_eq(p.wait(), 1, "exit status: " + p.err()[-600:])
    check("disk/flows/: the disk is full" in p.err(), "why, and where: " + p.err()[-600:])
    names = [n for n in os.listdir(kept) if n.endswith((".sent", ".received"))]
    check(names, "something was kept")
    whole = blocks_bytes(TOTAL)
    sizes = [os.path.getsize(os.path.join(kept, name)) for name in names]
    check(0 < sum(sizes) <= 1 << 20, "no more than the disk holds: %s" % sizes)
    for name in names:
        with open(os.path.join(kept, name), "rb") as f:
            check(whole.startswith(f.read()), name + " is the beginning of the stream")
    check_jsonl(jsonl, truths(), {})


main([
    ("plaintap held by SIGSTOP: DIR/ and JSON", test_held),
    ("plaintap held by SIGSTOP, two links a probe: DIR/ and JSON",
     lambda c: test_held(c, "--without", "session")),
    ("plaintap held by SIGSTOP: the terminal", test_held_terminal),
    ("a buffer of 64 KiB: DIR/ and JSON", test_small_buffer),
    ("a buffer of 64 KiB: the terminal", test_small_buffer_terminal),
    ("a full disk under DIR/", test_full_disk),
])
