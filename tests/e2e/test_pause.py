# SPDX-License-Identifier: BSD-2-Clause
"""Programs that plaintap stops for a moment so that nothing is lost are always let go again."""

from harness import (TLS_PAIR, blocks_bytes, check, check_eq, check_truth, main, of_type, os,
                     read_jsonl, select, signal, subprocess, time, truth_of)
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
    ("--no-pause", test_no_pause),
    ("stopped by somebody else", test_stopped_by_another),
] + [("SIGKILL after %.2f s, %s" % (d, name), lambda c, d=d, how=how: test_killed(c, d, *how))
     for name, how in (("held", SMALL), ("stopped", SLOW)) for d in (0.05, 0.1, 0.2, 0.4)])
