# SPDX-License-Identifier: BSD-2-Clause
"""Whole-machine mode, held to libraries of our own.

plaintap takes the libraries from the loader's cache. In a mount namespace that cache lists only
our private copies of OpenSSL, so that no probe ever sits in a file that other programs use.
"""

from harness import (TLS_PAIR, Skip, check, env, need, need_namespaces, os, libraries_of, shutil,
                     subprocess)


def copies(case):
    """A folder with the libraries that tls_pair loads, and a loader cache that lists only them."""
    need("ldconfig", "unshare")
    need_namespaces()
    folder, root = case.path("lib"), case.path("root")
    os.mkdir(folder)
    for name, path in libraries_of(TLS_PAIR):
        if name.startswith(("libssl.", "libcrypto.")):
            shutil.copy(path, os.path.join(folder, name))
    if not os.listdir(folder):
        raise Skip("tls_pair has OpenSSL linked in")
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


def whole_machine(case, *args):
    """plaintap in whole-machine mode, ready; and the environment of programs that it sees."""
    folder, cache = copies(case)
    prefix = ["unshare", "-m", "--propagation", "private", "sh", "-c",
              'mount --bind "$0" /etc/ld.so.cache && exec "$@"', cache]
    p = case.tap(*args, prefix=prefix)
    check(p.ready, "ready: " + p.err())
    return p, env(LD_LIBRARY_PATH=folder)
