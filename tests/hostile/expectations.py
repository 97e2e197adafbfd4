"""What tests/guests/scripts/refused.txt says about each module: one place for both harnesses."""

import pathlib

FILE = pathlib.Path(__file__).resolve().parent.parent / "guests" / "scripts" / "refused.txt"


def refused(stage):
    """[(module, reasons)] of the stage `load`, `start` or `call`."""
    rows = [line.split() for line in FILE.read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")]
    return [(name, reasons) for name, at, reasons in rows if at == stage]
