# SPDX-License-Identifier: BSD-2-Clause
"""Programs that plaintap pauses for a moment so that nothing is lost are always let go again."""

from harness import (TLS_PAIR, blocks_bytes, check, check_eq, check_nothing_lost, check_truth, flows_in,
                     main, of_type, os, read_jsonl, select, signal, subprocess, time, truth_of)
from holes import check_dir, check_jsonl
from waiting_parent import under_parent

# Calls longer than a quarter of the buffer: the program is stopped for each.
LONG = ["--size", "1M", "--count", "60", "--dir", "both"]
LASTING = ["--size", "1M", "--count", "300", "--dir", "both"]
SMALL = ["--buffer", "256K"]
# What is read comes in short calls, which must find room while their peer is held back.
LONGER = ["--size", "6M", "--count", "10", "--dir", "both"]
ROOMY = ["--buffer", "16M"]
SLOW = ["--on-pressure", "slow"] + SMALL
# As small as it may be.
SLOWEST = ["--on-pressure", "slow", "--buffer", "64K"]
# Kernels before 6.0 cannot hold a thread back.
WITHOUT_HOLD = ["--without", "sleep"]
# Nor follow a call of any length through the buffer.
WITHOUT_LOOPS = ["--without", "session,multi,cookie"]


def child_of(parent):
    """The program that plaintap runs, not its watchdog."""
    for entry in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % entry, encoding="ascii", errors="replace") as f:
                text = f.read()
            with open("/proc/%s/comm" % entry, encoding="ascii", errors="replace") as f:
                comm = f.read().strip()
        except OSError:
            continue
        if entry.isdigit() and int(text.rsplit(")", 1)[1].split()[1]) == parent and comm == "tls_pair":
            return int(entry)
    return None


def wait_gone(pid, seconds=30):
    fd = os.pidfd_open(pid)
    try:
        check(select.select([fd], [], [], seconds)[0], "the program ends by itself")
    finally:
        os.close(fd)


def test_killed(case, delay, *how):
    """SIGKILL at some moment of many stops."""
    flows = case.path("flows") + "/"
    p = case.tap("-o", flows, *how, "--", TLS_PAIR, *LASTING)
    check(p.ready, "ready: " + p.err())
    try:
        p.p.wait(delay)
    except subprocess.TimeoutExpired:
        pass
    child = child_of(p.pid)
    start = time.monotonic()
    p.stop(signal.SIGKILL)
    check_eq(p.wait(), 128 + signal.SIGKILL, "it was killed while it captured")
    # What a probe holds back keeps the kernel from taking the probe away.
    check(time.monotonic() - start < 3, "plaintap is gone at once")
    if child and os.path.exists("/proc/%d" % child):
        wait_gone(child)
    check_eq(len(truth_of(p.out())), 4, "the program has moved all its bytes")


def test_exact(case, how, *pair_args):
    flows = case.path("flows") + "/"
    p = case.tap_run("--strict", "-v", "-o", flows, *how, "--", TLS_PAIR, *pair_args)
    check("paused" in p.err(), "it was stopped: " + p.err())
    check_truth(flows, truth_of(p.out()))


def test_parent_sees_no_stop(case):
    """A thread that is held back during a long call is not stopped."""
    flows = case.path("flows") + "/"
    p = case.tap_run("--strict", "-v", "-o", flows, "--", *under_parent(TLS_PAIR, "--size", "8M"))
    check("paused" in p.err(), "it was held back: " + p.err())
    check_truth(flows, truth_of(p.out()))


def test_slow_shows_no_stop(case, *pair_args, waits=False):
    """Nor is one that waits for room in the buffer. (plaintap may keep up with some.)"""
    flows, jsonl = case.path("flows") + "/", case.path("o.jsonl")
    p = case.tap_run("--strict", "-v", "-o", flows, "-o", jsonl, *SLOWEST, "--",
                     *under_parent(TLS_PAIR, *pair_args))
    check("paused" in p.err() or not waits, "it waited: " + p.err())
    check_truth(flows, truth_of(p.out()))
    check_nothing_lost(read_jsonl(jsonl))


def test_slow_until_the_end(case):
    """plaintap ends at full traffic: what it has seen it has whole, and the program goes on."""
    flows, jsonl = case.path("flows") + "/", case.path("o.jsonl")
    pair = case.pair("--size", "12k", "--count", "200", "--threads", "64")
    p = case.tap("--strict", "-p", pair.pid, "-o", flows, "-o", jsonl, *SLOWEST)
    check(p.ready, "ready: " + p.err())
    pair.go()
    while not any(size for size in sizes_in(flows)):
        check(p.p.poll() is None, "plaintap still runs")
        time.sleep(0.01)
    p.stop()
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_nothing_lost(read_jsonl(jsonl))
    truth = truth_of(pair.rest(60))
    check_eq(len(truth), 256, "it goes on")
    check(sum(sizes_in(flows)) < sum(flow.bytes for flow in truth), "the end was in the middle")


def sizes_in(flows):
    return [os.path.getsize(flows + n) for n in os.listdir(flows) if n.endswith((".sent", ".received"))]


def test_slow_stopped(case):
    """Nobody makes room: the program goes on after a while, and waits again when somebody does."""
    pair = case.pair("--size", "100k", "--count", "100")
    other = case.pair("--size", "100k", "--count", "40")
    flows, jsonl = case.path("flows") + "/", case.path("o.jsonl")
    p = case.tap("-v", "-p", pair.pid, "-p", other.pid, "-o", flows, "-o", jsonl, *SLOWEST)
    check(p.ready, "ready: " + p.err())
    p.stop(signal.SIGSTOP)
    start = time.monotonic()
    pair.go()
    check_eq(len(truth_of(pair.rest(60))), 4, "it goes on")
    check(5 < time.monotonic() - start < 30, "after a while: %.1f s" % (time.monotonic() - start))
    p.stop(signal.SIGCONT)
    wait_answering(p, flows, pair.pid)
    other.go()
    truth = truth_of(other.rest(60))
    check_eq(p.wait(), 0, "exit status")
    lost = of_type(read_jsonl(jsonl), "summary")[0]
    check(lost["lost_bytes"] > 0 and lost["balanced"], "the loss is counted: %s" % lost)
    check_eq([f for f in flows_in(flows) if f.pid == other.pid], truth, "and then nothing is lost")


def wait_answering(p, flows, pid):
    """Until it has written the end of that process's connections."""
    end = time.monotonic() + 30
    while True:
        with open(flows + "index.jsonl", encoding="utf-8") as f:
            if '"pid":%d,' % pid in f.read():
                return
        check(time.monotonic() < end and p.p.poll() is None, "plaintap goes on: " + p.err())
        time.sleep(0.02)


def test_plaintap_stopped(case):
    """Nobody reads the bytes of a long call: the program goes on after a while, and it is told."""
    pair = case.pair("--size", "8M", "--count", "3")
    p = case.tap("-p", pair.pid, "-o", case.path("o.jsonl"))
    check(p.ready, "ready: " + p.err())
    p.stop(signal.SIGSTOP)
    pair.go()
    check_eq(len(truth_of(pair.rest(60))), 4, "it goes on")
    p.stop(signal.SIGCONT)
    check_eq(p.wait(), 0, "exit status")
    lost = of_type(read_jsonl(case.path("o.jsonl")), "summary")[0]
    check(lost["lost_bytes"] > 0 and lost["balanced"], "the loss is counted: %s" % lost)


def test_no_pause(case):
    """What did not fit is told instead."""
    size = 64 << 20
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap_run("-v", "--strict", "--no-pause", "-o", flows, "-o", jsonl, "--", TLS_PAIR, "--dir",
                     "c2s", "--size", str(size), status=3)
    check("paused" not in p.err(), "never stopped: " + p.err())
    whole = blocks_bytes(size)
    way = (size, lambda offset, length: whole[offset:offset + length])
    holes = check_dir(flows, {"sent": way, "received": way})
    check(any(way == "sent" for _, way in holes), "the long call did not fit: %s" % list(holes))
    check_jsonl(jsonl, {"sent": way, "received": way}, holes)


def test_stopped_by_another(case):
    """A program that somebody else stops stays stopped."""
    pair = case.pair("--size", "1k", "--wait")
    p = case.tap("-p", pair.pid, "-o", case.path("o.jsonl"), *SLOW)
    check(p.ready, "ready: " + p.err())
    os.kill(pair.pid, signal.SIGSTOP)
    p.stop()
    check_eq(p.wait(), 0, "exit status")
    with open("/proc/%d/stat" % pair.pid, encoding="ascii") as f:
        check_eq(f.read().rsplit(")", 1)[1].split()[0], "T", "its state")
    os.kill(pair.pid, signal.SIGCONT)
    pair.go()
    check_eq(len(truth_of(pair.rest())), 4, "it goes on")


main([
    ("long calls, held back", lambda c: test_exact(c, ROOMY, *LONGER)),
    ("long calls, stopped", lambda c: test_exact(c, WITHOUT_HOLD + ROOMY, *LONGER)),
    ("long calls, without loops", lambda c: test_exact(c, WITHOUT_LOOPS + ROOMY, *LONGER)),
    ("long calls through a small buffer", lambda c: test_exact(c, SLOW, *LONG)),
    ("and stopped", lambda c: test_exact(c, WITHOUT_HOLD + SLOW, *LONG)),
    # Shorter than a part of the buffer, but of more pieces than a program without loops can cut.
    ("calls over 1 MiB, no cookies, no loops",
     lambda c: test_exact(c, ["--without", "multi,cookie"], "--size", "1500k")),
    ("a parent sees no stop", test_parent_sees_no_stop),
    ("plaintap is stopped", test_plaintap_stopped),
    # More threads than processors: one that asked for the stop may have to wait for one, and the
    # others must not go on meanwhile.
    ("long and short calls of many threads",
     lambda c: test_exact(c, SLOW, "--size", "1M", "--count", "20", "--threads", "4")),
    ("and stopped",
     lambda c: test_exact(c, WITHOUT_HOLD + SLOW, "--size", "1M", "--count", "20", "--threads", "4")),
    ("slow: a parent sees no stop",
     lambda c: test_slow_shows_no_stop(c, "--size", "16k", "--count", "1000")),
    ("slow: of 64 threads neither",
     lambda c: test_slow_shows_no_stop(c, "--size", "12k", "--count", "60", "--threads", "64", waits=True)),
    ("slow: short calls of 64 threads",
     lambda c: test_slow_shows_no_stop(c, "--size", "100", "--count", "1000", "--threads", "64")),
    ("slow: plaintap ends", test_slow_until_the_end),
    ("slow: plaintap is stopped", test_slow_stopped),
    ("--no-pause", test_no_pause),
    ("stopped by somebody else", test_stopped_by_another),
] + [("SIGKILL after %.2f s, %s" % (d, name), lambda c, d=d, how=how: test_killed(c, d, *how))
     for name, how in (("held", SMALL), ("slow", SLOWEST), ("stopped", WITHOUT_HOLD + SLOW))
     for d in (0.05, 0.1, 0.2, 0.4)])
