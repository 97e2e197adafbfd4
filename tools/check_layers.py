#!/usr/bin/env python3
"""Fails when a file below src/ includes a module that src/LAYERS does not allow.

Needs no arguments. Prints each forbidden include as file:line and exits 1; 0 when there is none.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
INCLUDE = re.compile(r'^\s*#\s*include\s+"trellis/([^"]+)"')
SUFFIXES = {".h", ".cpp", ".def"}


def read_layers(path):
    """{module: allowed modules}, with `+name` expanded to what name may include."""
    rules = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        if ":" not in line:
            sys.exit(f"{path}:{number}: expected `module: allowed modules`")
        module, allowed = line.split(":", 1)
        rules[module.strip()] = allowed.split()

    def expand(module, seen):
        result = set()
        for name in rules.get(module, []):
            if name.startswith("+"):
                if name[1:] in seen:
                    sys.exit(f"{path}: {module} and {name[1:]} include each other")
                result |= expand(name[1:], seen | {module})
            else:
                result.add(name)
        return result

    return {module: expand(module, set()) for module in rules}


def module_of(relative, rules):
    """The longest module name that is a folder of the path."""
    parts = pathlib.PurePosixPath(relative).parts[:-1]
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        if name in rules:
            return name
    return None


def main():
    rules = read_layers(SOURCE / "LAYERS")
    problems = []
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix not in SUFFIXES or "rust" in path.relative_to(SOURCE).parts:
            continue
        relative = path.relative_to(SOURCE).as_posix()
        module = module_of(relative, rules)
        if module is None:
            problems.append(f"src/{relative}: belongs to no module of src/LAYERS")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = module_of(match.group(1), rules)
            if target is None:
                problems.append(f"src/{relative}:{number}: {match.group(1)} belongs to no module")
            elif target != module and target not in rules[module]:
                problems.append(f"src/{relative}:{number}: {module} must not include {target}")
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} forbidden includes; src/LAYERS lists what is allowed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
