"""What the checks share: the files of the tree, their compile commands, and remembered results.

A result is remembered under a hash of everything that it depends on (the file, every header of
ours that it reaches, the command, the tool's configuration), below TRELLIS_BUILD_CACHE. A file that
passed is not looked at again until one of these changes.
"""

import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
SKIPPED_FOLDERS = {"build", ".git", "node_modules", "__pycache__", "target", ".cache"}


def files(*suffixes):
    """Paths relative to the root of the files with these suffixes: tracked ones, or all of them
    where git does not answer (a copied tree)."""
    answer = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT, capture_output=True, check=False)
    if answer.returncode == 0:
        names = answer.stdout.decode().split("\0")
    else:
        names = []
        for folder, folders, entries in os.walk(ROOT):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            names += [os.path.relpath(os.path.join(folder, entry), ROOT) for entry in entries]
    return sorted(name for name in names if name.endswith(suffixes) and (ROOT / name).is_file())


def resolve(including, name):
    """The file of ours that `#include "name"` in `including` means, or None."""
    if name.startswith("trellis/"):
        candidates = [ROOT / "src" / name.removeprefix("trellis/"),
                      ROOT / "sdk/guest-cpp/include" / name]
    else:
        candidates = [including.parent / name]
    return next((path for path in candidates if path.is_file()), None)


class Hashes:
    """Hashes of files together with all headers of ours that they reach."""

    def __init__(self):
        self.seen_ = {}

    def one(self, path):
        if path not in self.seen_:
            data = path.read_bytes()
            included = [resolve(path, name.decode()) for name in INCLUDE.findall(data)]
            self.seen_[path] = (hashlib.sha256(data).hexdigest(), [p for p in included if p])
        return self.seen_[path]

    def closure(self, path):
        reached, open_paths = {}, [path]
        while open_paths:
            current = open_paths.pop()
            if current in reached:
                continue
            digest, included = self.one(current)
            reached[current] = digest
            open_paths += included
        return [f"{p.relative_to(ROOT)} {digest}" for p, digest in sorted(reached.items())]


class Memory:
    """Remembers what passed."""

    def __init__(self, name):
        base = os.environ.get("TRELLIS_BUILD_CACHE") or os.path.expanduser("~/.cache/trellis-build")
        self.folder_ = pathlib.Path(base) / "checked" / name
        self.folder_.mkdir(parents=True, exist_ok=True)

    def key(self, parts):
        return hashlib.sha256("\n".join(parts).replace(str(ROOT), ".").encode()).hexdigest()

    def knows(self, key):
        return (self.folder_ / key).exists()

    def remember(self, key):
        (self.folder_ / key).touch()


def compile_commands(tree):
    """{path relative to the root: arguments} of a build tree, without the compiler's launcher."""
    path = ROOT / "build" / tree / "compile_commands.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run ./dev build {tree} first")
    commands = {}
    for entry in json.loads(path.read_text()):
        arguments = shlex.split(entry["command"])
        if os.path.basename(arguments[0]) == "ccache":
            arguments = arguments[1:]
        file = pathlib.Path(entry["file"])
        if file.is_relative_to(ROOT):
            commands[file.relative_to(ROOT).as_posix()] = arguments
    return commands
