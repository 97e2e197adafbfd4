"""Reads scenario files: README.md beside this file says what they may hold."""

import dataclasses
import re

ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", '"': b'"', "\\": b"\\"}


class Malformed(Exception):
    """A line that is not a line of a scenario."""


@dataclasses.dataclass
class Line:
    number: int
    text: str
    words: list      # bytes, what stands left of `->`
    expected: list   # bytes, what stands right of it; None without an arrow


def split(text):
    """The words of a line as (bytes, was it quoted)."""
    words, at = [], 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        if text[at] != '"':
            end = at
            while end < len(text) and text[end] not in " \t":
                end += 1
            words.append((text[at:end].encode(), False))
            at = end
            continue
        word, at = bytearray(), at + 1
        while True:
            if at >= len(text):
                raise Malformed('a word that starts with " has no end')
            char = text[at]
            if char == '"':
                break
            if char != "\\":
                word += char.encode()
                at += 1
                continue
            escape = text[at + 1:at + 2]
            if escape == "x" and re.fullmatch(r"[0-9a-fA-F]{2}", text[at + 2:at + 4]):
                word.append(int(text[at + 2:at + 4], 16))
                at += 4
            elif escape in ESCAPES and escape:
                word += ESCAPES[escape]
                at += 2
            else:
                raise Malformed(f"unknown escape \\{escape}")
        at += 1
        if text[at:at + 1] not in ("", " ", "\t"):
            raise Malformed('a blank must follow the closing "')
        words.append((bytes(word), True))
    return words


def parse(text):
    """The lines of a scenario; Malformed names the number of a wrong one."""
    lines = []
    for number, raw in enumerate(text.splitlines(), 1):
        stripped = raw.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            words = split(stripped)
        except Malformed as error:
            raise Malformed(f"line {number}: {error}") from None
        arrows = [i for i, word in enumerate(words) if word == (b"->", False)]
        if len(arrows) > 1:
            raise Malformed(f"line {number}: two arrows")
        plain = [word for word, _ in words]
        if arrows:
            line = Line(number, stripped, plain[:arrows[0]], plain[arrows[0] + 1:])
        else:
            line = Line(number, stripped, plain, None)
        if not line.words or line.expected == []:
            raise Malformed(f"line {number}: nothing stands on one side of the arrow")
        lines.append(line)
    return lines


def options(words, names):
    """`a=1 b=2` as a dictionary; only these names."""
    found = {}
    for word in words:
        name, equals, value = word.decode().partition("=")
        if not equals or name not in names:
            raise Malformed(f"expected one of {', '.join(n + '=' for n in names)}, not {word!r}")
        found[name] = value
    return found


def pairs(words, arity):
    """`header a:b body x` as a list of (name, value); arity says how many words a name takes."""
    found, at = [], 0
    while at < len(words):
        name = words[at].decode(errors="replace")
        if name not in arity:
            raise Malformed(f"expected one of {', '.join(arity)}, not {name!r}")
        count = arity[name]
        values = words[at + 1:at + 1 + count]
        if len(values) < count:
            raise Malformed(f"{name} needs a word after it")
        found.append((name, values[0] if count else b""))
        at += 1 + count
    return found
