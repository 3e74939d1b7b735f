# SPDX-License-Identifier: GPL-2.0-or-later
"""The bpf() system call on x86-64, and a tiny assembler with labels."""
import ctypes
import os
import struct

XDP, CLS = 6, 3
AT_XDP, AT_TCX_IN, AT_TCX_OUT = 37, 46, 47
_libc = ctypes.CDLL(None, use_errno=True)
_held = []


def _address(data):
    held = ctypes.create_string_buffer(bytes(data), len(data))
    _held.append(held)
    return ctypes.addressof(held)


def _bpf(command, attr):
    attr = ctypes.create_string_buffer(attr, len(attr))
    result = _libc.syscall(321, command, attr, len(attr))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


class Code:
    """Instructions in order; a jump names its label."""

    def __init__(self):
        self.rows, self.labels = [], {}

    def op(self, code, dst=0, src=0, off=0, imm=0):
        self.rows.append((code, dst, src, off, imm))
        return self

    def set(self, dst, imm):
        return self.op(0xB7, dst, imm=imm)

    def copy(self, dst, src):
        return self.op(0xBF, dst, src)

    def add(self, dst, imm):
        return self.op(0x07, dst, imm=imm)

    def call(self, number):
        return self.op(0x85, imm=number)

    def kfunc(self, number):
        return self.op(0x85, src=2, imm=number)

    def map(self, dst, fd):
        self.op(0x18, dst, 1, imm=fd)
        return self.op(0)

    def label(self, name):
        self.labels[name] = len(self.rows)
        return self

    def leave(self, value):
        return self.set(0, value).op(0x95)

    def bytes(self):
        out = b""
        for at, (code, dst, src, off, imm) in enumerate(self.rows):
            if isinstance(off, str):
                off = self.labels[off] - at - 1
            out += struct.pack("<BBhi", code, dst | src << 4, off, imm)
        return out


def array(slots, size=8):
    return _bpf(0, struct.pack("<IIIII", 2, 4, size, slots, 0) + bytes(52))


def lookup(fd, slot, size=8):
    value = ctypes.create_string_buffer(size)
    _bpf(1, struct.pack("<IxxxxQQQ", fd, _address(struct.pack("<I", slot)), ctypes.addressof(value), 0))
    return value.raw


def load(kind, code, attach):
    text = code.bytes()
    log = ctypes.create_string_buffer(1 << 16)
    attr = struct.pack("<IIQQIIQII16sII", kind, len(text) // 8, _address(text), _address(b"GPL\0"), 1,
                       len(log), ctypes.addressof(log), 0, 0, b"finding", 0, attach)
    try:
        return _bpf(5, attr + bytes(64))
    except OSError:
        print(log.value.decode()[-1500:])
        raise


def attach(program, ifindex, where, flags=0):
    return _bpf(28, struct.pack("<IIII", program, ifindex, where, flags) + bytes(48))


def kernel_function(name):
    """The BTF id of a kernel function, or None."""
    with open("/sys/kernel/btf/vmlinux", "rb") as btf:
        data = btf.read()
    head, types, length, strings = struct.unpack_from("<IIII", data, 4)
    at, end, strings = head + types, head + types + length, head + strings
    ident, name = 0, name.encode() + b"\0"
    extra = {1: 4, 3: 12, 14: 4, 17: 4}
    each = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
    while at < end:
        ident += 1
        text, info, _ = struct.unpack_from("<III", data, at)
        kind = info >> 24 & 31
        if kind == 12 and data.startswith(name, strings + text):
            return ident
        at += 12 + extra.get(kind, 0) + each.get(kind, 0) * (info & 0xFFFF)
    return None
