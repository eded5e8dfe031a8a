#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measures what plaintap costs and what it captures: docs/BENCH.md says how to read it.

    sudo make bench [QUICK=1]
    bench.py [--quick] [--smoke] [--only NAME,...] [--json FILE]

The variants of a measurement run in turn (A B C A B C ...), the medians are shown with the extremes
beside them, and every overhead has its capture rate: a tool that loses data looks fast.
"""

import argparse
import json
import os
import platform
import signal
import sys
import time

import bystander
import download
import lifecycle
import pair
import server
import watching
from common import BUILD, EMPTY_PROBE, MACHINE_LOOP, PAIR_LOOP, PLAINTAP, TLS_SERVER, Bench
from table import print_table

BENCHES = [("pair", pair.run), ("download", download.run), ("server", server.run),
           ("bystander", bystander.run), ("watching", watching.run),
           ("lifecycle", lifecycle.run)]
FULL_ROUNDS, QUICK_ROUNDS = 5, 3


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    p.add_argument("--smoke", action="store_true", help="each row once, tiny: does it work at all?")
    p.add_argument("--rounds", type=int, help="default %d, quick %d" % (FULL_ROUNDS, QUICK_ROUNDS))
    p.add_argument("--only", metavar="NAME,...", help=", ".join(n for n, _ in BENCHES))
    p.add_argument("--json", metavar="FILE", default=os.path.join(BUILD, "bench.json"))
    args = p.parse_args()
    args.only = args.only.split(",") if args.only else [n for n, _ in BENCHES]
    unknown = set(args.only) - {n for n, _ in BENCHES}
    if unknown:
        p.error("--only: there is no '%s'" % ", ".join(sorted(unknown)))
    return args


def why_not_here():
    if os.geteuid() != 0:
        return "bench: plaintap loads programs into the kernel, which needs root: sudo make bench"
    for program in (PLAINTAP, PAIR_LOOP, MACHINE_LOOP, EMPTY_PROBE, TLS_SERVER):
        if not os.access(program, os.X_OK):
            return "bench: %s is not built: run  make bench" % program
    return None


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        models = [row.partition(":")[2].strip() for row in f if row.startswith("model name")]
    return {"kernel": platform.release(), "arch": platform.machine(), "cpus": os.cpu_count(),
            "cpu": models[0] if models else None, "load": os.getloadavg()[0]}


def measure(args):
    scale = 0.002 if args.smoke else 0.25 if args.quick else 1
    rounds = args.rounds or (1 if args.smoke else QUICK_ROUNDS if args.quick else FULL_ROUNDS)
    b = Bench(rounds, scale, args.smoke)
    start = time.monotonic()
    about = machine()
    try:
        for name, run in BENCHES:
            if name in args.only:
                print("bench: %s" % name, file=sys.stderr, flush=True)
                run(b)
        lifecycle.add_consumer_costs(b)
    finally:
        b.done()
    about["load_after"] = os.getloadavg()[0]
    return {"version": 1, "machine": about, "rounds": rounds, "scale": scale,
            "seconds": time.monotonic() - start, "rows": [r.as_json() for r in b.rows],
            "left_out": b.left_out}


def main():
    args = parse()
    reason = why_not_here()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    result = measure(args)
    with open(args.json, "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    print_table(result, sys.stdout)
    print("bench: all figures are in %s" % os.path.relpath(args.json), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
