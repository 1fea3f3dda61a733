#!/usr/bin/env python3
"""tidy.py BUILD_FOLDER FOLDER...: runs clang-tidy over the sources in the folders that the build compiles.

Tests are left out: GoogleTest's macros make them the slowest to check, and they are run instead.
A file is not checked again while it, the project's headers it includes, its command, the checks and
clang-tidy itself are what they were when it passed: ~/.cache/carrel/tidy keeps a stamp of each
pass, for every checkout, as ccache keeps objects. Needs nothing but Python 3 and clang-tidy.
"""

import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

TIDY = "clang-tidy-19"
ROOT = pathlib.Path(__file__).resolve().parent.parent
STAMPS = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "carrel" / "tidy"
STAMPS_KEPT_FOR = 30 * 24 * 3600  # seconds since they were last of use


def commands(build: pathlib.Path, folders: list[str]) -> list[dict]:
    entries = json.loads((build / "compile_commands.json").read_text())
    wanted = {}  # a file that several targets compile is checked once
    for entry in entries:
        file = pathlib.Path(entry["file"])
        if file.suffix == ".cc" and not file.name.endswith("_test.cc") and any(file.is_relative_to(ROOT / folder) for folder in folders):
            wanted.setdefault(file, entry)
    return list(wanted.values())


def built_dependencies(build: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """What Ninja knows: per object that is up to date, the project's files that it was made from."""
    log = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True).stdout
    found = {}
    for block in log.split("\n\n"):
        match = re.match(r"(?:ninja: .*\n)?(\S+): #deps", block)
        if not match or "(VALID)" not in block:
            continue
        files = [(build / line.strip()).resolve() for line in block.splitlines() if line.startswith("    ")]
        files = [file for file in files if file.is_relative_to(ROOT)]
        age = (build / match[1]).stat().st_mtime
        if all(file.exists() and file.stat().st_mtime < age for file in files):
            found[match[1]] = files
    return found


def asked_dependencies(entry: dict) -> list[pathlib.Path]:
    """The same as the compiler sees it, which takes it a second. Empty if the file does not compile."""
    command = shlex.split(entry["command"])
    if os.path.basename(command[0]) == "ccache":
        command = command[1:]
    kept, skip = [], False
    for word in command:
        if skip or word in ("-c", "-MD"):
            skip = False
        elif word in ("-o", "-MF", "-MT"):
            skip = True
        else:
            kept.append(word)
    made = subprocess.run(kept + ["-MM"], cwd=entry["directory"], capture_output=True, text=True)
    if made.returncode != 0:
        return []
    names = made.stdout.replace("\\\n", " ").split(":", 1)[1].split()
    return [pathlib.Path(entry["directory"], name).resolve() for name in names]


@functools.cache
def content(file: pathlib.Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


class Tidy:
    def __init__(self, build: pathlib.Path):
        self.build = build
        self.built = built_dependencies(build)
        version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
        checks = [ROOT / ".clang-tidy", *sorted(ROOT.glob("*/.clang-tidy"))]
        self.checker = version + "".join(file.read_text() for file in checks)
        STAMPS.mkdir(parents=True, exist_ok=True)

    def fingerprint(self, entry: dict) -> str | None:
        files = self.built.get(entry.get("output", "")) or asked_dependencies(entry)
        if not files:
            return None
        command = entry["command"].replace(str(ROOT), "")
        digest = hashlib.sha256(f"{self.checker}\n{command}\n".encode())
        for file in sorted(set(files)):
            digest.update(os.path.relpath(file, ROOT).encode() + b"\0" + content(file))
        return digest.hexdigest()

    def check(self, entry: dict) -> tuple[str, bool, str]:
        """The file's name, whether it passed, and what was said."""
        name = os.path.relpath(entry["file"], ROOT)
        fingerprint = self.fingerprint(entry)
        stamp = STAMPS / fingerprint if fingerprint else None
        if stamp and stamp.exists():
            os.utime(stamp)
            return name, True, ""
        run = subprocess.run([TIDY, "--quiet", "-p", self.build, entry["file"]], capture_output=True, text=True)
        if run.returncode != 0:
            return name, False, run.stdout + ("" if run.stdout.strip() else run.stderr)
        if stamp:
            stamp.touch()
        return name, True, ""


def show(number: int, total: int, name: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K  [{number}/{total}] {name}", end="", file=sys.stderr, flush=True)
    elif number * 10 // total > (number - 1) * 10 // total:
        print(f"  [{number}/{total}] {name}", file=sys.stderr, flush=True)


def forget_old_stamps() -> None:
    for stamp in STAMPS.iterdir():
        if time.time() - stamp.stat().st_mtime > STAMPS_KEPT_FOR:
            stamp.unlink(missing_ok=True)


def main() -> int:
    tidy = Tidy(pathlib.Path(sys.argv[1]).resolve())
    entries = commands(tidy.build, sys.argv[2:])
    failed = []
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        tasks = [pool.submit(tidy.check, entry) for entry in entries]
        for number, task in enumerate(concurrent.futures.as_completed(tasks), 1):
            name, passed, output = task.result()
            if not passed:
                failed.append(name)
                print(output.strip(), flush=True)
            show(number, len(entries), name)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    forget_old_stamps()
    if failed:
        print(f"clang-tidy: {len(failed)} of {len(entries)} files: " + " ".join(sorted(failed)), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
