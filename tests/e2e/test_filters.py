# SPDX-License-Identifier: BSD-2-Clause
"""Filters of processes. In whole-machine mode each wants something that only our programs have."""

from harness import (TLS_PAIR, Skip, check, check_eq, check_nothing_lost, check_truth, env, flows_in,
                     libraries_of, main, need, os, read_jsonl, shutil, signal, subprocess, truth_of)
from cgroups import mounts, version_1, version_2
from own_libraries import own_name, whole_machine

NOBODY = 65534
MINE, OTHER = own_name("mine"), own_name("other")


class Capture:
    """A whole-machine capture of which the case's own programs are a part."""

    def __init__(self, case, *filters):
        self.case = case
        self.flows, self.jsonl = case.path("flows"), case.path("out.jsonl")
        self.tap, self.environ = whole_machine(case, "-o", self.flows + "/", "-o", self.jsonl,
                                               *filters)

    def run(self, *argv):
        p = self.case.run(list(argv), environ=self.environ)
        check_eq(p.wait(), 0, "exit status of %s: %s" % (argv, p.err()))
        return truth_of(p.out())

    def expect(self, truth):
        self.tap.stop(signal.SIGINT)
        check_eq(self.tap.wait(), 0, "plaintap's exit status: " + self.tap.err())
        check_truth(self.flows, truth)
        check_nothing_lost(read_jsonl(self.jsonl))


def renamed(case, name):
    """A copy of tls_pair: another name and another file."""
    path = case.path(name)
    shutil.copy(TLS_PAIR, path)
    return path


def test_comm(case):
    mine, other = renamed(case, MINE), renamed(case, OTHER)
    c = Capture(case, "-c", MINE, "--comm", own_name("no_such"))
    c.run(other, "--size", "1k")
    truth = c.run(mine, "--size", "100k")
    # The name is the new one after an exec, whatever it was before.
    truth += c.run("sh", "-c", 'exec "$0" --size 10k', mine)
    c.run(other, "--size", "1k")
    c.expect(sorted(truth))


def test_exclude(case):
    mine, other = renamed(case, MINE), renamed(case, OTHER)
    c = Capture(case, "-c", MINE, "-c", OTHER, "--exclude-exe", other)
    c.run(other, "--size", "1k")
    c.expect(c.run(mine, "--size", "100k"))


def test_long_comm(case):
    """The kernel cuts names, so the filter does."""
    mine = renamed(case, own_name("a_name_of_more_than_15_bytes"))
    c = Capture(case, "-c", own_name("a_name_of_more_than_15_bytes"))
    c.expect(c.run(mine, "--size", "1k"))


def test_exe(case):
    mine, other = renamed(case, MINE), renamed(case, OTHER)
    c = Capture(case, "--exe", mine)
    c.run(other, "--size", "1k")
    c.expect(c.run(mine, "--size", "100k", "--fork"))


def test_uid(case):
    need("setpriv")
    mine = renamed(case, MINE)
    os.chmod(case.tmp, 0o755)
    c = Capture(case, "-u", "nobody", "-c", MINE)
    c.run(mine, "--size", "1k")
    c.expect(c.run("setpriv", "--reuid", str(NOBODY), "--clear-groups", mine, "--size", "100k"))


BECOME_NOBODY = """
import http.client, os, ssl, sys
pid = os.fork()
if pid:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
os.setgid(65534)
os.setuid(65534)
c = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]),
                                context=ssl._create_unverified_context())
c.request("GET", "/users/1")
print(os.getpid(), len(c.getresponse().read()))
"""


def test_uid_after_fork(case):
    """A server that becomes another user after its start: what it is at its first call counts."""
    python = case.path(own_name("python"))
    shutil.copy(os.path.realpath("/usr/bin/python3"), python)
    os.chmod(case.tmp, 0o755)
    server = case.server()
    c = Capture(case, "--exe", python, "-u", "nobody")
    p = case.run([python, "-c", BECOME_NOBODY, str(server.port)],
                 environ=dict(c.environ, PYTHONHOME="/usr"))
    check_eq(p.wait(), 0, "the client's exit status: " + p.err())
    c.tap.stop(signal.SIGINT)
    check_eq(c.tap.wait(), 0, "plaintap's exit status: " + c.tap.err())
    check_nothing_lost(read_jsonl(c.jsonl))
    pid, _ = p.out().split()
    check_eq({f.pid for f in flows_in(c.flows)}, {int(pid)}, "who was seen")


def test_netns(case):
    need("unshare")
    mine = renamed(case, MINE)
    holder = case.run(["unshare", "-n", "cat"], stdin=subprocess.PIPE, pipe_out=True)
    holder.p.stdin.write(b"ready\n")
    holder.p.stdin.flush()
    check_eq(holder.line(), "ready", "the holder of the namespace")
    c = Capture(case, "--netns", str(holder.pid), "-c", MINE)
    c.run(mine, "--size", "1k")
    c.expect(c.run("nsenter", "--net=/proc/%d/ns/net" % holder.pid, "sh", "-c",
                   'ip link set lo up && exec "$0" --size 100k', mine))


def own_library(case):
    """A folder with the libraries that tls_pair needs, which the loader's cache does not list."""
    folder = case.path("own")
    os.mkdir(folder)
    for name, path in libraries_of(TLS_PAIR):
        if name.startswith(("libssl.", "libcrypto.")):
            shutil.copy(path, os.path.join(folder, name))
    return folder


def let_go(pair):
    """A program that waits goes on; what it says then."""
    pair.p.stdin.write(b"\n")
    pair.p.stdin.close()
    pair.p.stdin = None
    return truth_of(pair.rest())


class Group:
    """A control group of our own that goes away with its folder."""

    def __init__(self, root, *names):
        self.paths = []
        path = root
        for name in names:
            path = os.path.join(path, name)
            try:
                os.mkdir(path)
            except OSError as e:
                raise Skip("cannot make a control group: %s" % e)
            self.paths.append(path)
        self.procs = path + "/cgroup.procs"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for path in reversed(self.paths):
            os.rmdir(path)


def run_in_group(capture, group, program):
    return capture.run("sh", "-c", 'echo $$ > "$0" && exec "$1" --size 100k', group.procs, program)


def test_cgroup(case, root):
    """Also a group below the one that was named."""
    mine = renamed(case, MINE)
    name = "plaintap-test-%d" % os.getpid()
    with Group(root(), name, "below") as group:
        c = Capture(case, "--cgroup", name, "-c", MINE)
        c.run(mine, "--size", "1k")
        c.expect(run_in_group(c, group, mine))


def test_cgroup_of_one_hierarchy(case):
    """A path names its hierarchy: not the group that is called so in another one."""
    mine = renamed(case, MINE)
    name = "plaintap-test-%d" % os.getpid()
    with Group(version_1(), name) as group, Group(version_1("name=systemd"), name) as other:
        c = Capture(case, "--cgroup", group.paths[0], "-c", MINE)
        run_in_group(c, other, mine)
        c.expect(run_in_group(c, group, mine))


def test_running_in_a_group(case, root):
    """One that is there already, with a library that only a look at it can find."""
    mine, lib = renamed(case, MINE), own_library(case)
    with Group(root(), "plaintap-test-%d" % os.getpid(), "below") as group:
        pair = case.run(["sh", "-c", 'echo $$ > "$0" && exec "$1" --wait --size 100k', group.procs,
                         mine], stdin=subprocess.PIPE, pipe_out=True, environ=env(LD_LIBRARY_PATH=lib))
        check_eq(pair.line().split()[0], "READY", "the program's first word")
        c = Capture(case, "--cgroup", group.paths[0], "-c", MINE)
        c.expect(let_go(pair))


def test_exclude_cgroup(case, root):
    mine = renamed(case, MINE)
    name = "plaintap-test-%d" % os.getpid()
    with Group(root(), name) as group:
        c = Capture(case, "--exclude-cgroup", group.paths[0], "-c", MINE)
        run_in_group(c, group, mine)
        c.expect(c.run(mine, "--size", "1k"))


def test_removed_cgroup(case, root):
    """A group that is made again is another one, and that is said."""
    mine = renamed(case, MINE)
    name = "plaintap-test-%d" % os.getpid()
    with Group(root(), name) as group:
        c = Capture(case, "--cgroup", group.paths[0], "-c", MINE)
        truth = run_in_group(c, group, mine)
    with Group(root(), name) as group:
        run_in_group(c, group, mine)
        c.expect(truth)
    said = [line for line in c.tap.err().splitlines() if "removed meanwhile" in line]
    check_eq(len(said), 1, "sentences: " + c.tap.err())
    check(group.paths[0] in said[0], said[0])


def test_container(case, root):
    mine = renamed(case, MINE)
    number = "%064x" % os.getpid()
    with Group(root(), "docker-%s.scope" % number, "init") as group:
        c = Capture(case, "--container", number, "-c", MINE)
        c.run(mine, "--size", "1k")
        c.expect(run_in_group(c, group, mine))


def test_library_of_its_own(case):
    """A running process that is wanted brings a library that the loader's cache does not list."""
    mine, lib = renamed(case, MINE), own_library(case)
    pair = case.run([mine, "--wait", "--size", "100k"], stdin=subprocess.PIPE, pipe_out=True,
                    environ=env(LD_LIBRARY_PATH=lib))
    check_eq(pair.line().split()[0], "READY", "the program's first word")
    c = Capture(case, "-c", MINE)
    c.expect(let_go(pair))


def test_exclude_pid_of_a_parent(case):
    """What it has started already counts as its own."""
    mine = renamed(case, MINE)
    shell = case.run(["sh", "-c", '"$0" --wait --size 1k; true', mine], stdin=subprocess.PIPE,
                     pipe_out=True)
    check_eq(shell.line().split()[0], "READY", "its child's first word")
    c = Capture(case, "-c", MINE, "--exclude-pid", str(shell.pid))
    out, _ = shell.p.communicate(b"\n", timeout=60)
    check(truth_of(out), "the child has said something")
    c.expect(c.run(mine, "--size", "10k"))


def test_named_forks(case, *words):
    """In a tree that was named a fork is as its parent, without an exec of its own."""
    p = case.tap_run(*words, "-o", case.path("flows") + "/", "-o", case.path("out.jsonl"), "--", "sh",
                     "-c", '"$0" --size 10k --fork --threads 2; true', TLS_PAIR)
    truth = truth_of(p.out())
    check(len({f.pid for f in truth}) > 1, "several processes have said something")
    if "--exclude-comm" in words:
        check_eq(flows_in(case.path("flows")), [], "flows")
    else:
        check_truth(case.path("flows"), truth)
    check_nothing_lost(read_jsonl(case.path("out.jsonl")))


def test_exclude_pid(case):
    mine = renamed(case, MINE)
    pair = case.run([mine, "--wait", "--size", "1k", "--fork"], stdin=subprocess.PIPE,
                    pipe_out=True)
    pair.line()
    c = Capture(case, "-c", MINE, "--exclude-pid", str(pair.pid))
    check(let_go(pair), "it has said something")
    c.expect(c.run(mine, "--size", "100k"))


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return f.read().split()


def check_named(case, wanted, others, *filters):
    """Of processes that are all named, and their children, those of `wanted` are seen."""
    flows, jsonl = case.path("flows"), case.path("out.jsonl")
    pids = [w for p in wanted + others for w in ("-p", p.pid)]
    p = case.tap(*pids, *filters, "-o", flows + "/", "-o", jsonl)
    check(p.ready, "ready: " + p.err())
    # First those that are kept out: plaintap ends with the others.
    for pair in others:
        pair.go()
        check(truth_of(pair.rest()), "it has said something")
    truth = []
    for pair in wanted:
        pair.go()
        truth += truth_of(pair.rest())
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_truth(flows, sorted(truth))
    check_nothing_lost(read_jsonl(jsonl))


def test_named_child_is_kept_out(case):
    """Forked after plaintap has begun, and before."""
    later, before = case.pair("--size", "10k", "--fork"), case.pair("--size", "10k", "--fork",
                                                                    "--wait-connected")
    check_eq((len(children_of(later.pid)), len(children_of(before.pid))), (0, 1), "children")
    check_named(case, [case.pair("--size", "100k")], [later, before], "--exclude-pid", later.pid,
                "--exclude-pid", before.pid, "--comm", "tls_pair")


def test_with_command(case):
    """A program's tree and a filter: what is in both."""
    mine, other = renamed(case, MINE), renamed(case, OTHER)
    flows, jsonl = case.path("flows"), case.path("out.jsonl")
    p = case.tap_run("-c", MINE, "-o", flows + "/", "-o", jsonl, "--", "sh", "-c",
                     '"$1" --size 1k >/dev/null; "$0" --size 100k; "$1" --size 1k >/dev/null',
                     mine, other)
    check_truth(flows, truth_of(p.out()))
    check_nothing_lost(read_jsonl(jsonl))


def test_with_pid(case):
    a, b = case.pair("--size", "10k"), case.pair("--size", "10k")
    flows = case.path("flows")
    p = case.tap("-p", a.pid, "-p", b.pid, "--exclude-pid", b.pid, "--uid", os.getuid(), "-o",
                 flows + "/")
    check(p.ready, "ready: " + p.err())
    b.go()
    check(truth_of(b.rest()), "it has said something")
    a.go()
    truth = truth_of(a.rest())
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_truth(flows, truth)


def test_not_waited_for(case):
    """plaintap ends with those that it captures, not with one that is kept out."""
    a, b = case.pair("--size", "10k"), case.pair("--size", "10k")
    p = case.tap("-p", a.pid, "-p", b.pid, "--exclude-pid", b.pid)
    check(p.ready, "ready: " + p.err())
    a.go()
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_eq(b.p.poll(), None, "the other one runs")


def test_nothing_wanted(case):
    pair = case.pair("--size", "10k")
    flows = case.path("flows")
    p = case.tap("-p", pair.pid, "--exclude-comm", "tls_pair", "-o", flows + "/")
    check(p.ready, "ready: " + p.err())
    pair.go()
    check(truth_of(pair.rest()), "it has said something")
    check_eq(p.wait(), 0, "exit status: " + p.err())
    check_eq(flows_in(flows), [], "flows")


BAD = [
    (["-u", "no_such_user_here"], "no_such_user_here"),
    (["--exe", "/no/such/file"], "/no/such/file"),
    (["--exe", "/tmp"], "/tmp"),
    (["--netns", "no-such-namespace"], "/run/netns/no-such-namespace"),
    (["--netns", "/proc/self/exe"], "/proc/self/exe"),
    (["--exclude-pid", "2147483647"], "2147483647"),
    (["--exclude-uid", "4294967295"], "too large"),
]
BAD_GROUPS = [
    (["--cgroup", "no/such/group"], "there is no such control group"),
    (["--cgroup", "/tmp"], "there is no such control group"),
    (["--exclude-cgroup", "cgroup.procs"], "there is no such control group"),
    (["--container", "web-7"], "called so"),
    (["--exclude-container", "f" * 64], "f" * 64),
]


def absent_controllers():
    """Those that no mounted hierarchy has: /proc/cgroups knows them all."""
    mounted = {word for _, kind, options in mounts() if kind == "cgroup" for word in options}
    with open("/proc/cgroups", encoding="ascii") as f:
        return [w for w in (line.split()[0] for line in f) if w not in mounted and w != "#subsys_name"]


def test_bad_words(case):
    """Nothing is attached: the command is not even started."""
    rows = list(BAD)
    if any(kind.startswith("cgroup") for _, kind, _ in mounts()):
        rows += BAD_GROUPS
        rows += [(["--cgroup", "/sys/fs/cgroup/%s/x" % name], "of the controller '%s' is mounted" % name)
                 for name in absent_controllers()[:1]]
    for args, word in rows:
        p = case.tap_run(*args, "--", "false", status=1)
        check(word in p.err() and args[0] in p.err(), "%s names its word: %s" % (args, p.err()))


main([
    ("by name", test_comm),
    ("one of two is refused", test_exclude),
    ("a name that the kernel cuts", test_long_comm),
    ("by file", test_exe),
    ("by user", test_uid),
    ("by user, after a fork", test_uid_after_fork),
    ("by network namespace", test_netns),
    *[(name + of, lambda c, test=test, root=root: test(c, root))
      for of, root in ((", version 2", version_2), (", version 1", version_1),
                       (", by name only", lambda: version_1("name=systemd")))
      for name, test in (("by control group", test_cgroup),
                         ("in a control group already", test_running_in_a_group),
                         ("not a control group", test_exclude_cgroup),
                         ("a control group that is made again", test_removed_cgroup),
                         ("by container", test_container))],
    ("by control group, of one hierarchy", test_cgroup_of_one_hierarchy),
    ("a library of its own", test_library_of_its_own),
    ("not a process and its children", test_exclude_pid),
    ("not a process and the children it has", test_exclude_pid_of_a_parent),
    ("a fork of a program that is let in", lambda c: test_named_forks(c, "-c", "tls_pair")),
    ("a fork of one that is not", lambda c: test_named_forks(c, "--exclude-comm", "tls_pair")),
    ("a named one's children are kept out", test_named_child_is_kept_out),
    ("with a command", test_with_command),
    ("with -p", test_with_pid),
    ("with -p, one is kept out and goes on", test_not_waited_for),
    ("with -p, nothing wanted", test_nothing_wanted),
    ("words that mean nothing", test_bad_words),
])
