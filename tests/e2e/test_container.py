# SPDX-License-Identifier: BSD-2-Clause
"""
Containers that are none: control groups with a runtime's names, and its files in a mount namespace
where /var/lib is ours. What is said of their processes, and filters by their names.
"""

from cgroups import version_1, version_2
from harness import (TLS_PAIR, Skip, check, check_eq, check_truth, main, need_namespaces, of_type, os,
                     read_jsonl, shutil, truth_of)

NAMESPACE = ["unshare", "-m", "sh", "-c", """
    mount --make-rprivate / && mount -t tmpfs none /var/lib || exit 9
    mkdir -p /var/lib/docker/containers/$0 && umask 022
    printf '{"ID":"%s","Name":"/%s"}' $0 $1 >/var/lib/docker/containers/$0/config.v2.json
    shift
    exec "$@"
"""]

USER = 12345
# The same id is also one of root's files, with another name.
USER_NAMESPACE = ["unshare", "-m", "sh", "-c", """
    mount --make-rprivate / && mount -t tmpfs -o mode=755 none /var/lib || exit 9
    root=/var/lib/docker/containers/$0 his=/var/lib/him/.local/share/docker/containers/$0
    mkdir -p $root $his && umask 022
    echo '{"Name":"/of-root"}' >$root/config.v2.json
    echo '{"Name":"/'$1'"}' >$his/config.v2.json
    echo 'him:x:%d:9::/var/lib/him:/bin/sh' >/var/lib/passwd
    chown -R %d /var/lib/him && mount --bind /var/lib/passwd /etc/passwd || exit 9
    shift
    exec "$@"
""" % (USER, USER)]


class Group:
    """A control group that a runtime might have made, and that goes away."""

    def __init__(self, root, number):
        self.number = number
        self.path = os.path.join(root, "docker-%s.scope" % number)
        try:
            os.mkdir(self.path)
        except OSError as e:
            raise Skip("cannot make a control group: %s" % e)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.rmdir(self.path)


class UserGroup(Group):
    """One below a group that is given to a user, as his session is."""

    def __init__(self, root, number):
        self.above = os.path.join(root, "plaintap-user-%d" % os.getpid())
        try:
            os.mkdir(self.above)
        except OSError as e:
            raise Skip("cannot make a control group: %s" % e)
        os.chown(self.above, USER, -1)
        super().__init__(self.above, number)

    def __exit__(self, *_):
        super().__exit__()
        os.rmdir(self.above)


def own_number():
    return "%064x" % (os.getpid() + (1 << 200))


def in_and_out(group, program, other):
    """One run inside of the group, one beside it."""
    return ["sh", "-c", '"$2" --size 1k >/dev/null; echo $$ >"$0/cgroup.procs"; exec "$1" --size 10k',
            group.path, program, other]


def traced(case, group, name, *options, namespace=NAMESPACE):
    need_namespaces()
    mine, other = case.path("pt_mine"), case.path("pt_other")
    for path in (mine, other):
        shutil.copy(TLS_PAIR, path)
    flows, jsonl = case.path("flows") + "/", case.path("out.jsonl")
    p = case.tap_run("-o", flows, "-o", jsonl, *options, "--", *in_and_out(group, mine, other),
                     prefix=namespace + [group.number, name])
    rows = of_type(read_jsonl(jsonl), "connection")
    return p, flows, {row["process"]["comm"]: row["process"]["container"] for row in rows}


def said(group, name):
    return {"id": group.number, "runtime": "docker", "pod": None, "name": name, "pod_name": None,
            "pod_namespace": None}


def test_name(case, root):
    with Group(root(), own_number()) as group:
        _, _, found = traced(case, group, "web-7")
        check_eq(found, {"pt_mine": said(group, "web-7"), "pt_other": None}, "containers")


def test_filter(case, root):
    """By the name; what is not in it is not seen."""
    with Group(root(), own_number()) as group:
        p, flows, found = traced(case, group, "web-7", "--container", "web-7")
        check_eq(found, {"pt_mine": said(group, "web-7")}, "containers")
        check_truth(flows, truth_of(p.out()))


def test_no_such_name(case, root):
    with Group(root(), own_number()) as group:
        p = case.tap("--container", "web-8", "--", "true", prefix=NAMESPACE + [group.number, "web-7"])
        check_eq(p.wait(), 1, "exit status")
        check("web-8" in p.err() and "docker ps" in p.err(), p.err())


def test_user_s(case, root):
    """A user's own container: named by his files, not by root's, and found by that name."""
    with UserGroup(root(), own_number()) as group:
        p, flows, found = traced(case, group, "his", "--container", "his", namespace=USER_NAMESPACE)
        check_eq(found, {"pt_mine": said(group, "his")}, "containers")
        check_truth(flows, truth_of(p.out()))
        p = case.tap("--container", "of-root", "--", "true",
                     prefix=USER_NAMESPACE + [group.number, "his"])
        check_eq(p.wait(), 1, "exit status")
        check("of-root" in p.err(), p.err())


def test_two_hierarchies(case):
    """One container in both versions, in the latter without its process: it is one all the same."""
    number = own_number()
    with Group(version_2(), number), Group(version_1(), number) as group:
        p, flows, found = traced(case, group, "web-7", "--container", "web-7")
        check_eq(found, {"pt_mine": said(group, "web-7")}, "containers")
        check_truth(flows, truth_of(p.out()))


main([
    *[(name + of, lambda c, test=test, root=root: test(c, root))
      for of, root in ((", version 2", version_2), (", version 1", version_1))
      for name, test in (("its name", test_name), ("filter by its name", test_filter),
                         ("no such name", test_no_such_name), ("a user's own", test_user_s))],
    ("a container in two hierarchies", test_two_hierarchies),
])
