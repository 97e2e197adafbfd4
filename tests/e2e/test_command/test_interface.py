#!/usr/bin/env python3
"""`trellis test` and `trellis call FILE`, sentence by sentence of their interface, by the binary.

usage: test_interface.py TRELLIS GUESTS [unittest arguments]
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TRELLIS = ""
GUESTS = pathlib.Path()
RUN_SECONDS = 30
STEP_KEYS = ["ok", "response_hex", "error", "reason", "trap", "host_calls", "console_log",
             "stdout_hex", "duration_us", "mismatch"]
MIB = 1 << 20


def hexed(text):
    return text.encode().hex()


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_trellis(self, *arguments, stdin=b""):
        environment = dict(os.environ, XDG_CACHE_HOME=str(self.folder / "cache"),
                           XDG_DATA_HOME=str(self.folder / "data"))
        return subprocess.run([TRELLIS, *map(str, arguments)], capture_output=True, input=stdin,
                              timeout=RUN_SECONDS, check=False, env=environment)

    def guest(self, name):
        return GUESTS / f"{name}.wasm"

    def run_script(self, guest, script, exit_code=None):
        """`script`: a structure, written as JSON, which is YAML."""
        file = self.folder / "script.yaml"
        file.write_text(script if isinstance(script, str) else json.dumps(script))
        module = guest if isinstance(guest, pathlib.Path) else self.guest(guest)
        done = self.run_trellis("test", module, file, "--format", "json")
        if exit_code is not None:
            self.assertEqual(done.returncode, exit_code, done.stderr)
        report = json.loads(done.stdout)
        self.assertLessEqual({"passed", "failed", "load_error", "steps"}, set(report))
        return report

    def one(self, guest, **step):
        step.setdefault("operation", "x")
        report = self.run_script(guest, {"steps": [step]})
        self.assertIsNone(report["load_error"])
        self.assertEqual(report["passed"] + report["failed"], 1)
        self.assertEqual(report["passed"] == 1, report["steps"][0]["ok"])
        return report["steps"][0]


class Scripts(Case):
    def test_steps_run_in_order_on_one_fresh_instance(self):
        step = {"operation": "count"}
        report = self.run_script("ok_counter_state", {"steps": [step, step, step]}, 0)
        self.assertEqual([s["response_hex"] for s in report["steps"]],
                         [hexed("1"), hexed("2"), hexed("3")])

    def test_the_json_has_every_key(self):
        report = self.run_script("ok_echo", {"steps": [{"operation": "x", "payload": "hi"}]}, 0)
        self.assertEqual(report["passed"], 1)
        self.assertEqual(report["failed"], 0)
        self.assertIsNone(report["load_error"])
        step = report["steps"][0]
        self.assertLessEqual(set(STEP_KEYS), set(step))
        self.assertIs(step["ok"], True)
        self.assertEqual(step["response_hex"], hexed("hi"))
        for key in ("error", "reason", "trap"):
            self.assertIsNone(step[key])
        for key in ("host_calls", "console_log", "mismatch"):
            self.assertEqual(step[key], [])
        self.assertEqual(step["stdout_hex"], "")
        self.assertIsInstance(step["duration_us"], int)

    def test_payload_is_text_or_hex(self):
        self.assertEqual(self.one("ok_echo", payload="h\u00e9")["response_hex"], "68c3a9")
        self.assertEqual(self.one("ok_echo", payload_hex="00ff")["response_hex"], "00ff")
        self.assertEqual(self.one("ok_echo")["response_hex"], "")

    def test_no_steps_is_a_pass(self):
        report = self.run_script("ok_echo", {"steps": []}, 0)
        self.assertEqual((report["passed"], report["failed"], report["steps"]), (0, 0, []))

    def test_the_deadline_of_the_script_is_that_of_the_steps(self):
        report = self.run_script("bad_loop_call",
                                 {"deadline_ms": 100, "steps": [{"operation": "x"}]}, 1)
        self.assertEqual(report["steps"][0]["reason"], "engine.deadline")
        self.assertLess(report["steps"][0]["duration_us"], 1_000_000)

    def test_the_deadline_of_the_script_bounds_the_start_functions(self):
        report = self.run_script("bad_loop_start",
                                 {"deadline_ms": 100, "steps": [{"operation": "x"}]}, 1)
        self.assertEqual(report["load_error"]["stage"], "start")
        self.assertEqual(report["load_error"]["reason"], "engine.deadline")

    def test_a_step_has_its_own_deadline(self):
        step = self.one("bad_loop_call", deadline_ms=50)
        self.assertEqual(step["reason"], "engine.deadline")
        self.assertIsNone(step["trap"])

    def test_after_a_trap_or_a_deadline_the_next_step_gets_a_new_instance(self):
        report = self.run_script("ok_counter_state", {"steps": [
            {"operation": "count"}, {"operation": "count"},
            {"operation": "trap", "expect": {"trap": True}}, {"operation": "count"},
            {"operation": "loop", "deadline_ms": 50, "expect": {"stdout": ""}},
            {"operation": "count"}]}, 0)
        self.assertEqual([s["response_hex"] for s in report["steps"]],
                         [hexed("1"), hexed("2"), None, hexed("1"), None, hexed("1")])

    def test_start_functions_are_not_counted(self):
        report = self.run_script("ok_order", {"steps": [{"operation": "x"}]}, 0)
        self.assertEqual(len(report["steps"]), 1)
        self.assertEqual(report["steps"][0]["response_hex"], hexed("msiw"))

    def test_replies_of_start_that_do_not_come_are_a_load_error(self):
        report = self.run_script("ok_echo", {
            "start": {"replies": [{"operation": "never"}]},
            "steps": [{"operation": "x"}, {"operation": "y"}]}, 1)
        self.assertEqual(report["load_error"]["stage"], "start")
        self.assertEqual((report["failed"], report["steps"]), (2, []))


class BadScripts(Case):
    def usage(self, script, says):
        file = self.folder / "script.yaml"
        file.write_text(script)
        done = self.run_trellis("test", self.guest("ok_echo"), file, "--format", "json")
        self.assertEqual(done.returncode, 2)
        self.assertIn(says, done.stderr.decode())
        report = json.loads(done.stdout)
        self.assertEqual(report["load_error"]["reason"], "script.invalid")

    def test_unknown_keys_name_the_line_and_the_valid_ones(self):
        self.usage("steps:\n  - operation: x\n    expects: {}\n", "script.yaml:3: unknown key")
        self.usage("steps:\n  - operation: x\n    expects: {}\n", "expect")

    def test_text_that_is_no_yaml(self):
        self.usage("steps: [\n", "script.yaml:")

    def test_hex_is_lower_case(self):
        self.usage("steps: [{operation: x, payload_hex: 'AA'}]\n", "payload_hex")

    def test_a_missing_script_is_usage(self):
        done = self.run_trellis("test", self.guest("ok_echo"), self.folder / "none.yaml",
                                "--format", "json")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(json.loads(done.stdout)["steps"], [])

    def test_missing_arguments_are_usage(self):
        self.assertEqual(self.run_trellis("test").returncode, 2)
        self.assertEqual(self.run_trellis("call", self.guest("ok_echo")).returncode, 2)


class HostCalls(Case):
    GUEST = "ok_host_call_8"
    CALL = {"binding": "binding", "namespace": "namespace", "operation": "operation"}

    def test_an_announced_host_call_is_answered(self):
        step = self.one(self.GUEST, payload="p", replies=[
            dict(self.CALL, payload_hex=hexed("p"), reply="answer")])
        self.assertTrue(step["ok"], step)
        self.assertEqual(step["response_hex"], hexed("answer"))
        self.assertEqual(step["host_calls"], [dict(self.CALL, payload_hex=hexed("p"))])

    def test_a_reply_in_hex_and_an_error(self):
        step = self.one(self.GUEST, replies=[dict(self.CALL, reply_hex="00ff")])
        self.assertEqual(step["response_hex"], "00ff")
        step = self.one(self.GUEST, replies=[dict(self.CALL, error="no space")],
                        expect={"error_contains": "no space"})
        self.assertTrue(step["ok"], step)
        self.assertEqual(step["reason"], "guest.error")

    def test_one_that_was_not_announced_gets_an_error_and_the_call_goes_on(self):
        step = self.one(self.GUEST, expect={"error_contains": "not announced"})
        self.assertFalse(step["ok"])
        self.assertEqual(step["reason"], "guest.error")
        self.assertEqual(len(step["host_calls"]), 1)
        self.assertEqual(len(step["mismatch"]), 1)

    def test_one_that_differs_fails_the_step(self):
        for key in ("binding", "namespace", "operation"):
            step = self.one(self.GUEST, replies=[dict(self.CALL, **{key: "other"})],
                            expect={"error_contains": "differs"})
            self.assertFalse(step["ok"], key)
            self.assertIn(key, step["mismatch"][0])
        step = self.one(self.GUEST, payload="p", replies=[dict(self.CALL, payload_hex="00")])
        self.assertFalse(step["ok"])

    def test_one_that_is_missing_fails_the_step(self):
        step = self.one("ok_echo", payload="hi", replies=[dict(self.CALL, reply="x")])
        self.assertFalse(step["ok"])
        self.assertEqual(step["response_hex"], hexed("hi"))
        self.assertIn("did not come", step["mismatch"][0])

    def test_the_binding_is_what_the_guest_passed(self):
        step = self.one("hello_as" if not skipped("hello_as") else self.GUEST, operation="echo",
                        payload="p")
        for call in step["host_calls"]:
            self.assertIn(call["binding"], ("", "binding"))

    def test_a_name_that_is_not_utf8_is_a_host_error(self):
        step = self.one("bad_host_call_utf8")
        self.assertEqual(step["reason"], "guest.error")
        self.assertIn("UTF-8", step["error"])
        self.assertEqual(step["host_calls"], [])

    def test_a_report_keeps_the_first_thousand(self):
        step = self.one("bad_host_call_storm", deadline_ms=300)
        self.assertEqual(len(step["host_calls"]), 1000)
        self.assertIs(step["truncated"], True)


class Expectations(Case):
    def test_without_expect_the_call_has_to_succeed(self):
        self.assertTrue(self.one("ok_result", operation="r1")["ok"])
        self.assertFalse(self.one("ok_result", operation="e0")["ok"])

    def test_a_failed_call_fails_an_expected_response(self):
        for expect in ({"response": ""}, {"response_hex": ""}):
            self.assertFalse(self.one("ok_result", operation="e0", expect=expect)["ok"])

    def test_response_is_exact(self):
        self.assertTrue(self.one("ok_echo", payload="a", expect={"response": "a"})["ok"])
        self.assertTrue(self.one("ok_echo", payload="a", expect={"response_hex": "61"})["ok"])
        self.assertFalse(self.one("ok_echo", payload="a", expect={"response": "ab"})["ok"])

    def test_error_is_exact_and_error_contains_is_not(self):
        for expect, ok in (({"error": "error"}, True), ({"error": "erro"}, False),
                           ({"error_contains": "rro"}, True), ({"error_contains": "x"}, False)):
            self.assertEqual(self.one("ok_result", operation="e0", expect=expect)["ok"], ok)

    def test_the_fixed_texts(self):
        step = self.one("ok_result", operation="0")
        self.assertEqual(step["error"], "No error message set for call failure")
        self.assertEqual(step["reason"], "guest.error")
        step = self.one("ok_result", operation="1")
        self.assertEqual(step["error"], "No error message OR response set for call success")

    def test_trap(self):
        step = self.one("ok_result", operation="t", expect={"trap": True})
        self.assertTrue(step["ok"])
        self.assertEqual((step["trap"], step["reason"], step["error"]),
                         ("unreachable", "engine.trap.unreachable", None))
        self.assertFalse(self.one("ok_result", operation="r1", expect={"trap": True})["ok"])

    def test_a_trap_has_the_guests_text_if_it_was_set(self):
        step = self.one("ok_result", operation="et", expect={"trap": True, "error": "error"})
        self.assertTrue(step["ok"], step)

    def test_abort_has_its_text_in_error_alone(self):
        step = self.one("ok_abort", operation="xx")
        self.assertEqual((step["reason"], step["trap"]), ("engine.trap.abort", "abort"))
        self.assertEqual(step["error"], "boom; index.ts (3,7)")
        self.assertEqual((step["console_log"], step["stdout_hex"]), ([], ""))

    def test_console_log_is_a_list_and_that_of_the_step(self):
        report = self.run_script("ok_console", {"steps": [
            {"operation": "payload", "payload": "one", "expect": {"console_log": ["one"]}},
            {"operation": "payload", "payload": "two", "expect": {"console_log": ["two"]}}]}, 0)
        self.assertEqual([s["console_log"] for s in report["steps"]], [["one"], ["two"]])
        self.assertFalse(self.one("ok_console", operation="payload", payload="one",
                                  expect={"console_log": []})["ok"])

    def test_stdout_is_what_was_written_to_1_and_2(self):
        for operation in ("stdout", "stderr"):
            step = self.one("ok_wasi", operation=operation, payload="text",
                            expect={"stdout": "text"})
            self.assertTrue(step["ok"], step)
            self.assertEqual(step["stdout_hex"], hexed("text"))


class Refusals(Case):
    def refused(self, guest, stage, reason):
        steps = [{"operation": "x"}, {"operation": "y"}]
        report = self.run_script(guest, {"deadline_ms": 200, "steps": steps}, 1)
        self.assertEqual((report["passed"], report["failed"], report["steps"]), (0, 2, []))
        self.assertEqual(report["load_error"]["stage"], stage)
        self.assertEqual(report["load_error"]["reason"], reason)
        self.assertTrue(report["load_error"]["message"])
        return report["load_error"]["message"]

    def test_modules_that_are_refused(self):
        self.refused(self.folder / "missing.wasm", "load", "module.unreadable")
        for guest, reason in (("broken_empty", "module.malformed"),
                              ("bad_invalid", "module.malformed"),
                              ("bad_no_memory", "module.export"),
                              ("bad_import_wasi", "module.import"),
                              ("bad_memory_65m", "engine.limit.memory")):
            self.refused(guest, "load", reason)
        self.assertIn("Guest module did not export __guest_call function!",
                      self.refused("bad_no_call", "load", "module.export"))

    def test_too_large(self):
        file = self.folder / "large.wasm"
        file.write_bytes(b"\0asm\1\0\0\0" + bytes(16 * MIB))
        self.refused(file, "load", "module.too_large")

    def test_start_functions_that_fail(self):
        for guest, reason in (("bad_start_trap", "engine.trap.unreachable"),
                              ("bad_start_exit", "engine.trap.exit"),
                              ("bad_start_pointer", "engine.trap.host_pointer"),
                              ("bad_loop_wapcinit", "engine.deadline")):
            self.refused(guest, "start", reason)

    def sign(self, source, *arguments):
        for kind in ("account", "module"):
            if not (self.folder / kind).exists():
                self.run_trellis("keys", "gen", kind, "-o", self.folder / kind)
        out = self.folder / "signed.wasm"
        done = self.run_trellis("sign", source, "-o", out, "--issuer", self.folder / "account",
                                "--subject", self.folder / "module", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return out

    def test_a_token_must_be_right_when_there_is_one(self):
        signed = self.sign(self.guest("ok_echo"))
        report = self.run_script(signed, {"steps": [{"operation": "x"}]}, 0)
        self.assertEqual(report["passed"], 1)
        altered = bytearray(signed.read_bytes())
        altered[20] ^= 1
        signed.write_bytes(altered)
        done = self.run_trellis("test", signed, self.folder / "script.yaml", "--format", "json")
        self.assertEqual(done.returncode, 1)
        reason = json.loads(done.stdout)["load_error"]["reason"]
        self.assertTrue(reason.startswith(("claims.", "module.")), reason)


class Limits(Case):
    def test_messages_above_8_mib(self):
        self.assertTrue(self.one("ok_echo", payload="x" * (8 * MIB))["ok"])
        step = self.one("ok_echo", payload="x" * (8 * MIB + 1))
        self.assertEqual((step["ok"], step["reason"]), (False, "engine.limit.message"))
        self.assertEqual(self.one("bad_response_huge")["reason"], "engine.limit.message")

    def test_an_error_is_at_most_4_kib_of_utf8(self):
        error = self.one("bad_error_huge")["error"]
        self.assertLessEqual(len(error.encode()), 4096)
        self.assertGreater(len(error.encode()), 4000)

    def test_one_mib_of_log_and_of_stdout_is_kept(self):
        step = self.one("bad_log_storm", deadline_ms=500)
        self.assertLessEqual(sum(len(line.encode()) for line in step["console_log"]), MIB)
        self.assertIs(step["truncated"], True)
        step = self.one("bad_stdout_storm", deadline_ms=500)
        self.assertEqual(len(step["stdout_hex"]), 2 * MIB)
        self.assertIs(step["truncated"], True)

    def test_pointers_out_of_range_and_stack_exhaustion(self):
        self.assertEqual(self.one("bad_pointers", operation="console_log",
                                  payload="end-4 8")["reason"], "engine.trap.host_pointer")
        self.assertEqual(self.one("bad_recursion")["reason"], "engine.trap.stack_overflow")

    def test_memory_is_64_mib(self):
        size = self.one("bad_grow")["response_hex"]
        self.assertLessEqual(int.from_bytes(bytes.fromhex(size), "little"), 1024)


class ForPeople(Case):
    def test_human_output_shows_a_difference(self):
        file = self.folder / "script.yaml"
        file.write_text('steps: [{operation: "op\\e[2J", payload: a, expect: {response: "b\\e[1m"}}]')
        done = self.run_trellis("test", self.guest("ok_echo"), file)
        self.assertEqual(done.returncode, 1)
        text = done.stdout.decode()
        self.assertIn("FAIL", text)
        self.assertIn("expected", text)
        self.assertIn("1 failed", text)
        self.assertNotIn("\x1b", text)

    def test_help_has_an_example(self):
        for command in ("test", "call"):
            done = self.run_trellis(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Example", done.stdout.decode())


class Call(Case):
    def test_the_response_is_raw_on_stdout(self):
        done = self.run_trellis("call", self.guest("ok_echo"), "x", "--payload-hex", "00ff1b0a")
        self.assertEqual((done.returncode, done.stdout), (0, b"\0\xff\x1b\n"))

    def test_payload_from_text_file_and_stdin(self):
        file = self.folder / "payload"
        file.write_bytes(b"from a file\0")
        for payload, stdin, expected in (("text", b"", b"text"), (f"@{file}", b"", b"from a file\0"),
                                         ("-", b"from stdin", b"from stdin")):
            done = self.run_trellis("call", self.guest("ok_echo"), "x", "--payload", payload,
                                    stdin=stdin)
            self.assertEqual((done.returncode, done.stdout), (0, expected))

    def test_an_error_is_on_stderr(self):
        done = self.run_trellis("call", self.guest("ok_result"), "e0")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"error", done.stderr)

    def test_json_is_one_step_object(self):
        done = self.run_trellis("call", self.guest("ok_result"), "et", "--format", "json")
        step = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1)
        self.assertLessEqual(set(STEP_KEYS), set(step))
        self.assertEqual((step["error"], step["trap"]), ("error", "unreachable"))

    def test_json_of_a_refusal(self):
        done = self.run_trellis("call", self.guest("bad_no_call"), "x", "--format", "json")
        step = json.loads(done.stdout)
        self.assertEqual((done.returncode, step["ok"], step["reason"]), (1, False, "module.export"))

    def test_bad_hex_is_usage(self):
        done = self.run_trellis("call", self.guest("ok_echo"), "x", "--payload-hex", "0")
        self.assertEqual(done.returncode, 2)


def skipped(name):
    return f"guest {name} " in (GUESTS / "SKIPPED").read_text(encoding="utf-8")


if __name__ == "__main__":
    TRELLIS, GUESTS = sys.argv[1], pathlib.Path(sys.argv[2])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
