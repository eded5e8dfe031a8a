# SPDX-License-Identifier: BSD-2-Clause
"""plaintap ctl: orders to a plaintap that runs."""

import datetime
import json
import socket
import time

from harness import (PLAINTAP, PROGS, START_SECONDS, TLS_PAIR, check, check_eq, check_nothing_lost,
                     check_truth, flows_in, main, os, read_jsonl, shutil, signal, subprocess,
                     truth_of)
from own_libraries import own_name, whole_machine


TLS_CELLS = os.path.join(PROGS, "tls_cells")


class Tap:
    """A plaintap with a socket of its own."""

    def __init__(self, case, *args):
        self.case, self.path = case, case.path("ctl")
        self.flows, self.jsonl = case.path("flows"), case.path("out.jsonl")
        self.p = case.tap("--ctl", self.path, "-o", self.flows + "/", "-o", self.jsonl, *args)
        check(self.p.ready, "ready: " + self.p.err())

    def ctl(self, *args, status=0):
        return ctl(self.case, "--ctl", self.path, *args, status=status)

    def expect(self, truth):
        check_eq(self.p.wait(), 0, "exit status: " + self.p.err())
        check_truth(self.flows, sorted(truth))
        rows = read_jsonl(self.jsonl)
        check_nothing_lost(rows)
        check(rows[-1]["balanced"], "the counters balance")


def ctl(case, *args, status=0):
    p = case.run([PLAINTAP, "ctl"] + [str(a) for a in args])
    got = p.wait()
    check_eq(got, status, "status of ctl %s: %s" % (args, p.err()))
    return p.out().decode() if not status else p.err()


def test_add(case):
    """From then on as if it had been named by -p, its children too."""
    first, second = case.pair("--size", "10k"), case.pair("--size", "100k", "--fork")
    tap = Tap(case, "-p", first.pid)
    said = tap.ctl("add-pid", second.pid)
    check(str(second.pid) in said, said)
    second.go()
    truth = truth_of(second.rest())
    first.go()
    tap.expect(truth + truth_of(first.rest()))


def test_remove(case):
    first, second = case.pair("--size", "10k"), case.pair("--size", "10k")
    tap = Tap(case, "-p", first.pid, "-p", second.pid)
    tap.ctl("remove-pid", second.pid)
    err = tap.ctl("remove-pid", second.pid, status=1)
    check("not watched" in err, err)
    second.go()
    check(truth_of(second.rest()), "it has said something")
    first.go()
    tap.expect(truth_of(first.rest()))


def test_remove_while_it_talks(case):
    """What was said before is there, without a hole."""
    client = case.run(["openssl", "s_client", "-quiet", "-connect",
                       "127.0.0.1:%d" % case.server().port],
                      stdin=subprocess.PIPE, pipe_out=True)
    tap = Tap(case, "-p", client.pid)
    client.p.stdin.write(b"GET /users/1 HTTP/1.1\r\nHost: x\r\n\r\n")
    client.p.stdin.flush()
    check(client.line().startswith("HTTP/1.1 200"), "an answer")
    tap.ctl("remove-pid", client.pid)
    client.p.stdin.write(b"GET /users/2 HTTP/1.1\r\nHost: x\r\n\r\n")
    client.p.stdin.flush()
    check_eq(tap.p.wait(), 0, "ends when nobody is left: " + tap.p.err())
    rows = read_jsonl(tap.jsonl)
    check_nothing_lost(rows)
    check(rows[-1]["balanced"], "the counters balance")
    check_eq([r["request"]["path"] for r in rows if r["type"] == "exchange"], ["/users/1"],
             "what was seen")


def order(path, line):
    """An order without the start of a program: when it was sent and answered, by the wall clock."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        sent = time.time()
        s.sendall(line + b"\n")
        answer = s.recv(4096)
        return sent, time.time(), answer


def seconds_of(ts):
    """"2026-11-21T06:31:00.123456789Z" as time.time() has it."""
    whole, _, rest = ts.partition(".")
    whole = datetime.datetime.strptime(whole + "+0000", "%Y-%m-%dT%H:%M:%S%z")
    return whole.timestamp() + float("0." + rest.rstrip("Z"))


REMOVED_WITHIN = 0.05


def test_remove_is_quick(case):
    """Of a program that never stops talking nothing is captured 50 ms after the order."""
    first, second = case.pair("--size", "10k"), case.pair("--size", "100", "--count", "100000000")
    tap = Tap(case, "-p", first.pid, "-p", second.pid)
    second.go()
    while not json.loads(tap.ctl("status", "--json"))["counters"]["stream"]["bytes"]:
        check_eq(second.p.poll(), None, "it talks")
    sent, answered, answer = order(tap.path, b"remove-pid %d" % second.pid)
    check(b"no longer watched" in answer, "the answer: %s" % answer)
    # It must have had the time to be seen after that.
    while time.time() < answered + 4 * REMOVED_WITHIN:
        time.sleep(REMOVED_WITHIN)
    check_eq(second.p.poll(), None, "it still talks")
    first.go()
    truth = truth_of(first.rest())
    check_eq(tap.p.wait(), 0, "exit status: " + tap.p.err())
    rows = read_jsonl(tap.jsonl)
    check(rows[-1]["balanced"], "the counters balance")
    check_eq([f for f in flows_in(tap.flows) if f.pid == first.pid], truth, "the other program")
    seen = [seconds_of(r["ts"]) for r in rows
            if r["type"] == "data" and r["process"]["pid"] == second.pid]
    check(seen and min(seen) < sent, "it was seen before the order")
    check(max(seen) < sent + REMOVED_WITHIN,
          "last seen %.1f ms after the order" % ((max(seen) - sent) * 1e3))


def test_status(case):
    pair = case.pair("--size", "10k")
    tap = Tap(case, "-p", pair.pid, "--exclude-comm", "no_such")
    s = json.loads(tap.ctl("status", "--json"))
    check_eq((s["type"], s["pid"], s["mode"]), ("status", tap.p.pid, "processes"), "head")
    check_eq(s["filters"], [{"kind": "comm", "exclude": True, "value": "no_such"}], "filters")
    # It has not called anything so far, so nobody has asked the filter.
    check_eq(s["watched"], [{"pid": pair.pid, "comm": "tls_pair", "captured": False}], "watched")
    check_eq(s["watched_count"], 1, "count")
    check(any(t["probed"] and "libssl" in t["library"] for t in s["targets"]), "targets")
    check(all(t["only_in_pid"] in (pair.pid, None) for t in s["targets"]), "who has the probes")
    check_eq(s["counters"]["stream"]["bytes"], 0, "bytes so far")
    text = tap.ctl("status")
    for word in (str(tap.p.pid), "tls_pair", "libssl", "--exclude-comm no_such",
                 "nothing came through its probes so far"):
        check(word in text, "%s is in %s" % (word, text))
    pair.go()
    tap.expect(truth_of(pair.rest()))


def test_status_of_targets(case):
    """What came through each library's probes."""
    cells = case.run([TLS_CELLS, "--wait", "--stay", "clear"], stdin=subprocess.PIPE, pipe_out=True)
    check_eq(cells.line().split()[0], "READY", "first word")
    tap = Tap(case, "-p", cells.pid)
    cells.p.stdin.write(b"\n")
    cells.p.stdin.flush()
    truth = line = b""
    while not line.startswith(b"DONE"):
        line = cells.line().encode() + b"\n"
        truth += line
    want = {way: sum(f.bytes for f in truth_of(truth) if f.dir == way) for way in ("sent", "received")}
    end = time.monotonic() + START_SECONDS
    while True:
        s = json.loads(tap.ctl("status", "--json"))
        seen = [t["seen"] for t in s["targets"] if t["seen"]["connections"]]
        if seen and seen[0]["connections_closed"] == 10:
            break
        check(time.monotonic() < end, "all ends have arrived: %s" % s["targets"])
    check_eq(len(seen), 1, "libraries that were used")
    check_eq({way: seen[0][way + "_bytes"] for way in want}, want, "bytes")
    # In each of five rounds a call of 1000 bytes and one of 20000, which is two pieces.
    check_eq(seen[0]["connections"], 10, "connections")
    check_eq(seen[0]["sent_pieces"], 15, "pieces that were sent")
    check(s["since"] < seen[0]["last"], "the time of the last piece")
    check("10 connections (0 open), sent " in tap.ctl("status"), tap.ctl("status"))
    tap.p.stop()
    cells.p.stdin.close()
    cells.p.stdin = None
    tap.expect(truth_of(truth))


def test_whole_machine(case):
    """There a process is kept out, and let in again."""
    name = own_name("mine")
    mine = case.path(name)
    shutil.copy(TLS_PAIR, mine)
    flows, path = case.path("flows"), case.path("ctl")
    p, environ = whole_machine(case, "-c", name, "--ctl", path, "-o", flows + "/")

    def pair(*args):
        x = case.run([mine, "--wait", "--size", "10k"] + list(args), environ=environ,
                     stdin=subprocess.PIPE, pipe_out=True)
        x.line()
        return x

    def finish(x):
        x.p.stdin.write(b"\n")
        x.p.stdin.close()
        x.p.stdin = None
        return truth_of(x.rest())
    out, back = pair("--fork"), pair()
    err = ctl(case, "--ctl", path, "add-pid", out.pid, status=1)
    check("whole machine" in err, err)
    for x in (out, back):
        ctl(case, "--ctl", path, "remove-pid", x.pid)
    ctl(case, "--ctl", path, "add-pid", back.pid)
    check(finish(out), "it has said something")
    truth = finish(back)
    p.stop(signal.SIGINT)
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_truth(flows, truth)


def test_mistakes(case):
    pair = case.pair("--size", "1k")
    tap = Tap(case, "-p", pair.pid)
    for args, status, word in [
            (["add-pid", 2147483647], 1, "2147483647: there is no such process"),
            (["remove-pid", os.getpid()], 1, "%d: it is not watched" % os.getpid()),
            (["add-pid", "x"], 2, "x"), (["add-pid"], 2, "add-pid"), (["stop"], 2, "stop"),
            (["status", "all"], 2, "all"), (["add-pid", 1, 2], 2, "2"), (["--jsn", "status"], 2, "--jsn"),
            (["--pid", 7, "status"], 2, "--pid"), ([], 2, "status")]:
        err = tap.ctl(*args, status=status)
        check(word in err, "%s is named: %s" % (word, err))
    err = ctl(case, "--ctl", case.path("nobody"), "status", status=1)
    check(case.path("nobody") in err, err)
    other = case.tap_run("--ctl", tap.path, "--", "true", status=1)
    check("another program listens" in other.err(), other.err())
    pair.go()
    tap.expect(truth_of(pair.rest()))


def test_hostile(case):
    """Noise, silence and haste do not disturb the capture, nor orders that mean something."""
    pair = case.pair("--size", "1m")
    tap = Tap(case, "-p", pair.pid)
    open_ones = []
    for noise in (b"", b"\xff" * 5000, b"status", b"\n", b"add-pid 1 \x00\n", b"status json\n" * 9):
        for _ in range(3):
            s = socket.socket(socket.AF_UNIX)
            # A full backlog is waited for: with a timeout Python would not wait.
            s.connect(tap.path)
            s.setblocking(False)
            try:
                s.send(noise)
            except (BrokenPipeError, BlockingIOError):
                pass
            open_ones.append(s)
    check("tls_pair" in tap.ctl("status"), "an order among them")
    pair.go()
    tap.expect(truth_of(pair.rest()))
    for s in open_ones:
        s.close()


def test_usual_place(case):
    pair = case.pair("--size", "1k")
    p = case.tap("-p", pair.pid, "-o", case.path("flows") + "/")
    path = "/run/plaintap/%d.sock" % p.pid
    check_eq(os.stat(path).st_mode & 0o777, 0o600, "mode of the socket")
    check_eq(os.stat("/run/plaintap").st_mode & 0o777, 0o700, "mode of the folder")
    check(str(p.pid) in ctl(case, "--pid", p.pid, "status"), "status")
    pair.go()
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check(not os.path.exists(path), "the socket is gone")


def test_off(case):
    pair = case.pair("--size", "1k")
    p = case.tap("-p", pair.pid, "--ctl", "off", "-o", case.path("flows") + "/")
    check(not os.path.exists("/run/plaintap/%d.sock" % p.pid), "no socket")
    check(not os.path.exists("off"), "no file of that name either")
    pair.go()
    check_eq(p.wait(), 0, "exit status: " + p.err())


main([
    ("add-pid", test_add),
    ("remove-pid", test_remove),
    ("remove-pid in the middle", test_remove_while_it_talks),
    ("remove-pid takes effect at once", test_remove_is_quick),
    ("status", test_status),
    ("status of each library", test_status_of_targets),
    ("the whole machine", test_whole_machine),
    ("mistakes", test_mistakes),
    ("noise on the socket", test_hostile),
    ("the usual place", test_usual_place),
    ("off", test_off),
])
