#!/usr/bin/env python3
"""Drives a host with good and hostile calls for a while, and looks at what is left behind.

    soak.py --binary TRELLIS --guests FOLDER [--seconds N]

A well-behaved actor is called 50 times a second while others loop, recurse, trap and open and drop
connections. It must lose nothing; afterwards the process is the same one and its threads,
descriptors and memory are what they were before.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import host  # noqa: E402

MANIFEST = """actors:
  - { name: http, file: http.wasm, limits: { call_ms: 2000 } }
  - { name: loop, file: loop.wasm, limits: { call_ms: 100 } }
  - { name: recursion, file: recursion.wasm }
  - { name: traps, file: traps.wasm }
providers:
  - { name: web, contract: http_server, listen: "127.0.0.1:0" }
links:
  - { actor: http, provider: web, routes: [{ path: / }] }
"""
GUESTS = {"http": "ok_http", "loop": "bad_loop_call", "recursion": "bad_recursion",
          "traps": "bad_traps"}
PERIOD = 0.02
SETTLE_SECONDS = 6
MEMORY_SLACK_KIB = 32 * 1024


def left_behind(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return {"threads": int(fields["Threads"]), "memory_kib": int(fields["VmRSS"].split()[0]),
            "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}


class Soak:
    def __init__(self, run, seconds):
        self.host, self.seconds = run, seconds
        self.problems, self.counts = [], {"control": 0, "http": 0, "hostile": 0, "dropped": 0}
        self.worst = 0.0
        self.end = 0.0

    def each(self, name, period, action):
        """Calls `action` until the end; a failure ends this worker and is kept."""
        try:
            while time.monotonic() < self.end:
                action()
                self.counts[name] += 1
                time.sleep(period)
        except (host.Failed, OSError, ValueError) as error:
            self.problems.append(f"{name}, after {self.counts[name]}: {error}")

    def control(self):
        begin = time.monotonic()
        connection = host.Connection(self.host.listener())
        response = connection.request(b"GET", b"/status/200")
        connection.close()
        self.worst = max(self.worst, time.monotonic() - begin)
        if response.status != 200:
            raise host.Failed(f"status {response.status}")

    def http(self):
        path = random.choice([b"/echo", b"/trap", b"/error", b"/body/100000", b"/malformed"])
        connection = host.Connection(self.host.listener())
        connection.request(b"POST", path, body=b"x" * random.randrange(5000))
        connection.close()

    def hostile(self):
        body = {"actor": random.choice(["loop", "recursion", "traps"]),
                "operation": "x" * random.randrange(1, 12), "payload_hex": ""}
        response = self.host.control(b"POST", b"/v1/call", json.dumps(body).encode())
        if response.status != 200 or json.loads(response.body)["ok"]:
            raise host.Failed(f"status {response.status}, {response.body[:300]!r}")

    def dropped(self):
        connection = host.Connection(self.host.listener())
        connection.send(b"GET", b"/sleep/500")
        connection.close()

    def phase(self, seconds):
        self.end = time.monotonic() + seconds
        workers = [threading.Thread(target=self.each, args=(name, period, getattr(self, name)))
                   for name, period in (("control", PERIOD), ("http", 0.001), ("http", 0.001),
                                        ("hostile", 0.01), ("dropped", 0.05))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def run(self):
        self.phase(min(5.0, self.seconds))  # instances, caches and stacks come to be
        time.sleep(SETTLE_SECONDS)
        pid = self.host.ready["pid"]
        before = left_behind(pid)
        self.phase(self.seconds)
        time.sleep(SETTLE_SECONDS)
        after = left_behind(pid)
        for name in ("threads", "descriptors"):
            if after[name] > before[name]:
                self.problems.append(f"{name}: {before[name]} before, {after[name]} after")
        if after["memory_kib"] > before["memory_kib"] + MEMORY_SLACK_KIB:
            self.problems.append(f"KiB: {before['memory_kib']} before, {after['memory_kib']} after")
        print(f"{self.counts}, slowest control call {self.worst * 1000:.1f} ms, "
              f"before {before}, after {after}")
        self.host.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--guests", required=True)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="trellis-soak-"))
    one = None
    try:
        one = host.Host(options.binary, options.guests, folder, folder)
        for name, module in GUESTS.items():
            caps = ["--cap", "wascc:http_server"] if name == "http" else []
            one.sign(name, module, caps)
        one.write("soak.yaml", MANIFEST.encode())
        one.set_manifest("soak.yaml")
        one.start([])
        soak = Soak(one, options.seconds)
        soak.run()
        for problem in soak.problems:
            print(problem)
        return int(bool(soak.problems))
    except host.Failed as error:
        print(error)
        return 1
    finally:
        if one:
            one.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
