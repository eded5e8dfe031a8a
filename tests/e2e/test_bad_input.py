# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong at a user's place: each ends with a sentence that helps, and the right status."""

import json
import re
import stat
import threading

from harness import (BLOCKS, PLAINTAP, TLS_PAIR, Skip, check, check_eq, check_truth, env,
                     libraries_of, main, need, need_namespaces, os, read_jsonl, signal, subprocess,
                     truth_of)


def refused(case, *args, status=1, says=(), **how):
    p = case.tap_run(*args, status=status, **how)
    for word in says:
        check(word.lower() in p.err().lower(), "stderr says '%s': %s" % (word, p.err()[-600:]))
    return p


def test_no_root(case):
    need("setpriv")
    os.chmod(case.tmp, 0o755)
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    if not reachable(argv):
        raise Skip("nobody may not enter the build folder")
    refused(case, "--", "/bin/true", prefix=argv, says=["CAP_BPF", "CAP_PERFMON"])


def reachable(argv):
    return subprocess.run(argv + [PLAINTAP, "--version"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def test_no_such_pid(case):
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as f:
        pid = int(f.read())  # never given to a process
    refused(case, "-p", pid, says=[str(pid)])


def test_bad_pid(case):
    refused(case, "-p", "12x", status=2, says=["12x"])


def test_no_such_command(case):
    refused(case, "--", "/nonexistent/program", says=["/nonexistent/program"])


def test_not_executable(case):
    path = case.path("file")
    with open(path, "w", encoding="ascii"):
        pass
    refused(case, "--", path, says=[path])


def test_unknown_option(case):
    refused(case, "--colour", "--", "true", status=2, says=["--colour"])


def test_missing_folder(case):
    path = case.path("missing") + "/out.jsonl"
    refused(case, "-o", path, "--", "/bin/true", says=[path])


def test_existing_file(case):
    path = case.path("out.jsonl")
    with open(path, "w", encoding="ascii") as f:
        f.write("precious\n")
    refused(case, "-o", path, "--", "/bin/true", says=[path, "--force"])
    with open(path, encoding="ascii") as f:
        check_eq(f.read(), "precious\n", "the old content")
    case.tap_run("--force", "-o", path, "--", "/bin/true")
    check_eq(read_jsonl(path)[-1]["type"], "summary", "the last line")


def test_link(case):
    victim, link = case.path("victim"), case.path("link.jsonl")
    os.symlink(victim, link)
    refused(case, "-o", link, "--", "/bin/true", says=[link])
    check(not os.path.exists(victim), "the link was not followed")


def test_modes(case):
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    case.tap_run("-o", flows, "-o", jsonl, "--", TLS_PAIR)
    for path in [jsonl] + [flows + n for n in os.listdir(flows)]:
        check_eq(oct(stat.S_IMODE(os.stat(path).st_mode)), "0o600", "mode of " + path)


def test_full_disk(case):
    """A tmpfs of 256 KiB; the lines are read inside its namespace and copied out."""
    need("unshare")
    need_namespaces()
    out, kept = case.path("mnt"), case.path("kept")
    os.mkdir(out)
    script = ('mount -t tmpfs -o size=256k none "$0" && "$@"; r=$?; cat "$0"/out.jsonl >"%s"; '
              'exit $r' % kept)
    p = case.tap("-o", out + "/out.jsonl", "--", TLS_PAIR, "--threads", "20", "--size", "64k",
                 prefix=["unshare", "-m", "--propagation", "private", "sh", "-c", script, out])
    check_eq(p.wait(), 1, "exit status: " + p.err()[-600:])
    check("out.jsonl" in p.err(), "stderr names the file: " + p.err()[-600:])
    with open(kept, encoding="utf-8") as f:
        lines = f.read().split("\n")
    check(len(lines) > 1, "something was kept")
    for line in lines[:-1]:
        json.loads(line)


def libssl_of(program):
    found = [row for row in libraries_of(program) if row[0].startswith("libssl.")]
    if not found:
        raise Skip("tls_pair has OpenSSL linked in")
    return found[0]


def corrupt(case, change):
    """A program whose libssl is the changed one; what plaintap says, whatever becomes of the program."""
    folder = case.path("lib%d" % case.next_number())
    os.mkdir(folder)
    name, path = libssl_of(TLS_PAIR)
    with open(path, "rb") as f:
        data = f.read()
    with open(os.path.join(folder, name), "wb") as f:
        f.write(change(data))
    p = case.tap_run("-v", "-o", case.path("o.jsonl"), "--force", "--", TLS_PAIR, status=None,
                     environ=env(LD_LIBRARY_PATH=folder))
    # The status is the program's, which its loader may have led to a SIGBUS; plaintap ends in order.
    check_eq(read_jsonl(case.path("o.jsonl"))[-1]["type"], "summary", "the last line")
    return os.path.join(folder, name), p.err()


def test_corrupt_library(case):
    """The loader does not take such a file for a library; plaintap looks at it all the same."""
    for change in (lambda data: data[:64] + b"\xff" * 5000, lambda data: data[:20]):
        path, err = corrupt(case, change)
        check(path in err, "it is named: " + err)


def test_cut_library(case):
    """At any length, in the middle of whatever table stands there."""
    for part in range(1, 20):
        corrupt(case, lambda data: data[:len(data) * part // 20])


def test_no_tls(case):
    p = case.tap_run("--", "/bin/true")
    check("ssl" in p.err().lower(), "stderr says what it looked for: " + p.err())


def test_no_btf(case):
    need("unshare")
    need_namespaces()
    refused(case, "--", "/bin/true", says=["BTF"], prefix=[
        "unshare", "-m", "--propagation", "private", "sh", "-c",
        'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"'])


def test_signal(case, sig):
    pair = case.pair()
    p = case.tap("-p", pair.pid, "-o", case.path("out.jsonl"))
    check(p.ready, "ready: " + p.err())
    p.stop(sig)
    check_eq(p.wait(), 0, "exit status")
    check(re.search(r"\b0 bytes lost\b", p.err()), "the summary on stderr: " + p.err())
    check_eq(read_jsonl(case.path("out.jsonl"))[-1]["type"], "summary", "the last line")
    pair.go()
    check(truth_of(pair.rest()), "the program went on")


def test_killed(case):
    pair = case.pair("--wait-connected", "--size", "1M")
    p = case.tap("-p", pair.pid)
    check(p.ready, "ready: " + p.err())
    p.stop(signal.SIGKILL)
    check_eq(p.wait(), 137, "exit status")
    pair.go()
    truth = truth_of(pair.rest())
    check_eq(pair.wait(), 0, "the program's exit status: " + pair.err())
    check_eq(len(truth), 4, "flows that the program told")
    check_eq(len({f.sha256 for f in truth}), 2, "both sides agree")


def test_status(case, script, want):
    case.tap_run("--", "sh", "-c", script, status=want)


def test_strict(case):
    flows = case.path("flows") + "/"
    p = case.tap_run("--strict", "-o", flows, "--", TLS_PAIR, "--size", "1M")
    check_truth(flows, truth_of(p.out()))


def test_other_program(case):
    p = case.tap_run("-o", case.path("o.jsonl"), "--", BLOCKS, "160")
    check_eq(len(p.out()), 160, "the program's own output")


def test_ending_pid(case):
    """A process that ends at any moment of the attaching: never a hang, always a sentence."""
    for i in range(20):
        child = subprocess.Popen(["sleep", "%.3f" % (i * 0.008)])
        p = case.tap("-p", child.pid)
        status = p.wait()
        child.wait()
        check(status in (0, 1), "exit status %d" % status)
        check("plaintap: " in p.err(), "something is said")
        if status == 1:
            check("-p %d" % child.pid in p.err(), "the pid is named: " + p.err())


def test_zombie(case):
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    refused(case, "-p", child.pid, says=["-p %d" % child.pid])
    child.wait()


def test_thread_id(case):
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        refused(case, "-p", thread.native_id, says=["thread of process %d" % os.getpid()])
    finally:
        done.set()
        thread.join()


def test_exact_loss(case):
    """Far more than the buffer holds, in one call: what is missing is known to the byte."""
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap_run("--strict", "--no-pause", "--buffer", "64K", "-o", flows, "-o", jsonl, "--", TLS_PAIR, "--dir",
                     "c2s", "--size", "32M", status=3)
    check("LOST" in p.err(), "the last line says so: " + p.err())
    summary = read_jsonl(jsonl)[-1]
    check(summary["balanced"], "the counters balance")
    check(summary["lost_bytes"] > 0, "bytes are lost")
    check_eq(summary["lost_bytes"], summary["kernel"]["bytes_dropped"]["ring_full"], "the cause")
    data_lost = sum(row["lost_bytes"] for row in read_jsonl(jsonl) if row["type"] == "data")
    check_eq(data_lost, summary["lost_bytes"], "the holes among the data lines")
    truth = b"".join(blocks_of_pair(case))
    for row in read_jsonl(os.path.join(flows, "index.jsonl")):
        for way in ("sent", "received"):
            check_holes(flows, row, way, truth)


def blocks_of_pair(case):
    """The same transfer without loss: its bytes are the truth, as the program makes them anew."""
    flows = case.path("truth") + "/"
    case.tap_run("--buffer", "64M", "-o", flows, "--", TLS_PAIR, "--dir", "c2s", "--size", "32M")
    for name in os.listdir(flows):
        if name.endswith(".sent") and os.path.getsize(flows + name):
            with open(flows + name, "rb") as f:
                yield f.read()


def check_holes(flows, row, way, truth):
    """File and holes together are the whole stream, each byte in its place."""
    path = os.path.join(flows, "%s.%s" % (row["conn"]["id"], way))
    data = b""
    if os.path.exists(path):
        with open(path, "rb") as f:
            data = f.read()
    at = offset = 0
    for hole in row[way]["gaps"]:
        part = hole["offset"] - offset
        check(data[at:at + part] == truth[offset:offset + part], "bytes before a hole")
        at += part
        offset = hole["offset"] + hole["len"]
    check(data[at:] == truth[offset:offset + len(data) - at], "bytes after the last hole")
    check_eq(len(data), row[way]["bytes"], "bytes in the file")
    check_eq(sum(hole["len"] for hole in row[way]["gaps"]), row[way]["lost_bytes"], "the holes' sum")
    if data:
        check_eq(len(data) + row[way]["lost_bytes"], len(truth), "file and holes are the whole")


def test_memory(case):
    """At rest: resident memory of the process, the buffer included."""
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        p = case.tap("-p", sleeper.pid, "-o", case.path("out.jsonl"))
        check(p.ready, "ready: " + p.err())
        with open("/proc/%d/status" % p.pid, encoding="ascii") as f:
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", f.read()).group(1))
        check(resident < 20 * 1024, "%d KiB resident" % resident)
    finally:
        sleeper.kill()
        sleeper.wait()
    check_eq(p.wait(), 0, "exit status")


main([
    ("no root", test_no_root),
    ("a pid that does not exist", test_no_such_pid),
    ("a pid that is no number", test_bad_pid),
    ("a pid that ends while attaching", test_ending_pid),
    ("a pid of a process that has ended", test_zombie),
    ("a thread's id", test_thread_id),
    ("a command that does not exist", test_no_such_command),
    ("a command that is not executable", test_not_executable),
    ("an unknown option", test_unknown_option),
    ("-o into a missing folder", test_missing_folder),
    ("-o onto an existing file", test_existing_file),
    ("-o onto a link", test_link),
    ("files are 0600", test_modes),
    ("a full disk", test_full_disk),
    ("a corrupt library", test_corrupt_library),
    ("a library that is cut short", test_cut_library),
    ("a program without TLS", test_no_tls),
    ("a kernel without BTF", test_no_btf),
    ("SIGINT", lambda c: test_signal(c, signal.SIGINT)),
    ("SIGTERM", lambda c: test_signal(c, signal.SIGTERM)),
    ("SIGKILL: the program goes on", test_killed),
    ("exit status 7 is passed on", lambda c: test_status(c, "exit 7", 7)),
    ("exit status of a signal", lambda c: test_status(c, "kill -TERM $$", 143)),
    ("--strict without loss", test_strict),
    ("a program that has nothing to show", test_other_program),
    ("a loss is exact, and fails --strict", test_exact_loss),
    ("memory at rest", test_memory),
])
