#!/usr/bin/env python3
"""Fails when SPECIFICATION.md names a test that does not exist.

check_specification.py ROOT

A name is room.Suite.Test, where '*' stands for any text; "carrel" is the whole program.
"""
import fnmatch
import pathlib
import re
import sys


def tests_in(folder: pathlib.Path, room: str) -> set[str]:
    """Names as ctest has them, without the parameters of parametrised tests."""
    found = set()
    pattern = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
    for file in folder.glob("*_test.cc"):
        for suite, test in pattern.findall(file.read_text()):
            found.add(f"{room}.{suite}.{test}")
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    existing = tests_in(root / "tests", "carrel")
    for room in (root / "src").iterdir():
        existing |= tests_in(room, room.name)
    missing = 0
    for number, line in enumerate((root / "SPECIFICATION.md").read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 2 or cells[1] in ("Test", "---"):
            continue
        for name in re.split(r",\s*", cells[1]):
            if not fnmatch.filter(existing, name):
                print(f"SPECIFICATION.md:{number}: there is no test {name}", file=sys.stderr)
                missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
