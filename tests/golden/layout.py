# SPDX-License-Identifier: BSD-2-Clause
"""What `plaintap ls --probes` says of a library's objects, against placement/layout.md and against
the objects themselves (tests/progs/layout_truth.c)."""

import os
import subprocess


def table(path):
    """{version: {field: text}}"""
    columns, versions = {}, []
    with open(path, encoding="utf-8") as f:
        for line in f:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) < 2 or cells[0].startswith("--"):
                continue
            if cells[0] == "field":
                versions = cells[1:]
                columns = {version: {} for version in versions}
            elif versions:
                for version, text in zip(versions, cells[1:]):
                    columns[version][cells[0]] = text
    return columns


def as_texts(listing):
    texts = {name: " -> ".join("0x%x" % at for at in place["offsets"]) or "unknown: " + place["reason"]
             for name, place in listing["fields"].items()}
    kind = listing["type"]
    texts["type"] = "0x%x, %d" % (kind["offset"], kind["value"]) if kind else ""
    return texts


def differences(listing, want):
    got = as_texts(listing)
    return ["%s: %s, should be %s" % (name, got.get(name), want.get(name))
            for name in sorted(set(got) | set(want)) if got.get(name) != want.get(name)]


def look(program, libssl, listing):
    """Runs layout_truth. None: the library cannot be loaded here; else a list of what is wrong."""
    folder = os.path.dirname(libssl)
    crypto = next((f for f in sorted(os.listdir(folder)) if f.startswith("libcrypto.so.")), None)
    words = ["%s=%s" % (name, ",".join("0x%x" % at for at in place["offsets"]))
             for name, place in listing["fields"].items() if place["offsets"]]
    if listing["type"]:
        words.append("type=0x%x,%d" % (listing["type"]["offset"], listing["type"]["value"]))
    run = subprocess.run([program, os.path.join(folder, crypto or "none"), libssl, *words],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                         check=False)
    if run.returncode == 3:
        return None
    lines = run.stdout.splitlines()
    bad = [line for line in lines if not line.startswith("good ")]
    unseen = [word for word in words if "good " + word.split("=")[0] not in lines]
    return bad + ["never looked at: " + word for word in unseen] + run.stderr.splitlines()
