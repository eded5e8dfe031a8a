# SPDX-License-Identifier: BSD-2-Clause
"""`plaintap doctor`: each reason that can be brought about here, by doing."""

import json
import re
import threading
import time

from harness import (PLAINTAP, START_SECONDS, TLS_PAIR, Failed, Skip, check, check_eq, main, need, need_namespaces, os,
                     subprocess, truth_of)
from odd_programs import (BITS_32, STATIC_PLAIN, build, openssl_version, start, static_tls, told, with_library)

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
QUIC = ("import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        "s.connect(('127.0.0.1', 443)); print('READY', flush=True); sys.stdin.read()")
# A filter that allows everything.
SECCOMP = """
import ctypes, sys
class F(ctypes.Structure): _fields_ = [('code', ctypes.c_ushort), ('jt', ctypes.c_ubyte), ('jf', ctypes.c_ubyte), ('k', ctypes.c_uint)]
class P(ctypes.Structure): _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.POINTER(F))]
libc = ctypes.CDLL(None, use_errno=True)
f = F(6, 0, 0, 0x7fff0000)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(P(1, ctypes.pointer(f)))): sys.exit(1)
print('READY', flush=True); sys.stdin.read()
"""


def doctor(case, *args, **how):
    rows = told(case, "doctor", *args, **how)
    check_eq(len(rows), 1, "one JSON object")
    for f in rows[0]["findings"]:
        check((f["level"] == "ok") == (f["advice"] is None), "advice where it is needed: %s" % f)
    return rows[0]


def check_found(report, name, level, *words):
    found = [f for f in report["findings"] if f["id"] == name]
    check(found, "%s is among %s" % (name, [f["id"] for f in report["findings"]]))
    check_eq(found[0]["level"], level, "level of " + name)
    for word in words:
        check(word in found[0]["text"], "'%s' is in: %s" % (word, found[0]["text"]))


def hits(report, role):
    return sum(p["hits"] for p in report["probes"] if p["role"] == role)


def test_machine(case):
    report = doctor(case)
    check(report["would_work"], "it would work")
    check_eq(report["pid"], None, "pid")
    for name in ("capability.bpf", "capability.perfmon", "capability.sys_ptrace", "kernel.btf", "kernel.bpf",
                 "kernel.lockdown"):
        check_found(report, name, "ok")
    for feature in ("session", "multi", "cookie", "dynptr", "loop", "sleep"):
        check([f for f in report["findings"] if f["id"] == "kernel." + feature], feature + " was tried")
    check([f for f in report["findings"] if f["id"] == "kernel.return_probes"], "return probes were tried")


def test_features_agree(case):
    """What it says of the kernel is what a capture finds."""
    p = case.tap_run("-vv", "--", "/bin/true")
    report = doctor(case)
    found = dict(re.findall(r"kernel feature (\w+): (\w+)", p.err()))
    check(len(found) == 6, "six features: " + p.err())
    for name, has in found.items():
        check_found(report, "kernel." + name, "ok" if has == "yes" else "note")


def test_text(case):
    p = case.run([PLAINTAP, "doctor", "-p", "4194304"])
    check_eq(p.wait(), 1, "exit status")
    out = p.out().decode()
    check("problem" in out and "no process 4194304" in out and "→" in out, out)


def test_no_root(case):
    need("setpriv")
    os.chmod(case.tmp, 0o755)
    if subprocess.run(NOBODY + [PLAINTAP, "--version"], stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).returncode:
        raise Skip("nobody may not enter the build folder")
    report = doctor(case, prefix=NOBODY, status=1)
    check_found(report, "capability.bpf", "problem", "CAP_BPF")
    check_found(report, "capability.perfmon", "problem", "CAP_PERFMON")
    check_found(report, "capability.sys_ptrace", "problem", "CAP_SYS_PTRACE")
    check_found(report, "kernel.features", "note")
    pair = case.pair()
    check_found(doctor(case, "-p", pair.pid, prefix=NOBODY, status=1), "process.not_allowed", "problem",
                str(pair.pid))


def test_no_btf(case):
    need("unshare")
    need_namespaces()
    report = doctor(case, status=1, prefix=[
        "unshare", "-m", "--propagation", "private", "sh", "-c",
        'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"'])
    check_found(report, "kernel.btf", "problem", "BTF")


def test_lockdown(case):
    need("unshare")
    need_namespaces()
    report = doctor(case, status=1, prefix=[
        "unshare", "-m", "--propagation", "private", "sh", "-c",
        'mount -t tmpfs none /sys/kernel/security && '
        'echo "none integrity [confidentiality]" >/sys/kernel/security/lockdown && exec "$0" "$@"'])
    check_found(report, "kernel.lockdown", "problem", "confidentiality")


def test_own_pid_namespace(case):
    need("unshare")
    need_namespaces()
    report = doctor(case, status=1, prefix=["unshare", "-m", "-p", "-f", "--mount-proc"])
    check_found(report, "self.pid_namespace", "problem")


def test_no_such_pid(case):
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as f:
        pid = f.read().strip()
    check_found(doctor(case, "-p", pid, status=1), "process.none", "problem", pid)


def test_zombie(case):
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    check_found(doctor(case, "-p", child.pid, status=1), "process.ended", "problem")
    child.wait()


def test_thread(case):
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        check_found(doctor(case, "-p", thread.native_id, status=1), "process.thread", "problem", str(os.getpid()))
    finally:
        done.set()
        thread.join()


def test_no_tls(case):
    sleeper = case.run(["sleep", "100"])
    check_found(doctor(case, "-p", sleeper.pid, status=1), "tls.none", "problem", "sleep")


def test_static(case):
    p = static_tls(case)
    check_found(doctor(case, "-p", p.pid, status=1), "tls.not_probed", "problem", "OpenSSL", "linked statically")


def test_static_without_tls(case):
    p = start(case, [build(case, "static_plain", STATIC_PLAIN, "-static", "-s")])
    check_found(doctor(case, "-p", p.pid, status=1), "tls.static", "problem")


def test_32bit(case):
    p = start(case, [build(case, "bits32", BITS_32, "-m32", "-nostdlib", "-static", suffix=".S")])
    check_found(doctor(case, "-p", p.pid, status=1), "process.32bit", "problem")


def test_gnutls(case):
    p = with_library(case, "libgnutls.so.30")
    report = doctor(case, "-p", p.pid, status=1)
    check_found(report, "tls.not_probed", "problem", "GnuTLS")


def test_go(case):
    go = "/usr/local/go/bin/go"
    if not os.path.exists(go):
        raise Skip("Go is not installed")
    check_found(doctor(case, "--", go, "version", status=1), "tls.not_probed", "problem", "Go program")


def test_mount_namespace(case):
    need("unshare")
    need_namespaces()
    p = case.run(["unshare", "-m", TLS_PAIR, "--wait"], stdin=subprocess.PIPE, pipe_out=True)
    check_eq(p.line().split()[0], "READY", "tls_pair's first word")
    report = doctor(case, "-p", p.pid, "--seconds", 1)
    check_found(report, "process.mount_namespace", "note")
    check_found(report, "tls.probed", "ok", "OpenSSL")


def test_pid_namespace(case):
    need("unshare")
    need_namespaces()
    p = case.run(["unshare", "-p", "-f", "--kill-child", TLS_PAIR, "--wait"], stdin=subprocess.PIPE, pipe_out=True)
    check_eq(p.line().split()[0], "READY", "tls_pair's first word")
    with open("/proc/%d/task/%d/children" % (p.pid, p.pid), encoding="ascii") as f:
        child = int(f.read())
    check_found(doctor(case, "-p", child, "--seconds", 1), "process.pid_namespace", "note")


def test_quic(case):
    p = start(case, ["/usr/bin/python3", "-c", QUIC])
    check_found(doctor(case, "-p", p.pid, status=1), "process.quic", "note", "443")


def test_seccomp(case):
    p = start(case, ["/usr/bin/python3", "-c", SECCOMP])
    report = doctor(case, "-p", p.pid, status=1)
    filtered = [f for f in report["findings"] if f["id"] == "kernel.return_probes"][0]["level"] != "ok"
    if filtered:
        raise Skip("this kernel shows return probes to filters")
    check_found(report, "process.seccomp", "ok", "seccomp")


def place_cnt(pid):
    r = subprocess.run([PLAINTAP, "ls", "--probes", "--json", str(pid)], check=True,
                       stdout=subprocess.PIPE)
    return sum(len(json.loads(line)["probes"]) for line in r.stdout.splitlines())


def counting(case, pid, seconds):
    """A doctor whose probes are in place."""
    cnt = place_cnt(pid)
    check(cnt >= 5, "it has places to probe")
    p = case.run([PLAINTAP, "doctor", "--json", "-p", str(pid), "--seconds", str(seconds)])
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        folder = "/proc/%d/fd" % p.pid
        try:
            names = [os.readlink(os.path.join(folder, n)) for n in os.listdir(folder)]
        except OSError:
            names = []
        if sum("perf_event" in n for n in names) >= cnt:
            return p
        time.sleep(0.01)
    raise Failed("the doctor placed no probes: " + p.err())


def report_of(p, status):
    check_eq(p.wait(), status, "exit status: " + p.err())
    return json.loads(p.out())


def test_hits(case):
    pair = case.pair("--size", "1M")
    p = counting(case, pair.pid, 100)
    pair.go()
    truth = truth_of(pair.rest())
    report = report_of(p, 0)
    check(truth, "the program did its work")
    check_eq(pair.wait(), 0, "its exit status")
    check(hits(report, "read") > 0 and hits(report, "write") > 0 and hits(report, "free") > 0, str(report["probes"]))
    check_found(report, "calls.some", "ok")
    check_found(report, "process.ended_meanwhile", "note")
    check_found(report, "tls.probed", "ok", openssl_version(TLS_PAIR))


def test_only_that_process(case):
    quiet, busy = case.pair(), case.pair("--size", "1M")
    p = counting(case, quiet.pid, 2)
    busy.go()
    check(truth_of(busy.rest()), "the other program did its work")
    report = report_of(p, 0)
    check_eq(sum(x["hits"] for x in report["probes"]), 0, "hits")
    check_found(report, "calls.none", "note")
    quiet.go()
    check(truth_of(quiet.rest()), "the program goes on")


def test_command(case):
    """Exactly the calls that it made: both sides write `count` times, in each thread."""
    for threads in (1, 4):
        report = doctor(case, "--", TLS_PAIR, "--size", 100, "--count", 5, "--threads", threads)
        check_eq(hits(report, "write"), 2 * 5 * threads, "writes of %d threads" % threads)
        check_eq(hits(report, "free"), 2 * threads, "objects freed")
        check(hits(report, "read") >= 2 * 5 * threads, "reads")
        check_found(report, "calls.some", "ok")


def test_command_without_tls(case):
    check_found(doctor(case, "--", "/bin/true", status=1), "tls.none", "problem")


def test_long_command(case):
    """It is ended, and nothing of it stays."""
    began = time.monotonic()
    report = doctor(case, "--seconds", 1, "--", "/usr/bin/python3", "-c", "import ssl, time; time.sleep(90)")
    check(time.monotonic() - began < 60, "it did not wait for its end")
    check_found(report, "calls.none", "note", "1 s")
    check(not os.path.exists("/proc/%d" % report["pid"]), "the program is gone")


def test_no_such_command(case):
    p = case.run([PLAINTAP, "doctor", "--", "/nonexistent/program"])
    check_eq(p.wait(), 1, "exit status")
    check("/nonexistent/program" in p.err(), p.err())


def test_usage(case):
    for args in (["-p"], ["-p", "x"], ["-p", "1", "-p", "2"], ["--seconds", "0"], ["--seconds", "x"], ["--"], ["--bogus"],
                 ["-p", "1", "--", "true"]):
        p = case.run([PLAINTAP, "doctor"] + args)
        check_eq(p.wait(), 2, "exit status of %s: %s" % (args, p.err()))


main([
    ("the machine", test_machine),
    ("its features are those of a capture", test_features_agree),
    ("as text", test_text),
    ("no root", test_no_root),
    ("a kernel without BTF", test_no_btf),
    ("lockdown", test_lockdown),
    ("in a pid namespace of its own", test_own_pid_namespace),
    ("a pid that does not exist", test_no_such_pid),
    ("a process that has ended", test_zombie),
    ("a thread's id", test_thread),
    ("a process without TLS", test_no_tls),
    ("linked statically and stripped", test_static),
    ("linked statically, no TLS", test_static_without_tls),
    ("32 bits", test_32bit),
    ("GnuTLS", test_gnutls),
    ("Go", test_go),
    ("another mount namespace", test_mount_namespace),
    ("another pid namespace", test_pid_namespace),
    ("QUIC", test_quic),
    ("a seccomp filter", test_seccomp),
    ("hits are counted, the program goes on", test_hits),
    ("other processes are not counted", test_only_that_process),
    ("a command", test_command),
    ("a command without TLS", test_command_without_tls),
    ("a command that goes on", test_long_command),
    ("a command that does not exist", test_no_such_command),
    ("wrong usage", test_usage),
])
