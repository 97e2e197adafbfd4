"""Every pointer of every import, in range and out of it (T-PTR)."""

import random

MEMORY_WORDS = ("end", "end-1", "end-4", "end+1", "-1", "-4", "0x80000000", "0xffffff00")
SEED = 20261121
RANDOM_PAIRS = 150

# Import, number of arguments, what else they are, (pointer, length argument) pairs, and (pointer,
# bytes written) of fixed sizes. A call whose ranges all lie inside answers `done`.
PAIRS = [("console_log", 2, {}, (0, 1)), ("guest_response", 2, {}, (0, 1)),
         ("guest_error", 2, {}, (0, 1)), ("random_get", 2, {}, (0, 1)),
         ("host_call", 8, {1: "1", 3: "1", 5: "1"}, (0, 1)),
         ("host_call", 8, {1: "1", 3: "1", 5: "1"}, (2, 3)),
         ("host_call", 8, {1: "1", 3: "1", 5: "1"}, (4, 5)),
         ("host_call", 8, {1: "1", 3: "1", 5: "1"}, (6, 7))]
FIXED = [("clock_time_get", 3, {}, 2, 8), ("clock_res_get", 2, {}, 1, 8),
         ("args_sizes_get", 2, {}, 0, 4), ("args_sizes_get", 2, {}, 1, 4),
         ("environ_sizes_get", 2, {}, 0, 4), ("environ_sizes_get", 2, {}, 1, 4),
         ("fd_fdstat_get", 2, {0: "1"}, 1, 24), ("fd_write", 4, {0: "1"}, 3, 4),
         ("fd_write", 4, {0: "1", 2: "1"}, 1, 8), ("poll_oneoff", 4, {2: "1"}, 0, 48),
         ("poll_oneoff", 4, {2: "1"}, 1, 32), ("poll_oneoff", 4, {2: "1"}, 3, 4)]
MIB_4G = 1 << 32


def value(word, end):
    """The unsigned 32-bit number that the guest reads from a word."""
    if word.startswith("end"):
        return (end + int(word[3:] or "0", 0)) % MIB_4G
    return int(word, 0) % MIB_4G


def payload(count, fixed, given):
    words = ["0"] * count
    for index, word in {**fixed, **given}.items():
        words[index] = word
    return " ".join(words).encode()


def sweep(rig, actor, operation, data, inside, trap="engine.trap.host_pointer"):
    step = actor.call(operation, data)
    if inside:
        rig.check(step["ok"], f"{operation} {data}: {step['reason']} {step['error']}, in range")
    else:
        rig.check(step["reason"] == trap, f"{operation} {data}: {step['reason']}, out of range")


def memory_size(rig, actor):
    """By bisection: the largest log from 0 that is in range. The guest says `end` itself."""
    low, high = 1, 1024  # pages; `low` is in range, `high` is not
    while high - low > 1:
        middle = (low + high) // 2
        if actor.call("console_log", f"{middle << 16} 0".encode())["ok"]:
            low = middle
        else:
            high = middle
    rig.note(f"the guest has {low} pages")
    return low << 16


def edges(rig):
    with rig.actor("pointers", "bad_pointers", limits={"call_ms": 2000}) as actor:
        end = memory_size(rig, actor)
        count = 0
        for operation, arguments, fixed, (pointer, length) in PAIRS:
            for word in MEMORY_WORDS:
                for size in ("0", "1", "4", "5", "-1", "0x80000000", "end"):
                    inside = value(word, end) + value(size, end) <= end
                    if operation == "host_call" and size == "end" and inside:
                        continue  # a name as long as that is another matter
                    sweep(rig, actor, operation,
                          payload(arguments, fixed, {pointer: word, length: size}), inside)
                    count += 1
        for operation, arguments, fixed, pointer, size in FIXED:
            for word in (f"end-{size - 1}", "end", "end+1", "-1", f"-{size}", "0x80000000"):
                sweep(rig, actor, operation, payload(arguments, fixed, {pointer: word}), False)
                count += 1
            # Where the last bytes are what is written, that is right.
            if operation.startswith(("clock", "args", "environ", "fd_fdstat")):
                sweep(rig, actor, operation,
                      payload(arguments, fixed, {pointer: f"end-{size}"}), True)
                count += 1
        rig.note(f"{count} calls")


def at_random(rig):
    numbers = random.Random(SEED)
    with rig.actor("pointers", "bad_pointers", limits={"call_ms": 2000}) as actor:
        end = memory_size(rig, actor)

        def pick():
            near = numbers.choice((0, end, MIB_4G - 1, 1 << 31, numbers.randrange(end)))
            return (near + numbers.randrange(-20, 20)) % MIB_4G

        for operation, arguments, fixed, (pointer, length) in PAIRS:
            for _ in range(RANDOM_PAIRS):
                at, size = pick(), numbers.choice((numbers.randrange(64), pick()))
                inside = at + size <= end
                if inside and size > 256:
                    size = numbers.randrange(256)
                sweep(rig, actor, operation,
                      payload(arguments, fixed, {pointer: str(at), length: str(size)}), inside)
        rig.note(f"{len(PAIRS) * RANDOM_PAIRS} calls, seed {SEED}")


def counts_and_strings(rig):
    """Lists that cannot be as long as they say, and AssemblyScript's strings."""
    with rig.actor("pointers", "bad_pointers", limits={"call_ms": 2000}) as actor:
        for count in ("-1", "0x20000000", "0x20000001", "0xffffffff", "0x15555556"):
            for operation in ("fd_write", "poll_oneoff"):
                data = f"1 64 {count} 0" if operation == "fd_write" else f"0 64 {count} 0"
                step = actor.call(operation, data.encode())
                # Refused with an errno (`done`) or as a pointer; never more than that.
                rig.check(step["ok"] or step["reason"] == "engine.trap.host_pointer",
                          f"{operation} {data}: {step['reason']}")
        for words in ("0 0 0 0", "end end 1 1", "-1 -1 1 1", "4 4 1 1", "end-1 3 1 1", "1 2 3 4",
                      "0x80000000 0x7fffffff 1 1"):
            actor.fails("engine.trap.abort|engine.trap.host_pointer", "abort", words.encode())
        for words in ("end", "end-1", "-1", "0x80000000"):
            # The text of the refused host call is there to be copied.
            actor.fails("engine.trap.host_pointer", "host_error", words.encode())


def calls_without_request(rig):
    """Host calls from the start section see no request; names are bytes, not C strings."""
    with rig.actor("utf8", "bad_host_call_utf8") as actor:
        rig.check("UTF-8" in str(actor.fails("guest.error")["error"]), "the text names UTF-8")
    with rig.actor("names", "bad_host_call_names", limits={"call_ms": 2000}) as actor:
        for _ in range(20):
            step = actor.fails("guest.error|engine.limit.*")
            rig.check(len(str(step["error"])) <= 4096, "an error text over 4 KiB")


CASES = [edges, at_random, counts_and_strings, calls_without_request]
