# SPDX-License-Identifier: BSD-2-Clause
"""talk.py: a program that talks TLS with itself, and what it needs."""

from harness import TLS_SERVER, Skip, os, socket, subprocess

PYTHON = "/usr/bin/python3"
TALK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "progs", "talk.py")


def need_python_ssl():
    try:
        r = subprocess.run([PYTHON, "-c", "import ssl"], stderr=subprocess.DEVNULL)
    except OSError:
        raise Skip(PYTHON + " is not installed")
    if r.returncode:
        raise Skip(PYTHON + " has no ssl module")


def need_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        raise Skip("this machine has no ::1")


def talk_argv(case, way):
    """Its command line; the certificate is in the case's folder."""
    need_python_ssl()
    subprocess.run([TLS_SERVER, "--write-cert", case.tmp], check=True)
    return [PYTHON, TALK, case.tmp, way]
