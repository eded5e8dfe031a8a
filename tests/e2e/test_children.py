# SPDX-License-Identifier: BSD-2-Clause
"""--no-children: one process and nobody else, neither watched nor made to pay."""

import json
import re

from harness import (PLAINTAP, TLS_PAIR, check, check_eq, check_nothing_lost, check_truth, env,
                     libraries_of, main, os, read_jsonl, shutil, subprocess, truth_of)


def own_libssl(case):
    """
    A copy that only this test's programs map: another plaintap of this machine may have probes in
    the system's. Its path, and the environment of programs that take it.
    """
    folder = case.path("lib")
    os.mkdir(folder)
    name, path = [row for row in libraries_of(TLS_PAIR) if row[0].startswith("libssl")][0]
    return shutil.copy(path, os.path.join(folder, name)), env(LD_LIBRARY_PATH=folder)


def call_places(library):
    """File offsets where reads and writes would be probed."""
    out = subprocess.run([PLAINTAP, "ls", "--probes", "--json", library], check=True,
                         stdout=subprocess.PIPE).stdout.decode()
    probes = json.loads(out.splitlines()[0])["probes"]
    return [p["file_offset"] for p in probes if p["role"].startswith(("read", "write"))]


def bytes_at(pid, library, offsets):
    """What stands at these offsets of the library in the memory of a process."""
    found = []
    with open("/proc/%d/maps" % pid, encoding="ascii") as maps, \
            open("/proc/%d/mem" % pid, "rb", buffering=0) as mem:
        for line in maps:
            m = re.match(r"(\w+)-(\w+) r.xp (\w+) \S+ \d+ +(.*)", line)
            if not m or m.group(4) != library:
                continue
            begin, end, off = (int(x, 16) for x in m.groups()[:3])
            for o in offsets:
                if off <= o < off + end - begin:
                    mem.seek(begin + o - off)
                    found.append(mem.read(1))
    return found


def test_not_in_others(case):
    """The code of a process that is not watched stays as it is: nothing to run into."""
    library, environ = own_libssl(case)
    offsets = call_places(library)
    watched, other = case.pair(environ=environ), case.pair(environ=environ)
    clean = bytes_at(other.pid, library, offsets)
    check_eq(len(clean), len(offsets), "places found in memory")
    flows = case.path("flows") + "/"
    p = case.tap("-p", watched.pid, "--no-children", "-o", flows)
    check(p.ready, "ready: " + p.err())
    check(all(a != b for a, b in zip(bytes_at(watched.pid, library, offsets), clean)),
          "the watched process has the probes")
    check_eq(bytes_at(other.pid, library, offsets), clean, "the other one's code")
    other.go()
    watched.go()
    truth = truth_of(watched.rest())
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_truth(flows, truth)


def test_in_others_otherwise(case):
    """The same test can fail: with children, whose first call must be seen, probes are everywhere."""
    library, environ = own_libssl(case)
    offsets = call_places(library)
    watched, other = case.pair(environ=environ), case.pair(environ=environ)
    clean = bytes_at(other.pid, library, offsets)
    p = case.tap("-p", watched.pid, "-o", case.path("flows") + "/")
    check(p.ready, "ready: " + p.err())
    check(bytes_at(other.pid, library, offsets) != clean, "the other one has the probes too")
    watched.go()
    watched.wait()


def test_not_the_child(case, *options):
    """tls_pair --fork: the server side is a child, and none of its bytes are wanted."""
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap_run("--no-children", "-o", flows, "-o", jsonl, *options, "--", TLS_PAIR, "--fork",
                     "--threads", "3", "--size", "100k")
    truth = truth_of(p.out())
    pids = {f.pid for f in truth}
    check(len(pids) > 1, "several processes told their truth")
    seen = {int(n.split(".")[0]) for n in os.listdir(flows) if n != "index.jsonl"}
    check_eq(len(seen), 1, "processes that were seen")
    check_truth(flows, [f for f in truth if f.pid in seen])
    check_nothing_lost(read_jsonl(jsonl))


def test_needs_a_process(case):
    # Taken for the whole machine, it would still be nobody's.
    p = case.tap_run("--no-children", "-c", "pt_nobody", whole_machine=True, status=2)
    check("--no-children" in p.err(), "the option is named: " + p.err())


main([
    ("others do not have the probes", test_not_in_others),
    ("with children they do", test_in_others_otherwise),
    ("a child is not watched", test_not_the_child),
    ("a child is not watched, multi", lambda c: test_not_the_child(c, "--without", "session")),
    ("a child is not watched, perf",
     lambda c: test_not_the_child(c, "--without", "session,multi")),
    ("--no-children alone", test_needs_a_process),
])
