#!/usr/bin/env python3
"""CPU per request of a hello actor against nginx `return 200`, in one run.

Server on one CPU, wrk on another, keep-alive, alternating rounds; each figure is the server's own
CPU time (user and system, /proc/PID/stat) over the requests that wrk counted. Prints the medians
over the rounds and their ratio. Machines are noisy: quote the ratio, not the microseconds.

    bench/http/compare.py --binary build/release/trellis --guests build/release/guests
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")

NGINX = """
daemon off; worker_processes 1; error_log {dir}/error.log; pid {dir}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type text/plain;
  client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
  uwsgi_temp_path {dir}; scgi_temp_path {dir};
  server {{ listen 127.0.0.1:{port} reuseport; location / {{ return 200 "Hello from Trellis\\n"; }} }}
}}
"""

MANIFEST = """
actors: [{{ name: hello, file: {file}, instances: {mode} }}]
providers: [{{ name: web, contract: http_server, listen: "127.0.0.1:0" }}]
links: [{{ actor: hello, provider: web, routes: [{{ path: / }}] }}]
"""


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


class Server:
    def __init__(self, name, process, url, pids):
        self.name, self.process, self.url, self.pids = name, process, url, pids
        self.rounds = []

    def measure(self, seconds, connections, cpu):
        before = cpu_seconds(self.pids)
        out = subprocess.run(
            ["taskset", "-c", cpu, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", self.url],
            capture_output=True, text=True, check=True).stdout
        used = cpu_seconds(self.pids) - before
        requests = int(re.search(r"(\d+) requests in", out).group(1))
        if re.search(r"Non-2xx|Socket errors", out):
            sys.exit(f"{self.name}: wrk saw failures:\n{out}")
        self.rounds.append(used / requests * 1e6)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)


def start_nginx(folder, cpu):
    port = 18080 + os.getpid() % 1000
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(dir=folder, port=port))
    process = subprocess.Popen(["taskset", "-c", cpu, "nginx", "-p", folder, "-c", config],
                               stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    workers = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True)
    return Server("nginx", process, f"http://127.0.0.1:{port}/", workers.stdout.split())


def start_trellis(binary, module, folder, mode, cpu):
    manifest = folder / f"{mode}.yaml"
    manifest.write_text(MANIFEST.format(file=module, mode=mode))
    ready = folder / f"{mode}.json"
    process = subprocess.Popen(
        ["taskset", "-c", cpu, binary, "up", manifest, "--dev", "--ready-file", ready],
        stdout=subprocess.DEVNULL, stderr=(folder / f"{mode}.log").open("w"))
    for _ in range(200):
        if ready.exists():
            break
        time.sleep(0.05)
    else:
        sys.exit((folder / f"{mode}.log").read_text())
    url = json.loads(ready.read_text())["actors"][0]["urls"][0]
    return Server(f"trellis {mode}", process, url, [str(process.pid)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="build/release/trellis")
    parser.add_argument("--guests", default="build/release/guests")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    for tool in ("nginx", "wrk", "taskset"):
        if shutil.which(tool) is None and not pathlib.Path(f"/usr/sbin/{tool}").exists():
            sys.exit(f"{tool} is missing: ./dev setup installs it")
    os.environ["PATH"] += ":/usr/sbin"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            os.environ[variable] = str(folder / variable)
        binary = str(pathlib.Path(options.binary).resolve())
        module = folder / "hello.wasm"
        subprocess.run([binary, "keys", "dev"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([binary, "sign", f"{options.guests}/hello.wasm", "-o", module, "--dev",
                        "--name", "hello", "--cap", "wascc:http_server"],
                       check=True, stdout=subprocess.DEVNULL)
        servers = [start_nginx(folder, "0"),
                   start_trellis(binary, module, folder, "warm", "0"),
                   start_trellis(binary, module, folder, "fresh", "0")]
        try:
            for server in servers:
                server.measure(1, options.connections, "1")
                server.rounds.clear()
            for _ in range(options.rounds):
                for server in servers:
                    server.measure(options.seconds, options.connections, "1")
        finally:
            for server in servers:
                server.stop()
        base = statistics.median(servers[0].rounds)
        for server in servers:
            median = statistics.median(server.rounds)
            ratios = [a / b for a, b in zip(server.rounds, servers[0].rounds)]
            print(f"{server.name:14} {median:6.2f} us CPU a request "
                  f"(min {min(server.rounds):.2f}, max {max(server.rounds):.2f}), "
                  f"ratio to nginx {median / base:.3f} (pairwise median "
                  f"{statistics.median(ratios):.3f})")
        warm, fresh = (statistics.median(s.rounds) for s in servers[1:])
        print(f"fresh - warm   {fresh - warm:6.2f} us")


if __name__ == "__main__":
    main()
