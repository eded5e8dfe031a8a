# SPDX-License-Identifier: BSD-2-Clause
"""Has a process probes in its code?"""

import json
import re

from harness import PLAINTAP, TLS_PAIR, env, libraries_of, os, shutil, subprocess


def own_libssl(case):
    """
    A copy that only this test's programs map: another plaintap of this machine may have probes in
    the system's. Its path, and the environment of programs that take it.
    """
    folder = case.path("lib")
    os.mkdir(folder)
    name, path = [row for row in libraries_of(TLS_PAIR) if row[0].startswith("libssl")][0]
    return shutil.copy(path, os.path.join(folder, name)), env(LD_LIBRARY_PATH=folder)


def call_places(library):
    """File offsets where reads and writes would be probed."""
    out = subprocess.run([PLAINTAP, "ls", "--probes", "--json", library], check=True,
                         stdout=subprocess.PIPE).stdout.decode()
    probes = json.loads(out.splitlines()[0])["probes"]
    return [p["file_offset"] for p in probes if p["role"].startswith(("read", "write"))]


def bytes_at(pid, library, offsets):
    """What stands at these offsets of the library in the memory of a process."""
    found = []
    with open("/proc/%d/maps" % pid, encoding="ascii") as maps, \
            open("/proc/%d/mem" % pid, "rb", buffering=0) as mem:
        for line in maps:
            m = re.match(r"(\w+)-(\w+) r.xp (\w+) \S+ \d+ +(.*)", line)
            if not m or m.group(4) != library:
                continue
            begin, end, off = (int(x, 16) for x in m.groups()[:3])
            for o in offsets:
                if off <= o < off + end - begin:
                    mem.seek(begin + o - off)
                    found.append(mem.read(1))
    return found
