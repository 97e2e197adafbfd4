#!/usr/bin/env python3
"""From the start of the process to its first 200, with a warm and with a cold code cache.

Starts `trellis up` with one actor, connects as soon as the port accepts and waits for the answer.
Prints the median and the extremes of each in milliseconds.

    bench/startup/first_answer.py --binary build/release/trellis --module build/release/guests/hello_rust.wasm
"""

import argparse
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

MANIFEST = """
actors: [{{ name: hello, file: {file} }}]
providers: [{{ name: web, contract: http_server, listen: "127.0.0.1:{port}" }}]
links: [{{ actor: hello, provider: web, routes: [{{ path: / }}] }}]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def first_answer(binary, folder, module):
    port = free_port()
    manifest = folder / "trellis.yaml"
    manifest.write_text(MANIFEST.format(file=module, port=port))
    begin = time.perf_counter()
    process = subprocess.Popen([binary, "up", manifest, "--dev"], stdout=subprocess.DEVNULL,
                               stderr=(folder / "log").open("w"))
    try:
        while True:
            if process.poll() is not None:
                sys.exit((folder / "log").read_text())
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    answer = connection.recv(4096)
                break
            except ConnectionRefusedError:
                time.sleep(0.0005)
        taken = (time.perf_counter() - begin) * 1000
        if not answer.startswith(b"HTTP/1.1 200"):
            sys.exit(f"unexpected answer: {answer[:200]!r}")
        return taken
    finally:
        process.terminate()
        process.wait(15)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="build/release/trellis")
    parser.add_argument("--module", default="build/release/guests/hello.wasm")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            os.environ[variable] = str(folder / variable)
        module = folder / "hello.wasm"
        subprocess.run([binary, "keys", "dev"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([binary, "sign", options.module, "-o", module, "--dev", "--name", "hello",
                        "--cap", "wascc:http_server"], check=True, stdout=subprocess.DEVNULL)
        print(f"module of {module.stat().st_size} bytes")
        cold, warm = [], []
        for _ in range(options.rounds):
            shutil.rmtree(folder / "XDG_CACHE_HOME", ignore_errors=True)
            cold.append(first_answer(binary, folder, module))
            warm.append(first_answer(binary, folder, module))
        for label, times in (("cold", cold), ("warm", warm)):
            print(f"{label}: median {statistics.median(times):.1f} ms "
                  f"(min {min(times):.1f}, max {max(times):.1f})")


if __name__ == "__main__":
    main()
