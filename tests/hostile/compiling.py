"""Modules that are dear to compile (T-COMP): they end in their own process, or load."""

import time

import expectations

EIGHT = ("bomb_phis", "bomb_loads_16m", "bomb_locals", "bomb_body_4m", "bomb_br_tables",
         "bomb_functions", "bomb_nesting", "bomb_types")
# CPU 5 s, wall 10 s each, as many at once as there are cores; the machine is shared.
EIGHT_SECONDS = 60
AGAIN = 20
AGAIN_MS = 500


def start_and_stop(rig, name, reasons):
    file = rig.sign(name, name)
    status, body = rig.post(name, file)
    if status == 201:
        rig.check("ok" in reasons.split("|"), f"{name}: loaded")
        rig.delete(name)
        return "loaded"
    wanted = [one for one in reasons.split("|") if one != "ok"]
    # A machine that has no CPU to spare ends at the wall clock what would load elsewhere.
    wanted.append("engine.limit.compile")
    rig.check(any(body["reason"] == one or one.endswith("*") and
                  body["reason"].startswith(one[:-1]) for one in wanted), f"{name}: {body}")
    return body["reason"]


def eight_at_once(rig):
    expected = dict(expectations.refused("load"))
    for name in EIGHT:
        rig.sign(name, name)
    begin = time.monotonic()
    got = rig.at_once(len(EIGHT), lambda i: start_and_stop(rig, EIGHT[i], expected[EIGHT[i]]))
    took = time.monotonic() - begin
    rig.note(f"{took:.1f} s: {dict(zip(EIGHT, got))}")
    rig.check(took < EIGHT_SECONDS, f"{took:.1f} s")


def the_same_again(rig):
    """A failure is remembered: nobody makes the host compile one bomb again and again."""
    name = "bomb_phis"
    file = rig.sign(name, name)
    rig.refused(name, file, "engine.limit.compile")
    times = []
    for _ in range(AGAIN):
        begin = time.monotonic()
        rig.refused(name, file, "engine.limit.compile")
        times.append((time.monotonic() - begin) * 1000)
    times.sort()
    rig.note(f"{AGAIN} times: median {times[AGAIN // 2]:.0f} ms, worst {times[-1]:.0f} ms")
    rig.check(times[AGAIN // 2] < AGAIN_MS, f"median {times[AGAIN // 2]:.0f} ms")


def works_beside_it(rig):
    """A bomb that compiles does not keep the actors from being called."""
    with rig.actor("echo", "ok_echo") as actor:
        def role(index):
            if index == 0:
                return start_and_stop(rig, "bomb_loads_4m", "ok|engine.limit.compile")
            slowest = 0.0
            for _ in range(50):
                begin = time.monotonic()
                actor.answers(payload=b"x", expected=b"x")
                slowest = max(slowest, time.monotonic() - begin)
                time.sleep(0.01)
            return slowest
        outcome, slowest = rig.at_once(2, role)
        rig.note(f"bomb_loads_4m {outcome}; slowest of 50 calls beside it {slowest * 1000:.0f} ms")
        rig.check(isinstance(slowest, float) and slowest < 1, f"{slowest}")


CASES = [eight_at_once, the_same_again, works_beside_it]
