#!/usr/bin/env python3
"""Writes hostile modules that are too large or too broken for wat2wasm.

usage: generate.py KIND OUT   (called by CMakeLists.txt; README.md says what each is for)
"""

import sys

I32 = b"\x7f"
MIB = 1 << 20


def leb(number):
    """An unsigned LEB128."""
    out = bytearray()
    while True:
        byte = number & 0x7F
        number >>= 7
        out.append(byte | (0x80 if number else 0))
        if not number:
            return bytes(out)


def section(number, payload):
    return bytes([number]) + leb(len(payload)) + payload


def vector(items):
    return leb(len(items)) + b"".join(items)


def body(code, locals_=b"\x00"):
    """A function's locals and instructions, with the final end."""
    whole = locals_ + code + b"\x0b"
    return leb(len(whole)) + whole


def module(bodies, before_code=b"", export=0, types=()):
    """A waPC module whose functions are () -> (), but for number `export`: __guest_call."""
    kinds = [b"\x60\x02" + I32 + I32 + b"\x01" + I32, b"\x60\x00\x00", *types]
    functions = [b"\x00" if i == export else b"\x01" for i in range(len(bodies))]
    exports = [b"\x06memory\x02\x00", b"\x0c__guest_call\x00" + leb(export)]
    return (b"\x00asm\x01\x00\x00\x00" + section(1, vector(kinds)) + section(3, vector(functions)) +
            section(5, b"\x01\x00\x01") + before_code + section(7, vector(exports)) +
            section(10, vector(bodies)))


ONE = body(b"\x41\x01")  # i32.const 1


def big_body(size):
    """One function of `size` bytes of arithmetic: every value depends on the one before."""
    step = b"\x20\x00\x41\x03\x6c\x20\x01\x73\x21\x00"  # local0 = local0 * 3 ^ local1
    return module([body(step * (size // len(step)) + b"\x41\x01")])


def bodies_of_loads(size):
    """Many functions of 60 kB each that load, compare and store."""
    step = b"\x41\x00\x41\x00\x28\x02\x00\x41\x07\x6a\x36\x02\x00"  # mem[0] += 7
    one = body(step * (60000 // len(step)))
    return module([ONE] + [one] * (size // len(one)))


def locals_bomb():
    """200 functions with the 50,000 locals that the specification allows, all of them live."""
    used = b"".join(b"\x20" + leb(i) + b"\x41\x01\x6a\x22" + leb(i + 1) + b"\x1a"
                    for i in range(0, 49990, 10))
    one = body(used, b"\x01" + leb(50000) + I32)
    return module([ONE] + [one] * 200)


def phis():
    """700 loops one after another, each of which changes 1,000 locals."""
    change = b"".join(b"\x20" + leb(i) + b"\x20" + leb(i + 1) + b"\x6a\x21" + leb(i)
                      for i in range(2, 1002))
    loop = b"\x03\x40" + change + b"\x20\x00\x0d\x00\x0b"
    return module([body(loop * 700 + b"\x41\x01", b"\x01" + leb(1001) + I32)])


def nesting(depth):
    """Blocks in blocks."""
    return module([body(b"\x02\x40" * depth + b"\x0b" * depth + b"\x41\x01")])


def functions(count):
    return module([ONE] + [body(b"")] * count)


def br_tables():
    """A thousand br_tables of 5,000 targets out of 200 nested blocks."""
    targets = leb(5000) + b"".join(leb(i % 200) for i in range(5000)) + b"\x00"
    one = b"\x02\x40" * 200 + b"\x41\x00\x0e" + targets + b"\x0b" * 200
    return module([body(one * 1000 + b"\x41\x01")])


def many_globals(count):
    entries = leb(count) + (I32 + b"\x01\x41\x00\x0b") * count
    return module([ONE], before_code=section(6, entries))


def many_types(count):
    """Types that are all different: i32 and i64 parameters as the bits of their number."""
    types = []
    for i in range(count):
        parameters = bytes(0x7F if i >> bit & 1 else 0x7E for bit in range(20))
        types.append(b"\x60" + leb(20) + parameters + b"\x00")
    return module([ONE], types=types)


def many_exports(count):
    """The first function under `count` names."""
    names = [b"\x06memory\x02\x00", b"\x0c__guest_call\x00\x00"]
    names += [leb(len(str(i))) + str(i).encode() + b"\x00\x00" for i in range(count)]
    whole = module([ONE])
    start = whole.index(b"\x06memory") - 1
    old = section(7, vector(names[:2]))
    at = start - (len(old) - len(vector(names[:2])))
    return whole[:at] + section(7, vector(names)) + whole[at + len(old):]


def data_segments(count):
    """Segments of one byte each, all at the same place."""
    segments = leb(count) + b"\x00\x41\x00\x0b\x01x" * count
    return module([ONE]) + section(11, segments)


KINDS = {
    "body_1m": lambda: big_body(MIB),
    "body_4m": lambda: big_body(4 * MIB),
    "loads_4m": lambda: bodies_of_loads(4 * MIB),
    "loads_16m": lambda: bodies_of_loads(16 * MIB - 65536),
    "locals": locals_bomb,
    "phis": phis,
    "nesting": lambda: nesting(1000000),
    "functions": lambda: functions(900000),
    "br_tables": br_tables,
    "globals": lambda: many_globals(100000),
    "types": lambda: many_types(300000),
    "exports": lambda: many_exports(100000),
    "data": lambda: data_segments(90000),
    # Broken on purpose.
    "empty": lambda: b"",
    "magic": lambda: b"\x00bad" + module([ONE])[4:],
    "version": lambda: module([ONE])[:4] + b"\x0d\x00\x01\x00" + module([ONE])[8:],
    "truncated": lambda: module([ONE])[:-3],
    "section_length": lambda: module([ONE]) + b"\x00\xff\xff\xff\xff\x0f",
    "leb_overlong": lambda: module([ONE]) + b"\x00\x80\x80\x80\x80\x80\x00",
    "section_order": lambda: module([ONE]) + section(1, b"\x00"),
    "count_lie": lambda: b"\x00asm\x01\x00\x00\x00" + section(1, b"\xff\xff\xff\xff\x0f"),
}


def main():
    with open(sys.argv[2], "wb") as file:
        file.write(KINDS[sys.argv[1]]())


main()
