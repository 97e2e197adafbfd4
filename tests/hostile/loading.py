"""Modules and tokens that must be refused, with a reason and without a trace (T-BIN, T-JWT)."""

import base64
import json
import random
import time

import expectations

SEED = 20261121
FLIPS = 300
REFUSED_MS = 1000


def leb(number):
    out = bytearray()
    while True:
        out.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(out)


def read_leb(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return number, at


def sections(module):
    """[(id, begin, content begin, end)] of a module that is well formed."""
    at, found = 8, []
    while at < len(module):
        size, content = read_leb(module, at + 1)
        found.append((module[at], at, content, content + size))
        at = content + size
    return found


def token_of(module):
    """(the module without its token section, the token)."""
    kind, begin, content, end = sections(module)[-1]
    size, name = read_leb(module, content)
    if kind != 0 or module[name:name + size] != b"jwt":
        raise ValueError("the last section is not the token")
    return module[:begin], module[name + size:end]


def with_token(plain, token, name=b"jwt"):
    content = leb(len(name)) + name + token
    return plain + b"\x00" + leb(len(content)) + content


def encode(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def decode(part):
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def refuse_bytes(rig, name, data, reasons="claims.*|module.*"):
    path = rig.folder / "altered.wasm"
    path.write_bytes(data)
    begin = time.monotonic()
    body = rig.refused("altered", path, reasons, told=name)
    took = (time.monotonic() - begin) * 1000
    rig.check(took < REFUSED_MS, f"{name}: refused after {took:.0f} ms")
    return body.get("reason")


def every_bad_module(rig):
    """What tests/guests says of the stage `load`, but for the bombs, signed where that works."""
    for module, reasons in expectations.refused("load"):
        if module.startswith("bomb_"):
            continue
        try:
            file = rig.sign(module, module)
        except Exception as error:  # trellis sign refuses what is no module at all
            if "module.malformed" not in str(error):
                raise
            file = rig.guests / f"{module}.wasm"
            reasons = "module.*|claims.missing"
        rig.refused(module, file, reasons)


def flipped_bits(rig):
    """One bit of a signed module, anywhere."""
    module = rig.sign("victim", "ok_echo").read_bytes()
    numbers, reasons = random.Random(SEED), {}
    bits = len(module) * 8
    token_begin = sections(module)[-1][1]
    chosen = [*numbers.sample(range(token_begin * 8), FLIPS // 3),
              *numbers.sample(range(token_begin * 8, bits), FLIPS - FLIPS // 3)]
    for bit in chosen:
        altered = bytearray(module)
        altered[bit // 8] ^= 1 << bit % 8
        reason = refuse_bytes(rig, f"victim bit {bit}", bytes(altered))
        reasons[reason] = reasons.get(reason, 0) + 1
    rig.note(f"{len(chosen)} of {bits} bits: {reasons}")


def token_sections(rig):
    """None, two, two of two names, in the middle, nested."""
    module = rig.sign("victim", "ok_echo").read_bytes()
    plain, token = token_of(module)
    first = sections(plain)[0][1]
    wrapped = with_token(b"", token)
    refuse_bytes(rig, "unsigned", plain, "claims.missing")
    refuse_bytes(rig, "twice", with_token(module, token), "claims.duplicate_section")
    refuse_bytes(rig, "both names", with_token(module, token, b"wasmcloud_jwt"),
                 "claims.duplicate_section")
    refuse_bytes(rig, "first and last", plain[:first] + wrapped + plain[first:] + wrapped,
                 "claims.duplicate_section")
    refuse_bytes(rig, "other name", with_token(plain, token, b"jwt2"), "claims.missing")
    refuse_bytes(rig, "nested", plain + b"\x00" + leb(len(wrapped) + 2) + b"\x01x" + wrapped,
                 "claims.missing")
    refuse_bytes(rig, "empty", with_token(plain, b""), "claims.*")
    refuse_bytes(rig, "large", with_token(plain, token + b"A" * 70000), "claims.malformed")
    refuse_bytes(rig, "appended", module + b"\x00\x02\x01x", "claims.hash")


def altered_tokens(rig):
    """Parts of a token that were exchanged, in any of the ways that readers have fallen for."""
    module = rig.sign("victim", "ok_echo").read_bytes()
    other = rig.sign("other", "ok_lengths").read_bytes()
    plain, token = token_of(module)
    _, foreign = token_of(other)
    head, claims, signature = token.split(b".")
    refuse_bytes(rig, "transplanted", with_token(plain, foreign), "claims.hash")
    refuse_bytes(rig, "mixed", with_token(plain, b".".join((head, claims, foreign.split(b".")[2]))),
                 "claims.signature")
    for header in ({"typ": "jwt", "alg": "none"}, {"typ": "jwt", "alg": "HS256"},
                   {"typ": "jwt", "alg": "Ed25519", "crit": ["exp"]}, {}, []):
        made = b".".join((encode(json.dumps(header).encode()), claims, signature))
        refuse_bytes(rig, f"header {header}", with_token(plain, made),
                     "claims.malformed|claims.signature")
    body = json.loads(decode(claims))
    for change in ({"iss": body["sub"]}, {"sub": body["iss"]}, {"exp": 1}, {"exp": None},
                   {"iat": -1}, {"nbf": 1 << 60}, {"jti": "x"}):
        made = b".".join((head, encode(json.dumps({**body, **change}).encode()), signature))
        refuse_bytes(rig, f"claims {change}", with_token(plain, made), "claims.*")
    for made in (head + b"." + claims, token + b".", b"." + token, token + b"=", token + b"\n",
                 b" " + token, b"..", token[:-1], token[1:], token + b"A", token * 2,
                 head + b"." + claims + b"." + signature[:-1] + b"-", bytes(len(token))):
        if made != token:
            refuse_bytes(rig, f"token {made[-12:]!r}", with_token(plain, made), "claims.*")


def dates_and_issuers(rig):
    """Expired, not valid yet, and an account that nobody trusts."""
    source = rig.guests / "ok_echo.wasm"
    run = rig.host.run
    run("keys", "gen", "account", "-o", "stranger.nk")
    run("keys", "gen", "module", "-o", "subject.nk")
    run("sign", source, "-o", "stranger.wasm", "--issuer", "stranger.nk", "--subject", "subject.nk")
    rig.refused("stranger", rig.folder / "stranger.wasm", "claims.untrusted_issuer")
    run("sign", source, "-o", "early.wasm", "--dev", "--not-before-in", "1h")
    rig.refused("early", rig.folder / "early.wasm", "claims.not_yet_valid")
    run("sign", source, "-o", "late.wasm", "--dev", "--expires-in", "1s")
    time.sleep(2.1)
    rig.refused("late", rig.folder / "late.wasm", "claims.expired")


def names_and_links(rig):
    """Requests that would take something from those who run."""
    file = rig.sign("first", "ok_echo")
    second = rig.sign("second", "ok_echo")
    hello = rig.folder / "hello.wasm"
    route = {"provider": "web", "routes": [{"path": "/first"}]}
    store = {"provider": "store"}
    with rig.actor("first", "ok_echo") as actor:
        rig.refused("first", second, "actor.duplicate")
        rig.refused("again", file, "actor.duplicate")
        rig.refused("hello2", hello, "actor.duplicate")
        rig.refused("greedy", second, "policy.denied", links=[route])
        rig.refused("greedy", second, "policy.denied", links=[store])
        rig.refused("lost", second, "manifest.*", links=[{"provider": "nobody"}])
        rig.refused("gone", rig.folder / "no-such.wasm", "module.unreadable")
        rig.refused("folder", rig.folder, "module.*")
        actor.answers(payload=b"still here", expected=b"still here")
    web = rig.sign("web", "ok_http", ["wascc:http_server"])
    taken = {"provider": "web", "routes": [{"path": "/control"}]}
    rig.refused("web", web, "manifest.*|actor.*|policy.*", links=[taken])


def odd_requests(rig):
    """JSON that is not what the socket wants."""
    file = str(rig.sign("odd", "ok_echo"))
    before = rig.actors()
    actor = {"name": "odd", "file": file}
    for body in ({}, [], "x", None, {"actor": None}, {"actor": []}, {"actor": {}},
                 {"actor": {**actor, "unknown": 1}}, {"actor": {**actor, "name": "a/b\n"}},
                 {"actor": {**actor, "name": "x" * 100000}}, {"actor": {**actor, "limits": 5}},
                 {"actor": {**actor, "limits": {"call_ms": -1}}},
                 {"actor": {**actor, "limits": {"call_ms": 1e300}}},
                 {"actor": actor, "links": {}}, {"actor": actor, "links": [None]},
                 {"actor": actor, "links": [{"actor": "hello", "provider": "store"}]},
                 {"actor": {**actor, "file": "/dev/zero"}}, {"actor": {**actor, "file": "a\0b"}},
                 {"actor": {**actor, "file": "/proc/self/mem"}}):
        status, answer = rig.control("POST", "/v1/actors", body)
        rig.check(400 <= status < 500 and answer.get("reason"),
                  f"{str(body)[:200]}: {status} {str(answer)[:300]}")
    for body in ({}, {"actor": "hello"}, {"actor": "hello", "operation": 1},
                 {"actor": "hello", "operation": "x", "payload_hex": "0"},
                 {"actor": "hello", "operation": "x", "deadline_ms": 0}, [1] * 1000):
        status, answer = rig.control("POST", "/v1/call", body)
        rig.check(400 <= status < 500, f"{str(body)[:200]}: {status} {str(answer)[:300]}")
    rig.check(rig.actors() == before, "the actors changed")


CASES = [every_bad_module, flipped_bits, token_sections, altered_tokens, dates_and_issuers,
         names_and_links, odd_requests]
