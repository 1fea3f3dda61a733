#!/usr/bin/env python3
"""check_layers.py [ROOT]: does every include point to the left?

src/ is divided into rooms, and a room may use only what stands to its left in ORDER. Each
violation is printed as file:line and the rule it breaks; the exit status is 1 if there is any.
Needs nothing but Python 3.
"""

import pathlib
import re
import sys

# The one table. Rooms in the same braces do not know each other.
ORDER = """
    base < { sys policy } < { plan store } < { jail vm egress workspace } < session < tools
         < { mcp agent } < { api cli } < bin
"""

# The launcher runs between clone and exec, without libc: it may see the format of its orders,
# itself, the kernel's interface, and what the C++ standard promises without a library.
LAUNCHER = "jail/launcher"
LAUNCHER_MAY_INCLUDE = {"plan/wire.h", "plan/system_steps.h"}
FREESTANDING = re.compile(
    r"(linux|asm|asm-generic)/.*\.h"
    r"|cstddef|cstdint|climits|cstdarg|limits|type_traits|concepts|bit|array|version|new|initializer_list"
    r"|std(def|int|arg|bool)\.h|limits\.h|elf\.h"
)

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
ROOM_IN_CMAKE = re.compile(r"^\s*carrel_room\(\s*(\w+)([^)]*)\)", re.MULTILINE)


def ranks() -> dict[str, int]:
    groups = ORDER.replace("{", " ").replace("}", " ").split("<")
    return {room: rank for rank, group in enumerate(groups) for room in group.split()}


def declared_uses(cmake: str) -> dict[str, tuple[int, list[str]]]:
    """Per carrel_room() of CMakeLists.txt: its line and the rooms after USES."""
    rooms = {}
    for match in ROOM_IN_CMAKE.finditer(cmake):
        uses, keyword = [], None
        for word in re.sub(r"#.*", "", match[2]).split():
            if word.isupper():
                keyword = word
            elif keyword == "USES":
                uses.append(word)
        rooms[match[1]] = (cmake.count("\n", 0, match.start()) + 1, uses)
    return rooms


class Checker:
    def __init__(self, root: pathlib.Path):
        self.src = root / "src"
        self.root = root
        self.rank = ranks()
        self.declared = declared_uses((root / "CMakeLists.txt").read_text())
        self.complaints: list[str] = []

    def complain(self, file: pathlib.Path, line: int, what: str) -> None:
        self.complaints.append(f"{file.relative_to(self.root)}:{line}: {what}")

    def check_declarations(self) -> None:
        cmake = self.root / "CMakeLists.txt"
        for room, (line, uses) in self.declared.items():
            if room not in self.rank:
                self.complain(cmake, line, f"'{room}' has no place in the order of rooms")
                continue
            for used in uses:
                if used not in self.rank or self.rank[used] >= self.rank[room]:
                    self.complain(cmake, line, f"{room} USES {used}, which does not stand to its left")

    def check_file(self, file: pathlib.Path) -> None:
        inside = file.relative_to(self.src)
        room = inside.parts[0]
        if len(inside.parts) == 1 or room not in self.rank:
            self.complain(file, 1, "belongs to no room: it must lie in one of " + " ".join(self.rank))
            return
        in_launcher = inside.as_posix().startswith(LAUNCHER + "/")
        for number, text in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(text)
            if not match:
                continue
            if in_launcher:
                self.check_launcher_include(file, number, match[1], match[2])
            elif match[1]:
                self.check_include(file, number, room, match[1])

    def check_include(self, file: pathlib.Path, line: int, room: str, included: str) -> None:
        other = included.split("/")[0]
        if "/" not in included:
            self.complain(file, line, f'"{included}" is written from src/, as "{room}/{included}"')
        elif other == room:
            pass
        elif other not in self.rank:
            self.complain(file, line, f'"{included}" is in no room; a library is included as <{included}>')
        elif self.rank[other] >= self.rank[room]:
            self.complain(file, line, f"{room} may not include {other}, which does not stand to its left")
        elif room in self.declared and other not in self.declared[room][1]:
            self.complain(file, line, f"{room} includes {other}, but CMakeLists.txt does not say that it USES it")

    def check_launcher_include(self, file: pathlib.Path, line: int, own: str, system: str) -> None:
        if own and not own.startswith(LAUNCHER + "/") and own not in LAUNCHER_MAY_INCLUDE:
            self.complain(file, line, f'the launcher may not include "{own}": only itself and '
                          + ", ".join(sorted(LAUNCHER_MAY_INCLUDE)))
        if system and not FREESTANDING.fullmatch(system):
            self.complain(file, line, f"the launcher is freestanding, and <{system}> is not")

    def check_shared_headers(self) -> None:
        """What the launcher includes of other rooms is as freestanding as itself."""
        for name in sorted(LAUNCHER_MAY_INCLUDE):
            header = self.src / name
            if not header.exists():
                continue
            for number, text in enumerate(header.read_text().splitlines(), 1):
                match = INCLUDE.match(text)
                if match:
                    self.check_launcher_include(header, number, match[1], match[2])

    def run(self) -> int:
        self.check_declarations()
        for file in sorted(self.src.rglob("*")):
            if file.suffix in {".cc", ".h"}:
                self.check_file(file)
        self.check_shared_headers()
        for complaint in self.complaints:
            print(complaint, file=sys.stderr)
        return 1 if self.complaints else 0


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent.parent
    sys.exit(Checker(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here).run())
