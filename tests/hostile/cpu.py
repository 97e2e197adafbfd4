"""Loops, recursion and traps, in calls and while starting (T-CPU, T-STACK, T-TRAP)."""

import concurrent.futures
import time

import expectations
from rig import CALL_MS

LOOPERS = 16
LOOP_SECONDS = 10
TRAPS = ["unreachable", "integer_division_by_zero", "integer_overflow", "memory_out_of_bounds",
         "table_out_of_bounds", "indirect_call_to_null", "bad_signature",
         "bad_conversion_to_integer", "exit", "exit", "memory_out_of_bounds"]


def loops_in_calls(rig):
    """In a loop, in bulk instructions, without a loop instruction, by tail calls, in grow."""
    for module in ("bad_loop_call", "bad_loop_fill", "bad_loop_copy", "bad_calls_exponential",
                   "bad_tail_calls", "bad_grow_loop"):
        with rig.actor("looper", module) as actor:
            for _ in range(3):
                actor.fails("engine.deadline")
            actor.fails("engine.deadline", deadline_ms=50)


def loops_while_starting(rig):
    """In the start section, `_start`, `_initialize`, `wapc_init`; then all other failing starts."""
    for module, reasons in expectations.refused("start"):
        file = rig.sign("starter", module)
        rig.signed_.clear()  # the next module has the same name
        limits = {"start_ms": CALL_MS, "call_ms": CALL_MS}
        rig.refused("starter", file, reasons, limits=limits)
        begin = time.monotonic()  # now its code is in the cache
        rig.refused("starter", file, reasons, limits=limits)
        took = time.monotonic() - begin
        if reasons == "engine.deadline":
            rig.late(took * 1000 - CALL_MS)
        rig.check(took < CALL_MS / 1000 + 2, f"{module}: refused after {took:.2f} s")


def recursion(rig):
    for module in ("bad_recursion", "bad_recursion_indirect", "bad_recursion_frames"):
        with rig.actor("deep", module) as actor:
            for _ in range(50):
                actor.fails("engine.trap.stack_overflow")


def every_trap(rig):
    with rig.actor("traps", "bad_traps") as actor:
        for _ in range(3):
            for number, kind in enumerate(TRAPS, 1):
                actor.fails(f"engine.trap.{kind}", "x" * number)
            actor.fails("guest.error", "x" * (len(TRAPS) + 1))


def a_thousand_traps(rig):
    """Each one costs an instance and leaves nothing of it."""
    with rig.actor("traps", "bad_traps") as actor:
        for turn in range(1000):
            number = 1 + turn % len(TRAPS)
            actor.fails(f"engine.trap.{TRAPS[number - 1]}", "x" * number)


def a_new_instance_after_a_trap(rig):
    with rig.actor("counter", "ok_counter_state") as actor:
        for _ in range(3):
            actor.answers("count", expected=b"1")
            actor.answers("count", expected=b"2")
            actor.fails("engine.trap.*", "trap")
            actor.answers("count", expected=b"1")
            actor.fails("engine.deadline", "loop")


def over_http(rig):
    """The same through a route: 504 and 500, and the connection goes on."""
    with rig.actor("web-victim", "ok_http", ["wascc:http_server"],
                   links=[{"provider": "web", "routes": [{"path": path} for path in
                          ("/loop", "/trap", "/error", "/status", "/malformed")]}]):
        for path, status in (("/loop", 504), ("/trap", 500), ("/error", 500), ("/malformed", 500),
                             ("/status/200", 200)):
            begin = time.monotonic()
            response = rig.http("GET", path)
            rig.check(response.status == status, f"{path}: {response.status} {response.body!r}")
            if path == "/loop":
                rig.late((time.monotonic() - begin) * 1000 - CALL_MS)
        statuses = rig.at_once(32, lambda i: rig.http("GET", "/loop").status)
        rig.check(statuses == [504] * 32, f"32 loops at once: {statuses}")


def many_loops(rig):
    """16 guests that loop on all cores for 10 s."""
    route = {"provider": "web", "routes": [{"path": "/loop"}]}
    with rig.actor("looper", "ok_http", ["wascc:http_server"], links=[route],
                   limits={"call_ms": LOOP_SECONDS * 1000}):
        rig.control_calls()
        statuses = rig.at_once(LOOPERS, lambda i: rig.http("GET", "/loop").status)
        rig.check(statuses == [504] * LOOPERS, f"{statuses}")
        control = rig.control_calls()
        rig.note(f"{LOOPERS} loops for {LOOP_SECONDS} s: control {control['calls']} calls, p50 "
                 f"{control['p50_ms']} ms, p99 {control['p99_ms']} ms, worst {control['worst_ms']}"
                 f" ms, {control['lost_count']} lost")
        rig.check(control["lost_count"] == 0, f"lost: {control['lost']}")
        rig.check(control["calls"] > LOOP_SECONDS * 25, "fewer than half of the calls were made")


def socket_beside_loops(rig):
    """Calls over the socket that loop do not keep others from it."""
    with rig.actor("looper", "bad_loop_call", limits={"call_ms": 3000}) as actor:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            def loop(_):
                try:
                    return actor.call()["reason"]
                finally:
                    rig.close_socket()
            loops = [pool.submit(loop, i) for i in range(8)]
            time.sleep(0.2)
            begin = time.monotonic()
            rig.actors()
            took = time.monotonic() - begin
            rig.note(f"GET /v1/actors beside 8 loops of 3 s: {took * 1000:.0f} ms")
            rig.check(took < 1, f"the socket answered after {took:.2f} s")
            reasons = [one.result() for one in loops]
        rig.check(reasons == ["engine.deadline"] * 8, f"{reasons}")


CASES = [loops_in_calls, loops_while_starting, recursion, every_trap, a_thousand_traps,
         a_new_instance_after_a_trap, over_http, many_loops, socket_beside_loops]
