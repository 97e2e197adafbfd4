"""Growth, bombs and what is left in a slot for its next user (T-MEM)."""

import time

import expectations
from rig import MEMORY_SLACK_KIB, footprint

GROW_ROUTE = [{"provider": "web", "routes": [{"path": "/grow"}]}]
HTTP = ["wascc:http_server"]
PAGES_7_MIB = 112
PAGES_60_MIB = 960
AT_ONCE = 64
ROUNDS = 200


def grow_until_no(rig):
    """64 MiB and not a page more; each such instance is dropped after its call."""
    with rig.actor("grower", "bad_grow", limits={"call_ms": 5000}) as actor:
        for _ in range(5):
            actor.answers(expected=(1024).to_bytes(4, "little"))


def tables(rig):
    with rig.actor("tables", "bad_table_grow") as actor:
        for _ in range(3):
            size = int.from_bytes(actor.answers(), "little")
            rig.check(size <= 16384, f"a table of {size} elements")


def bombs_at_load(rig):
    """4 GiB, too many or shared or 64-bit memories, huge tables: before anything is reserved."""
    for module, reasons in expectations.refused("load"):
        if module.startswith(("bad_memor", "bad_table")) and module != "bad_memory_name":
            rig.refused(module, rig.sign(module, module), reasons)


def sixty_four_of_7_mib(rig):
    """64 calls at once whose instances are as large as may be kept warm."""
    with rig.actor("warm", "ok_http", HTTP, links=GROW_ROUTE, limits={"call_ms": 10000}):
        for _ in range(2):
            got = rig.at_once(AT_ONCE, lambda i: rig.http("GET", f"/grow/{PAGES_7_MIB}").status)
            rig.check(got == [200] * AT_ONCE, f"{got}")


def one_of_60_mib(rig):
    """Above warm_max_bytes: dropped after the call."""
    with rig.actor("large", "ok_http", HTTP, links=GROW_ROUTE, limits={"call_ms": 10000}):
        for _ in range(3):
            response = rig.http("GET", f"/grow/{PAGES_60_MIB}")
            rig.check(response.status == 200 and response.body == b"960",
                      f"{response.status} {response.body[:200]!r}")


def many_of_60_mib(rig):
    """More calls at once than the actor may have instances: they wait their turn."""
    with rig.actor("large", "ok_http", HTTP, links=GROW_ROUTE,
                   limits={"call_ms": 10000, "max_instances": 4}):
        got = rig.at_once(32, lambda i: rig.http("GET", f"/grow/{PAGES_60_MIB}").status)
        rig.check(all(one in (200, 503, 504) for one in got) and 200 in got, f"{got}")


def back_within_the_limit(rig):
    """While the actor stays: 5 s after its last call its memory is given back."""
    before = footprint(rig.pid)["rss_kib"]
    with rig.actor("warm", "ok_http", HTTP, links=GROW_ROUTE, limits={"call_ms": 10000}):
        got = rig.at_once(AT_ONCE, lambda i: rig.http("GET", f"/grow/{PAGES_7_MIB}").status)
        got += [rig.http("GET", f"/grow/{PAGES_60_MIB}").status]
        rig.check(got == [200] * (AT_ONCE + 1), f"{got}")
        peak = footprint(rig.pid)["rss_kib"]
        time.sleep(5)
        after = footprint(rig.pid)["rss_kib"]
    rig.note(f"KiB: {before} before, {peak} after the last answer, {after} 5 s later")
    rig.check(after <= before + MEMORY_SLACK_KIB, f"{before} KiB before, {after} KiB after 5 s")


def bodies(rig):
    """Many bodies at once, large and small; the actor stays while memory is read."""
    before = footprint(rig.pid)["rss_kib"]
    route = [{"provider": "web", "routes": [{"path": "/echo"}]}]
    with rig.actor("echo", "ok_http", HTTP, links=route, limits={"call_ms": 10000}):
        for size, count in ((5 << 20, 16), (200_000, AT_ONCE)):
            body = b"x" * size
            got = rig.at_once(count, lambda i: len(rig.http("POST", "/echo", body).body))
            rig.check(got == [size] * count, f"{got}")
        peak = footprint(rig.pid)["rss_kib"]
        time.sleep(5)
        after = footprint(rig.pid)["rss_kib"]
    rig.note(f"KiB: {before} before, {peak} after the last answer, {after} 5 s later")
    rig.check(after <= before + MEMORY_SLACK_KIB, f"{before} KiB before, {after} KiB after 5 s")


def slots_are_clean(rig):
    """What one instance leaves in its memory and table, no other ever sees."""
    with rig.actor("dirty", "bad_dirty_memory", instances="fresh") as dirty, \
         rig.actor("reader", "ok_fresh_memory", instances="fresh") as reader:
        for _ in range(ROUNDS):
            dirty.answers(expected=b"\xab" * 4)
            reader.answers(expected=bytes(4))


CASES = [grow_until_no, tables, bombs_at_load, sixty_four_of_7_mib, one_of_60_mib,
         many_of_60_mib, back_within_the_limit, bodies, slots_are_clean]
