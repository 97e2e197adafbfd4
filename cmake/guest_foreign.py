#!/usr/bin/env python3
"""Builds one guest with a toolchain that may be missing, offline or too old.

usage: guest_foreign.py KIND NAME OUT ARGUMENTS...   (called by GuestWasm.cmake)

Always exits 0: a guest that cannot be built is skipped with one line on stdout, the same line in
the file SKIPPED beside OUT, and OUT does not exist. A later build tries it again.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

BUILD_SECONDS = 300
INSTALL_SECONDS = 180


class Skip(Exception):
    """Why a guest cannot be built, in one line."""


def run(what, command, seconds=BUILD_SECONDS, cwd=None, env=None):
    """Runs a command; the last line of its errors is the reason when it fails."""
    try:
        done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds,
                              check=False)
    except subprocess.TimeoutExpired:
        raise Skip(f"{what} took more than {seconds} s") from None
    except OSError as error:
        raise Skip(f"{what}: {error.strerror}") from None
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        said = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")
        raise Skip(f"{what} failed: {said}"[:200])


def npm_install(npm, folder, cache):
    """Installs the locked packages once per lock file, outside the source tree."""
    lock = (folder / "package-lock.json").read_bytes()
    target = cache / f"npm-{hashlib.sha256(lock).hexdigest()[:16]}"
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    # Made aside and renamed: an interrupted install is never taken for a whole one.
    work = pathlib.Path(tempfile.mkdtemp(prefix="npm-", dir=cache))
    try:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(folder / name, work)
        run("npm ci", [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=work,
            seconds=INSTALL_SECONDS)
        try:
            work.rename(target)
        except OSError:
            if not target.is_dir():  # another build was first
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def assemblyscript(out, npm, node, folder, entry, cache):
    folder = pathlib.Path(folder)
    modules = npm_install(npm, folder, pathlib.Path(cache)) / "node_modules"
    run("asc", [node, str(modules / "assemblyscript" / "bin" / "asc.js"), entry, "--baseDir",
                str(folder), "--runtime", "stub", "-O", "--optimizeLevel", "3", "--shrinkLevel",
                "1", "--noAssert", "--outFile", str(out)], cwd=folder)


def rust(out, rustc, linker, source):
    run("rustc", [rustc, "--edition", "2021", "--crate-type", "cdylib", "--target",
                  "wasm32-unknown-unknown", "-C", "opt-level=s", "-C", "lto", "-C", "panic=abort",
                  "-C", "strip=symbols", "-C", f"linker={linker}", source, "-o", str(out)])


def go(out, compiler, folder, cache):
    run("go build", [compiler, "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w",
                     "-o", str(out), "."], cwd=folder,
        env={"GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local", "GOPROXY": "off",
             "GOFLAGS": "-buildvcs=false", "GOWORK": "off",
             "GOCACHE": os.environ.get("GOCACHE", str(pathlib.Path(cache) / "go"))})


def record(name, out, line):
    """Replaces the line of `name` in SKIPPED; several builds of guests run at once."""
    with open(out.parent / "SKIPPED", "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        kept = [old for old in file if not old.startswith(f"guest {name} skipped:")]
        file.truncate(0)
        file.writelines(kept + ([line + "\n"] if line else []))


def main():
    kind, name, out = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    build = {"assemblyscript": assemblyscript, "rust": rust, "go": go}[kind]
    out.unlink(missing_ok=True)
    made = out.with_name(f".{out.name}")
    try:
        build(made, *sys.argv[4:])
        made.rename(out)
        record(name, out, None)
    except Skip as why:
        line = f"guest {name} skipped: {why}"
        print(line, flush=True)
        record(name, out, line)


main()
