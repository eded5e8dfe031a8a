# SPDX-License-Identifier: BSD-2-Clause
"""
Probes are in the named process alone until another watched one needs them: who is not traced has
none in its code, and yet no child's first byte is missed.
"""

import platform
import sys
import time

from harness import (TLS_PAIR, Skip, check, check_eq, check_nothing_lost, check_truth, exchanges,
                     main, os, read_jsonl, truth_of)
from probed_code import bytes_at, call_places, own_libssl
from talking import PYTHON, need_python_ssl

MULTI = ("--without", "session")
EVERYWHERE = "in every process from now on"
FORK = {"x86_64": "56", "aarch64": "220"}  # the number of clone(2)


class Places:
    """A libssl of this test's own, and what stands in the code of who maps it."""

    def __init__(self, case):
        self.case = case
        self.library, self.environ = own_libssl(case)
        self.offsets = call_places(self.library)

    def pair(self, *args):
        return self.case.pair(*args, environ=self.environ)

    def of(self, program):
        found = bytes_at(program.pid, self.library, self.offsets)
        check_eq(len(found), len(self.offsets), "places found in memory")
        return found


def tap(case, *args, **how):
    p = case.tap("-v", "--strict", "-o", case.path("flows") + "/", "-o", case.path("out.jsonl"), *args,
                 **how)
    check(p.ready, "ready: " + p.err())
    return p


def end(case, p, truth=None):
    check_eq(p.wait(), 0, "exit status: " + p.err()[-1500:])
    if truth:
        check_truth(case.path("flows"), truth)
    rows = read_jsonl(case.path("out.jsonl"))
    check_nothing_lost(rows)
    return rows


def test_alone(case, *options):
    places = Places(case)
    watched, other = places.pair(), places.pair()
    clean = places.of(other)
    p = tap(case, *options, "-p", watched.pid)
    check(all(a != b for a, b in zip(places.of(watched), clean)), "the watched one has probes")
    check_eq(places.of(other), clean, "the other one's code")
    watched.go()
    end(case, p, truth_of(watched.rest()))
    check(EVERYWHERE not in p.err(), "never needed elsewhere: " + p.err())


def test_two(case):
    """The look at the code can tell: with two processes the probes are everywhere at once."""
    places = Places(case)
    watched, second, other = places.pair(), places.pair(), places.pair()
    clean = places.of(other)
    p = tap(case, "-p", watched.pid, "-p", second.pid)
    check(all(a != b for a, b in zip(places.of(other), clean)), "the other one has probes too")
    watched.go()
    second.go()
    end(case, p, truth_of(watched.rest()) + truth_of(second.rest()))


def test_fork(case, *options):
    """tls_pair --fork: the server side is a child that executes nothing."""
    places = Places(case)
    watched = places.pair("--fork", "--threads", "3", "--size", "100k")
    p = tap(case, *options, "-p", watched.pid)
    watched.go()
    truth = truth_of(watched.rest())
    check_eq(len({f.pid for f in truth}), 4, "processes")
    end(case, p, truth)
    return p


def test_fork_waits(case, *options):
    p = test_fork(case, *options)
    check(EVERYWHERE in p.err(), "then everywhere: " + p.err())
    check("1 times a fork waited" in p.err(), "one fork has waited: " + p.err())


def test_command_forks(case):
    places = Places(case)
    p = tap(case, "--", TLS_PAIR, "--fork", "--threads", "3", "--size", "100k", environ=places.environ)
    end(case, p, truth_of(p.out()))
    check(EVERYWHERE in p.err(), "then everywhere: " + p.err())


def test_shell(case):
    """A shell has no TLS itself: its forks need not wait, but what its children load must."""
    places = Places(case)
    pair = TLS_PAIR + " --socketpair --size 64"
    p = tap(case, "--", "sh", "-c", "%s & (%s; %s) & wait" % (pair, pair, pair),
            environ=places.environ)
    end(case, p, truth_of(p.out()))
    check(EVERYWHERE in p.err(), "then everywhere: " + p.err())
    check("a fork waited" not in p.err(), "no fork has waited: " + p.err())


FETCH = """
import ssl, urllib.request
def fetch(url, word):
    context = ssl._create_unverified_context()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                         urllib.request.HTTPSHandler(context=context))
    opener.open(url + "/echo", data=word.encode()).read()
"""


def python_fetches(case, script, words, *options):
    """What a Python program and its children say, word by word; returns plaintap."""
    need_python_ssl()
    places = Places(case)
    s = case.server()
    p = tap(case, *options, "--", PYTHON, "-c", script, s.url, environ=places.environ)
    rows = end(case, p)
    check_eq(sorted(x["request"]["body"] for x in exchanges(rows)), sorted(words), "words")
    return p


def test_spawn(case):
    """A child that only executes something has never what its parent has."""
    p = python_fetches(case, FETCH + """
import subprocess, sys
fetch(sys.argv[1], "before")
for _ in range(20):
    subprocess.run(["/bin/true"], check=True)
fetch(sys.argv[1], "after")
""", ["before", "after"])
    check(EVERYWHERE not in p.err(), "never needed elsewhere: " + p.err())


def test_fork_again(case):
    """Fork upon fork, and the first one when the library is long in use."""
    python_fetches(case, FETCH + """
import os, sys
fetch(sys.argv[1], "parent")
for i in range(3):
    if os.fork() == 0:
        fetch(sys.argv[1], "child %d" % i)
        if os.fork() == 0:
            fetch(sys.argv[1], "grandchild %d" % i)
            os._exit(0)
        os.wait()
        os._exit(0)
for i in range(3):
    os.wait()
""", ["parent"] + ["%s %d" % (w, i) for w in ("child", "grandchild") for i in range(3)])


def test_raw_fork(case):
    """Past the C library: nobody waits, so it is told, and the child is seen soon."""
    if platform.machine() not in FORK:
        raise Skip("the number of clone(2) is not known here")
    p = python_fetches(case, FETCH + """
import ctypes, os, sys, time
fetch(sys.argv[1], "parent")
if ctypes.CDLL(None).syscall(%s, 17, 0, 0, 0, 0) == 0:
    time.sleep(1)
    fetch(sys.argv[1], "child")
    os._exit(0)
os.wait()
""" % FORK[platform.machine()], ["parent", "child"])
    check("first words may be missing" in p.err(), "told: " + p.err())


def test_exec_by_thread(case, *options):
    """Not the first thread executes another program: the kernel then finds the process no more."""
    places = Places(case)
    need_python_ssl()
    p = tap(case, *options, "--", PYTHON, "-c", """
import os, ssl, sys, threading, time
threading.Thread(target=lambda: os.execv(sys.argv[1], sys.argv[1:])).start()
time.sleep(10)
""", TLS_PAIR, "--socketpair", "--size", "100k", environ=places.environ)
    end(case, p, truth_of(p.out()))


def test_exec(case):
    places = Places(case)
    p = tap(case, "--", "sh", "-c", "exec %s --socketpair --size 100k" % TLS_PAIR,
            environ=places.environ)
    end(case, p, truth_of(p.out()))
    check(EVERYWHERE not in p.err(), "never needed elsewhere: " + p.err())


def test_first_thread_ends(case, *options):
    """The others go on, and load a library only then."""
    python_fetches(case, """
import ctypes, os, sys, threading, time
def later():
    time.sleep(0.3)
    exec(FETCH, globals())
    fetch(sys.argv[1], "later")
    if os.fork() == 0:
        fetch(sys.argv[1], "child")
        os._exit(0)
    os.wait()
    os._exit(0)
FETCH = %r
threading.Thread(target=later).start()
ctypes.CDLL(None).pthread_exit(None)
""" % FETCH, ["later", "child"], *options)


def test_end_of_home(case):
    """Children that outlive it, and use the library for the first time then."""
    need_python_ssl()
    places = Places(case)
    s = case.server()
    watched = case.run(["sh", "-c", "read word; sh -c 'sleep 0.5; exec \"$0\" -c \"$1\" \"$2\"' "
                        "\"$0\" \"$1\" \"$2\" &", PYTHON,
                        FETCH + "import sys; fetch(sys.argv[1], 'orphan')", s.url],
                       stdin=os.fdopen(os.dup(case_pipe(case)), "rb"), environ=places.environ)
    p = tap(case, "-p", watched.pid)
    os.write(case.pipe_in, b"go\n")
    rows = end(case, p)
    check_eq([x["request"]["body"] for x in exchanges(rows)], ["orphan"], "words")


def case_pipe(case):
    out, case.pipe_in = os.pipe()
    return out


def test_added(case):
    """Another process by order: probes go everywhere first."""
    places = Places(case)
    watched, second = places.pair(), places.pair()
    ctl = case.path("ctl")
    p = tap(case, "--ctl", ctl, "-p", watched.pid)
    q = case.run([p.argv[0], "ctl", "--ctl", ctl, "add-pid", str(second.pid)])
    check_eq(q.wait(), 0, "add-pid: " + q.err())
    watched.go()
    second.go()
    end(case, p, truth_of(watched.rest()) + truth_of(second.rest()))


main([
    ("no probes in others", test_alone),
    ("with two processes there are", test_two),
    ("a fork waits for them", test_fork_waits),
    ("forks, a link a place", lambda c: test_fork(c, "--without", "session,multi")),
    ("forks, nothing can wait", lambda c: test_fork(c, "--no-pause")),
    ("a command that forks", test_command_forks),
    ("a shell and its children", test_shell),
    ("children that only execute", test_spawn),
    ("grandchildren", test_fork_again),
    ("a fork past the C library", test_raw_fork),
    ("another program", test_exec),
    ("another program, by a thread", test_exec_by_thread),
    ("the first thread ends", test_first_thread_ends),
    ("children that outlive it", test_end_of_home),
    ("another process is added", test_added),
    ("no probes in others, two links a probe", lambda c: test_alone(c, *MULTI)),
    ("a fork waits, two links a probe", lambda c: test_fork_waits(c, *MULTI)),
    ("another program, by a thread, two links", lambda c: test_exec_by_thread(c, *MULTI)),
    ("the first thread ends, two links a probe", lambda c: test_first_thread_ends(c, *MULTI)),
])
