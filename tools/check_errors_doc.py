#!/usr/bin/env python3
"""Fails when docs/errors.md and src/base/reasons.def disagree.

Each reason has one row: reason, code, HTTP status, what it means, what to do. The first three come
from reasons.def; with --fix they are rewritten, in its order, and the prose is kept. A row without
prose fails the check: it is written by hand.
"""

import re
import sys

import tree

DEF = tree.ROOT / "src/base/reasons.def"
DOC = tree.ROOT / "docs/errors.md"
REASON = re.compile(r'^TR_REASON\(\w+,\s*"([^"]+)",\s*(\w+),\s*(\d+)\)', re.MULTILINE)
ROW = re.compile(r"^\| `([^`]+)` \| (\w*) \| (\d*) \| (.*?) \| (.*?) \|$", re.MULTILINE)
HEAD = "| reason | code | HTTP | what it means | what to do |\n|---|---|---|---|---|\n"


def main():
    text = DOC.read_text()
    defined = {m[0]: (m[1], m[2]) for m in REASON.findall(DEF.read_text())}
    rows = {m[0]: m[1:] for m in ROW.findall(text)}
    if "--fix" in sys.argv[1:]:
        start = text.index(HEAD) + len(HEAD)
        end = start + len(re.match(r"(\|.*\n)*", text[start:]).group(0))
        lines = []
        for reason, (code, status) in defined.items():
            meaning, remedy = rows.get(reason, ("", "", "", ""))[2:]
            lines.append(f"| `{reason}` | {code} | {status} | {meaning} | {remedy} |\n")
        DOC.write_text(text[:start] + "".join(lines) + text[end:])
        return 0
    problems = [f"no row for {reason}" for reason in defined if reason not in rows]
    problems += [f"{reason} is not in reasons.def" for reason in rows if reason not in defined]
    for reason, (code, status, meaning, remedy) in rows.items():
        if reason in defined and (code, status) != defined[reason]:
            problems.append(f"{reason} has {defined[reason]}, not {(code, status)}")
        if not meaning or not remedy:
            problems.append(f"{reason} has no words")
    if len(ROW.findall(text)) != len(rows):
        problems.append("a reason has two rows")
    for problem in problems:
        print(f"docs/errors.md: {problem}")
    if problems:
        print("tools/check_errors_doc.py --fix writes the rows; the words are written by hand")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
