#!/usr/bin/env python3
"""Starts an example of the release tree and prints its URL and a curl line; what `./dev run` calls.

    run_example.py [--check] EXAMPLE

The modules and the manifest are those that examples/EXAMPLE/EXAMPLE.scenario names. They are signed
with the local development account into build/run/EXAMPLE. Ends with the host; Ctrl-C stops it in
good order. --check requests the URL once with curl and stops.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import tree

sys.path.insert(0, str(tree.ROOT / "tests/e2e"))
import run_scenario  # noqa: E402  (it lies with the tests)
import scenario  # noqa: E402

READY_SECONDS = 15
STOP_SECONDS = 12
BINARY = tree.ROOT / "build/release/trellis"
GUESTS = tree.ROOT / "build/release/guests"


def trellis(*arguments):
    done = subprocess.run([BINARY, *arguments], check=False, stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(done.returncode)


def prepare(example, folder):
    """Signs the example's modules and copies its manifest; returns the manifest."""
    source, manifest = tree.ROOT / "examples" / example, None
    trellis("keys", "dev")
    for line in run_scenario.read(source / f"{example}.scenario"):
        word = line.words[0]
        if word == b"manifest":
            manifest = folder / line.words[1].decode()
            shutil.copy(source / line.words[1].decode(), manifest)
        if word == b"guest":
            name = line.words[1].decode()
            given = scenario.options(line.words[2:], ("file", "caps", "alias", "rev", "tags"))
            flags = [part for cap in given.get("caps", "").split(",") if cap
                     for part in ("--cap", cap)]
            if "alias" in given:
                flags += ["--alias", given["alias"]]
            trellis("sign", GUESTS / f"{given.get('file', name)}.wasm", "-o",
                    folder / f"{name}.wasm", "--dev", "--name", name, *flags)
    return manifest


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        print(f"the host did not stop within {STOP_SECONDS} s", file=sys.stderr)
        return 1


def wait_ready(process, ready):
    end = time.monotonic() + READY_SECONDS
    while not ready.exists():
        if process.poll() is not None:
            sys.exit(process.returncode or 1)
        if time.monotonic() > end:
            stop(process)
            sys.exit(f"the host was not ready after {READY_SECONDS} s")
        time.sleep(0.01)
    return json.loads(ready.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("example")
    options = parser.parse_args()
    folder = tree.ROOT / "build/run" / options.example
    folder.mkdir(parents=True, exist_ok=True)
    ready = pathlib.Path(folder / "ready.json")
    ready.unlink(missing_ok=True)
    manifest = prepare(options.example, folder)
    # A session of its own: Ctrl-C reaches this script alone, which then stops the host.
    process = subprocess.Popen(
        [BINARY, "up", manifest, "--dev", "--ready-file", ready], start_new_session=True,
        stdin=subprocess.DEVNULL, env={"LISTEN": "127.0.0.1:0", **os.environ})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(stop(process)))
    try:
        state = wait_ready(process, ready)
        url = next(url for actor in state["actors"] for url in actor["urls"])
        if options.check:
            answer = subprocess.run(["curl", "-sS", "--fail", "--max-time", "10", url],
                                    capture_output=True, text=True, check=False)
            print(f"curl {url}\n{answer.stdout}{answer.stderr}")
            return stop(process) or answer.returncode
        print(f"\n{options.example} is up: {url}\n\n    curl -i {url}\n\nCtrl-C stops it.\n",
              flush=True)
        return process.wait()
    except KeyboardInterrupt:
        print("stopping")
        return stop(process)


if __name__ == "__main__":
    sys.exit(main())
