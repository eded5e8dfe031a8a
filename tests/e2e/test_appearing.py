# SPDX-License-Identifier: BSD-2-Clause
"""Programs and libraries that appear while plaintap runs: nothing of what they say is missed."""

import time

from harness import (PROGS, TLS_PAIR, Skip, check, check_eq, check_nothing_lost, check_truth, env,
                     exchanges, flows_in, libraries_of, main, need, need_namespaces, of_type, os, read_jsonl,
                     shutil, signal, subprocess, truth_of)
from own_libraries import own_libssl
from waiting_parent import under_parent

STARTS, NEW_FILES, AT_ONCE = 500, 30, 40
PAIR = TLS_PAIR + " --socketpair --size 64"


def summary_of(case):
    return of_type(read_jsonl(case.path("out.jsonl")), "summary")[0]


def capture(case, script, *args, **how):
    """plaintap around a shell script; the truth that its programs told."""
    p = case.tap("--strict", *args, "-o", case.path("flows") + "/", "-o", case.path("out.jsonl"),
                 "--", "sh", "-c", script, **how)
    check_eq(p.wait(), 0, "exit status: " + p.err()[-1000:])
    return p, truth_of(p.out())


def check_all(case, truth, cnt):
    check_eq(len(truth), cnt, "truths told")
    check_truth(case.path("flows"), truth)
    check_nothing_lost(read_jsonl(case.path("out.jsonl")))


def in_folder(folder):
    return "LD_LIBRARY_PATH=%s %s" % (folder, PAIR)


def test_many_starts(case):
    """A file costs one look, however often it is started, and its first start is not missed."""
    script = "i=0; while [ $i -lt %d ]; do %s || exit 1; i=$((i+1)); done" % (
        STARTS, in_folder(own_libssl(case)))
    _, truth = capture(case, script)
    check_all(case, truth, 4 * STARTS)
    load = summary_of(case)["load"]
    check(1 <= load["holds"] <= 10, "a few looks: %s" % load)
    check_eq(load["holds_in_vain"], 0, "in vain")


def test_new_file_each_time(case):
    folders = [own_libssl(case, "lib%d" % i) for i in range(NEW_FILES)]
    _, truth = capture(case, " && ".join(in_folder(f) for f in folders))
    check_all(case, truth, 4 * NEW_FILES)
    check(summary_of(case)["load"]["holds"] >= NEW_FILES, "each was looked at")


def at_once(commands):
    return "".join("%s & " % c for c in commands) + "wait"


def check_waits(case):
    """They stand still while they wait; if all took processors, each wait would be a second."""
    load = summary_of(case)["load"]
    check_eq(load["holds_in_vain"], 0, "in vain")
    check(load["hold_ns"] < 400e6 * load["holds"], "short waits: %s" % load)


def test_same_file_at_once(case):
    """Many processes bring it before the first one was looked at."""
    _, truth = capture(case, at_once([in_folder(own_libssl(case))] * AT_ONCE))
    check_all(case, truth, 4 * AT_ONCE)
    check_waits(case)


def test_new_files_at_once(case):
    folders = [own_libssl(case, "lib%d" % i) for i in range(AT_ONCE)]
    _, truth = capture(case, at_once(in_folder(f) for f in folders))
    check_all(case, truth, 4 * AT_ONCE)
    check_waits(case)


def test_killed_in_a_crowd(case):
    """Those that stand still go on, and those that come later do not wait."""
    folders = [own_libssl(case, "lib%d" % i) for i in range(AT_ONCE)]
    shell = case.run(["sh", "-c", "read line; " + at_once(in_folder(f) for f in folders)],
                     stdin=subprocess.PIPE, pipe_out=True)
    p = case.tap("-v", "-p", shell.pid, "-o", case.path("out.jsonl"))
    check(p.ready, "ready: " + p.err())
    start = time.monotonic()
    shell.p.stdin.write(b"\n")
    shell.p.stdin.close()
    while "a TLS library of its own" not in p.err():
        check(time.monotonic() < start + 60, "one was looked at")
        time.sleep(0.001)
    p.stop(signal.SIGKILL)
    check_eq(len(truth_of(shell.p.stdout.read())), 4 * AT_ONCE, "truths told")
    took = time.monotonic() - start
    check(took < 10, "waited for: %.1f s" % took)


def with_inside(name):
    path = os.path.join(PROGS, name)
    if not os.path.exists(path):
        raise Skip("this machine has no static OpenSSL to link with")
    return path + " --socketpair --size 64"


def test_inside_exported(case):
    """OpenSSL in the program, which exports it as node does."""
    _, truth = capture(case, with_inside("tls_pair_exported") + "; true")
    check_all(case, truth, 4)


def test_inside_static(case):
    """A static program has no loader that would tell: named, it is known before it runs."""
    p = case.tap_run("--strict", "-o", case.path("flows") + "/", "-o", case.path("out.jsonl"), "--",
                     *with_inside("tls_pair_static").split())
    check_all(case, truth_of(p.out()), 4)


def test_other_mount_namespace(case):
    """As in a container: another file lies at the path of the library."""
    need_namespaces()
    folder = own_libssl(case)
    name = os.listdir(folder)[0]
    path = os.path.realpath(dict(libraries_of(TLS_PAIR))[name])
    _, truth = capture(case, "unshare -m --propagation private sh -c 'mount --bind %s/%s %s && %s'" %
                       (folder, name, path, PAIR))
    check_all(case, truth, 4)


def make_root(case):
    """A folder to chroot into, with a loader of its own."""
    root = case.path("root")
    out = subprocess.run(["ldd", TLS_PAIR], check=True, stdout=subprocess.PIPE).stdout.decode()
    files = [w for line in out.splitlines() for w in line.split() if w.startswith("/")]
    for path in files + [TLS_PAIR]:
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(path, root + path)
    return root


def test_loader_of_its_own(case):
    """Also of the first program with a loader that is new nothing is missed."""
    root = make_root(case)
    _, truth = capture(case, "chroot %s %s; chroot %s %s" % (root, PAIR, root, PAIR))
    check_all(case, truth, 8)


def test_replaced(case):
    """An upgrade while the capture runs: the new file under the old name is another file."""
    folder = own_libssl(case)
    new = own_libssl(case, "new")
    name = os.listdir(folder)[0]
    pair = in_folder(folder)
    script = "%s && mv %s/%s %s/%s && %s" % (pair, new, name, folder, name, pair)
    _, truth = capture(case, script)
    check_all(case, truth, 8)


def test_deleted(case):
    """Attached to a process whose library has been removed since."""
    folder = own_libssl(case)
    pair = case.run([TLS_PAIR, "--wait", "--size", "20k"], stdin=subprocess.PIPE, pipe_out=True,
                    environ=env(LD_LIBRARY_PATH=folder))
    check_eq(pair.line().split()[0], "READY", "tls_pair's first word")
    shutil.rmtree(folder)
    p = case.tap("-p", pair.pid, "-o", case.path("flows") + "/", "-o", case.path("out.jsonl"))
    check(p.ready, "ready: " + p.err())
    out, _ = pair.p.communicate(b"\n", timeout=60)
    check_eq(p.wait(), 0, "exit status")
    check_all(case, truth_of(out), 4)


def test_parent_sees_no_stop(case):
    """Shells and sudo wait for stopped children, and would act on one."""
    folder = own_libssl(case)
    p = case.tap_run("--strict", "-o", case.path("flows") + "/", "-o", case.path("out.jsonl"), "--",
                     *under_parent(*PAIR.split()), environ=env(LD_LIBRARY_PATH=folder))
    check_all(case, truth_of(p.out()), 4)


def test_no_pause(case):
    _, _ = capture(case, in_folder(own_libssl(case)), "--no-pause")
    check_eq(summary_of(case)["load"]["holds"], 0, "holds")


def run_beside(case, sig):
    """Programs that start while plaintap is hit by a signal, and how long each took."""
    folders = [own_libssl(case, "lib%d" % i) for i in range(8)]
    shell = case.run(["sh", "-c", "read line; " + " && ".join(in_folder(f) for f in folders)],
                     stdin=subprocess.PIPE, pipe_out=True)
    p = case.tap("-p", shell.pid, "-o", case.path("out.jsonl"))
    check(p.ready, "ready: " + p.err())
    p.stop(sig)
    start = time.monotonic()
    out, _ = shell.p.communicate(b"\n", timeout=60)
    check_eq(len(truth_of(out)), 4 * len(folders), "truths told")
    return p, time.monotonic() - start


def test_killed(case):
    """Nobody is left to wait for."""
    _, took = run_beside(case, signal.SIGKILL)
    check(took < 8 * 0.5, "waited for at each start: %.1f s" % took)


def test_stopped(case):
    """Who does not answer is waited for once, and not at every start; and says so."""
    p, took = run_beside(case, signal.SIGSTOP)
    p.stop(signal.SIGCONT)
    check(took < 8 * 0.5, "waited for at each start: %.1f s" % took)
    check_eq(p.wait(), 0, "exit status")
    check_eq(summary_of(case)["load"]["holds_in_vain"], 1, "in vain")
    check("first words may be missing" in p.err(), "told: " + p.err())


MUSL_MAIN = """
#include <dlfcn.h>
int main(int argc, char **argv)
{
	int (*write)(void *, void *, int) = dlsym(dlopen(argv[1], RTLD_NOW), "SSL_write");
	return write(argv, "from musl", 9) != 9;
}
"""
MUSL_TLS = """
int SSL_read(void *ssl, void *buf, int len) { return len; }
int SSL_write(void *ssl, void *buf, int len) { return len; }
"""


def test_musl(case):
    """Another C library, without a loader cache: its loader tells debuggers likewise."""
    need("musl-gcc")
    for name, text in (("main.c", MUSL_MAIN), ("tls.c", MUSL_TLS)):
        with open(case.path(name), "w", encoding="ascii") as f:
            f.write(text)
    library, program = case.path("libssl.so.9"), case.path("main")
    subprocess.run(["musl-gcc", "-shared", "-fPIC", "-o", library, case.path("tls.c")], check=True)
    subprocess.run(["musl-gcc", "-o", program, case.path("main.c")], check=True)
    case.tap_run("--strict", "-o", case.path("flows") + "/", "--", program, library)
    flows = flows_in(case.path("flows"))
    check_eq([(f.dir, f.bytes) for f in flows], [("sent", 9)], "flows")


NODE = """
const https = require('https'), fs = require('fs'), dir = process.argv[1];
const opt = {key: fs.readFileSync(dir + '/key.pem'), cert: fs.readFileSync(dir + '/cert.pem')};
const server = https.createServer(opt, (q, r) => r.end('hello')).listen(0, '127.0.0.1', () =>
  https.get({port: server.address().port, path: '/from-node', rejectUnauthorized: false}, r => {
    r.resume(); r.on('end', () => server.close()); }));
"""


def test_node(case):
    need("node", "openssl")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", case.path("key.pem"), "-out", case.path("cert.pem")],
                   check=True, stderr=subprocess.DEVNULL)
    p = case.tap_run("--strict", "-o", case.path("out.jsonl"), "--", "sh", "-c",
                     'node -e "$0" "$1"; true', NODE, case.tmp)
    rows = read_jsonl(case.path("out.jsonl"))
    paths = [x["request"]["path"] for x in exchanges(rows)]
    # Once at the client, once at the server.
    check_eq(paths, ["/from-node"] * 2, "exchanges; " + p.err())
    check_nothing_lost(rows)


main([("many starts", test_many_starts),
      ("a new file each time", test_new_file_each_time),
      ("the same new file, many at once", test_same_file_at_once),
      ("new files, many at once", test_new_files_at_once),
      ("plaintap is killed in a crowd", test_killed_in_a_crowd),
      ("OpenSSL inside, exported", test_inside_exported),
      ("OpenSSL inside, static", test_inside_static),
      ("node", test_node),
      ("another mount namespace", test_other_mount_namespace),
      ("a loader of its own", test_loader_of_its_own),
      ("a library that is replaced", test_replaced),
      ("a library that was deleted", test_deleted),
      ("musl", test_musl),
      ("a parent sees no stop", test_parent_sees_no_stop),
      ("--no-pause", test_no_pause),
      ("plaintap is killed", test_killed),
      ("plaintap is stopped", test_stopped)])
