# SPDX-License-Identifier: BSD-2-Clause
"""What the end-to-end tests share: start programs, wait for them, compare with the truth, say TAP.

Rules that it holds for every test: only programs that the test started are traced; only those are
ended, by their pid; ports are the kernel's choice; no fixed sleeps, every wait is for an event with
a deadline; the temporary folder goes away. Python 3.9, standard library only.
"""

import collections
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.path.abspath(os.environ.get("PLAINTAP_BUILD", "build"))
PLAINTAP = os.path.join(BUILD, "plaintap")
PROGS = os.path.join(BUILD, "tests", "progs")
TLS_SERVER = os.path.join(PROGS, "tls_server")
TLS_PAIR = os.path.join(PROGS, "tls_pair")
BLOCKS = os.path.join(PROGS, "blocks")

START_SECONDS = 30
RUN_SECONDS = 120
CURL = ["curl", "-sSk", "--noproxy", "*", "--http1.1", "--max-time", "100"]


class Failed(Exception):
    """A check that did not hold."""


class Skip(Exception):
    """The machine cannot run this case; the text says why."""


def check(good, what):
    if not good:
        raise Failed(what)


def check_eq(got, want, what):
    if got != want:
        raise Failed("%s: got %.300r, want %.300r" % (what, got, want))


def need(*programs):
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            raise Skip("%s is not installed" % program)


def need_namespaces():
    if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode:
        raise Skip("mount namespaces are not allowed here")


def env(**more):
    """The environment of what we start: without proxies, preloads and colours of the caller's."""
    drop = ("LD_PRELOAD", "LD_LIBRARY_PATH", "SSLKEYLOGFILE", "NO_COLOR")
    e = {k: v for k, v in os.environ.items()
         if k not in drop and not k.lower().endswith("_proxy")}
    e.update(more)
    return e


def sha256_file(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for piece in iter(lambda: f.read(1 << 20), b""):
            h.update(piece)
    return h.hexdigest()


def blocks_bytes(size):
    return subprocess.run([BLOCKS, str(size)], check=True, stdout=subprocess.PIPE).stdout


def libraries_of(program):
    """[(name, path)] of the shared libraries of a program of ours."""
    out = subprocess.run(["ldd", program], check=True, stdout=subprocess.PIPE).stdout.decode()
    rows = [line.split() for line in out.splitlines()]
    return [(r[0], r[2]) for r in rows if len(r) > 2 and r[1] == "=>"]


def free_port():
    """For programs that cannot choose one themselves; the caller tries again when it was taken."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Program:
    """A child with its output in files (no pipe can fill up and block it)."""

    def __init__(self, case, argv, stdin=None, pass_fds=(), cwd=None, environ=None, pipe_out=False):
        self.argv = argv
        n = case.next_number()
        self.out_path = os.path.join(case.tmp, "%d.out" % n)
        self.err_path = os.path.join(case.tmp, "%d.err" % n)
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.p = subprocess.Popen(
                argv, stdin=stdin or subprocess.DEVNULL, cwd=cwd, env=environ or env(),
                stdout=subprocess.PIPE if pipe_out else out, stderr=err, pass_fds=pass_fds)
        self.pid = self.p.pid
        case.programs.append(self)

    def out(self):
        with open(self.out_path, "rb") as f:
            return f.read()

    def err(self):
        with open(self.err_path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def line(self, seconds=START_SECONDS):
        """The next line of stdout; only with pipe_out."""
        line = b""
        end = time.monotonic() + seconds
        fd = self.p.stdout.fileno()
        while not line.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise Failed("%s said nothing for %d s: %s" % (self.argv[0], seconds, self.err()))
            byte = os.read(fd, 1)
            if not byte:
                raise Failed("%s ended early: %s" % (self.argv[0], self.err()))
            line += byte
        return line.decode().rstrip("\n")

    def wait(self, seconds=RUN_SECONDS):
        """Exit status as a shell would say it."""
        try:
            r = self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed("%s still runs after %d s: %s" % (self.argv, seconds, self.err()))
        return r if r >= 0 else 128 - r

    def rest(self, seconds=RUN_SECONDS):
        """What is left of stdout up to its end; only with pipe_out."""
        out, _ = self.p.communicate(timeout=seconds)
        return out

    def stop(self, sig=signal.SIGTERM):
        if self.p.poll() is None:
            self.p.send_signal(sig)

    def end(self):
        if self.p.poll() is None:
            self.p.terminate()
            try:
                self.p.wait(5)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        for f in (self.p.stdin, self.p.stdout):
            if f:
                f.close()


class Case:
    """One running test: its folder and its programs."""

    def __init__(self):
        self.tmp = tempfile.mkdtemp(prefix="plaintap-e2e-")
        self.programs = []
        self.number = 0

    def next_number(self):
        self.number += 1
        return self.number

    def path(self, name):
        return os.path.join(self.tmp, name)

    def run(self, argv, **how):
        return Program(self, argv, **how)

    def server(self, *args):
        """tls_server; returns it with .port."""
        s = self.run([TLS_SERVER] + list(args), pipe_out=True)
        word, port = s.line().split()
        check_eq(word, "READY", "the server's first word")
        s.port = int(port)
        s.url = "https://localhost:%d" % s.port
        return s

    def pair(self, *args, **how):
        """tls_pair that waits for go(); returns it with .go()."""
        p = self.run([TLS_PAIR, "--wait"] + list(args), stdin=subprocess.PIPE, pipe_out=True, **how)
        check_eq(p.line().split()[0], "READY", "tls_pair's first word")

        def go():
            p.p.stdin.write(b"\n")
            p.p.stdin.flush()
            p.p.stdin.close()
            p.p.stdin = None
        p.go = go
        return p

    def tap(self, *args, prefix=(), whole_machine=False, **how):
        """plaintap, attached and ready (or ended, when it had nothing to wait for)."""
        check(whole_machine or "-p" in args or "--" in args,
              "names the programs that it traces: only own_libraries.py may do without")
        r, w = os.pipe()
        try:
            argv = list(prefix) + [PLAINTAP, "--ready-fd", str(w)] + [str(a) for a in args]
            p = self.run(argv, pass_fds=(w,), **how)
            os.close(w)
            w = -1
            # A byte, or the end of the pipe when plaintap went away without being ready.
            if not select.select([r], [], [], START_SECONDS)[0]:
                raise Failed("plaintap was not ready in %d s: %s" % (START_SECONDS, p.err()))
            p.ready = os.read(r, 1) == b"\n"
        finally:
            os.close(r)
            if w >= 0:
                os.close(w)
        return p

    def tap_run(self, *args, status=0, **how):
        """plaintap to its end."""
        p = self.tap(*args, **how)
        got = p.wait()
        if status is not None and got != status:
            raise Failed("exit status %d, not %d: %s" % (got, status, p.err()[-1500:]))
        return p

    def done(self):
        for p in reversed(self.programs):
            p.end()
        shutil.rmtree(self.tmp, ignore_errors=True)


# --- what plaintap wrote ------------------------------------------------------------------------

def read_jsonl(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def of_type(rows, kind):
    return [r for r in rows if r.get("type") == kind]


def exchanges(rows):
    return of_type(rows, "exchange")


def numbers_named(tree, word):
    """Every number in the summary whose key holds `word`, at any depth."""
    found = []
    if isinstance(tree, dict):
        for key, value in tree.items():
            if word in key and isinstance(value, (int, float)) and not isinstance(value, bool):
                found.append((key, value))
            else:
                found += numbers_named(value, word)
    return found


def check_nothing_lost(rows):
    """
    One summary, last; none of its losses and drops above 0, nor calls that were not followed, whose
    bytes nobody could count; it must speak of losses at all.
    """
    summaries = of_type(rows, "summary")
    check_eq(len(summaries), 1, "summary lines")
    check(rows[-1] is summaries[0], "the summary is the last line")
    lost = numbers_named(summaries[0], "lost")
    check(lost, "the summary counts lost bytes")
    for key, value in lost:
        check_eq(value, 0, "summary's " + key)
    check(summaries[0]["balanced"], "the counters balance")
    for key in ("states_dropped", "ends_dropped", "records_dropped"):
        check_eq(summaries[0]["kernel"][key], 0, "summary's kernel." + key)
    for x in exchanges(rows):
        check_eq(x["lost_bytes"], 0, "lost_bytes of " + str(x["request"].get("url")))


def check_exchange_shape(x):
    """The fields that docs/JSON.md promises for every exchange."""
    for key in ("ts", "duration_ns", "process", "conn", "http", "request", "response",
                "lost_bytes"):
        check(key in x, "exchange has " + key)
    for key in ("pid", "tid", "ppid", "uid", "comm", "exe", "cmdline", "started", "ns_pid",
                "cgroup", "unit", "container"):
        check(key in x["process"], "process has " + key)
    for key in ("id", "role", "local", "remote", "tls"):
        check(key in x["conn"], "conn has " + key)
    for key in ("method", "url", "host", "path", "headers", "body_size", "complete"):
        check(key in x["request"], "request has " + key)
    for key in ("status", "reason", "headers", "body_size", "complete"):
        check(key in x["response"], "response has " + key)


Flow = collections.namedtuple("Flow", "dir bytes sha256 pid")
DIRS = {"sent", "received"}


def truth_of(out):
    """tls_pair's TRUTH lines; directions without a byte left out, as they need not have a file."""
    flows = []
    for line in out.decode().splitlines():
        if line.startswith("TRUTH "):
            _, _, way, size, digest, pid = line.split()
            if int(size):
                flows.append(Flow(way, int(size), digest, int(pid)))
    return sorted(flows)


def flows_in(folder):
    """The files that plaintap wrote into DIR/, in the same form. Names are <pid>.<n>.<dir>."""
    flows = []
    for name in os.listdir(folder):
        conn, _, way = name.rpartition(".")
        if way not in DIRS:
            continue
        path = os.path.join(folder, name)
        size = os.path.getsize(path)
        if size:
            flows.append(Flow(way, size, sha256_file(path), int(conn.split(".")[0])))
    return sorted(flows)


def check_truth(folder, truth):
    check(truth, "the program told its truth")
    got = flows_in(folder)
    missing = [f for f in truth if f not in got]
    extra = [f for f in got if f not in truth]
    if missing or extra or len(got) != len(truth):
        raise Failed("flows differ; missing %s; extra %s" % (missing[:4], extra[:4]))


def body_in_flow(folder, way, size):
    """The last `size` bytes of the only flow of that direction that is long enough: a body."""
    names = [n for n in os.listdir(folder) if n.endswith("." + way)
             and os.path.getsize(os.path.join(folder, n)) >= size]
    check_eq(len(names), 1, "%s files of %d bytes or more" % (way, size))
    with open(os.path.join(folder, names[0]), "rb") as f:
        f.seek(-size, os.SEEK_END)
        return hashlib.sha256(f.read()).hexdigest()


# --- running -------------------------------------------------------------------------------------

def why_not_here(root):
    if not os.access(PLAINTAP, os.X_OK):
        return None, "build/plaintap is not built"
    if root and os.geteuid() != 0:
        return "needs root (BPF)", None
    return None, None


def main(cases, root=True):
    """cases: [(name, function of a Case)]. Exits 1 when one failed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    skip, broken = why_not_here(root)
    if skip:
        print("1..0 # SKIP " + skip)
        return
    if broken:
        print("1..1\nnot ok 1 - " + broken)
        sys.exit(1)
    print("1..%d" % len(cases), flush=True)
    failed = 0
    for i, (name, function) in enumerate(cases, 1):
        case = Case()
        try:
            function(case)
            print("ok %d - %s" % (i, name), flush=True)
        except Skip as e:
            print("ok %d - %s # SKIP %s" % (i, name, e), flush=True)
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print("not ok %d - %s" % (i, name))
            text = str(e) if isinstance(e, Failed) else traceback.format_exc()
            for line in text.splitlines():
                print("#   " + line)
            sys.stdout.flush()
        finally:
            case.done()
    sys.exit(1 if failed else 0)
