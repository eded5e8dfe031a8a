# SPDX-License-Identifier: BSD-2-Clause
"""Programs that plaintap cannot see into, made on the spot, and what `ls` and `doctor` say of one."""

import json
import re

from harness import PLAINTAP, Skip, check, check_eq, libraries_of, subprocess

STATIC_TLS = """
#include <openssl/ssl.h>
#include <stdio.h>
#include <unistd.h>
int main(void) { SSL_CTX *c = SSL_CTX_new(TLS_method()); puts(c ? "READY" : "NONE"); fflush(stdout); pause(); }
"""
STATIC_PLAIN = "#include <unistd.h>\nint main(void) { write(1, \"READY\\n\", 6); pause(); }\n"
# 32 bits without a library: write(1, "READY\n", 6); pause()
BITS_32 = """
.globl _start
_start: mov $4, %eax; mov $1, %ebx; mov $text, %ecx; mov $6, %edx; int $0x80
again: mov $29, %eax; int $0x80; jmp again
.data
text: .ascii "READY\\n"
"""
LOADER = "import ctypes, sys; ctypes.CDLL(sys.argv[1]); print('READY', flush=True); sys.stdin.read()"


def build(case, name, source, *args, suffix=".c"):
    path = case.path(name)
    with open(path + suffix, "w", encoding="ascii") as f:
        f.write(source)
    r = subprocess.run(["cc", "-w", "-o", path, path + suffix] + list(args), stderr=subprocess.PIPE)
    if r.returncode:
        raise Skip("%s cannot be built here: %s" % (name, r.stderr.decode()[-200:]))
    return path


def start(case, argv):
    try:
        p = case.run(argv, stdin=subprocess.PIPE, pipe_out=True)
    except OSError as e:
        raise Skip("%s cannot be run here: %s" % (argv[0], e))
    check_eq(p.line(), "READY", "its first word")
    return p


def static_tls(case):
    """Linked statically, stripped, with OpenSSL inside."""
    return start(case, [build(case, "static_tls", STATIC_TLS, "-static", "-s", "-lssl", "-lcrypto", "-ldl",
                              "-pthread")])


def with_library(case, name):
    p = case.run(["/usr/bin/python3", "-c", LOADER, name], stdin=subprocess.PIPE, pipe_out=True)
    try:
        check_eq(p.line(), "READY", "its first word")
    except Exception as e:
        if name in p.err():
            raise Skip(name + " is not installed") from e
        raise
    return p


def openssl_version(program):
    """Of the libcrypto that a program of ours is linked with, read out of the file."""
    path = [path for name, path in libraries_of(program) if name.startswith("libcrypto")][0]
    with open(path, "rb") as f:
        return re.search(rb"OpenSSL (\S+) \d+ \w{3} \d{4}", f.read()).group(1).decode()


def told(case, *args, status=0, prefix=(), **how):
    """Runs `plaintap ARGS --json`; the JSON lines."""
    args = [str(a) for a in args]
    p = case.run(list(prefix) + [PLAINTAP, args[0], "--json"] + args[1:], **how)
    got = p.wait()
    check(got == status, "exit status %d, not %d: %s%s" % (got, status, p.out(), p.err()))
    return [json.loads(line) for line in p.out().splitlines()]
