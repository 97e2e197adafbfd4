#!/usr/bin/env python3
"""Fails when clang-format-19 would change a C or C++ file; with --fix it changes them."""

import re
import subprocess
import sys

import tree

BATCH = 64


def main():
    fix = "--fix" in sys.argv[1:]
    names = tree.files(".h", ".cpp", ".c", ".cc", ".hpp")
    wrong, broken = set(), False
    for start in range(0, len(names), BATCH):
        command = ["clang-format-19", "-i" if fix else "--dry-run"]
        done = subprocess.run(command + names[start:start + BATCH], cwd=tree.ROOT,
                              capture_output=True, text=True, check=False)
        wrong |= set(re.findall(r"^(.+?):\d+:\d+: warning: code should be", done.stderr, re.M))
        if done.returncode != 0:
            broken = True
            print(done.stderr)
    for name in sorted(wrong):
        print(f"{name} is not formatted")
    print(f"{len(names)} files" + ("; ./dev lint --fix formats them" if wrong else ""))
    return int(broken or bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
