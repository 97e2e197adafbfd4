"""A real `trellis up` for one scenario: its folder, its process and what can be asked of it."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

READY_SECONDS = 10
STOP_SECONDS = 10
REQUEST_SECONDS = 20


class Failed(Exception):
    """Something that a scenario expects did not come."""


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def values(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Connection:
    """HTTP/1.1 by hand: http.client would add headers of its own and refuse odd requests."""

    def __init__(self, peer):
        family = socket.AF_UNIX if isinstance(peer, str) else socket.AF_INET
        self.socket_ = socket.socket(family, socket.SOCK_STREAM)
        self.socket_.settimeout(REQUEST_SECONDS)
        try:
            self.socket_.connect(peer)
        except OSError:
            self.socket_.close()
            raise
        self.host_ = "localhost" if isinstance(peer, str) else f"{peer[0]}:{peer[1]}"
        self.buffer_ = b""

    def close(self):
        self.socket_.close()

    def send(self, method, target, headers=(), body=None):
        """`headers` are bytes `name:value`; host and content-length are added unless named."""
        named = {header.split(b":")[0].strip().lower() for header in headers}
        lines = [method + b" " + target + b" HTTP/1.1"]
        if b"host" not in named:
            lines.append(b"host: " + self.host_.encode())
        for header in headers:
            name, _, value = header.partition(b":")
            lines.append(name + b": " + value)
        if body is not None and b"content-length" not in named:
            lines.append(b"content-length: " + str(len(body)).encode())
        self.send_raw(b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""))

    def send_raw(self, data):
        self.socket_.sendall(data)

    def more_(self):
        data = self.socket_.recv(65536)
        if not data:
            raise Failed(f"the connection ended early, after {self.buffer_[:200]!r}")
        self.buffer_ += data

    def line_(self):
        while b"\r\n" not in self.buffer_:
            self.more_()
        line, self.buffer_ = self.buffer_.split(b"\r\n", 1)
        return line

    def take_(self, count):
        while len(self.buffer_) < count:
            self.more_()
        data, self.buffer_ = self.buffer_[:count], self.buffer_[count:]
        return data

    def chunks_(self):
        body = b""
        while True:
            size = int(self.line_().split(b";")[0], 16)
            if size == 0:
                while self.line_():
                    pass
                return body
            body += self.take_(size)
            self.line_()

    def receive(self, method):
        status, headers = 100, []
        while status == 100:
            start = self.line_()
            match = re.fullmatch(rb"HTTP/1\.1 (\d{3}) .*", start + b" ")
            if not match:
                raise Failed(f"not a status line: {start!r}")
            status, headers = int(match[1]), []
            while line := self.line_():
                name, _, value = line.partition(b":")
                headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
        response = Response(status, headers, b"")
        if method == b"HEAD" or status in (204, 304):
            return response
        if response.values("transfer-encoding") == ["chunked"]:
            response.body = self.chunks_()
        elif lengths := response.values("content-length"):
            response.body = self.take_(int(lengths[0]))
        else:
            while data := self.socket_.recv(65536):
                self.buffer_ += data
            response.body, self.buffer_ = self.buffer_, b""
        return response

    def rest(self):
        """What still comes until the peer closes."""
        try:
            while data := self.socket_.recv(65536):
                self.buffer_ += data
        except ConnectionResetError:
            pass
        except TimeoutError:
            raise Failed("the connection stays open") from None
        return self.buffer_

    def request(self, method, target, headers=(), body=None):
        self.send(method, target, headers, body)
        return self.receive(method)


class Host:
    """The host of one scenario. `folder` is empty and belongs to it; `base` is the scenario's."""

    def __init__(self, binary, guests, folder, base):
        self.binary_, self.guests_ = pathlib.Path(binary).resolve(), pathlib.Path(guests).resolve()
        self.folder, self.base_ = pathlib.Path(folder).resolve(), pathlib.Path(base).resolve()
        self.process_ = self.manifest_ = None
        self.ready = {}
        self.starts_ = 0
        home = self.folder / "home"
        home.mkdir()
        self.environment_ = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data"),
            "XDG_CACHE_HOME": str(home / "cache"), "LISTEN": "127.0.0.1:0", "NO_COLOR": "1"}
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                self.environment_[name] = value
        self.run("keys", "dev")

    def run(self, *arguments):
        """A trellis command that must succeed."""
        done = subprocess.run([self.binary_, *arguments], cwd=self.folder, env=self.environment_,
                              capture_output=True, text=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Failed(f"trellis {' '.join(map(str, arguments))}: exit {done.returncode}\n"
                         f"{done.stderr}{done.stdout}")
        return done.stdout

    def skipped(self, module):
        """The line that says why a foreign guest was not built, or None."""
        skipped = self.guests_ / "SKIPPED"
        lines = skipped.read_text().splitlines() if skipped.exists() else []
        return next((line for line in lines if line.startswith(f"guest {module} skipped")), None)

    def module(self, name):
        for path in (self.guests_ / f"{name}.wasm", self.base_ / f"{name}.wasm"):
            if path.exists():
                return path
        raise Failed(f"no guest {name}.wasm in {self.guests_}")

    def sign(self, name, module, extra):
        self.run("sign", self.module(module), "-o", f"{name}.wasm", "--dev", "--name", name, *extra)

    def copy_unsigned(self, name, module):
        shutil.copy(self.module(module), self.folder / f"{name}.wasm")

    def write(self, name, data):
        path = self.folder / name
        if path.resolve().parent != self.folder:
            raise Failed(f"{name} lies outside the work folder")
        path.write_bytes(data)

    def set_manifest(self, file):
        """A file that the scenario wrote, or one that lies beside it."""
        self.manifest_ = self.folder / pathlib.Path(file).name
        if not self.manifest_.exists():
            shutil.copy(self.base_ / file, self.manifest_)

    def log(self):
        """What the host has written to stderr since the scenario began."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("stderr.*")))

    def launch(self, flags):
        if self.process_:
            raise Failed("the host runs already")
        self.starts_ += 1
        ready = self.folder / f"ready.{self.starts_}.json"
        target = [self.manifest_] if self.manifest_ else []
        with open(self.folder / f"stderr.{self.starts_}", "wb") as errors, \
             open(self.folder / f"stdout.{self.starts_}", "wb") as output:
            self.process_ = subprocess.Popen(
                [self.binary_, "up", *target, "--dev", "--ready-file", ready, *flags],
                cwd=self.folder, env=self.environment_, stdin=subprocess.DEVNULL, stdout=output,
                stderr=errors)
        return ready

    def start(self, flags):
        ready, end = self.launch(flags), time.monotonic() + READY_SECONDS
        while not ready.exists():
            if self.process_.poll() is not None:
                code, self.process_ = self.process_.returncode, None
                raise Failed(f"the host ended with exit code {code} instead of starting")
            if time.monotonic() > end:
                raise Failed(f"no ready file after {READY_SECONDS} s")
            time.sleep(0.005)
        self.ready = json.loads(ready.read_text())
        if self.ready["pid"] != self.process_.pid:
            raise Failed(f"the ready file has pid {self.ready['pid']}, not {self.process_.pid}")

    def start_fails(self, flags, code, texts):
        self.launch(flags)
        process, self.process_ = self.process_, None
        try:
            got = process.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed("the host started, but should have ended by itself") from None
        errors = (self.folder / f"stderr.{self.starts_}").read_bytes()
        if got != code:
            raise Failed(f"exit code {got}, expected {code}")
        for text in texts:
            if text not in errors:
                raise Failed(f"stderr lacks {text!r}")

    def stop(self):
        """SIGTERM, and exit code 0 in time."""
        if not self.process_:
            raise Failed("no host runs")
        process, self.process_ = self.process_, None
        if process.poll() is not None:
            raise Failed(f"the host had ended already, with exit code {process.returncode}")
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"the host did not stop within {STOP_SECONDS} s of SIGTERM") from None
        if code != 0:
            raise Failed(f"the host stopped with exit code {code}")

    @property
    def running(self):
        return self.process_ is not None

    def kill(self):
        if self.process_:
            self.process_.kill()
            self.process_.wait()
            self.process_ = None

    def listener(self, provider=None):
        for one in self.ready.get("listeners", []):
            if provider in (None, one["provider"]):
                return (one["address"], one["port"])
        raise Failed(f"no listener {provider or ''} in the ready file")

    def control(self, method, path, body=None):
        connection = Connection(self.ready["control"])
        try:
            headers = [b"content-type:application/json"] if body is not None else []
            return connection.request(method, path, headers, body)
        finally:
            connection.close()
