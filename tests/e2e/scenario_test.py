#!/usr/bin/env python3
"""Tests of the reader of scenario files, and of every scenario's shape."""

import pathlib
import unittest

import run_scenario
import scenario

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Words(unittest.TestCase):
    def test_plain_words_stand_for_themselves(self):
        self.assertEqual(scenario.split('a  {"b":1}\tc\\n'),
                         [(b"a", False), (b'{"b":1}', False), (b"c\\n", False)])

    def test_quoted_words_have_escapes(self):
        self.assertEqual(scenario.split(r'"a b\n\x00\"\\" c'),
                         [(b'a b\n\x00"\\', True), (b"c", False)])
        self.assertEqual(scenario.split('""'), [(b"", True)])

    def test_wrong_quotes_are_refused(self):
        for text in ('"a', r'"\q"', r'"\x0"', '"a"b', '"\\'):
            with self.assertRaises(scenario.Malformed, msg=text):
                scenario.split(text)


class Lines(unittest.TestCase):
    def test_arrow_divides(self):
        lines = scenario.parse('# note\n\nGET / -> 200 body "->"\nstop\n')
        self.assertEqual([line.number for line in lines], [3, 4])
        self.assertEqual(lines[0].expected, [b"200", b"body", b"->"])
        self.assertIsNone(lines[1].expected)

    def test_wrong_arrows_are_refused(self):
        for text in ("a ->", "-> b", "a -> b -> c"):
            with self.assertRaises(scenario.Malformed, msg=text):
                scenario.parse(text)

    def test_wrong_shapes_are_refused(self):
        for text in ("dance", "guest", "stop now", "GET /", "log x -> y", "repeat 3 GET"):
            with self.assertRaises(scenario.Malformed, msg=text):
                for line in scenario.parse(text):
                    run_scenario.method_of(line)

    def test_pairs_and_options(self):
        self.assertEqual(scenario.pairs([b"header", b"a:b", b"closed"],
                                        {"header": 1, "closed": 0}),
                         [("header", b"a:b"), ("closed", b"")])
        self.assertEqual(scenario.options([b"caps=a,b"], ("caps",)), {"caps": "a,b"})
        for words in ([b"header"], [b"nothing", b"x"]):
            with self.assertRaises(scenario.Malformed):
                scenario.pairs(words, {"header": 1})
        with self.assertRaises(scenario.Malformed):
            scenario.options([b"colour=red"], ("caps",))


class Files(unittest.TestCase):
    def test_every_scenario_can_be_read(self):
        files = [*ROOT.glob("examples/*/*.scenario"), *ROOT.glob("tests/**/*.scenario")]
        self.assertGreater(len(files), 0)
        for file in files:
            with self.subTest(file=str(file.relative_to(ROOT))):
                self.assertGreater(len(run_scenario.read(file)), 0)


if __name__ == "__main__":
    unittest.main()
