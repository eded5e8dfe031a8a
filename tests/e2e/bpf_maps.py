# SPDX-License-Identifier: BSD-2-Clause
"""How many entries a plaintap's maps in the kernel hold: by the bpf() call, on that process's own
descriptors only."""

import ctypes
import os
import platform

BPF_MAP_GET_NEXT_KEY, BPF_MAP_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD = 4, 14, 15
SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
KEY_MAX = 256

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    r = libc.syscall(SYS_BPF, command, attr, ctypes.c_uint(len(attr)))
    if r < 0:
        raise OSError(ctypes.get_errno(), "bpf command %d" % command)
    return r


def u32(n):
    return n.to_bytes(4, "little")


def u64(n):
    return n.to_bytes(8, "little")


def map_ids(pid):
    for fd in os.listdir("/proc/%d/fdinfo" % pid):
        try:
            with open("/proc/%d/fdinfo/%s" % (pid, fd), encoding="ascii") as f:
                fields = dict(line.split(":", 1) for line in f if ":" in line)
        except FileNotFoundError:  # a file that was closed meanwhile
            continue
        if "map_id" in fields:
            yield int(fields["map_id"])


def map_name(fd):
    info = ctypes.create_string_buffer(88)
    attr = ctypes.create_string_buffer(
        u32(fd) + u32(len(info)) + u64(ctypes.addressof(info)), 128)
    bpf(BPF_OBJ_GET_INFO_BY_FD, attr)
    return info.raw[24:40].split(b"\0")[0].decode()


def entry_cnt(fd):
    key, after = ctypes.create_string_buffer(KEY_MAX), ctypes.create_string_buffer(KEY_MAX)
    at, cnt = 0, 0
    while True:
        attr = ctypes.create_string_buffer(
            u32(fd) + u32(0) + u64(at) + u64(ctypes.addressof(after)), 128)
        try:
            bpf(BPF_MAP_GET_NEXT_KEY, attr)
        except OSError:
            return cnt
        key.raw = after.raw
        at, cnt = ctypes.addressof(key), cnt + 1


def entries(pid, *names):
    """{name: number of entries} of the maps of these names that process `pid` has open."""
    found = {}
    for map_id in set(map_ids(pid)):
        fd = bpf(BPF_MAP_GET_FD_BY_ID, ctypes.create_string_buffer(u32(map_id), 128))
        try:
            name = map_name(fd)
            if name in names:
                found[name] = entry_cnt(fd)
        finally:
            os.close(fd)
    return found
