#!/usr/bin/env python3
"""Hostile modules against one real host, one after another, while a control actor is called 50
times a second.

    hostile_runner.py --binary TRELLIS --guests FOLDER [--only CASE]... [--json FILE] GROUP...
    hostile_runner.py --list

After each case: the same process, no control call lost, none slower than a second. After all: memory
within 32 MiB, threads, descriptors and children as before. Exit 0: all of that held; 1: it did not.
"""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile
import time

import compiling
import cpu
import loading
import memory
import pointers
import rig as rigs
import storms

GROUPS = {"cpu": cpu.CASES, "memory": memory.CASES, "pointers": pointers.CASES,
          "load": loading.CASES, "compile": compiling.CASES, "storms": storms.CASES}
DEFAULT_SECONDS = 85


def case_name(group, case):
    return f"{group}.{case.__name__}"


def judge_control(rig, control):
    rig.check(control["lost_count"] == 0,
              f"{control['lost_count']} control calls lost: {control['lost']}")
    slow = control["worst_ms"]
    rig.check(slow <= rigs.OUTLIER_MS or slow <= rigs.OUTLIER_MS + rig.starved_ms(),
              f"a control call took {slow} ms; the machine kept {rig.starved_ms():.0f} ms from it")


def run_case(rig, group, case):
    rig.begin()
    begin = time.monotonic()
    try:
        case(rig)
    except (OSError, ValueError, KeyError, TypeError, rigs.host.Failed) as error:
        rig.problem(f"{type(error).__name__}: {error}")
    if not rig.alive():
        raise rigs.host.Failed(f"{case_name(group, case)}: the host is gone; it said\n" +
                               rig.host.log()[-3000:].decode(errors="replace"))
    control = rig.control_calls()
    judge_control(rig, control)
    rig.check([one["name"] for one in rig.actors()] == ["hello"], "an actor was left behind")
    row = {"case": case_name(group, case), "seconds": round(time.monotonic() - begin, 2),
           "problems": rig.problems, "notes": rig.notes, "late_ms": rig.latest_ms,
           "control": control, **rigs.footprint(rig.pid)}
    late = "" if rig.latest_ms is None else f", latest end +{rig.latest_ms:.0f} ms"
    print(f"{'FAIL' if rig.problems else 'ok  '} {row['case']}: {row['seconds']} s, control "
          f"{control['calls']} calls, p99 {control['p99_ms']} ms, worst {control['worst_ms']} ms"
          f"{late}, rss {row['rss_kib'] // 1024} MiB", flush=True)
    for text in rig.notes:
        print(f"     {text}")
    for text in rig.problems:
        print(f"     PROBLEM {text}")
    return row


def settle(rig, before):
    """What is left when nothing has called anything but the control actor for a while."""
    rig.begin()
    time.sleep(rigs.SETTLE_SECONDS)
    judge_control(rig, rig.control_calls())
    after = rigs.footprint(rig.pid)
    for name in ("threads", "fds", "children"):
        rig.check(after[name] <= before[name], f"{name}: {before[name]} before, {after[name]} after")
    rig.check(after["rss_kib"] <= before["rss_kib"] + rigs.MEMORY_SLACK_KIB,
              f"memory: {before['rss_kib']} KiB before, {after['rss_kib']} KiB after")
    print(f"before {before}\nafter  {after}")
    for text in rig.problems:
        print(f"     PROBLEM {text}")
    return after, rig.problems


def run(rig, groups, only, seconds):
    rig.start()
    before = rigs.footprint(rig.pid)
    end = time.monotonic() + seconds
    rows, failed = [], 0
    for group in groups:
        for case in GROUPS[group]:
            if only and case.__name__ not in only:
                continue
            if time.monotonic() > end:
                print(f"no time left for {case_name(group, case)}")
                failed += 1
                continue
            rows.append(run_case(rig, group, case))
            failed += bool(rows[-1]["problems"])
    after, problems = settle(rig, before)
    failed += bool(problems)
    rig.end()
    if not rows:
        print("no such case")
        failed += 1
    return {"cases": rows, "before": before, "after": after, "problems": problems}, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary")
    parser.add_argument("--guests")
    parser.add_argument("--only", action="append", help="a case, without its group")
    parser.add_argument("--json", type=pathlib.Path, help="the figures, as one object")
    parser.add_argument("--list", action="store_true", help="the names of all cases")
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS,
                        help="no case begins after this")
    parser.add_argument("--keep", action="store_true", help="leave the work folder")
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []])
    options = parser.parse_args()
    if options.list:
        print("\n".join(case_name(group, case) for group in GROUPS for case in GROUPS[group]))
        return 0
    if not options.binary or not options.guests:
        parser.error("--binary and --guests are needed")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="trellis-hostile-"))
    rig = None
    try:
        rig = rigs.Rig(options.binary, options.guests, folder)
        report, failed = run(rig, options.groups or list(GROUPS), options.only, options.seconds)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        return int(failed > 0)
    except rigs.host.Failed as error:
        print(error)
        return 1
    finally:
        if rig:
            rig.kill()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
