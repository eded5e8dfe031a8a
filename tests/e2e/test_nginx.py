# SPDX-License-Identifier: BSD-2-Clause
"""nginx as the traced server, with its own configuration; curl, untraced, as its client."""

import time

from harness import (CURL, START_SECONDS, blocks_bytes, body_in_flow, check, check_eq,
                     check_nothing_lost, exchanges, hashlib, main, os, read_jsonl, signal)
from nginx import nginx_argv, wait_listening

SIZE = 3000001


def fetch(case):
    got = case.path("got")
    p = case.run(CURL + ["-o", got, "https://localhost:%d/data" % case.port])
    check_eq(p.wait(), 0, "curl's exit status")
    check_eq(os.path.getsize(got), SIZE, "size of what curl received")


def check_seen(case, flows, jsonl):
    rows = read_jsonl(jsonl)
    check_nothing_lost(rows)
    found = [x for x in exchanges(rows) if x["request"]["path"] == "/data"]
    check_eq(len(found), 1, "exchanges")
    x = found[0]
    check_eq(x["conn"]["role"], "server", "role")
    check_eq(x["response"]["status"], 200, "status")
    check_eq(x["process"]["comm"], "nginx", "comm")
    check_eq(x["response"]["body_size"], SIZE, "body_size")
    check_eq(body_in_flow(flows, "sent", SIZE), hashlib.sha256(blocks_bytes(SIZE)).hexdigest(),
             "sent")


def test_attached(case):
    nginx = case.run(nginx_argv(case, SIZE))
    wait_listening(case, nginx)
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap("-p", nginx.pid, "-o", flows, "-o", jsonl)
    check(p.ready, "ready: " + p.err())
    fetch(case)
    p.stop(signal.SIGINT)
    check_eq(p.wait(), 0, "plaintap's exit status")
    check_seen(case, flows, jsonl)


def test_later_worker(case):
    nginx = case.run(nginx_argv(case, SIZE))
    wait_listening(case, nginx)
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap("-p", nginx.pid, "-o", flows, "-o", jsonl)
    check(p.ready, "ready: " + p.err())
    before = children(nginx.pid)
    nginx.p.send_signal(signal.SIGHUP)  # new workers, the old ones end
    end = time.monotonic() + START_SECONDS
    while children(nginx.pid) & before or not children(nginx.pid):
        check(time.monotonic() < end, "the worker was replaced")
        time.sleep(0.01)
    fetch(case)
    p.stop()
    check_eq(p.wait(), 0, "plaintap's exit status")
    check_seen(case, flows, jsonl)


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return set(f.read().split())


def test_started(case):
    argv = nginx_argv(case, SIZE)
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap("-o", flows, "-o", jsonl, "--", *argv)
    wait_listening(case, p)
    fetch(case)
    with open(case.path("nginx.pid"), encoding="ascii") as f:
        os.kill(int(f.read()), signal.SIGQUIT)
    check_eq(p.wait(), 0, "exit status")
    check_seen(case, flows, jsonl)


main([("-p master, its worker answers", test_attached),
      ("-p master, a worker started afterwards", test_later_worker),
      ("plaintap -- nginx", test_started)])
