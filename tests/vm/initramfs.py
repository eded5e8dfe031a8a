# SPDX-License-Identifier: BSD-2-Clause
"""Makes an initial RAM file system: programs, with the shared libraries that they need.

The format is cpio "newc", written here, so that no root, no device and no cpio is needed.
"""
import gzip
import os
import re
import stat
import subprocess

DIR, FILE, CHAR, LINK = stat.S_IFDIR, stat.S_IFREG, stat.S_IFCHR, stat.S_IFLNK


class Archive:
    def __init__(self):
        self.entries = {}  # path in the guest, without the first slash -> (mode, data, rdev)

    def folder(self, path):
        while path:
            self.entries.setdefault(path, (DIR | 0o755, b"", (0, 0)))
            path = os.path.dirname(path)

    def add(self, path, mode, data=b"", rdev=(0, 0)):
        path = path.strip("/")
        self.folder(os.path.dirname(path))
        self.entries[path] = (mode, data, rdev)

    def add_file(self, path, source, mode=0o755):
        with open(source, "rb") as f:
            self.add(path, FILE | mode, f.read())

    def write(self, to):
        # Little to gain from a better compression: the guest's time to unpack counts too.
        with gzip.GzipFile(to, "wb", compresslevel=1, mtime=0) as out:
            entries = sorted(self.entries.items()) + [("TRAILER!!!", (0, b"", (0, 0)))]
            for number, (path, (mode, data, rdev)) in enumerate(entries, 1):
                out.write(self.record(number, path, mode, data, rdev))

    @staticmethod
    def record(number, path, mode, data, rdev):
        name = path.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(name), 0]
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name
        head += b"\0" * (-len(head) % 4)
        return head + data + b"\0" * (-len(data) % 4)


class Libraries:
    """Finds the libraries of a program for any machine, below `sysroot`, by reading the file."""

    def __init__(self, readelf, sysroot, multiarch):
        self.readelf = readelf
        self.sysroot = sysroot
        self.folders = []
        for folder in ("lib", "usr/lib"):
            if multiarch:
                self.folders.append(f"{folder}/{multiarch}")
            self.folders += [folder + "64", folder]

    def read(self, path):
        """(path of the loader or None, names of the libraries that it needs)"""
        text = subprocess.run([self.readelf, "-ld", path], check=True, text=True,
                              capture_output=True, env={**os.environ, "LC_ALL": "C"}).stdout
        loader = re.search(r"program interpreter: ([^\]]+)\]", text)
        return loader and loader.group(1), re.findall(r"\(NEEDED\).*\[([^\]]+)\]", text)

    def find(self, name):
        for folder in self.folders:
            path = os.path.join(self.sysroot, folder, name)
            if os.path.exists(path):
                return folder + "/" + name, path
        raise FileNotFoundError(f"{name} is in none of {', '.join(self.folders)} "
                                f"below {self.sysroot}")

    def add_for(self, archive, program):
        loader, todo = self.read(program)
        if loader:
            archive.add_file(loader, os.path.join(self.sysroot, loader.lstrip("/")))
        done = set()
        while todo:
            name = todo.pop()
            if name in done or (loader and name == os.path.basename(loader)):
                continue
            done.add(name)
            path, source = self.find(name)
            if path not in archive.entries:
                archive.add_file(path, source)
            todo += self.read(source)[1]


def build(to, init, programs, tests, libraries, extra=()):
    """`extra`: files that are there as they are, (path in the guest, source)."""
    archive = Archive()
    for path in ("proc", "sys", "dev", "tmp", "etc", "var/cache/ldconfig"):
        archive.folder(path)
    archive.add("dev/console", CHAR | 0o600, rdev=(5, 1))
    archive.add("etc/ld.so.conf", FILE | 0o644,
                "".join(f"/{f}\n" for f in libraries.folders).encode())
    archive.add("etc/passwd", FILE | 0o644, b"root:x:0:0:root:/:/bin/sh\n")
    for path, source in [("init", init)] + [("bin/" + os.path.basename(p), p) for p in programs] + \
            [("tests/" + os.path.basename(t), t) for t in tests]:
        archive.add_file(path, source)
        libraries.add_for(archive, source)
    for path, source in extra:
        archive.add_file(path, source)
    archive.write(to)
