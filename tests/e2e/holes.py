# SPDX-License-Identifier: BSD-2-Clause
"""A loss is exact: what was kept and the holes that were told are, in order, the whole stream."""

from harness import check, check_eq, exchanges, of_type, os, read_jsonl

PIECE = 1 << 20
LISTED_MAX = 1024  # docs/JSON.md


def check_kept(path, told, truth):
    """A file of DIR/ with its holes, against truth(offset, len) -> bytes. Returns the stream's length."""
    if told["file"] is None:
        check_eq(told["bytes"], 0, "bytes without a file")
        return told["lost_bytes"]
    check_eq(os.path.getsize(path), told["bytes"], "bytes in " + path)
    check_eq(len(told["gaps"]), min(told["gaps_total"], LISTED_MAX), "holes that are listed")
    whole = told["bytes"] + told["lost_bytes"]
    all_listed = told["gaps_total"] <= LISTED_MAX
    if all_listed:
        check_eq(sum(hole["len"] for hole in told["gaps"]), told["lost_bytes"], "the holes' sum")
    offset = 0
    with open(path, "rb") as f:
        for hole in told["gaps"] + [{"offset": whole, "len": 0}] * all_listed:
            check(hole["offset"] >= offset, "holes in order")
            while offset < hole["offset"]:
                part = min(PIECE, hole["offset"] - offset)
                check(f.read(part) == truth(offset, part),
                      "%s: the bytes from %d on are those of the stream" % (path, offset))
                offset += part
            offset += hole["len"]
        check(not all_listed or f.read(1) == b"", "nothing is behind the end of " + path)
    return whole


def check_dir(flows, truths, cause="ring_full"):
    """Each direction that has a truth in {way: (length, truth)}. Returns where the holes are."""
    holes, seen = {}, set()
    for row in of_type(read_jsonl(flows + "index.jsonl"), "connection"):
        for way, (length, truth) in truths.items():
            told = row[way]
            if not told["bytes"] + told["lost_bytes"]:
                continue
            seen.add(way)
            path = os.path.join(flows, "%s.%s" % (row["conn"]["id"], way))
            check_eq(check_kept(path, told, truth), length, "length of the stream in " + path)
            for hole in told["gaps"]:
                check_eq(hole["gap_causes"], [cause], "cause of a hole")
                holes.setdefault((row["conn"]["id"], way), []).append((hole["offset"], hole["len"]))
    check_eq(seen, set(truths), "directions in DIR/")
    return holes


def sum_of(holes):
    return sum(length for places in holes.values() for _, length in places)


def check_jsonl(path, truths, holes, cause="ring_full"):
    """The data lines of each connection and direction are its stream in order, these holes and all."""
    rows = read_jsonl(path)
    at, told = {}, {}
    for row in of_type(rows, "data"):
        flow = (row["conn"]["id"], row["direction"])
        check_eq(row["offset"], at.get(flow, 0), "offset of the next line of %s %s" % flow)
        at[flow] = row["offset"] + row["size"] + row["lost_bytes"]
        if row["lost_bytes"]:
            told.setdefault(flow, []).append((row["offset"], row["lost_bytes"]))
            check_eq(row["gap_causes"], [cause], "cause")
        else:
            check_eq(row["data_encoding"], "utf8", "the blocks are text")
            check(row["data"].encode() == truths[flow[1]][1](row["offset"], row["size"]),
                  "the bytes of %s %s at %d" % (flow[0], flow[1], row["offset"]))
    check(not exchanges(rows), "no exchanges")
    check_eq({way for _, way in at}, set(truths), "directions in the data lines")
    for flow, end in at.items():
        check_eq(end, truths[flow[1]][0], "length of %s %s" % flow)
    check_eq(told, holes, "holes in the data lines, and the same in DIR/")
    check_summary(rows[-1], sum_of(holes))


def check_summary(summary, lost):
    check_eq(summary["type"], "summary", "the last line")
    check(summary["balanced"], "the counters balance: %s" % summary)
    check_eq(summary["lost_bytes"], lost, "lost bytes in the summary")
