# SPDX-License-Identifier: BSD-2-Clause
"""Each row of the benchmark once, with tiny sizes: is the result well-formed? No figure decides."""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ["call pair", "download", "nginx, h2load", "not traced", "rest of the machine",
         "plaintap itself"]


def check_row(row):
    name = "%(bench)s, %(case)s, %(variant)s" % row
    if not row["values"] or not all(isinstance(v, (int, float)) and v >= 0 for v in row["values"]):
        yield name + ": values " + str(row["values"])
    captured = row["captured"]
    if captured and not 0 <= captured["min"] <= captured["max"] <= 1:
        yield "%s: captured %s" % (name, captured)
    if row["variant"].startswith("plaintap") and not captured:
        yield name + ": a figure without its capture rate"
    for target in row["targets"]:
        if set(target) != {"what", "value", "limit", "at", "good"}:
            yield "%s: target %s" % (name, target)


def problems(result):
    left_out = " ".join(o["what"] for o in result["left_out"])
    for name in NAMES:
        if name not in left_out and not any(r["bench"] == name for r in result["rows"]):
            yield name + " is missing without a reason"
    for row in result["rows"]:
        yield from check_row(row)


def main():
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root (BPF)")
        return 0
    with tempfile.TemporaryDirectory(prefix="plaintap-smoke-") as tmp:
        path = os.path.join(tmp, "bench.json")
        r = subprocess.run([sys.executable, "-B", os.path.join(HERE, "bench.py"), "--quick",
                            "--smoke", "--json", path], check=False, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print("1..1")
        if r.returncode:
            print("not ok 1 - the benchmark runs")
            print("# " + r.stdout.decode("utf-8", "replace").replace("\n", "\n# "))
            return 1
        with open(path, encoding="utf-8") as f:
            result = json.load(f)
    found = list(problems(result))
    print("%s 1 - every row is there and well-formed" % ("not ok" if found else "ok"))
    for text in found:
        print("# " + text)
    for out in result["left_out"]:
        print("# left out: %s: %s" % (out["what"], out["reason"].replace("\n", " ")))
    return 1 if found else 0


sys.exit(main())
