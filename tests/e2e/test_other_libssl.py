# SPDX-License-Identifier: BSD-2-Clause
"""OpenSSL of other Debian releases at run time: the private copies of tools/fetch-libssl."""

import platform

from harness import (PROGS, TLS_PAIR, TLS_SERVER, Skip, blocks_bytes, check, check_eq, check_truth,
                     main, os, read_jsonl, subprocess, truth_of)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TLS_ANY = os.path.join(PROGS, "tls_any")
TLS_CELLS = os.path.join(PROGS, "tls_cells")
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())


def fetched():
    """The folder of the private copies."""
    run = subprocess.run([os.path.join(ROOT, "tools/fetch-libssl")], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, timeout=250, check=False)
    if run.returncode or not ARCH:
        raise Skip(run.stderr.strip().replace("\n", " ") or "no libraries for this machine")
    return os.path.dirname(run.stdout.strip())


def traced(case, argv, library, *options):
    """Runs argv from its READY on under plaintap; returns its output and the folder of the bytes."""
    flows = case.path("flows%d" % case.next_number()) + "/"
    program = case.run(argv, stdin=subprocess.PIPE, pipe_out=True)
    check_eq(program.line().split()[0], "READY", "the program's first word")
    p = case.tap("--strict", "-v", "-p", program.pid, "-o", flows, *options)
    check(p.ready, "ready: " + p.err())
    check(library in p.err(), "the private library is probed: " + p.err())
    out, _ = program.p.communicate(b"\n", 100)
    check_eq(program.wait(), 0, "the program's exit status: " + program.err())
    check_eq(p.wait(), 0, "exit status: " + p.err())
    return out, flows


def check_ends(flows, version, tls):
    """The two ends of one connection in one process; returns both as (local, remote)."""
    rows = read_jsonl(flows + "index.jsonl")
    for row in rows:
        check(row["close"]["notify_sent"] in (True, False), "its objects say how they end")
    conns = {row["conn"]["role"]: row["conn"] for row in rows}
    check_eq(sorted(conns), ["client", "server"], "roles")
    for conn in conns.values():
        check(conn["tls"]["library_version"].startswith("OpenSSL " + version), str(conn["tls"]))
        check_eq(conn["tls"]["version"], tls, "TLS version")
        check(conn["tls"]["cipher"].startswith("TLS_"), "a cipher")
    client, server = [(conns[role]["local"], conns[role]["remote"]) for role in sorted(conns)]
    check_eq(client, server[::-1], "one connection")
    return client


def test_any(case, folder, suffix, api, *options):
    where = os.path.join(fetched(), "libssl", "%s-%s" % (folder, ARCH))
    libraries = [os.path.join(where, name + suffix) for name in ("libcrypto.so.", "libssl.so.")]
    subprocess.run([TLS_SERVER, "--write-cert", case.tmp], check=True)
    for size in (1, 4096, 16385, 300000):
        _, flows = traced(case, [TLS_ANY, *libraries, case.tmp, api, str(size)], libraries[1], *options)
        names = [n for n in os.listdir(flows) if n.endswith((".sent", ".received"))]
        check_eq(len(names), 4, "files: both directions of both ends")
        for name in names:
            with open(flows + name, "rb") as f:
                check(f.read() == blocks_bytes(size), "the bytes of " + name)
        check_eq(check_ends(flows, suffix, "TLS 1.3"), ("unix:", "unix:"), "a socket pair")


def newest_argv(*argv):
    """A program of this machine, with the newest libssl and the C library that it needs."""
    root = fetched()
    libc, libssl = [os.path.join(root, kind, "trixie-" + ARCH) for kind in ("libc", "libssl")]
    loader = [n for n in os.listdir(libc) if n.startswith("ld-")][0]
    return ([os.path.join(libc, loader), "--library-path", libssl + ":" + libc, *argv],
            libssl + "/libssl.so.3")


def test_newest(case, cell, *options):
    argv, library = newest_argv(TLS_CELLS, "--wait", cell)
    out, flows = traced(case, argv, library, *options)
    check_truth(flows, truth_of(out))
    conns = [row["conn"] for row in read_jsonl(flows + "index.jsonl")]
    check_eq({c["role"] for c in conns}, {"client", "server"}, "roles")
    for conn in conns:
        check_eq(conn["tls"]["version"], "TLS 1.2" if cell == "renegotiation" else "TLS 1.3", "version")
        check(conn["tls"]["library_version"].startswith("OpenSSL 3.5."), "the library's version")
        # Both ends are joined by memory, or by a socket pair.
        check_eq(conn["local"], "unix:" if cell == "implicit" else None, "local")


def test_newest_ends(case, tls):
    argv, library = newest_argv(TLS_PAIR, "--wait", "--tls", tls)
    out, flows = traced(case, argv, library)
    check_truth(flows, truth_of(out))
    ends = check_ends(flows, "3.5.", "TLS " + tls)
    check(all(e.startswith("127.0.0.1:") for e in ends), "TCP on loopback: %s" % (ends,))


def newest(name, cell):
    return [("3.5: " + name, lambda c: test_newest(c, cell)),
            ("3.5: %s, exported functions" % name, lambda c: test_newest(c, cell, "--placement", "plain"))]


PLAIN = ("--placement", "plain")

main([
    ("1.1.1: SSL_read and SSL_write", lambda c: test_any(c, "bullseye", "1.1", "plain")),
    ("1.1.1: the _ex pair", lambda c: test_any(c, "bullseye", "1.1", "ex")),
    ("1.1.1: SSL_read and SSL_write, exported functions",
     lambda c: test_any(c, "bullseye", "1.1", "plain", *PLAIN)),
    ("1.1.1: the _ex pair, exported functions", lambda c: test_any(c, "bullseye", "1.1", "ex", *PLAIN)),
] + newest("SSL_write_ex2", "write-ex2") + newest("early data", "early-data")
     + newest("SSL_clear between connections", "clear") + newest("SSL_peek adds nothing", "peek")
     + newest("negotiated anew", "renegotiation")
     + newest("the handshake inside of a read and a write", "implicit")
     + [("3.5: who talks, TLS " + tls, lambda c, tls=tls: test_newest_ends(c, tls))
        for tls in ("1.2", "1.3")]
     + [("3.5: BIO_f_ssl", lambda c: test_newest(c, "bio"))])
