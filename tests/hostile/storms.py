"""Too much of everything: logs, host calls, answers, actors that call each other (T-CPU-3)."""

import time

import expectations

KEYVALUE = ["wascc:keyvalue"]
LOG_BYTES_A_CALL = 64 * 1024
# A control character takes six bytes when escaped, and each record has a head.
LOG_GROWTH = 2.5


def log_storms(rig):
    """The log of a call is cut, and the line that says so is there."""
    for module in ("bad_log_storm", "bad_stdout_storm"):
        with rig.actor("logger", module) as actor:
            before, calls = rig.log_bytes(), 5
            for _ in range(calls):
                actor.fails("engine.deadline")
            grown = (rig.log_bytes() - before) / calls
            rig.note(f"{module}: {grown / 1024:.0f} KiB of log a call")
            rig.check(grown <= LOG_BYTES_A_CALL * LOG_GROWTH, f"{grown:.0f} bytes of log a call")
            rig.check(grown >= 1024, "nothing was logged")
    rig.check(b"guest output dropped" in rig.host.log(), "no line says what was dropped")


def answers_and_errors(rig):
    with rig.actor("storm", "bad_response_storm") as actor:
        for _ in range(3):
            actor.fails("engine.deadline")
    with rig.actor("storm2", "bad_response_huge", limits={"call_ms": 3000}) as actor:
        for _ in range(3):
            actor.fails("engine.limit.message")
    with rig.actor("storm3", "bad_error_huge", limits={"call_ms": 3000}) as actor:
        for _ in range(3):
            error = actor.fails("guest.error")["error"]
            rig.check(len(error.encode()) <= 4096, f"an error text of {len(error.encode())} bytes")
    with rig.actor("storm4", "bad_iovec_storm", limits={"call_ms": 1000}) as actor:
        for _ in range(5):
            actor.fails("engine.trap.host_pointer|engine.deadline", "xx")
            actor.call("x")  # an errno, or the bytes that were taken: both are right


def host_calls(rig):
    """Empty ones, and of 8 MiB; nobody is there to answer them."""
    for module, reasons in expectations.refused("call"):
        with rig.actor("caller", module) as actor:
            for _ in range(3):
                actor.fails(reasons)


def store_stands_still(rig):
    """After the deadline no further call reaches the provider."""
    links = [{"provider": "store", "store": "shared"}]
    with rig.actor("reader", "ok_contracts", KEYVALUE, links=links) as reader, \
         rig.actor("storm", "bad_kv_storm", KEYVALUE, links=links) as storm:
        for turn in range(4):
            storm.fails("engine.deadline", "storm", deadline_ms=100 if turn % 2 else None)
            first = reader.answers("get", b"storm")
            time.sleep(0.1)
            second = reader.answers("get", b"storm")
            rig.check(first == second and len(first.split()) > 0, f"{first!r}, then {second!r}")
            if turn == 3:
                rig.note(f"the store counts {first.decode(errors='replace').strip()} calls")


def cycles(rig):
    """A calls B calls A ...: ends at the depth that a call may have."""
    with rig.host_pair() as (first, second):
        for _ in range(40):
            step = first.fails("guest.error", "ping", b"pong ping")
            rig.check("depth" in str(step["error"]) or "deep" in str(step["error"]),
                      f"the text does not name the depth: {step['error']}")
        for _ in range(5):
            second.fails("guest.error", "ping", b"ping pong")


def failing_starts(rig):
    """An actor whose start functions fail is tried again later and later, not on each call."""
    links = [{"provider": "store", "store": "shared"}]
    with rig.actor("switch", "ok_start_switch", KEYVALUE, links=links) as actor:
        actor.answers("echo", b"x", b"x")
        actor.fails("engine.trap.*", "break")
        reasons = {}
        for _ in range(200):
            reason = actor.fails("actor.restarting|engine.trap.*", "echo", b"x")["reason"]
            reasons[reason] = reasons.get(reason, 0) + 1
        rig.note(f"200 calls: {reasons}")
        tried = sum(count for reason, count in reasons.items() if reason != "actor.restarting")
        rig.check(tried <= 20, f"started {tried} times")
        rig.check(reasons.get("actor.restarting", 0) > 0, "never actor.restarting")


def starts_and_stops(rig):
    """An actor that comes and goes leaves nothing: 100 times, each called once."""
    for _ in range(100):
        with rig.actor("visitor", "ok_echo") as actor:
            actor.answers(payload=b"here", expected=b"here")


def dropped_connections(rig):
    """Clients that leave in the middle of their call."""
    from rig import host
    links = [{"provider": "web", "routes": [{"path": "/loop"}, {"path": "/sleep"}]}]
    with rig.actor("slow", "ok_http", ["wascc:http_server"], links=links):
        for turn in range(100):
            connection = host.Connection(rig.host.listener())
            connection.send(b"GET", b"/loop" if turn % 2 else b"/sleep/250")
            if turn % 3 == 0:
                time.sleep(0.01)
            connection.close()
        time.sleep(0.5)


CASES = [log_storms, answers_and_errors, host_calls, store_stands_still, cycles, failing_starts,
         starts_and_stops, dropped_connections]
