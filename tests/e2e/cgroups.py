# SPDX-License-Identifier: BSD-2-Clause
"""Where the hierarchies of control groups are mounted here."""

from harness import Skip


def mounts():
    """(place, kind, options) of each mount."""
    with open("/proc/self/mounts", encoding="utf-8") as f:
        for line in f:
            where, kind, options = line.split()[1:4]
            yield where, kind, options.split(",")


def version_2():
    for where, kind, _ in mounts():
        if kind == "cgroup2":
            return where
    raise Skip("no control groups of version 2")


def version_1(controller="pids"):
    for where, kind, options in mounts():
        if kind == "cgroup" and controller in options:
            return where
    raise Skip("no control groups of version 1 with " + controller)
