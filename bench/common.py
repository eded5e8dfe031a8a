# SPDX-License-Identifier: BSD-2-Clause
"""What the measurements share: programs that are always ended, private libraries, statistics.

Rules: only programs started here are traced and ended; what is probed is a private copy of the TLS
library, so that no other program pays (plaintap itself may probe more, see docs/BENCH.md); loopback
only; every wait is for an event with a deadline. Python 3.9, standard library only.
"""

import ctypes
import os
import select
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("PLAINTAP_BUILD", os.path.join(ROOT, "build")))
PLAINTAP = os.path.abspath(os.environ.get("PLAINTAP", os.path.join(BUILD, "plaintap")))
PAIR_LOOP = os.path.join(BUILD, "bench", "pair_loop")
MACHINE_LOOP = os.path.join(BUILD, "bench", "machine_loop")
EMPTY_PROBE = os.path.join(BUILD, "bench", "empty_probe")
TLS_SERVER = os.path.join(BUILD, "tests", "progs", "tls_server")
DEADLINE_SECONDS = 120
CLOSER = 3
MIB = 1 << 20
PR_SET_PDEATHSIG = 1
BPF_MAP_TYPE_RINGBUF = 27


class Missing(Exception):
    """The machine cannot do this row; the text says why."""


class Failed(Exception):
    """A program did not do what it must; the text says what it said."""


def find(program, package):
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        raise Missing("%s is not installed (package %s)" % (program, package))
    return path


def environment(library_dir=None):
    drop = ("LD_PRELOAD", "LD_LIBRARY_PATH", "SSLKEYLOGFILE")
    e = {k: v for k, v in os.environ.items()
         if k not in drop and not k.lower().endswith("_proxy")}
    if library_dir:
        e["LD_LIBRARY_PATH"] = library_dir
    return e


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Program:
    """A child: stdout by lines, stderr in a file, CPU time known after its end."""

    def __init__(self, bench, argv, library_dir=None, stdin=False, pass_fds=(), out=None):
        self.argv = [str(a) for a in argv]
        self.err_path = bench.path("err")
        self.text = b""
        with open(self.err_path, "wb") as err:
            self.p = subprocess.Popen(
                self.argv, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=out or subprocess.PIPE, stderr=err, pass_fds=pass_fds,
                env=environment(library_dir), preexec_fn=die_with_parent)
        self.pid = self.p.pid
        self.cpu_seconds = None
        bench.programs.append(self)

    def err(self):
        with open(self.err_path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def fail(self, what):
        raise Failed("%s %s: %s" % (os.path.basename(self.argv[0]), what, self.err()[-600:]))

    def line(self, seconds=DEADLINE_SECONDS):
        end = time.monotonic() + seconds
        fd = self.p.stdout.fileno()
        while b"\n" not in self.text:
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                self.fail("said nothing for %d s" % seconds)
            more = os.read(fd, 4096)
            if not more:
                self.fail("ended early")
            self.text += more
        line, _, self.text = self.text.partition(b"\n")
        return line.decode()

    def rest(self):
        """The rest of its output, up to its end."""
        pieces = [self.text]
        while True:
            more = os.read(self.p.stdout.fileno(), 65536)
            if not more:
                break
            pieces.append(more)
        self.wait()
        return b"".join(pieces).decode("utf-8", "replace")

    def go(self):
        self.p.stdin.write(b"\n")
        self.p.stdin.flush()

    def close_stdin(self):
        if self.p.stdin:
            self.p.stdin.close()
            self.p.stdin = None

    def wait(self, seconds=DEADLINE_SECONDS, good=(0,)):
        """Waits for the end; takes the CPU time with it."""
        if self.p.returncode is None:
            signal.signal(signal.SIGALRM, lambda *_: self.fail("does not end"))
            signal.alarm(seconds)
            try:
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            finally:
                signal.alarm(0)
            self.cpu_seconds = self.cpu_in_all()
            _, status = os.waitpid(self.pid, 0)
            self.p.returncode = os.waitstatus_to_exitcode(status)
        if good is not None and self.p.returncode not in good:
            self.fail("exit status %d" % self.p.returncode)
        return self.p.returncode

    def stop(self, sig=signal.SIGTERM, good=(0,)):
        if self.p.returncode is None:
            os.kill(self.pid, sig)
        return self.wait(good=good)

    def end(self):
        """However it stands."""
        if self.p.returncode is None:
            for sig, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
                self.p.send_signal(sig)
                try:
                    self.p.wait(seconds)
                    break
                except subprocess.TimeoutExpired:
                    continue
        for f in (self.p.stdin, self.p.stdout):
            if f:
                f.close()

    def cpu_so_far(self):
        """Seconds on a CPU, of all threads, to the nanosecond where the kernel tells."""
        total = 0
        for tid in os.listdir("/proc/%d/task" % self.pid):
            with open("/proc/%d/task/%s/schedstat" % (self.pid, tid), encoding="ascii") as f:
                total += int(f.read().split()[0])
        return total / 1e9

    def cpu_in_all(self):
        """
        Of one that has ended, without its children (which a wait's usage would include). Threads
        that ended before are only in the count by ticks: taken where it is clearly more.
        """
        with open("/proc/%d/stat" % self.pid, encoding="ascii", errors="replace") as f:
            words = f.read().rpartition(")")[2].split()
        ticks = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        exact = self.cpu_so_far()
        return ticks if ticks > exact + 0.05 else exact

    def memory(self):
        """{VmRSS, VmHWM} in bytes."""
        return {name: value * 1024 for name, value in self.status_numbers()
                if name in ("VmRSS", "VmHWM")}

    def status_numbers(self):
        with open("/proc/%d/status" % self.pid, encoding="ascii", errors="replace") as f:
            for row in f:
                name, _, value = row.partition(":")
                if value.strip().endswith(" kB"):
                    yield name, int(value.split()[0])

    def descriptors(self):
        """What the kernel says of each: {name: text}, and `fd`."""
        for fd in os.listdir("/proc/%d/fdinfo" % self.pid):
            try:
                with open("/proc/%d/fdinfo/%s" % (self.pid, fd), encoding="ascii") as f:
                    yield dict((row.split(":\t", 1) for row in f if ":\t" in row), fd=fd)
            except OSError:
                continue

    def tracepoints(self):
        """Names of those that programs of its hang on."""
        return {rows["tp_name"].strip() for rows in self.descriptors() if "tp_name" in rows}

    def kernel_memory(self):
        """Bytes of the BPF maps that it holds, by what the kernel says of each: (ring, others)."""
        maps = {}  # by id: several descriptors may stand for one map
        for rows in self.descriptors():
            if "map_type" in rows:
                maps[rows.get("map_id", rows["fd"])] = (int(rows["map_type"]), int(rows["memlock"]))
        ring = sum(size for kind, size in maps.values() if kind == BPF_MAP_TYPE_RINGBUF)
        return ring, sum(size for _, size in maps.values()) - ring


class Sample:
    """One measurement: its value; the share of the truth that was captured (None: no capture)."""

    def __init__(self, value, captured=None, **more):
        self.value = value
        self.captured = captured
        self.more = more


class Bench:
    """The run: settings, temporary files, programs, and what was measured."""

    def __init__(self, rounds, scale, smoke):
        self.rounds = rounds
        self.scale = scale  # of the sizes: 1 is the full run
        self.smoke = smoke
        self.tmp = tempfile.mkdtemp(prefix="plaintap-bench-")
        self.programs = []
        self.number = 0
        self.rows = []
        self.left_out = []
        self.libraries = {}

    def path(self, name):
        self.number += 1
        return os.path.join(self.tmp, "%d.%s" % (self.number, name))

    def scaled(self, count, least):
        return max(least, int(count * self.scale))

    def leave_out(self, what, reason):
        self.left_out.append({"what": what, "reason": str(reason)})

    def end_programs(self):
        for p in reversed(self.programs):
            p.end()
        self.programs = []

    def done(self):
        self.end_programs()
        shutil.rmtree(self.tmp, ignore_errors=True)

    def private_library(self, program):
        """(folder, path) of a copy of the libssl that `program` loads, nobody else's."""
        real = libssl_of(program)
        if real not in self.libraries:
            folder = os.path.join(self.tmp, "lib%d" % len(self.libraries))
            os.mkdir(folder)
            self.libraries[real] = (folder, shutil.copy(real, folder))
        return self.libraries[real]

    def interleave(self, bench, case, unit, variants, better="less", closely=False):
        """
        Round by round every variant once: [(name, function that returns a Sample)]. `closely`: more
        rounds, where a target's distance is no larger than what one round differs from another.
        """
        rows = {name: Row(bench, case, name, unit, better) for name, _ in variants}
        broken = {}
        for _ in range(self.rounds * (CLOSER if closely and not self.smoke else 1)):
            for name, measure in variants:
                if name in broken:
                    continue
                try:
                    rows[name].samples.append(measure())
                except (Missing, Failed, OSError, ValueError, LookupError) as e:
                    broken[name] = e
                    self.leave_out("%s, %s, %s" % (bench, case, name), str(e) or repr(e))
                finally:
                    self.end_programs()
        found = [rows[name] for name, _ in variants if rows[name].samples and name not in broken]
        self.rows += found
        return {row.variant: row for row in found}


class Row:
    """A line of the table."""

    def __init__(self, bench, case, variant, unit, better="less"):
        self.bench, self.case, self.variant, self.unit = bench, case, variant, unit
        self.better = better
        self.samples = []
        self.ratio = None  # to the untraced runs of the same rounds
        self.targets = []  # of dicts: what, value, limit, good
        self.notes = {}

    def values(self):
        return [s.value for s in self.samples]

    def captured(self):
        return [s.captured for s in self.samples if s.captured is not None]

    def set_ratio(self, base):
        pairs = zip(self.samples, base.samples)
        self.ratio = spread([s.value / b.value for s, b in pairs if b.value])

    def add_target(self, what, value, limit, most=True):
        """`value` must be at most (or at least) `limit`."""
        good = None if value is None else value <= limit if most else value >= limit
        self.targets.append({"what": what, "value": value, "limit": limit,
                             "at": "most" if most else "least", "good": good})

    def as_json(self):
        return {"bench": self.bench, "case": self.case, "variant": self.variant,
                "unit": self.unit, "better": self.better, "values": self.values(),
                "value": spread(self.values()), "captured": spread(self.captured()),
                "ratio": self.ratio, "targets": self.targets, "notes": self.notes}


def spread(values):
    values = list(values)
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def libssl_of(program):
    out = subprocess.run(["ldd", program], check=True, stdout=subprocess.PIPE).stdout.decode()
    for line in out.splitlines():
        words = line.split()
        if len(words) > 2 and words[0].startswith("libssl.so"):
            return words[2]
    raise Missing("%s is not linked with a shared libssl" % program)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def exported_offsets(path, names):
    """File offsets of exported functions; ELF64, little endian."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:6] != b"\x7fELF\x02\x01":
        raise Missing("%s is no 64-bit little-endian ELF file" % path)
    phoff, shoff = struct.unpack_from("<QQ", data, 32)
    phsize, phcnt, shsize, shcnt = struct.unpack_from("<HHHH", data, 54)
    segments = [struct.unpack_from("<IIQQQQ", data, phoff + i * phsize) for i in range(phcnt)]
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shsize) for i in range(shcnt)]
    found = {}
    for _, kind, _, _, at, size, link, _, _, step in sections:
        if kind != 11:  # SHT_DYNSYM
            continue
        strings = sections[link][4]
        for sym in range(at, at + size, step):
            name_at, _, _, section, value = struct.unpack_from("<IBBHQ", data, sym)
            name_at += strings
            name = data[name_at:data.index(b"\0", name_at)].decode("latin-1")
            if section and name in names:
                found[name] = value
    return {name: file_offset(segments, value) for name, value in found.items()}


def file_offset(segments, address):
    for kind, _, offset, start, _, size in segments:
        if kind == 1 and start <= address < start + size:  # PT_LOAD
            return offset + address - start
    raise Failed("an exported function is in no segment")
