# SPDX-License-Identifier: BSD-2-Clause
"""A reader that lets plaintap wait: the queue bridges it; when it cannot, that is counted."""

import fcntl
import json
import re
import shutil
import socket
import ssl
import threading

from harness import (Failed, blocks_bytes, check, check_eq, main, os, read_jsonl, select, subprocess,
                     truth_of)
from holes import check_dir, check_jsonl

CALL, CALLS = 102400, 50
TOTAL = CALL * CALLS
TRAFFIC = ["--dir", "c2s", "--size", str(CALL), "--count", str(CALLS)]
PIPE_BYTES = 4096


def truths():
    whole = blocks_bytes(TOTAL)
    way = (TOTAL, lambda offset, size: whole[offset:offset + size])
    return {"sent": way, "received": way}


def small_pipe(case, name):
    """A pipe by name that holds next to nothing; its reader's end."""
    path = case.path(name)
    os.mkfifo(path)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ if hasattr(fcntl, "F_SETPIPE_SZ") else 1031, PIPE_BYTES)
    fcntl.fcntl(fd, fcntl.F_SETFL, 0)
    return path, fd


def stalled(case, *args, **how):
    """plaintap over the pair; nobody reads the pipe until all of the traffic has passed."""
    path, fd = small_pipe(case, "pipe.jsonl")
    pair = case.pair(*TRAFFIC)
    p = case.tap("--strict", "-v", "-p", pair.pid, "-o", path, *args, **how)
    check(p.ready, "ready: " + p.err())
    pair.go()
    truth = truth_of(pair.rest())
    check_eq(pair.wait(), 0, "the program's exit status")
    check_eq([flow.bytes for flow in truth], [TOTAL] * 2, "what the program moved")
    return p, fd


def read_late(case, p, fd):
    """What came through the pipe, as a file."""
    path = case.path("read.jsonl")
    with os.fdopen(fd, "rb") as pipe, open(path, "wb") as f:
        shutil.copyfileobj(pipe, f)
    return path, p.wait()


def test_bridged(case):
    """Several times what the buffer holds. (Stopped at pressure: the test is not of the consumer.)"""
    p, fd = stalled(case, "--buffer", "1M", "--on-pressure", "slow")
    read, status = read_late(case, p, fd)
    check_eq(status, 0, "exit status: " + p.err())
    check_jsonl(read, truths(), {})
    sink = read_jsonl(read)[-1]["sink"]
    check_eq((sink["waits"], sink["wait_ns"]), (0, 0), "waits")
    check(2 * TOTAL < sink["queue_peak"] <= 32 << 20, "the queue held it: %s" % sink)
    check("--queue" not in p.err(), "no word of waiting: " + p.err())


def test_too_small(case):
    """A loss is the same in every output; the one that was not slow has it all the same."""
    flows = case.path("flows") + "/"
    p, fd = stalled(case, "--no-pause", "--buffer", "64K", "--queue", "64K", "-o", flows)
    read, status = read_late(case, p, fd)
    check_eq(status, 3, "exit status: " + p.err())
    holes = check_dir(flows, truths())
    check_jsonl(read, truths(), holes)
    sink = read_jsonl(read)[-1]["sink"]
    check(sink["waits"] > 0 and sink["wait_ns"] > 0, "the waiting is counted: %s" % sink)
    check(0 < sink["queue_peak"] < 1 << 20, "the queue was bounded: %s" % sink)
    check(re.search(r"bytes LOST \(.*outputs too slow for \d+ ms \(--queue\)", p.err()),
          "the last line says why: " + p.err())


# Longer than a thread waits for room when plaintap gives no sign of life.
LONG_SECONDS = 12


def test_slowed_down(case):
    """The program waits while the reader sleeps: nothing is lost however long that takes."""
    path, fd = small_pipe(case, "pipe.jsonl")
    pair = case.pair(*TRAFFIC)
    p = case.tap("--strict", "-v", "-p", pair.pid, "-o", path, "--on-pressure", "slow", "--buffer", "1M",
                 "--queue", "64K")
    check(p.ready, "ready: " + p.err())
    pair.go()
    select.select([fd], [], [])
    try:
        pair.p.wait(LONG_SECONDS)
        raise Failed("the program does not wait")
    except subprocess.TimeoutExpired:
        pass
    read = case.path("read.jsonl")
    with os.fdopen(fd, "rb") as pipe, open(read, "wb") as f:
        shutil.copyfileobj(pipe, f, PIPE_BYTES)
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_jsonl(read, truths(), {})
    check(read_jsonl(read)[-1]["sink"]["waits"] > 0, "the waiting is counted")
    check("too slow for the queue (--queue)" in p.err(), "-v says so: " + p.err())
    check_eq(pair.wait(), 0, "the program's exit status")


def test_prompt(case):
    """A line is there as soon as its bytes are, while plaintap goes on and more may come."""
    path, fd = small_pipe(case, "pipe.jsonl")
    pair = case.pair("--dir", "c2s", "--size", "100", "--wait-connected")
    server = case.server()
    p = case.tap("-p", pair.pid, "-p", server.pid, "-o", path)
    check(p.ready, "ready: " + p.err())
    pair.go()
    line = b""
    while not line.endswith(b"\n"):
        check(select.select([fd], [], [], 30)[0], "more came: %r" % line)
        line += os.read(fd, 1)
    check_eq(json.loads(line)["size"], 100, "the first line")
    check(p.p.poll() is None, "plaintap still runs")
    drain = threading.Thread(target=lambda: os.fdopen(fd, "rb").read())
    drain.start()
    p.stop()
    check_eq(p.wait(), 0, "exit status: " + p.err())
    drain.join()


def test_reader_goes(case):
    """Without a reader it ends, though no more traffic comes: the failure is found while idle."""
    path, fd = small_pipe(case, "pipe.jsonl")
    server = case.server()
    p = case.tap("-p", server.pid, "-o", path)
    check(p.ready, "ready: " + p.err())
    os.close(fd)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", server.port)) as plain, \
            context.wrap_socket(plain) as tls:
        tls.sendall(b"GET /users/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        check(tls.recv(100).startswith(b"HTTP/1.1 "), "an answer")
        # The connection stays open, and so silent.
        check_eq(p.wait(), 1, "exit status: " + p.err())
    check("the reader has gone" in p.err(), "it says why: " + p.err())
    check(server.p.poll() is None, "the program goes on")


main([
    ("a stalled reader, bridged by the queue", test_bridged),
    ("a stalled reader, the queue too small: exact", test_too_small),
    ("a slow reader slows the program down", test_slowed_down),
    ("lines come promptly", test_prompt),
    ("the reader goes away", test_reader_goes),
])
