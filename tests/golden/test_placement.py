# SPDX-License-Identifier: BSD-2-Clause
"""`plaintap ls --probes` against the tables in placement/: the system's libssl, and those that
tools/fetch-libssl has or can get. Also what `ls` says to wrong words."""

import fnmatch
import json
import os
import platform
import subprocess
import sys

import layout

BUILD = os.environ["PLAINTAP_BUILD"]
ROOT = os.environ["PLAINTAP_SOURCE_ROOT"]
PLAINTAP = os.path.join(BUILD, "plaintap")
TRUTH = os.path.join(BUILD, "tests", "progs", "layout_truth")
LAYOUTS = layout.table(os.path.join(ROOT, "tests/golden/placement/layout.md"))

count = failures = 0


def check(good, what, more=""):
    global count, failures
    count += 1
    failures += not good
    print("%sok %d - %s" % ("" if good else "not ", count, what))
    if not good:
        print("".join("#   %s\n" % line for line in str(more).splitlines()), end="")


def skip(what, why):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, what, why))


def ls(*args):
    return subprocess.run([PLAINTAP, "ls", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60, check=False)


def table():
    rows = {}
    with open(os.path.join(ROOT, "tests/golden/placement/libssl.md"), encoding="utf-8") as f:
        for line in f:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) == 8 and cells[0][0].isdigit():
                rows.setdefault((cells[0], cells[1]), []).append(cells[2:])
    return rows


def where(point):
    place = "worker" if point["worker"] else ""
    return place + ("+%d" % point["behind_start"] if point["behind_start"] or not place else "")


def same(point, row):
    role, symbols, place, length, instruction, cost = row
    return (point["role"] == role and point["symbols"] == symbols and where(point) == place and
            point["length_from"] == length and point["cost"] == cost and
            fnmatch.fnmatchcase(point["instruction"], instruction.replace("[", "[[]")))


def check_library(path, version, machine, rows):
    what = "%s for %s (%s)" % (version, machine, os.path.basename(path))
    key = next((k for k in rows if version.startswith(k[0]) and machine == k[1]), None)
    if not key:
        skip(what, "the table has no row for it")
        return
    run = ls("--probes", path, "--json")
    if run.returncode:
        check(False, what, run.stderr)
        return
    listing = json.loads(run.stdout)
    probes = listing["probes"]
    good = len(probes) == len(rows[key]) and all(any(same(p, row) for row in rows[key]) for p in probes)
    check(good, what, json.dumps(probes, indent=1))
    check_layout(path, version, listing, what)


def check_layout(path, version, listing, what):
    key = next((k for k in LAYOUTS if version.startswith(k)), None)
    if not key:
        skip("fields of " + what, "the table has no column for it")
        return
    wrong = layout.differences(listing, LAYOUTS[key])
    check(not wrong, "fields of " + what, "\n".join(wrong))
    wrong = layout.look(TRUTH, path, listing)
    # The system's own can be loaded.
    if wrong is None and os.path.exists(os.path.join(os.path.dirname(path), "version")):
        skip("objects of " + what, "it cannot be loaded here")
    else:
        check(wrong == [], "objects of " + what, "\n".join(wrong or ["cannot be loaded"]))


def check_fetched(rows):
    run = subprocess.run([os.path.join(ROOT, "tools/fetch-libssl")], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, timeout=280, check=False)
    if run.returncode:
        skip("libssl of other releases", run.stderr.strip() or "fetch-libssl failed")
        return
    root = run.stdout.strip()
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        libraries = [f for f in os.listdir(folder) if f.startswith("libssl.so")]
        with open(os.path.join(folder, "version"), encoding="utf-8") as f:
            version = f.read().strip()
        for library in libraries:
            check_library(os.path.join(folder, library), version, name.rsplit("-", 1)[1], rows)


def system_version(path):
    """The package's version, where dpkg knows it: a library does not tell its own."""
    owner = subprocess.run(["dpkg-query", "-S", path], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, check=False).stdout
    if not owner:
        return None
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", owner.rsplit(": ", 1)[0]],
                          stdout=subprocess.PIPE, text=True, check=False).stdout


def mapped_libssl():
    with open("/proc/self/maps", encoding="utf-8") as f:
        return next((line.split(None, 5)[5].strip() for line in f if "/libssl" in line), None)


def check_system(rows):
    try:
        import ssl  # noqa: F401, maps the library into this process
    except ImportError:
        skip("the system's libssl", "python has no ssl")
        return
    path = mapped_libssl()
    if not path:
        skip("the system's libssl", "python brings a libssl of its own")
        return
    try:
        version = system_version(path)
    except OSError:
        version = None
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    if not version:
        skip("the system's libssl", "its version is not known")
    else:
        check_library(path, version, machine, rows)
    run = ls("--probes", str(os.getpid()), "--json")
    listed = [json.loads(line)["library"] for line in run.stdout.splitlines()]
    check(run.returncode == 0 and path in listed, "the libraries of a process",
          run.stdout + run.stderr)
    own = [json.loads(line) for line in run.stdout.splitlines()]
    wanted = [listing for listing in own if listing["library"] == path]
    check(wanted and wanted[0]["fields"]["bio_num"]["offsets"], "and of the libcrypto that it has mapped", wanted)
    run = ls("--probes", path)
    check(run.returncode == 0 and "SSL_read" in run.stdout and "probes:" in run.stdout,
          "as text", run.stdout + run.stderr)


def check_refused(words, status, *args):
    run = ls(*args)
    check(run.returncode == status and words in run.stderr and not run.stdout,
          "ls %s: %s" % (" ".join(args), words), "%d\n%s" % (run.returncode, run.stderr))


def main():
    rows = table()
    check(len(rows) >= 6 and len(LAYOUTS) >= 3, "the tables are understood", (rows, LAYOUTS))
    check_system(rows)
    check_fetched(rows)
    check_refused("no process 999999999", 1, "--probes", "999999999")
    check_refused("not a process id", 1, "--probes", "99999999999")
    check_refused("is not an ELF file", 1, "--probes", __file__)
    check_refused("is not a TLS library", 1, "--probes", PLAINTAP)
    check_refused("No such file", 1, "--probes", "/nonexistent/libssl.so.3")
    check_refused("a process is given with -p PID, a file with --probes", 2, "1")
    check_refused("needs a process id or a library", 2, "--probes")
    check_refused("there is no option --probe", 2, "--probe", "1")
    check_refused("one PID or FILE at a time", 2, "--probes", "1", "2")
    print("1..%d" % count)
    sys.exit(failures != 0)


main()
