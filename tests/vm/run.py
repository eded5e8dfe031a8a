#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots one Debian kernel in an emulator, with the tests as its only programs, and prints their TAP
as one.

Never with KVM: an emulated processor is the same everywhere, and KVM inside of a virtual machine
may open and then hang. A guest that panics, hangs or ends early is a failure that says so with the
last lines of its console. Without an emulator or a kernel the test is skipped with the reason.
"""
import argparse
import glob
import lzma
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import initramfs

# cx16: QEMU 7.2 now and then leaves an address in the flags after a cmpxchg16b, and the kernel's
# allocator then dies of a double fault (seen once: EFLAGS c2c33242).
MACHINES = {
    "amd64": (["qemu-system-x86_64", "-cpu", "max,-cx16"], "console=ttyS0", "x86_64-linux-gnu"),
    # pauth-impdef: signing return addresses by the architecture's own cipher is slow to emulate.
    "arm64": (["qemu-system-aarch64", "-M", "virt", "-cpu", "max,pauth-impdef=on"],
              "console=ttyAMA0", "aarch64-linux-gnu"),
}
# Both processors take turns in one thread. In two, one of them now and then runs code that the other
# has patched since, and the kernel dies of an int3 in __schedule (seen once). And it costs less.
ACCELERATOR = "tcg,thread=single"
# Without "quiet" lines of the kernel would stand in the middle of ours; panic=-1 is: reboot at once,
# which ends the emulator.
COMMAND_LINE = "quiet loglevel=2 panic=-1 random.trust_cpu=on rdinit=/init"


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def tool_answer(command):
    r = subprocess.run(command, capture_output=True, text=True)
    if r.returncode == 77:
        skip(r.stderr.strip().splitlines()[-1])
    if r.returncode:
        sys.exit(r.stderr)
    return r.stdout.strip()


def kernel_modules(kernel, work):
    """(path in the guest, file) of each; the guest cannot unpack them."""
    found = []
    for path in glob.glob(kernel + "/modules/*.ko*"):
        name = os.path.basename(path)
        if name.endswith(".xz"):
            name, packed = name[:-len(".xz")], path
            path = os.path.join(work, name)
            with lzma.open(packed) as f, open(path, "wb") as to:
                to.write(f.read())
        if not name.endswith(".ko"):
            sys.exit(f"{path}: packed in a way that is not known here")
        found.append(("lib/modules/" + name, path))
    return found


def cross_build(args):
    """Builds the guest's programs for its kind of machine, next to the folder of the native ones, and
    makes `args` name these and their libraries."""
    native, foreign = args.build, args.build + "-arm64"

    def moved(path):
        return os.path.join(foreign, os.path.relpath(path, native))

    args.init = moved(args.init)
    args.bin = [moved(p) for p in args.bin]
    args.test = [moved(p) for p in args.test]
    targets = [os.path.relpath(p, foreign) for p in [args.init] + args.bin + args.test]
    start = time.monotonic()
    args.sysroot = tool_answer([args.cross, foreign] + targets)
    print(f"# cross-built in {time.monotonic() - start:.1f} s")


class Tap:
    """Joins the guest's tests: numbers their checks through, and holds them against their plans."""

    def __init__(self):
        self.cnt = 0
        self.test = None
        self.planned = None
        self.seen = 0
        self.done = False

    def check(self, good, text):
        self.cnt += 1
        print(f"{'ok' if good else 'not ok'} {self.cnt} - {text}", flush=True)

    def check_or_skip(self, good, text):
        """The only excuse for leaving something out is what the kernel cannot do; whether it cannot
        is held against a table by vm_features."""
        if "# SKIP" in text and "# SKIP this kernel has not" not in text:
            good, text = False, text.replace("# SKIP", "was left out:")
        self.check(good, f"{self.test}: {text}")

    def end(self, status):
        self.check(status == 0, f"{self.test}: status {status}")
        if self.planned is None or self.planned != self.seen:
            self.check(False, f"{self.test}: {self.seen} checks of {self.planned} planned")
        self.test = None

    def line(self, line):
        word = line.split()
        result = re.match(r"(not ok|ok) \d+ *-? *(.*)", line)
        plan = re.match(r"1\.\.(\d+)", line)
        if line.startswith("@@ begin "):
            self.test, self.planned, self.seen = word[2], None, 0
        elif line.startswith("@@ end "):
            self.end(int(word[3]))
        elif line == "@@ done":
            self.done = True
        elif self.test and result:
            self.seen += 1
            self.check_or_skip(result.group(1) == "ok", result.group(2))
        elif self.test and plan:
            self.planned = int(plan.group(1))
            if "# SKIP" in line:
                self.check_or_skip(True, line[line.index("# SKIP"):])
        elif line:
            print(line if line.startswith("#") else "# " + line, flush=True)


def lines_of(process, deadline):
    """The console's lines, with None at the deadline."""
    waiting = selectors.DefaultSelector()
    waiting.register(process.stdout, selectors.EVENT_READ)
    rest = b""
    while True:
        if not waiting.select(max(0, deadline - time.monotonic())):
            yield None
            return
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            break
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            # The firmware clears the screen first.
            text = line.decode(errors="replace").strip("\r")
            yield re.sub(r"\x1b(\[[0-9;?=]*[A-Za-z]|c)", "", text).strip("\r")
    yield rest.decode(errors="replace")


def boot(command, timeout):
    tap = Tap()
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, preexec_fn=lambda: os.nice(5))
    hung = False
    try:
        for line in lines_of(process, start + timeout):
            if line is None:
                hung = True
                break
            tap.line(line)
    finally:
        process.kill()
        process.wait()
    where = f" in {tap.test}" if tap.test else ""
    if hung:
        tap.check(False, f"the guest ends within {timeout} s: it hangs{where}")
    else:
        tap.check(tap.done, "the guest came to its end" + ("" if tap.done else
                                                          f": it panicked or rebooted{where}"))
    print(f"# {time.monotonic() - start:.1f} s")
    print(f"1..{tap.cnt}")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--fetch", required=True, help="tools/fetch-kernels")
    p.add_argument("--init", required=True)
    p.add_argument("--bin", action="append", default=[], help="a program for the guest's /bin")
    p.add_argument("--test", action="append", default=[], help="a program that prints TAP")
    p.add_argument("--cross", help="tools/cross-arm64, where the kernel is for another machine")
    p.add_argument("--build", help="with --cross: the folder that the programs are below")
    p.add_argument("--sysroot", default="/", help="where the programs' libraries are")
    p.add_argument("--timeout", type=int, default=1500, help="seconds for the guest")
    p.add_argument("kernel", help="a name of tools/fetch-kernels --list")
    args = p.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    emulator, console, multiarch = MACHINES[args.kernel.split("-")[0]]
    if not shutil.which(emulator[0]):
        skip(f"{emulator[0]} is not installed (tools/install-deps vm)")
    readelf = shutil.which("readelf") or shutil.which("llvm-readelf")
    if not readelf:
        skip("readelf is not installed")
    kernel = tool_answer([args.fetch, args.kernel])
    if args.cross:
        cross_build(args)
    with open(kernel + "/release") as f:
        print(f"# Linux {f.read().strip()} under {emulator[0]}")
    ldconfig = args.sysroot.rstrip("/") + "/sbin/ldconfig"
    extra = [("bin/ldconfig", ldconfig)] if os.path.exists(ldconfig) else []
    with tempfile.TemporaryDirectory() as work:
        image = work + "/initramfs.gz"
        extra += kernel_modules(kernel, work)
        initramfs.build(image, args.init, args.bin, args.test,
                        initramfs.Libraries(readelf, args.sysroot, multiarch), extra)
        boot(emulator + ["-accel", ACCELERATOR, "-m", "512", "-smp", "2", "-nographic",
                         "-no-reboot", "-nic", "none", "-kernel", kernel + "/vmlinuz", "-initrd", image,
                         "-append", f"{console} {COMMAND_LINE}"], args.timeout)


main()
