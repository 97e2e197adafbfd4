#!/usr/bin/env python3
"""Runs one scenario against a real host.

    run_scenario.py --binary TRELLIS --guests FOLDER FILE.scenario
    run_scenario.py --check FILE.scenario...        only reads them

Exit 0: it holds; 1: it does not; 77: skipped, because a guest could not be built here.
"""

import argparse
import json
import pathlib
import re
import shutil
import sys
import tempfile
import time

import host
import scenario

SKIPPED = 77
LOG_SECONDS = 2
METHOD = re.compile(rb"[A-Z]+")
CHECKS = {"body": 1, "body-has": 1, "header": 1, "no-header": 1}
RAW_CHECKS = {**CHECKS, "closed": 0}


class Skipped(Exception):
    """A guest of this scenario was not built."""


def check_response(response, expected, checks=CHECKS):
    if str(response.status).encode() not in expected[0].split(b"|"):
        raise host.Failed(f"status {response.status}, body {response.body[:2000]!r}")
    for kind, value in scenario.pairs(expected[1:], checks):
        if kind == "body" and response.body != value:
            raise host.Failed(f"body {response.body[:2000]!r}")
        if kind == "body-has" and value not in response.body:
            raise host.Failed(f"body {response.body[:2000]!r}")
        name, _, wanted = value.decode("latin-1").partition(":")
        if kind == "header" and response.values(name) != [wanted]:
            raise host.Failed(f"{name}: {response.values(name)}")
        if kind == "no-header" and response.values(name):
            raise host.Failed(f"{name}: {response.values(name)}")


class Runner:
    """One method a word; what a line says is checked before the host is asked."""

    def __init__(self, run):
        self.host = run

    def guest(self, words, _):
        name = words[0].decode()
        given = scenario.options(words[1:], ("file", "caps", "alias", "rev", "tags"))
        module = given.pop("file", name)
        if why := self.host.skipped(module):
            raise Skipped(why)
        flags = []
        for option, value in given.items():
            flag = {"caps": "--cap", "tags": "--tag"}.get(option)
            if flag:
                flags += [part for one in value.split(",") for part in (flag, one)]
            else:
                flags += [f"--{option}", value]
        self.host.sign(name, module, flags)

    def unsigned(self, words, _):
        module = scenario.options(words[1:], ("file",)).get("file", words[0].decode())
        if why := self.host.skipped(module):
            raise Skipped(why)
        self.host.copy_unsigned(words[0].decode(), module)

    def write(self, words, _):
        self.host.write(words[0].decode(), b"".join(words[1:]))

    def manifest(self, words, _):
        self.host.set_manifest(words[0].decode())

    def start(self, words, expected):
        flags = [word.decode() for word in words]
        if expected is None:
            self.host.start(flags)
        elif expected[0] == b"exit":
            self.host.start_fails(flags, int(expected[1]), expected[2:])
        else:
            raise scenario.Malformed("expected `exit N`")

    def restart(self, words, expected):
        self.host.stop()
        self.start(words, expected)

    def stop(self, _, __):
        self.host.stop()

    def actor(self, words, expected):
        name = words[0].decode()
        found = [one for one in self.host.ready["actors"] if one["name"] == name]
        if len(found) != 1:
            raise host.Failed(f"{len(found)} actors {name} in the ready file")
        got = [found[0]["status"]] + ([found[0]["reason"]] if found[0]["reason"] else [])
        if [word.decode() for word in expected] != got:
            raise host.Failed(" ".join(got))

    def http(self, words, expected, times=1):
        method, words = words[0], words[1:]
        provider = None
        if words[0].startswith(b"@"):
            provider, words = words[0][1:].decode(), words[1:]
        headers, body = [], None
        for kind, value in scenario.pairs(words[1:], {"header": 1, "body": 1}):
            if kind == "header":
                headers.append(value)
            else:
                body = value
        connection = host.Connection(self.host.listener(provider))
        try:
            for _ in range(times):
                check_response(connection.request(method, words[0], headers, body), expected)
        finally:
            connection.close()

    def repeat(self, words, expected):
        self.http(words[1:], expected, int(words[0]))

    def raw(self, words, expected):
        provider = None
        if words[0].startswith(b"@"):
            provider, words = words[0][1:].decode(), words[1:]
        connection = host.Connection(self.host.listener(provider))
        try:
            connection.send_raw(b"".join(words))
            check_response(connection.receive(b"GET"), expected, RAW_CHECKS)
            if b"closed" in expected and (rest := connection.rest()):
                raise host.Failed(f"after the answer came {rest[:200]!r}")
        finally:
            connection.close()

    def call(self, words, expected):
        request = {"actor": words[0].decode(), "operation": words[1].decode(), "payload_hex": ""}
        for kind, value in scenario.pairs(words[2:], {"payload": 1, "payload-hex": 1}):
            request["payload_hex"] = value.hex() if kind == "payload" else value.decode()
        response = self.host.control(b"POST", b"/v1/call", json.dumps(request).encode())
        step = json.loads(response.body)
        if expected == [b"ok"] and step.get("ok"):
            return
        got = {b"ok": step.get("response_hex") if step.get("ok") else None,
               b"error": step.get("error"), b"reason": step.get("reason")}
        if expected[0] not in got:
            raise scenario.Malformed("expected ok, error or reason")
        wanted = b"".join(expected[1:])
        wanted = wanted.hex() if expected[0] == b"ok" else wanted.decode()
        if got[expected[0]] != wanted:
            raise host.Failed(f"status {response.status}, {response.body[:2000].decode()}")

    def control(self, words, expected):
        body = None
        for _, value in scenario.pairs(words[2:], {"body": 1}):
            body = value
        check_response(self.host.control(words[0], words[1], body), expected)

    def log(self, words, _):
        end = time.monotonic() + LOG_SECONDS
        while words[0] not in self.host.log():
            if time.monotonic() > end:
                raise host.Failed("the log does not hold it")
            time.sleep(0.02)

    def no_log(self, words, _):
        if words[0] in self.host.log():
            raise host.Failed("the log holds it")


# word: (number of words after it at least, at most, must there be an arrow; None: either)
WORDS = {
    "guest": (1, 6, False), "unsigned": (1, 2, False), "manifest": (1, 1, False), "write": (2, 40, False),
    "start": (0, 20, None), "restart": (0, 20, None), "stop": (0, 0, False),
    "actor": (1, 1, True), "repeat": (3, 99, True), "call": (2, 4, True),
    "control": (2, 4, True), "log": (1, 1, False),
    "no-log": (1, 1, False), "raw": (1, 20, True)}


def method_of(line):
    """The name of the Runner's method for a line, after a look at its shape."""
    word = line.words[0].decode(errors="replace")
    if METHOD.fullmatch(line.words[0]):
        word, least, most, arrow = "http", 1, 99, True
    elif word in WORDS:
        least, most, arrow = WORDS[word]
    else:
        raise scenario.Malformed(f"unknown word {word!r}; there are: {', '.join(WORDS)}")
    if not least <= len(line.words) - 1 <= most:
        raise scenario.Malformed(f"{word}: {len(line.words) - 1} words after it")
    if arrow is not None and arrow != (line.expected is not None):
        raise scenario.Malformed(f"{word}: " + ("`->` is missing" if arrow else "has no `->`"))
    return word


def read(file):
    """The lines of a scenario, each of a known shape."""
    lines = scenario.parse(pathlib.Path(file).read_text(encoding="utf-8"))
    for line in lines:
        try:
            method_of(line)
        except scenario.Malformed as error:
            raise scenario.Malformed(f"line {line.number}: {error}") from None
    return lines


def run_lines(runner, lines, file):
    for line in lines:
        word = method_of(line)
        words = line.words if word == "http" else line.words[1:]
        try:
            getattr(runner, word.replace("-", "_"))(words, line.expected)
        except (host.Failed, scenario.Malformed, OSError, ValueError, KeyError) as error:
            print(f"{file}:{line.number}: {line.text}\n  {type(error).__name__}: {error}")
            return False
    if runner.host.running:
        try:
            runner.host.stop()
        except host.Failed as error:
            print(f"{file}: at the end: {error}")
            return False
    return True


def run(file, binary, guests):
    lines = read(file)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="trellis-e2e-"))
    one = None
    try:
        one = host.Host(binary, guests, folder, pathlib.Path(file).parent)
        if run_lines(Runner(one), lines, file):
            print(f"{file}: {len(lines)} lines hold")
            return 0
        print(f"-- what the host wrote:\n{one.log()[-8000:].decode(errors='replace')}")
        return 1
    except host.Failed as error:
        print(f"{file}: {error}")
        return 1
    except Skipped as why:
        print(why)
        return SKIPPED
    finally:
        if one:
            one.kill()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary")
    parser.add_argument("--guests")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    status = 0
    for file in options.files:
        try:
            if options.check:
                print(f"{file}: {len(read(file))} lines")
            else:
                status = status or run(file, options.binary, options.guests)
        except (scenario.Malformed, UnicodeDecodeError, FileNotFoundError) as error:
            print(f"{file}: {error}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
