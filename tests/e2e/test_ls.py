# SPDX-License-Identifier: BSD-2-Clause
"""`plaintap ls`: which processes have TLS, which, and how it would be probed."""

import json

from harness import (PLAINTAP, TLS_PAIR, Skip, check, check_eq, main, need, need_namespaces, os, subprocess)
from odd_programs import openssl_version, static_tls, told, with_library

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]


def stacks_of(case, pid, **how):
    rows = told(case, "ls", "-p", pid, **how)
    check_eq([r["pid"] for r in rows], [pid], "one line, of that process")
    return rows[0]["stacks"]


def test_openssl(case):
    pair = case.pair()
    stacks = stacks_of(case, pair.pid)
    check_eq(len(stacks), 1, "stacks")
    check_eq(stacks[0]["project"], "OpenSSL", "project")
    check_eq(stacks[0]["version"], openssl_version(TLS_PAIR), "version")
    check("libssl" in stacks[0]["path"], "path: " + stacks[0]["path"])
    check(stacks[0]["can_be_probed"] and "read, write" in stacks[0]["how"], "how: " + str(stacks[0]))
    check_eq(stacks[0]["advice"], None, "advice")


def test_text(case):
    pair = case.pair()
    p = case.run([PLAINTAP, "ls", "-p", str(pair.pid)])
    check_eq(p.wait(), 0, "exit status")
    for word in (str(pair.pid), "tls_pair", "OpenSSL " + openssl_version(TLS_PAIR), "can be probed"):
        check(word in p.out().decode(), "'%s' is said: %s" % (word, p.out()))


def test_evil_name(case):
    """A folder's name cannot give the terminal orders."""
    folder = case.path("evil\x1b[2J")
    os.mkdir(folder)
    subprocess.run(["cp", TLS_PAIR, folder + "/tls_pair"], check=True)
    p = case.run([folder + "/tls_pair", "--wait"], stdin=subprocess.PIPE, pipe_out=True)
    check_eq(p.line().split()[0], "READY", "tls_pair's first word")
    ls = case.run([PLAINTAP, "ls", "-p", str(p.pid)])
    check_eq(ls.wait(), 0, "exit status")
    check(b"evil" in ls.out() and b"\x1b" not in ls.out(), ls.out())


def test_none(case):
    sleeper = case.run(["sleep", "100"])
    p = case.run([PLAINTAP, "ls", "-p", str(sleeper.pid)])
    check_eq(p.wait(), 0, "exit status")
    check_eq(p.out(), b"", "stdout")
    check("no TLS was found" in p.err() and "doctor" in p.err(), p.err())


def test_gnutls(case):
    p = with_library(case, "libgnutls.so.30")
    found = [s for s in stacks_of(case, p.pid) if s["project"] == "GnuTLS"]
    check_eq(len(found), 1, "GnuTLS stacks")
    check(not found[0]["can_be_probed"] and "not supported" in found[0]["how"], str(found))
    check(found[0]["version"].startswith("3."), "version " + found[0]["version"])
    check(found[0]["advice"], "there is advice")


def test_static(case):
    p = static_tls(case)
    stacks = stacks_of(case, p.pid)
    check_eq(len(stacks), 1, "stacks")
    check_eq(stacks[0]["project"], "OpenSSL", "project")
    check(not stacks[0]["can_be_probed"] and "linked statically" in stacks[0]["how"], str(stacks))


def test_no_such_process(case):
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as f:
        pid = f.read().strip()  # never given to a process
    p = case.run([PLAINTAP, "ls", "-p", pid])
    check_eq(p.wait(), 1, "exit status")
    check(pid in p.err(), p.err())


def test_all(case):
    """In a pid namespace of its own, so that only processes of this test are looked at."""
    need("unshare")
    need_namespaces()
    script = ('mkfifo "$1/in"; "$0" --wait <"$1/in" >"$1/out" & exec 9>"$1/in"; '
              'until grep -q READY "$1/out"; do sleep 0.1; done; sleep 100 & "$2" ls --json; r=$?; kill $!; '
              'echo >&9; exit $r')
    p = case.run(["unshare", "-m", "-p", "-f", "--mount-proc", "sh", "-c", script, TLS_PAIR, case.tmp,
                  PLAINTAP])
    check_eq(p.wait(), 0, "exit status: " + p.err())
    rows = [json.loads(line) for line in p.out().splitlines()]
    check_eq([r["comm"] for r in rows], ["tls_pair"], "only processes with TLS")
    check_eq([s["project"] for s in rows[0]["stacks"]], ["OpenSSL"], "stacks")


def test_without_root(case):
    need("setpriv")
    os.chmod(case.tmp, 0o755)
    if subprocess.run(NOBODY + [PLAINTAP, "--version"], stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).returncode:
        raise Skip("nobody may not enter the build folder")
    own = case.run(NOBODY + [TLS_PAIR, "--wait"], stdin=subprocess.PIPE, pipe_out=True)
    check_eq(own.line().split()[0], "READY", "tls_pair's first word")
    check_eq([s["project"] for s in stacks_of(case, own.pid, prefix=NOBODY)], ["OpenSSL"], "its own")
    other = case.pair()
    p = case.run(NOBODY + [PLAINTAP, "ls", "-p", str(other.pid)])
    check_eq(p.wait(), 1, "exit status for root's")
    check(str(other.pid) in p.err() and "ermission" in p.err(), p.err())


def test_usage(case):
    for args in (["-p"], ["-p", "x"], ["-p", "0"], ["--bogus"], ["123"], ["--probes", "-p", "1"], ["--probes"]):
        p = case.run([PLAINTAP, "ls"] + args)
        check_eq(p.wait(), 2, "exit status of %s: %s" % (args, p.err()))


main([
    ("OpenSSL, with its version", test_openssl),
    ("as text", test_text),
    ("a folder with control characters", test_evil_name),
    ("a process without TLS", test_none),
    ("GnuTLS: why not", test_gnutls),
    ("linked statically and stripped: why not", test_static),
    ("a pid that does not exist", test_no_such_process),
    ("all processes", test_all),
    ("without root", test_without_root),
    ("wrong usage", test_usage),
])
