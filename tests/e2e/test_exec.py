# SPDX-License-Identifier: BSD-2-Clause
"""Programs that no loader tells of, or one that is new: looked at before they are executed."""

import struct
import tempfile
import time

from harness import (PROGS, TLS_PAIR, Skip, check, check_eq, check_nothing_lost, check_truth, main,
                     need, need_namespaces, of_type, os, read_jsonl, shutil, signal, subprocess,
                     truth_of)
from own_libraries import own_libssl

STARTS, AT_ONCE = 40, 12
ARGS = " --socketpair --size 64"
STATIC = os.path.join(PROGS, "tls_pair_static")
PT_INTERP = 3


def need_static():
    if not os.path.exists(STATIC):
        raise Skip("this machine has no static OpenSSL to link with")


def new_static(case, name="static"):
    """A static program with OpenSSL inside that nobody has seen."""
    need_static()
    return shutil.copy(STATIC, case.path(name))


def new_statics(case, cnt=STARTS):
    return [new_static(case, "static%d" % i) for i in range(cnt)]


def outputs(case):
    return ["--strict", "-v", "-o", case.path("flows") + "/", "-o", case.path("out.jsonl")]


def summary_of(case):
    return of_type(read_jsonl(case.path("out.jsonl")), "summary")[0]


def check_all(case, truth, pairs):
    check_eq(len(truth), 4 * pairs, "truths told")
    check_truth(case.path("flows"), truth)
    check_nothing_lost(read_jsonl(case.path("out.jsonl")))
    check_eq(summary_of(case)["load"]["holds_in_vain"], 0, "in vain")


def capture(case, argv, *args, pairs=1, **how):
    p = case.tap_run(*outputs(case), *args, "--", *argv, **how)
    check_all(case, truth_of(p.out()), pairs)
    return p


def in_turn(programs):
    return " && ".join(p + ARGS for p in programs)


def test_shell(case):
    capture(case, ["sh", "-c", in_turn(new_statics(case))], pairs=STARTS)


def test_attached(case):
    """The shell runs before plaintap does."""
    shell = case.run(["sh", "-c", "read line; " + in_turn(new_statics(case))], stdin=subprocess.PIPE,
                     pipe_out=True)
    p = case.tap("-p", shell.pid, *outputs(case))
    check(p.ready, "ready: " + p.err())
    out, _ = shell.p.communicate(b"\n", timeout=60)
    check_eq(p.wait(), 0, "exit status: " + p.err()[-1000:])
    check_all(case, truth_of(out), STARTS)


def test_side_by_side(case):
    """Many wait at the same time."""
    programs = new_statics(case, AT_ONCE)
    capture(case, ["sh", "-c", " & ".join(p + ARGS for p in programs) + " & wait"], pairs=AT_ONCE)


def test_known(case):
    """A file costs one look, however often it is started."""
    program = new_static(case)
    capture(case, ["sh", "-c", in_turn([program] * STARTS)], pairs=STARTS)
    check(summary_of(case)["load"]["holds"] <= 10, "a few looks: %s" % summary_of(case)["load"])


WAYS = """
import os, subprocess, sys, threading
def argv(name): return [name] + "--socketpair --size 64".split()
def waited(pid): assert os.waitpid(pid, 0)[1] == 0
def forked(execute):
    pid = os.fork()
    if not pid:
        execute()
    waited(pid)
def from_folder():
    os.chdir("way4"); os.execv("../way4/static", argv("x"))
def from_thread():
    t = threading.Thread(target=lambda: os.execv("way7/static", argv("x")))
    t.start(); t.join()
def in_own_root():
    os.mkdir("root"); os.mkdir("root/proc"); os.rename("way9", "root/way9")
    os.chroot("root"); os.chdir("/"); os.execv("/way9/static", argv("x"))
os.chdir(sys.argv[1])
waited(os.posix_spawn("way0/static", argv("x"), os.environ))
assert os.system("way1/static --socketpair --size 64") == 0
subprocess.run(argv("way2/static"), check=True)
waited(os.spawnvp(os.P_NOWAIT, "way3/static", argv("x")))
forked(from_folder)
forked(lambda: os.execve(os.open("way5/static", os.O_RDONLY), argv("x"), os.environ))
for name in sys.argv[2:]:
    forked(lambda: os.execve(os.open(name, os.O_RDONLY), argv("x"), os.environ))
os.environ["PATH"] += ":" + os.path.abspath("way6")
os.rename("way6/static", "way6/in-path")
forked(lambda: os.execvp("in-path", argv("x")))
forked(from_thread)
os.symlink(os.path.abspath("way8/static"), "link")
forked(lambda: os.execv("./link", argv("x")))
forked(in_own_root)
"""


def test_ways(case):
    """By all the ways that the C library has."""
    need_static()
    for i in range(10):
        os.mkdir(case.path("way%d" % i))
        new_static(case, "way%d/static" % i)
    capture(case, ["/usr/bin/python3", "-c", WAYS, case.tmp] + new_statics(case), pairs=10 + STARTS)


def test_interpreter(case):
    """Of a script, which is what is executed then: sh stands for a static one."""
    program = new_static(case)
    script = case.path("script")
    with open(script, "w", encoding="ascii") as f:
        f.write("#! %s --socketpair\n" % program)
    os.chmod(script, 0o755)
    p = case.tap_run(*outputs(case), "--", "sh", "-c", script + " --size 64; true", status=None)
    # Its name comes in between, which tls_pair does not take: seen is that it was looked at.
    check("executes %s, which has a TLS library" % program in p.err(), p.err()[-1000:])


def test_itself(case):
    """The only process that is watched becomes it."""
    capture(case, ["sh", "-c", "exec " + new_static(case) + ARGS], "--no-children")


def test_filtered(case):
    """Who executes it is not let in, but the program is."""
    script = new_static(case, "unwanted") + ARGS + " > /dev/null"
    for i in range(STARTS):
        os.mkdir(case.path(str(i)))
        script += "; " + new_static(case, "%d/wanted" % i) + ARGS
    p = case.tap_run(*outputs(case), "--comm", "wanted", "--", "sh", "-c", script)
    check_all(case, truth_of(p.out()), STARTS)


MUSL_SPAWN = """
#include <unistd.h>
#include <spawn.h>
#include <sys/wait.h>
int main(int argc, char **argv)
{
	char *args[] = { "x", "--socketpair", "--size", "64", 0 }, *none[] = { 0 };
	int pid, status;
	for (; argc > 2; argc--)
		if (posix_spawn(&pid, *++argv, 0, 0, args, none) ||
		    waitpid(pid, &status, 0) != pid || status)
			return 1;
	return execve(argv[1], args, none);
}
"""


def build_musl(case, *args):
    need("musl-gcc")
    source, program = case.path("spawn.c"), case.path("spawn")
    with open(source, "w", encoding="ascii") as f:
        f.write(MUSL_SPAWN)
    subprocess.run(["musl-gcc", "-o", program, source] + list(args), check=True)
    return program


def test_musl(case):
    """Another C library than ours."""
    capture(case, ["sh", "-c", " ".join([build_musl(case)] + new_statics(case)) + "; true"], pairs=STARTS)


def test_static_parent(case):
    """A static program with its symbols is its own C library."""
    program = build_musl(case, "-static")
    capture(case, ["sh", "-c", " ".join([program] + new_statics(case)) + "; true"], pairs=STARTS)


def set_interpreter(program, path):
    """As patchelf would, but only to one that is not longer."""
    with open(program, "r+b") as f:
        head = f.read(64)
        phoff, = struct.unpack_from("<Q", head, 32)
        size, cnt = struct.unpack_from("<HH", head, 54)
        f.seek(phoff)
        table = f.read(size * cnt)
        for i in range(cnt):
            kind, _, off, _, _, room = struct.unpack_from("<IIQQQQ", table, i * size)
            if kind == PT_INTERP:
                f.seek(off)
                old = f.read(room).rstrip(b"\0").decode()
                check(len(path) < room, "%s has room for %d bytes" % (program, room))
                f.seek(off)
                f.write(path.encode().ljust(room, b"\0"))
                return old
    raise Skip("tls_pair has no loader")


def with_new_loaders(case, cnt):
    """Programs with a loader each that no other has; the loaders' folder."""
    # The case's own folder has too long a name.
    folder = tempfile.mkdtemp(prefix="t", dir="/tmp")
    programs = []
    for i in range(cnt):
        program = shutil.copy(TLS_PAIR, case.path("pair%d" % i))
        loader = "%s/%d" % (folder, i)
        shutil.copy(set_interpreter(program, loader), loader)
        programs.append(program)
    return folder, programs


def test_new_loader(case):
    """What it loads is new, too: or else it would be probed by now."""
    folder, programs = with_new_loaders(case, STARTS)
    try:
        runs = ["LD_LIBRARY_PATH=%s %s" % (own_libssl(case, "lib%d" % i), p + ARGS)
                for i, p in enumerate(programs)]
        # Programs that were seen already, whose loaders are replaced as by an upgrade.
        for i in range(STARTS):
            shutil.copy("%s/%d" % (folder, i), "%s/new%d" % (folder, i))
            runs.append("mv %s/new%d %s/%d && LD_LIBRARY_PATH=%s %s" % (
                folder, i, folder, i, own_libssl(case, "again%d" % i), programs[i] + ARGS))
        capture(case, ["sh", "-c", " && ".join(runs)], pairs=2 * STARTS)
    finally:
        shutil.rmtree(folder)


def test_loader_as_program(case):
    """ld.so is executed, and the program is its argument."""
    folder, programs = with_new_loaders(case, 1)
    try:
        capture(case, ["sh", "-c", "LD_LIBRARY_PATH=%s %s/0 %s; true" % (
            own_libssl(case, "lib"), folder, programs[0] + ARGS)])
    finally:
        shutil.rmtree(folder)


def test_other_root(case):
    """As in a container: another file lies at that path."""
    need_namespaces()
    new, here = new_static(case, "new"), case.path("here")
    shutil.copy("/bin/true", here)
    capture(case, ["unshare", "-m", "--propagation", "private", "sh", "-c",
                   "mount --bind %s %s && %s" % (new, here, here + ARGS)])


def test_nothing_to_execute(case):
    """What cannot be executed is not waited for, and fails as ever."""
    names = ["fifo", "folder", "text", "loop", "cut", "missing", "self"]
    os.mkfifo(case.path("fifo"))
    os.mkdir(case.path("folder"))
    with open(case.path("text"), "w", encoding="ascii") as f:
        f.write("true\n")
    with open(case.path("loop"), "w", encoding="ascii") as f:
        f.write("#!%s\n" % case.path("loop"))
    with open(case.path("cut"), "wb") as f, open("/bin/true", "rb") as whole:
        f.write(whole.read(70))
    os.symlink("self", case.path("self"))
    for name in ("fifo", "text", "loop", "cut"):
        os.chmod(case.path(name), 0o755)
    script = "".join("./%s 2>/dev/null; echo %s $?; " % (n, n) for n in names)
    want = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, cwd=case.tmp, check=True).stdout
    start = time.monotonic()
    p = case.tap_run(*outputs(case), "--", "sh", "-c", script, cwd=case.tmp)
    took = time.monotonic() - start
    check(took < 30, "soon: %.1f s" % took)
    check_eq(p.out(), want, "what the shell says")
    check_eq(summary_of(case)["load"]["holds_in_vain"], 0, "in vain")


def test_many_execs(case):
    """Who starts a great many programs takes no bytes from others."""
    storm = "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done"
    script = "(%s) & (%s) & (%s) & %s --socketpair --size 20M; wait" % (storm, storm, storm, TLS_PAIR)
    capture(case, ["sh", "-c", script], "--on-pressure", "slow")


def test_no_pause(case):
    p = case.tap_run(*outputs(case), "--no-pause", "--", "sh", "-c", "/bin/true; /bin/true")
    check("waited before" not in p.err(), p.err())


def run_waiting(case, sig):
    """A program is executed while plaintap does not answer, and then comes a signal."""
    shell = case.run(["sh", "-c", "read line; /bin/true; echo done"], stdin=subprocess.PIPE, pipe_out=True)
    p = case.tap("-p", shell.pid, *outputs(case))
    check(p.ready, "ready: " + p.err())
    p.stop(signal.SIGSTOP)
    start = time.monotonic()
    shell.p.stdin.write(b"\n")
    shell.p.stdin.flush()
    time.sleep(0.1)
    if sig:
        p.stop(sig)
    check_eq(shell.line(), "done", "the shell's word")
    took = time.monotonic() - start
    p.stop(signal.SIGCONT)
    return p, took


def test_killed(case):
    """The thread that waits goes on when plaintap dies."""
    _, took = run_waiting(case, signal.SIGKILL)
    check(0.1 < took < 0.4, "goes on at once: %.2f s" % took)


def test_stopped(case):
    """And when it only does not answer, for a while."""
    p, took = run_waiting(case, 0)
    check(0.4 < took < 2, "goes on in the end: %.2f s" % took)
    check_eq(p.wait(), 0, "exit status")
    check_eq(summary_of(case)["load"]["holds_in_vain"], 1, "in vain")


main([("a shell starts static programs", test_shell),
      ("a shell that runs already", test_attached),
      ("side by side", test_side_by_side),
      ("a known file", test_known),
      ("all ways to execute", test_ways),
      ("the interpreter of a script", test_interpreter),
      ("the watched process itself", test_itself),
      ("a filter lets the program in only", test_filtered),
      ("musl", test_musl),
      ("a static parent", test_static_parent),
      ("a new loader", test_new_loader),
      ("a loader as a program", test_loader_as_program),
      ("another root", test_other_root),
      ("nothing to execute", test_nothing_to_execute),
      ("many execs", test_many_execs),
      ("--no-pause", test_no_pause),
      ("plaintap is killed", test_killed),
      ("plaintap is stopped", test_stopped)])
