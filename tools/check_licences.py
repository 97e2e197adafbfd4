#!/usr/bin/env python3
"""Fails when a dependency has no row with a licence in docs/dependencies.md, or a row no dependency.

Dependencies are the packages of packages.txt, the ones that ./dev adds for a missing compiler, and
the crates that a Cargo.toml names.
"""

import re
import sys
import tomllib

import tree

DOC = tree.ROOT / "docs/dependencies.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]*?) \| ([^|]*?) \|", re.MULTILINE)
ADDED_BY_DEV = {"rustc-web", "cargo-web"}


def packages():
    lines = (line.split("#")[0].strip() for line in
             (tree.ROOT / "packages.txt").read_text().splitlines())
    return {line for line in lines if line}


def crates():
    found = set()
    for name in tree.files("Cargo.toml"):
        manifest = tomllib.loads((tree.ROOT / name).read_text())
        for table in ("dependencies", "build-dependencies", "dev-dependencies"):
            for crate, value in manifest.get(table, {}).items():
                found.add(value.get("package", crate) if isinstance(value, dict) else crate)
    return found


def main():
    wanted = packages() | crates() | ADDED_BY_DEV
    rows = ROW.findall(DOC.read_text())
    listed = [name for name, _, _ in rows]
    problems = [f"no row for {name}" for name in sorted(wanted - set(listed))]
    problems += [f"{name} is not a dependency" for name in sorted(set(listed) - wanted)]
    problems += [f"{name} has two rows" for name in sorted(set(listed)) if listed.count(name) > 1]
    problems += [f"{name} has no licence or use" for name, licence, use in rows
                 if not licence or not use]
    for problem in problems:
        print(f"docs/dependencies.md: {problem}")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
