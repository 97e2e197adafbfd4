#!/usr/bin/env python3
"""`trellis up` from the outside, where a scenario has no words for it: flags and exit codes, the
ready file, time limits, clients that go away, the end of a host under load, memory after load.

    command_line_test.py --binary TRELLIS --guests FOLDER
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import host

OPTIONS = argparse.Namespace()
MANIFEST = b"""
actors:
  - { file: http.wasm, limits: { call_ms: 20000 } }
providers:
  - name: web
    contract: http_server
    listen: "127.0.0.1:0"
    limits: { max_connections: 100, header_timeout_ms: 300, body_timeout_ms: 300, idle_timeout_ms: 300 }
  - { name: plain, contract: http_server, listen: "127.0.0.1:0" }
links:
  - { actor: http, provider: web, routes: [{ path: / }] }
  - { actor: http, provider: plain, routes: [{ path: / }] }
"""


class HostTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trellis-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.host = host.Host(OPTIONS.binary, OPTIONS.guests, self.folder, self.folder)
        self.addCleanup(self.host.kill)
        self.host.sign("http", "ok_http", ["--cap", "wascc:http_server"])

    def start(self):
        self.host.write("m.yaml", MANIFEST)
        self.host.set_manifest("m.yaml")
        self.host.start([])

    def run_up(self, *arguments, environment=None):
        return subprocess.run([OPTIONS.binary, "up", *arguments], cwd=self.folder, timeout=20,
                              env={**self.host.environment_, **(environment or {})},
                              capture_output=True, check=False, stdin=subprocess.DEVNULL)

    def connect(self, provider="plain"):
        connection = host.Connection(self.host.listener(provider))
        self.addCleanup(connection.close)
        return connection

    def get(self, target, provider="plain"):
        connection = self.connect(provider)
        try:
            return connection.request(b"GET", target)
        finally:
            connection.close()

    def cpu_nanoseconds(self):
        tasks = pathlib.Path(f"/proc/{self.host.ready['pid']}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())

    def memory_kib(self):
        rollup = pathlib.Path(f"/proc/{self.host.ready['pid']}/smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])


class Flags(HostTest):
    def expect_refusal(self, done, code, *texts):
        self.assertEqual(done.returncode, code, done)
        lines = [line for line in done.stderr.splitlines() if line.startswith(b"trellis: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        for text in texts:
            self.assertIn(text, lines[0])

    def test_dev_without_an_account_is_usage(self):
        empty = {"XDG_DATA_HOME": str(self.folder / "empty")}
        self.expect_refusal(self.run_up("http.wasm", "--dev", environment=empty), 2, b"keys dev")

    def test_nobody_is_trusted_unless_named(self):
        self.expect_refusal(self.run_up("http.wasm"), 1, b"claims.untrusted_issuer")
        self.expect_refusal(self.run_up("http.wasm", "--trust", "ABC"), 2, b"--trust")

    def test_what_is_not_there_is_usage(self):
        self.expect_refusal(self.run_up("nowhere.wasm", "--dev"), 2, b"nowhere.wasm")
        self.expect_refusal(self.run_up("nowhere.yaml", "--dev"), 2, b"nowhere.yaml")
        self.expect_refusal(self.run_up("--dev"), 2, b"trellis.yaml")
        self.expect_refusal(self.run_up("--unknown"), 2, b"--unknown")

    def test_a_refusal_in_json_is_one_object(self):
        done = self.run_up("http.wasm", "--format", "json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertEqual(json.loads(done.stdout)["reason"], "claims.untrusted_issuer")

    def test_a_port_in_use_is_one_line(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.host.write("m.yaml", MANIFEST.replace(b"127.0.0.1:0", b"127.0.0.1:%d" % port, 1))
            self.expect_refusal(self.run_up("m.yaml", "--dev"), 1, b"%d" % port, b"host.listen")

    def test_a_bare_module_of_a_trusted_account_is_ready_once(self):
        account = json.loads(self.host.run("keys", "dev", "--format", "json"))["public_key"]
        ready = self.folder / "r.json"
        with open(self.folder / "out", "wb") as out, open(self.folder / "err", "wb") as errors:
            process = subprocess.Popen(
                [OPTIONS.binary, "up", "http.wasm", "--trust", account, "--ready-file", ready,
                 "--format", "json"], cwd=self.folder, env=self.host.environment_, stdout=out,
                stderr=errors)
            self.addCleanup(process.kill)
            end = time.monotonic() + 10
            while not ready.exists() and time.monotonic() < end:
                time.sleep(0.005)
            found = json.loads(ready.read_text())
            self.assertRegex(found["host_id"], r"^N[A-Z2-7]{55}$")
            self.assertEqual(found["pid"], process.pid)
            mode = os.stat(found["control"]).st_mode
            self.assertTrue(stat.S_ISSOCK(mode))
            self.assertEqual(stat.S_IMODE(mode), 0o600)
            actor, = found["actors"]
            self.assertEqual((actor["name"], actor["status"], actor["reason"]),
                             ("http", "running", None))
            listener, = found["listeners"]
            self.assertEqual(actor["urls"], [f"http://127.0.0.1:{listener['port']}/"])
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(10), 0)
        self.assertEqual(json.loads((self.folder / "out").read_text()), found)
        self.assertNotIn(b"\x1b", (self.folder / "err").read_bytes())
        self.assertFalse(os.path.exists(found["control"]))


class Clients(HostTest):
    def test_one_that_goes_away_ends_its_call(self):
        self.start()
        for reset in (False, True):
            connection = self.connect()
            connection.send(b"GET", b"/loop")
            time.sleep(0.05)
            if reset:
                connection.socket_.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                              b"\1\0\0\0\0\0\0\0")
            connection.close()
            time.sleep(0.01)
            before = self.cpu_nanoseconds()
            time.sleep(0.1)
            # A guest that loops on would have used 100 ms.
            self.assertLess(self.cpu_nanoseconds() - before, 30_000_000)

    def test_slow_ones_are_cut(self):
        self.start()
        for request in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n1",
                        b"GET /status/200 HTTP/1.1\r\nhost: a\r\n\r\n"):
            connection = self.connect("web")
            started = time.monotonic()
            connection.send_raw(request)
            self.assertLessEqual(connection.rest().count(b"HTTP/1.1 "), 1)
            self.assertLess(time.monotonic() - started, 3)
            self.assertGreater(time.monotonic() - started, 0.25)

    def test_too_many_are_turned_away_and_others_served_later(self):
        self.start()
        give_up = time.monotonic() + 20
        while True:
            many = [self.connect("web") for _ in range(100)]
            time.sleep(0.05)  # the kernel connects before the host accepts
            connection = self.connect("web")
            try:
                connection.send(b"GET", b"/status/200")
                answer = connection.rest()
            except OSError:
                answer = b""
            for one in many:
                one.close()
            if not answer or answer.startswith(b"HTTP/1.1 503"):
                break
            self.assertLess(time.monotonic(), give_up, answer)
        while True:
            try:
                if self.get(b"/status/200", "web").status == 200:
                    break
            except (OSError, ValueError, host.Failed):
                pass
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.05)

    def test_calls_at_the_control_socket_do_not_wait_for_each_other(self):
        self.host.sign("loop", "bad_loop_call", [])
        self.host.write("m.yaml", b"actors:\n  - { file: loop.wasm, limits: { call_ms: 3000 } }\n")
        self.host.set_manifest("m.yaml")
        self.host.start([])
        body = b'{"actor":"loop","operation":"x","payload_hex":""}'
        threads = [threading.Thread(target=self.host.control, args=(b"POST", b"/v1/call", body))
                   for _ in range(16)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        self.host.control(b"GET", b"/v1/actors")
        self.assertLess(time.monotonic() - started, 2.5)  # before any of them has ended
        for thread in threads:
            thread.join()
        self.assertLess(time.monotonic() - started, 11)  # four at a time would take 12 s


class End(HostTest):
    def test_nothing_is_lost_under_load(self):
        self.start()
        peer, lost, served = self.host.listener("plain"), [], [0]

        def load():
            while True:
                try:
                    connection = host.Connection(peer)
                except OSError:
                    return  # the listener is closed: nothing was sent
                try:
                    response = None
                    while response is None or "close" not in response.values("connection"):
                        response = connection.request(b"GET", b"/status/200")
                        served[0] += 1
                        if response.status != 200:
                            lost.append(response.body)
                        response.headers = [(k, v.lower()) for k, v in response.headers]
                except (host.Failed, OSError) as error:
                    lost.append(error)
                finally:
                    connection.close()

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        idle, slow = self.connect(), self.connect()
        idle.request(b"GET", b"/status/200")
        slow.send(b"GET", b"/sleep/500")
        time.sleep(0.2)
        os.kill(self.host.ready["pid"], signal.SIGTERM)
        time.sleep(0.02)
        answer = idle.request(b"GET", b"/status/201")
        self.assertEqual((answer.status, answer.values("connection")), (201, ["close"]))
        self.assertEqual(slow.receive(b"GET").body, b"slept")
        idle.close()
        slow.close()
        self.assertEqual(self.host.process_.wait(10), 0)
        self.host.process_ = None
        for thread in threads:
            thread.join()
        self.assertEqual(lost, [])
        self.assertGreater(served[0], 0)

    def test_a_guest_that_loops_does_not_hold_it_up(self):
        self.start()
        self.connect().send(b"GET", b"/loop")
        time.sleep(0.1)
        self.host.stop()


class Memory(HostTest):
    def test_it_goes_back_after_large_bodies(self):
        self.start()
        self.assertEqual(self.get(b"/status/200").status, 200)
        before = self.memory_kib()

        def load():
            for _ in range(3):
                self.get(b"/body/8000000")
                self.connect().request(b"POST", b"/echo", body=b"x" * 7_900_000)

        threads = [threading.Thread(target=load) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        end = time.monotonic() + 5
        while self.memory_kib() - before > 32 * 1024 and time.monotonic() < end:
            time.sleep(0.2)
        self.assertLess(self.memory_kib() - before, 32 * 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--guests", required=True)
    parser.parse_known_args(namespace=OPTIONS)
    OPTIONS.binary = str(pathlib.Path(OPTIONS.binary).resolve())
    rest = [one for one in sys.argv[1:] if one not in (OPTIONS.guests, "--guests", "--binary")]
    unittest.main(argv=[sys.argv[0], *[one for one in rest if one in globals()]])


if __name__ == "__main__":
    main()
