# SPDX-License-Identifier: BSD-2-Clause
"""Libraries of our own that nobody else has, and whole-machine mode held to them.

In that mode plaintap takes the libraries from the loader's cache. In a mount namespace that cache lists only
our private copies of OpenSSL, and its own loader is a copy too, so that no probe ever sits in a
file that other programs use.
"""

from harness import (PLAINTAP, TLS_PAIR, Skip, check, check_eq, env, libraries_of, need,
                     need_namespaces, os, shutil, signal, subprocess)


def copy_libraries(case, name, *beginnings):
    """A folder with those of the libraries that tls_pair loads."""
    folder = case.path(name)
    os.mkdir(folder)
    for lib, path in libraries_of(TLS_PAIR):
        if lib.startswith(beginnings):
            shutil.copy(path, os.path.join(folder, lib))
    if not os.listdir(folder):
        raise Skip("tls_pair has OpenSSL linked in")
    return folder


def own_libssl(case, name="lib"):
    """A folder with a libssl that nobody has seen; LD_LIBRARY_PATH makes a program take it."""
    return copy_libraries(case, name, "libssl.")


def copies(case):
    """A folder with the libraries that tls_pair loads, and a loader cache that lists only them."""
    need("ldconfig", "unshare")
    need_namespaces()
    folder, root = copy_libraries(case, "lib", "libssl.", "libcrypto."), case.path("root")
    # ldconfig adds the system's default folders on its own; under a root of our own they are absent.
    shutil.copytree(folder, root + folder)
    with open(root + "/conf", "w", encoding="utf-8") as f:
        f.write(folder + "\n")
    ldconfig = shutil.which("ldconfig", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    subprocess.run([ldconfig, "-X", "-r", root, "-C", "/cache", "-f", "/conf"], check=True)
    listed = subprocess.run([ldconfig, "-C", root + "/cache", "-p"], check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    paths = [line.partition("=>")[2].strip() for line in listed.splitlines() if "=>" in line]
    check(paths, "the cache lists our copies")
    for path in paths:
        check(path.startswith(folder + "/"), "the cache lists only our copies, not " + path)
    return folder, root + "/cache"


def loader_of(program):
    """The file that loads a program's libraries."""
    out = subprocess.run(["ldd", program], check=True, stdout=subprocess.PIPE).stdout.decode()
    paths = [word for word in out.split() if os.path.basename(word).startswith("ld-linux")]
    check_eq(len(paths), 1, "loaders of " + program)
    return os.path.realpath(paths[0])


BIND = 'mount --bind "$0" /etc/ld.so.cache && mount --bind "$1" "$2" && shift 2 && exec "$@"'


def within(case, cache, *unshare):
    """
    The command line in front of plaintap. It probes its own loader too, to hear what all programs
    load: that is a copy, so it hears of those only that are started in this namespace.
    """
    loader, copy = loader_of(PLAINTAP), case.path("loader")
    shutil.copy(loader, copy)
    return ["unshare", "-m"] + list(unshare) + ["--propagation", "private", "sh", "-c", BIND, cache,
                                               copy, loader]


def own_name(word):
    """A program's name that nothing else on this machine has, another run of these tests included."""
    return "pt%d_%s" % (os.getpid(), word)


def check_only_ours(case, args):
    """Filters that nothing else on this machine passes: a name of ours, or a file of ours."""
    wanted = [(args[i], args[i + 1]) for i in range(len(args) - 1)]
    names = [w for kind, w in wanted if kind in ("-c", "--comm")]
    files = [w for kind, w in wanted if kind == "--exe"]
    check(names or files, "a filter that only our own programs pass")
    for name in names:
        check(name.startswith(own_name("")), "a name that only our own programs have: " + name)
    for path in files:
        check(path.startswith(case.tmp + "/"), "a file of our own: " + path)


def whole_machine(case, *args):
    """
    plaintap in whole-machine mode, ready; and the environment of programs that it sees. It also looks
    for libraries in running processes: to be called with filters that only our programs pass.
    """
    check_only_ours(case, args)
    folder, cache = copies(case)
    p = case.tap(*args, prefix=within(case, cache), whole_machine=True)
    check(p.ready, "ready: " + p.err())
    return p, env(LD_LIBRARY_PATH=folder)


def blind_whole_machine(case, *args):
    """
    The same without filters: in a pid namespace of its own, where no other process of the machine
    can be looked into. So it probes what the cache lists, and nothing else can lead it anywhere.
    """
    folder, cache = copies(case)
    p = case.tap("-v", *args, prefix=within(case, cache, "-p", "-f", "--kill-child", "--mount-proc"),
                 whole_machine=True)
    check(p.ready, "ready: " + p.err())
    with open("/proc/%d/task/%d/children" % (p.pid, p.pid), encoding="ascii") as f:
        inner = int(f.read())
    p.stop = lambda sig=signal.SIGTERM: os.kill(inner, sig)
    return p, env(LD_LIBRARY_PATH=folder)


def check_probed_only_below(p, folder):
    """What plaintap has said with -v of the files that it probes."""
    probed = [line.split()[2] for line in p.err().splitlines()
              if line.startswith("plaintap: probing ")]
    check(probed, "it says what it probes")
    for path in probed:
        check(path.startswith(folder + "/"), "only our copies are probed, not " + path)
