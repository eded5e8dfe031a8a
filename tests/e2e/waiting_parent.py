# SPDX-License-Identifier: BSD-2-Clause
"""A parent like a shell or sudo: it waits for children that stop, and would act on one."""

PARENT = """
import os, signal, sys
seen = []
signal.signal(signal.SIGCHLD, lambda *_: seen.append(1))
pid = os.fork()
if not pid:
    os.execve(sys.argv[1], sys.argv[1:], os.environ)
_, status = os.waitpid(pid, os.WUNTRACED)
assert os.WIFEXITED(status), hex(status)
assert len(seen) == 1, seen
sys.exit(os.WEXITSTATUS(status))
"""


def under_parent(*argv):
    """Fails when the child was ever seen to stop."""
    return ["/usr/bin/python3", "-c", PARENT] + list(argv)
