# SPDX-License-Identifier: BSD-2-Clause
"""Holds every #include "..." in src/ against the rows of `stages` in src/meson.build."""

import os
import re

from common import ROOT, files, finish

ABI_USERS = {"attach", "collect"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def stages():
    with open(os.path.join(ROOT, "src", "meson.build"), encoding="utf-8") as f:
        table = re.search(r"^stages = \[\n(.*?)^\]", f.read(), re.S | re.M).group(1)
    rows = {name: set(re.findall(r"'(\w+)'", used))
            for name, used in re.findall(r"\['(\w+)', \[(.*?)\]\]", table, re.S)}
    rows["cli"] = {"app", "base", "model"}
    return rows


def violations(rows, sources, abi):
    bad = []
    for path, text in sources:
        stage = path.split("/")[1]
        for name in INCLUDE.findall(text):
            folder, slash, _ = name.partition("/")
            if not slash:
                # Own folder, a generated skeleton, or abi/ by its bare name.
                good = name not in abi or stage in ABI_USERS
            elif folder == "abi":
                good = stage in ABI_USERS
            else:
                good = folder == stage or folder in rows.get(stage, ())
            if not good:
                bad.append('%s: #include "%s" is not among what %s may use (src/meson.build)'
                           % (path, name, stage))
    return bad


def main():
    rows = stages()
    abi = {os.path.basename(path) for path, _ in files("abi")}
    sample = [("src/stream/x.c", '#include "sink/jsonl.h"\n'), ("src/proto/x.c", '#include "abi/a.h"\n')]
    missed = [] if len(violations(rows, sample, abi)) == 2 else ["forbidden includes were let through"]
    if len(rows) < 10:
        missed.append("the table of stages was not understood")
    finish(violations(rows, files("src"), abi), missed)


main()
