#!/usr/bin/env python3
"""Runs the scripts of tests/guests/scripts, and what refused.txt lists, through `trellis test`.

usage: run_scripts.py TRELLIS GUESTS [--only bombs|rest] [NAME ...]

GUESTS is the folder of the built modules. A module that its SKIPPED names is skipped with that
line. Each run is held to 30 s of wall clock, whatever the module does.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

SCRIPTS = pathlib.Path(__file__).resolve().parent / "scripts"
RUN_SECONDS = 30
EMPTY_SCRIPT = "steps:\n  - { operation: x, deadline_ms: 500 }\n"


def run(trellis, module, script):
    """The JSON of one `trellis test`, or a text that says why there is none."""
    command = [trellis, "test", str(module), str(script), "--format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=RUN_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"still running after {RUN_SECONDS} s"
    try:
        report = json.loads(done.stdout)
    except ValueError:
        said = done.stderr[-500:].decode(errors="replace")
        return f"exit code {done.returncode}, no JSON: {said}"
    expected = 0 if report["failed"] == 0 and report["load_error"] is None else 1
    if done.returncode != expected:
        return f"exit code {done.returncode} instead of {expected}"
    return report


def judge_script(script, report):
    """What is wrong with a report, as lines."""
    if report["load_error"] is not None:
        return [f"load error {report['load_error']}"]
    wrong = [f"step {i}: {line}" for i, step in enumerate(report["steps"], 1)
             for line in step["mismatch"]]
    wrong += [f"step {i} failed: {step['error']}" for i, step in enumerate(report["steps"], 1)
              if not step["ok"] and not step["mismatch"]]
    for line in script.read_text(encoding="utf-8").splitlines():
        if line.startswith("# reasons:"):
            expected = line.split()[2:]
            got = [step["reason"] or "-" for step in report["steps"]]
            wrong += [f"step {i}: reason {have} instead of {want}"
                      for i, (have, want) in enumerate(zip(got, expected), 1) if have != want]
            if len(got) != len(expected):
                wrong.append(f"{len(got)} steps, {len(expected)} reasons")
    return wrong


def matches(reason, pattern):
    return reason.startswith(pattern[:-1]) if pattern.endswith("*") else reason == pattern


def judge_refusal(stage, reasons, report):
    error = report["load_error"]
    if stage == "call":
        got = error["reason"] if error else report["steps"][0]["reason"]
        return [] if any(matches(str(got), pattern) for pattern in reasons) else [f"reason {got}"]
    if error is None:
        return [] if "ok" in reasons else ["it was loaded"]
    if report["steps"] or report["failed"] == 0:
        return ["a refused module has no steps and fails all of them"]
    if error["stage"] != stage and "ok" not in reasons:
        return [f"stage {error['stage']} instead of {stage}: {error['reason']}"]
    if not any(matches(error["reason"], pattern) for pattern in reasons):
        return [f"reason {error['reason']}: {error['message']}"]
    return []


def cases(guests, work):
    """(name, module, script, judge) of everything there is."""
    for script in sorted(SCRIPTS.glob("*.yaml")):
        module = guests / f"{script.name.split('.')[0]}.wasm"
        yield script.stem, module, script, lambda report, s=script: judge_script(s, report)
    empty = work / "empty.yaml"
    empty.write_text(EMPTY_SCRIPT, encoding="utf-8")
    for line in (SCRIPTS / "refused.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, stage, reasons = line.split()
            yield (name, guests / f"{name}.wasm", empty,
                   lambda report, s=stage, r=reasons.split("|"): judge_refusal(s, r, report))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trellis")
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--only", choices=["bombs", "rest"])
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    skipped_lines = {line.split()[1]: line for line in
                     (options.guests / "SKIPPED").read_text(encoding="utf-8").splitlines()}
    passed, failed, skipped = 0, 0, 0
    with tempfile.TemporaryDirectory() as work:
        for name, module, script, judge in cases(options.guests, pathlib.Path(work)):
            if options.names and name not in options.names:
                continue
            if options.only and name.startswith("bomb_") != (options.only == "bombs"):
                continue
            if module.stem in skipped_lines:
                print(skipped_lines[module.stem])
                skipped += 1
                continue
            report = run(options.trellis, module, script)
            wrong = [report] if isinstance(report, str) else judge(report)
            failed += 1 if wrong else 0
            passed += 0 if wrong else 1
            for line in wrong:
                print(f"{name}: {line}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
