# SPDX-License-Identifier: BSD-2-Clause
"""Downloads at full speed: curl, traced, from nginx, not traced, with the default buffer."""

import mmap

from harness import (CURL, TLS_PAIR, Failed, check, check_eq, exchanges, libraries_of, main, of_type,
                     os, read_jsonl, shutil)
from holes import check_kept, check_summary
from nginx import nginx_argv, wait_listening

GIB = 1 << 30
NEW_LIBRARIES = 20
RUNS = int(os.environ.get("PLAINTAP_DOWNLOAD_RUNS", "1"))
MUST_HOLD = "PLAINTAP_DOWNLOAD_MUST_HOLD" in os.environ


class Lost:
    """How much, and how the outputs did: a disk that stops for long is no fault of the capture."""

    def __init__(self, size, sink):
        self.bytes, self.sink = size, sink


class Body:
    """A response as a stream: a head that is as long as it must be, then the file nginx serves."""

    def __init__(self, path):
        self.size = os.path.getsize(path)
        with open(path, "rb") as f:
            self.data = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)

    def of(self, path, whole):
        with open(path, "rb") as f:
            head = f.read(whole - self.size)
        check(head.startswith(b"HTTP/1.1 200") and head.endswith(b"\r\n\r\n"), "the head: %r" % head[:80])

        def truth(offset, size):
            if offset < len(head):
                return head[offset:] + self.data[:size - (len(head) - offset)]
            return self.data[offset - len(head):offset - len(head) + size]
        return truth


def check_received(flows, cnt, body):
    """Every byte in its place, or in a hole that is told. Returns how many are in holes."""
    rows = [row for row in of_type(read_jsonl(flows + "index.jsonl"), "connection")
            if row["received"]["file"] and row["process"]["comm"] == "curl"]
    check_eq(len(rows), cnt, "files of received bytes")
    for row in rows:
        told = row["received"]
        path = flows + told["file"]
        whole = told["bytes"] + told["lost_bytes"]
        check(body.size < whole < body.size + 1000, "a head and the body: %d" % whole)
        check_kept(path, told, body.of(path, whole))
        check(all(hole["gap_causes"] == ["ring_full"] for hole in told["gaps"]), "causes")
    return sum(row["received"]["lost_bytes"] for row in rows)


def download(case, at_once, options, beside=""):
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    body = Body(case.path("www/data"))
    one = CURL + ["--fail", "-o", "/dev/null", "-w", "%{size_download}\n",
                  "https://localhost:%d/data" % case.port]
    script = " & ".join(['"$@"'] * at_once) + " & %s wait" % beside
    p = case.tap_run("--strict", "-o", flows, "-o", jsonl, *options, "--", "sh", "-c", script, "sh", *one,
                     status=None)
    check_eq(p.out().split(), [b"%d" % body.size] * at_once, "what the curls received")
    lost = check_received(flows, at_once, body)
    rows = read_jsonl(jsonl)
    check_summary(rows[-1], lost)
    check_eq(rows[-1]["load"]["holds_in_vain"], 0, "programs that went on unseen")
    check_eq([x["response"]["body_size"] for x in exchanges(rows)], [body.size] * at_once, "body sizes")
    check_eq(p.wait(), 3 if lost else 0, "exit status: " + p.err())
    shutil.rmtree(flows)
    os.remove(jsonl)
    return Lost(lost, rows[-1]["sink"])


def judge(lost, at_once, size, must_hold=False):
    if not lost.bytes:
        return
    words = "%d of %d bytes lost; the outputs were waited for %d times, %.0f ms in all" % (
        lost.bytes, at_once * size, lost.sink["waits"], lost.sink["wait_ns"] / 1e6)
    if must_hold or MUST_HOLD:
        raise Failed(words)
    print("# the buffer was full: %s; each hole is told" % words, flush=True)


def test_download(case, at_once, size, *options):
    """May lose bytes only by --on-pressure drop, and then only where the machine has other work."""
    nginx = case.run(nginx_argv(case, size))
    wait_listening(case, nginx)
    for _ in range(RUNS):
        judge(download(case, at_once, options), at_once, size, must_hold=options)


def test_beside_new_libraries(case):
    """Each is looked at and probed, which takes longer than the buffer takes to fill."""
    nginx = case.run(nginx_argv(case, GIB))
    wait_listening(case, nginx)
    script = "sleep 0.1; "
    for i in range(NEW_LIBRARIES):
        folder = case.path("lib%d" % i)
        os.mkdir(folder)
        for name, path in libraries_of(TLS_PAIR):
            if name.startswith("libssl."):
                shutil.copy(path, os.path.join(folder, name))
        script += "LD_LIBRARY_PATH=%s %s --socketpair --threads 1 --size 1 > /dev/null;" % (folder, TLS_PAIR)
    for _ in range(RUNS):
        judge(download(case, 1, (), script), 1, GIB)


SLOW = ("--on-pressure", "slow")

main([
    ("1 GiB", lambda c: test_download(c, 1, GIB)),
    ("4 at once, 256 MiB each", lambda c: test_download(c, 4, GIB // 4)),
    ("1 GiB beside %d new libraries" % NEW_LIBRARIES, test_beside_new_libraries),
    ("1 GiB, slow", lambda c: test_download(c, 1, GIB, *SLOW)),
    ("4 at once, 256 MiB each, slow", lambda c: test_download(c, 4, GIB // 4, *SLOW)),
])
