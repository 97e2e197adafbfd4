"""One real host under attack: actors that come and go, a control actor, and what is left behind."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import host  # noqa: E402

MANIFEST = b"""actors:
  - { name: hello, file: hello.wasm }
providers:
  - { name: web, contract: http_server, listen: "127.0.0.1:0" }
  - { name: store, contract: keyvalue }
links:
  - { actor: hello, provider: web, routes: [{ path: /control }] }
"""
CALL_MS = 300
# What a loaded machine may add before a late end counts as wrong; the aim is 50 ms, and reported.
LATE_SECONDS = 2.0
AIM_MS = 50
OUTLIER_MS = 1000
SETTLE_SECONDS = 6
MEMORY_SLACK_KIB = 32 * 1024


def matches(reason, patterns):
    """`patterns` are reasons parted by `|`; one that ends in `*` is a prefix."""
    return any(str(reason).startswith(one[:-1]) if one.endswith("*") else str(reason) == one
               for one in patterns.split("|"))


def footprint(pid):
    """What a process holds: KiB, threads, descriptors, children."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    children = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            children += len((task / "children").read_text().split())
    return {"rss_kib": int(fields["VmRSS"].split()[0]), "threads": int(fields["Threads"]),
            "fds": len(os.listdir(f"/proc/{pid}/fd")), "children": children}


def run_delay_ms(pid):
    """How long the threads of a process were ready and had no CPU, in all."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[1])
    return total / 1e6


class Actor:
    """An actor that was started over the socket."""

    def __init__(self, rig, name, call_ms):
        self.rig, self.name, self.call_ms = rig, name, call_ms

    def call(self, operation="x", payload=b"", deadline_ms=None):
        """The step object of one call. One that ends late is a problem in any case."""
        body = {"actor": self.name, "operation": operation, "payload_hex": payload.hex()}
        if deadline_ms is not None:
            body["deadline_ms"] = deadline_ms
        begin = time.monotonic()
        status, step = self.rig.control("POST", "/v1/call", body)
        took = time.monotonic() - begin
        if status != 200:
            self.rig.problem(f"{self.name} {operation}: status {status} {step}")
            return {"ok": False, "reason": None, "error": None, "response_hex": None}
        allowed = min(self.call_ms, deadline_ms or self.call_ms)
        if step["reason"] == "engine.deadline":
            self.rig.late(step["duration_us"] / 1000 - allowed)
        self.rig.check(took < allowed / 1000 + LATE_SECONDS or
                       took < allowed / 1000 + LATE_SECONDS + self.rig.starved_ms() / 1000,
                       f"{self.name} {operation}: took {took:.2f} s, {allowed} ms were allowed")
        return step

    def fails(self, reasons, operation="x", payload=b"", **options):
        step = self.call(operation, payload, **options)
        self.rig.check(not step["ok"] and matches(step["reason"], reasons),
                       f"{self.name} {operation} {payload[:80]!r}: {step['reason']} "
                       f"({str(step['error'])[:200]}) instead of {reasons}")
        return step

    def answers(self, operation="x", payload=b"", expected=None, **options):
        step = self.call(operation, payload, **options)
        response = bytes.fromhex(step["response_hex"] or "")
        self.rig.check(step["ok"] and (expected is None or response == expected),
                       f"{self.name} {operation} {payload[:80]!r}: {step['reason']}, "
                       f"{str(step['error'])[:200]}, {response[:80]!r} instead of {expected!r}")
        return response


class Rig:
    def __init__(self, binary, guests, folder):
        self.host = host.Host(binary, guests, folder, folder)
        self.guests = pathlib.Path(guests).resolve()
        self.folder = pathlib.Path(folder)
        self.problems, self.signed_ = [], {}
        self.local_ = threading.local()
        self.latest_ms = None
        self.client_ = None
        self.notes = []

    # Life
    def start(self):
        self.host.sign("hello", "hello", ["--cap", "wascc:http_server"])
        self.host.write("hostile.yaml", MANIFEST)
        self.host.set_manifest("hostile.yaml")
        self.host.start([])
        self.pid = self.host.ready["pid"]
        address, port = self.host.listener()
        self.client_ = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).with_name("control_client.py")), address,
             str(port), "/control"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        # The socket's first request opens what stays open.
        self.control("GET", "/v1/actors")
        time.sleep(1.0)
        self.control_calls()

    def end(self):
        if self.client_:
            self.client_.stdin.close()
            self.client_.wait(10)
            self.client_.stdout.close()
            self.client_ = None
        self.close_socket()
        self.host.stop()

    def kill(self):
        if self.client_:
            self.client_.kill()
            self.client_.wait()
        self.host.kill()

    # Judging
    def problem(self, text):
        self.problems.append(text)

    def check(self, holds, text):
        if not holds:
            self.problem(text)

    def note(self, text):
        self.notes.append(text)

    def late(self, milliseconds):
        self.latest_ms = max(self.latest_ms or 0.0, milliseconds)

    def begin(self):
        """Before a case."""
        self.problems, self.notes, self.latest_ms = [], [], None
        self.delays_ = run_delay_ms(self.pid) + run_delay_ms(self.client_.pid)

    def starved_ms(self):
        """What the machine kept from the host and the client since begin()."""
        return run_delay_ms(self.pid) + run_delay_ms(self.client_.pid) - self.delays_

    def control_calls(self):
        """What happened to the control actor since the last time."""
        self.client_.stdin.write("\n")
        self.client_.stdin.flush()
        line = self.client_.stdout.readline()
        if not line:
            raise host.Failed("the control client ended")
        return json.loads(line)

    def alive(self):
        return self.host.process_ is not None and self.host.process_.poll() is None

    # The socket
    def connection_(self):
        if getattr(self.local_, "connection", None) is None:
            self.local_.connection = host.Connection(self.host.ready["control"])
        return self.local_.connection

    def close_socket(self):
        """This thread's connection."""
        if getattr(self.local_, "connection", None):
            self.local_.connection.close()
        self.local_.connection = None

    def control(self, method, path, body=None):
        """(status, JSON) over this thread's kept connection."""
        data = json.dumps(body).encode() if body is not None else None
        headers = [b"content-type:application/json"] if body is not None else []
        try:
            response = self.connection_().request(method.encode(), path.encode(), headers, data)
        except (OSError, host.Failed):
            self.close_socket()
            raise
        if "close" in response.values("connection"):
            self.close_socket()
        return response.status, json.loads(response.body) if response.body.strip() else {}

    def actors(self):
        return self.control("GET", "/v1/actors")[1]["actors"]

    # Actors
    def sign(self, name, module, caps=(), alias=None):
        key = (name, module, tuple(caps), alias)
        if key not in self.signed_:
            flags = [part for cap in caps for part in ("--cap", cap)]
            flags += ["--alias", alias] if alias else []
            self.host.sign(name, module, flags)
            self.signed_[key] = self.folder / f"{name}.wasm"
        return self.signed_[key]

    def post(self, name, file, links=(), limits=None, instances=None):
        """(status, JSON) of POST /v1/actors."""
        actor = {"name": name, "file": str(file)}
        if limits:
            actor["limits"] = limits
        if instances:
            actor["instances"] = instances
        return self.control("POST", "/v1/actors",
                            {"actor": actor, "links": [{"actor": name, **link} for link in links]})

    def delete(self, name):
        status, body = self.control("DELETE", f"/v1/actors/{name}")
        self.check(status in (200, 204), f"DELETE {name}: status {status} {body}")

    def refused(self, name, file, reasons, links=(), limits=None, told=None):
        """POST is refused with one of the reasons, and nothing is there that was not before.
        `told` stands for the name in what is reported."""
        before, told = self.actors(), told or name
        status, body = self.post(name, file, links, limits)
        if status == 201:
            self.problem(f"{told}: started instead of {reasons}")
            self.delete(name)
            return body
        self.check(400 <= status < 500 and matches(body.get("reason"), reasons),
                   f"{told}: {status} {body} instead of {reasons}")
        self.check(len(body.get("message", "")) <= 4096, f"{told}: a message over 4 KiB")
        self.check(self.actors() == before, f"{told}: the refusal changed the actors")
        return body

    @contextlib.contextmanager
    def actor(self, name, module, caps=(), alias=None, links=(), limits=None, instances=None):
        """Starts it, yields it and stops it; a refusal is a problem."""
        limits = {"call_ms": CALL_MS, "start_ms": CALL_MS, **(limits or {})}
        file = self.sign(name, module, caps, alias)
        status, body = self.post(name, file, links, limits, instances)
        if status != 201:
            raise host.Failed(f"{name} was refused: {body}")
        try:
            yield Actor(self, name, limits["call_ms"])
        finally:
            self.delete(name)

    @contextlib.contextmanager
    def host_pair(self):
        """Two actors, `ping` and `pong`, that may call each other."""
        module = "bad_ping_pong"
        caps = ["ping", "pong"]
        with self.actor("ping", module, caps, alias="ping", limits={"call_ms": 3000}) as first, \
             self.actor("pong", module, caps, alias="pong", limits={"call_ms": 3000}) as second:
            yield first, second

    # HTTP
    def http(self, method, target, body=None):
        connection = host.Connection(self.host.listener())
        try:
            return connection.request(method.encode(), target.encode(), [], body)
        finally:
            connection.close()

    def at_once(self, count, work):
        """`count` threads run `work(i)`; the results in order, an exception as its text."""
        results = [None] * count

        def one(index):
            try:
                results[index] = work(index)
            except (OSError, ValueError, host.Failed) as error:
                results[index] = f"{type(error).__name__}: {error}"
            finally:
                self.close_socket()

        threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def log_bytes(self):
        return sum(path.stat().st_size for path in self.folder.glob("stderr.*"))
