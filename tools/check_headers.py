#!/usr/bin/env python3
"""Fails when a header does not compile on its own.

Every header of src/ and of the guest SDK is compiled alone, for its syntax only, with the flags of
its module (the SDK: for wasm32). Headers that passed and have not changed since are skipped.
"""

import concurrent.futures
import os
import re
import subprocess
import sys

import tree

TREE = "release"
DROPPED = re.compile(r"^(-o|-c|-MF|-MT|-MQ|-MD|-MMD)$")
WITH_VALUE = {"-o", "-MF", "-MT", "-MQ", "-c"}
SDK = ["clang++-19", "-std=c++20", "--target=wasm32", "-ffreestanding", "-nostdlib",
       "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "-Werror", "-I",
       "sdk/guest-cpp/include"]


def without_output(arguments):
    kept, skip = [], False
    for argument in arguments:
        if skip:
            skip = False
        elif DROPPED.match(argument):
            skip = argument in WITH_VALUE
        else:
            kept.append(argument)
    return kept


def flags_for(header, commands):
    """The command of a source in the header's folder, or of the nearest folder above it."""
    if header.startswith("sdk/"):
        return SDK
    folder = os.path.dirname(header)
    while folder:
        for source in sorted(commands):
            if os.path.dirname(source) == folder and not source.endswith("_test.cpp"):
                return without_output(commands[source])
        folder = os.path.dirname(folder)
    return without_output(next(iter(commands.values())))


def check(header, arguments):
    # -Wno-pragma-once-outside-header: the header is the main file here.
    command = [*arguments, "-fsyntax-only", "-x", "c++", "-Wno-pragma-once-outside-header",
               "-Wno-unused-function", "-Wno-unused-const-variable", header]
    return subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)


def main():
    commands = tree.compile_commands(TREE)
    headers = [name for name in tree.files(".h")
               if name.startswith(("src/", "sdk/guest-cpp/")) and "/rust/" not in name]
    hashes, memory, work = tree.Hashes(), tree.Memory("headers"), []
    for header in headers:
        arguments = flags_for(header, commands)
        key = memory.key([*hashes.closure(tree.ROOT / header), *arguments])
        if not memory.knows(key):
            work.append((header, arguments, key))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda item: check(item[0], item[1]), work)
        for (header, _, key), result in zip(work, results):
            if result.returncode == 0:
                memory.remember(key)
            else:
                failed += 1
                print(f"{header} does not compile alone:\n{result.stderr}")
    print(f"{len(headers)} headers, {len(work)} of them new or changed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
