#!/usr/bin/env python3
"""Calls the control actor 50 times a second, in a process of its own so that nothing else in the
harness is in its way.

    control_client.py HOST PORT TARGET

Each line on stdin asks for what happened since the line before: the answer is one JSON object,
`{"calls","lost":[text],"p50_ms","p99_ms","worst_ms"}`. It ends with stdin.
"""

import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import host  # noqa: E402

PERIOD = 0.02
KEPT_TEXTS = 5


class Client:
    def __init__(self, address, port, target):
        self.peer, self.target = (address, port), target
        self.lock = threading.Lock()
        self.times, self.lost = [], []
        self.connection = None

    def once(self):
        """One call over the kept connection; why it counts as lost, or None."""
        try:
            if self.connection is None:
                self.connection = host.Connection(self.peer)
            response = self.connection.request(b"GET", self.target)
            if "close" in response.values("connection"):
                self.drop()
            return None if response.status == 200 else f"status {response.status}"
        except (host.Failed, OSError, ValueError) as error:
            self.drop()
            return str(error)

    def drop(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def run(self):
        due = time.monotonic()
        while True:
            begin = time.monotonic()
            problem = self.once()
            took = time.monotonic() - begin
            with self.lock:
                self.times.append(took)
                if problem:
                    self.lost.append(problem)
            due = max(due + PERIOD, time.monotonic() - PERIOD)
            time.sleep(max(0.0, due - time.monotonic()))

    def take(self):
        with self.lock:
            times, lost, self.times, self.lost = sorted(self.times), self.lost, [], []
        at = (lambda part: round(1000 * times[int(part * (len(times) - 1))], 2)) if times else None
        return {"calls": len(times), "lost_count": len(lost), "lost": lost[:KEPT_TEXTS],
                "p50_ms": at(0.5) if at else 0, "p99_ms": at(0.99) if at else 0,
                "worst_ms": at(1.0) if at else 0}


def main():
    client = Client(sys.argv[1], int(sys.argv[2]), sys.argv[3].encode())
    threading.Thread(target=client.run, daemon=True).start()
    for _ in sys.stdin:
        print(json.dumps(client.take()), flush=True)


main()
