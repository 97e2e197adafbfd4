#!/usr/bin/env python3
"""Fails when clang-format-19 would change a C or C++ file; with --fix it changes them."""

import subprocess
import sys

import tree

BATCH = 64


def main():
    fix = "--fix" in sys.argv[1:]
    names = tree.files(".h", ".cpp", ".c", ".cc", ".hpp")
    failed = False
    for start in range(0, len(names), BATCH):
        command = ["clang-format-19", *(["-i"] if fix else ["--dry-run", "-Werror"])]
        failed |= subprocess.run(command + names[start:start + BATCH], cwd=tree.ROOT,
                                 check=False).returncode != 0
    print(f"{len(names)} files" + (", some are not formatted: ./dev lint --fix" if failed else ""))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
