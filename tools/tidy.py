#!/usr/bin/env python3
"""Runs clang-tidy-19 over the sources of the release tree.

    tidy.py [--budget SECONDS] [--base COMMIT] [FILE...]

Without files: those that changed since the commit at which this branch left its origin (--base, or
$TRELLIS_TIDY_BASE, sets it); on the main branch itself all of them, the last changed first. Sources
that passed and have not changed since are skipped. When the budget is used up, the rest is printed
and does not fail the check; without --budget everything is looked at.
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import time

import tree

TREE = "release"
TOOL = "clang-tidy-19"
# Tests read the environment, hold bytes in strings and need not be fast.
NOT_IN_TESTS = ("-concurrency-mt-unsafe,-bugprone-not-null-terminated-result,"
                "-bugprone-string-literal-with-embedded-nul,-bugprone-suspicious-missing-comma,"
                "-bugprone-suspicious-stringview-data-usage,-modernize-raw-string-literal,"
                "-performance-inefficient-string-concatenation,"
                "-performance-inefficient-vector-operation,-performance-unnecessary-value-param,"
                "-readability-function-cognitive-complexity")


def git(*arguments):
    answer = subprocess.run(["git", "-c", "safe.directory=*", *arguments], cwd=tree.ROOT,
                            capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else ""


def base_commit(given):
    """Where this branch left its origin; empty when that is here, or unknown."""
    if given:
        return given
    for origin in ("@{upstream}", "origin/main", "main"):
        base = git("merge-base", "HEAD", origin)
        if base:
            return "" if base == git("rev-parse", "HEAD") else base
    return ""


def by_last_change(names):
    """The names, those of the newest commits first."""
    log = git("log", "--format=", "--name-only", "-n", "500").splitlines()
    rank = {}
    for name in log:
        rank.setdefault(name, len(rank))
    return sorted(names, key=lambda name: (rank.get(name, len(rank)), name))


def changed_since(base, names, hashes):
    """The names that changed, or that include a header that changed."""
    changed = set(git("diff", "--name-only", base).splitlines())
    changed |= set(git("ls-files", "--others", "--exclude-standard").splitlines())
    return [name for name in names
            if any(line.split(" ")[0] in changed for line in hashes.closure(tree.ROOT / name))]


def check(name, limit):
    command = [TOOL, "-p", f"build/{TREE}", "--quiet"]
    if name.endswith(("_test.cpp", "_bench.cpp", "_fuzz.cpp")):
        command.append(f"--checks={NOT_IN_TESTS}")
    command.append(name)
    try:
        return subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False,
                              timeout=limit)
    except subprocess.TimeoutExpired:
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=float("inf"))
    parser.add_argument("--base", default=os.environ.get("TRELLIS_TIDY_BASE", ""))
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    end = time.monotonic() + options.budget

    commands = tree.compile_commands(TREE)
    hashes, memory = tree.Hashes(), tree.Memory("tidy")
    names = [name for name in tree.files(".cpp") if name in commands]
    if options.files:
        names = [name for name in names if name in options.files]
    else:
        base = base_commit(options.base)
        names = changed_since(base, names, hashes) if base else by_last_change(names)
    version = subprocess.run([TOOL, "--version"], capture_output=True, text=True, check=True).stdout
    settings = [version, NOT_IN_TESTS, (tree.ROOT / ".clang-tidy").read_text()]
    work = []
    for name in names:
        key = memory.key([*hashes.closure(tree.ROOT / name), *commands[name], *settings])
        if not memory.knows(key):
            work.append((name, key))

    failed, skipped, slowest = [], [], ("", 0.0)

    def run(item):
        left = end - time.monotonic()
        if left < 1:
            return None, 0.0
        begin = time.monotonic()
        return check(item[0], None if left == float("inf") else left), time.monotonic() - begin

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, key), (result, seconds) in zip(work, pool.map(run, work)):
            if result is None:
                skipped.append(name)
            elif result.returncode == 0:
                memory.remember(key)
            else:
                failed.append(name)
                print(f"{name}:\n{result.stdout}", flush=True)
            if seconds > slowest[1]:
                slowest = (name, seconds)
    print(f"{len(names)} sources, {len(work)} of them new or changed, {len(failed)} with findings"
          + (f"; slowest {slowest[0]} {slowest[1]:.0f} s" if slowest[0] else ""))
    if skipped:
        print(f"the budget of {options.budget:.0f} s is used up; not looked at: "
              + " ".join(skipped))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
