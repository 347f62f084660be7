#!/usr/bin/env python3
"""Checks the rules of the house that a compiler does not: who may include whom, where LibTorch and YAML may appear, names that say
nothing, dead code, TODOs that nobody can follow up, headers without a promise, strangers at the top level; and of pages, links and paths that lead nowhere.

    scripts/check_house.py [FOLDER]      exit 0 clean, 1 findings: one line each, file:line: rule: what was found
    scripts/check_house.py --sizes       also lists long files and functions; they are advice and never fail

Reads what git tracks, and what it does not ignore.
"""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

ROOMS = ("recipes", "trainer", "data", "models", "losses")
# Each room and the rooms it may include, itself aside. Tests may include every room.
MAY_INCLUDE = {
    "recipes": {"trainer", "data", "models", "losses"},
    "trainer": {"data", "models", "losses"},
    "data": set(),
    "models": set(),
    "losses": set(),
}
# What a test or a run leaves beside them is not part of the project.
TOP_LEVEL = {*ROOMS, "docs", "scripts", "tests", "CMakeLists.txt", "CMakePresets.json", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE",
             ".ci", ".clang-format", ".clang-tidy", ".gitignore"}
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}
CODE_SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}
HASH_SUFFIXES = {".py", ".sh", ".cmake", ".yaml", ".yml"}
TORCH_INCLUDE = re.compile(r'^(torch|ATen|c10|caffe2|models/torch_pch\.h)\b')
YAML_INCLUDE = re.compile(r"^yaml-cpp/")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
TODO = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
TODO_WITH_ISSUE = re.compile(r"\bTODO\(#\d+\)")
DEAD_BLOCK = re.compile(r"^\s*#\s*if\s+0\b")
# Statements that were commented out: a call or an assignment with its semicolon. Examples in a header's comment are set in further.
DEAD_LINE = re.compile(r"^\s*// ?[a-z_][\w:.>\[\]-]*(\([^;]*\)| [+*/-]?= [^;]*|\+\+);\s*$")
# In pages: [text](target), and paths in backticks: `room/any/thing`, and sources from the root or from the page's own folder. What a code
# block shows is not looked at. [`Class::function`](file) promises that the file has that name.
LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")
ROOM_PATH = re.compile(r"`((?:recipes|trainer|data|models|losses|tests|scripts|docs|\.ci)/[a-z0-9_./*]+)`")
SOURCE_PATH = re.compile(r"`([a-z0-9_.*]+(?:/[a-z0-9_.*]+)*\.(?:h|cpp|cu|py|cmake|svg|sh))`")
PATH_SUFFIXES = {"", ".h", ".cpp", ".cu", ".py", ".cmake", ".yaml", ".md", ".svg"}
FILE_ADVICE, FUNCTION_ADVICE = 400, 40


def listed_files(root, *flags):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", *flags], check=True, capture_output=True).stdout
    return {Path(name) for name in listed.decode().split("\0") if name and (root / name).is_file()}


def project_files(root):
    """Paths relative to root of what belongs to the project: what git tracks, and what is new in its rooms. What a run left elsewhere does not."""
    new = listed_files(root, "--others", "--exclude-standard")
    return sorted(listed_files(root, "--cached") | {path for path in new if path.parts[0] in TOP_LEVEL})


def reader_files(root):
    """Stems of the files that must start without LibTorch: those of recipes/reader_sources.cmake."""
    sources = root / "recipes" / "reader_sources.cmake"
    text = sources.read_text(encoding="utf-8") if sources.is_file() else ""
    return {Path("recipes") / name for name in re.findall(r"^\s*([\w/]+)\.cpp$", text, re.MULTILINE)}


def uses_torch(path, readers):
    """Whether this file may include LibTorch: the rooms of tensors, and in recipes whatever is not the reader."""
    room = path.parts[0]
    if room == "recipes":
        headers = {Path("recipes/fields"), Path("recipes/field_list"), Path("recipes/recipe"), Path("recipes/main")}
        return path.with_suffix("") not in readers | headers and path.parts[1] != "reader"
    return room in ("trainer", "models", "losses", "tests")


def check_include(path, line, included, readers):
    """Rules that one #include can break."""
    room = path.parts[0]
    target = included.split("/")[0]
    if included.startswith(".") or "/../" in included:
        yield line, "include from the root", f'"{included}"; write the path from the root of the repository'
    if room in ROOMS and target in ROOMS and target != room and target not in MAY_INCLUDE[room]:
        allowed = ", ".join(sorted(MAY_INCLUDE[room])) or "no other room"
        yield line, "include direction", f'{room} includes "{included}"; {room} may include {allowed}'
    if room in ROOMS and target == "tests":
        yield line, "include direction", f'{room} includes "{included}"; nothing includes tests'
    if TORCH_INCLUDE.match(included) and not uses_torch(path, readers):
        yield line, "torch stays out", f'"{included}" here; LibTorch belongs in models, losses, trainer'
    if YAML_INCLUDE.match(included) and not (room == "recipes" or path.parts[:1] == ("tests",)):
        yield line, "yaml stays in recipes", f'"{included}" here'


def check_line(line, text):
    """Rules that any line can break."""
    if TODO.search(text) and not TODO_WITH_ISSUE.search(text):
        yield line, "TODO without issue", f"{text.strip()[:80]}; write TODO(#number): ..., or do it"
    if DEAD_BLOCK.match(text):
        yield line, "dead code", "#if 0; delete it, git remembers"
    if re.match(r"^(<{7}|>{7}|={7})( |$)", text):
        yield line, "merge mark", text.strip()[:40]


def check_code(path, lines, readers):
    for number, text in enumerate(lines, 1):
        found = INCLUDE.match(text)
        if found:
            yield from check_include(path, number, found.group(1), readers)
        if DEAD_LINE.match(text):
            yield number, "dead code", f"{text.strip()[:80]}; delete it, git remembers"
    if path.suffix == ".h":
        first = next((text for text in lines if text.strip()), "")
        if not first.startswith("//"):
            yield 1, "first comment", "a header starts with a comment: what it promises"
        if not any(text.startswith("#pragma once") for text in lines):
            yield 1, "pragma once", "missing"


def check_name(path):
    for part in path.parts:
        words = re.split(r"[_.\-]", part)
        banned = BANNED_NAMES.intersection(words)
        # A word of a longer name may be apt (`common_prefix`); a name of nothing else says nothing.
        if banned and set(words) - BANNED_NAMES <= {"h", "cpp", "py", "sh", "cmake", "cu", "cuh", "md", "test", ""}:
            yield 1, "name", f"{path} says nothing of what is inside; use its noun"
    if path.suffix in CODE_SUFFIXES and not re.fullmatch(r"[a-z0-9_]+", path.stem):
        yield 1, "name", f"{path.name}; files are snake_case"


def check_top_level(path):
    if path.parts[0] not in TOP_LEVEL:
        yield 1, "top level", (f'found "{path.parts[0]}"; allowed: {", ".join(sorted(TOP_LEVEL))}; delete it, move it into a room, or add its name '
                               "to TOP_LEVEL")


def prose_lines(text):
    """(number, line) of a page without its code blocks: fenced ones, and those set in by four spaces."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith("    "):
            yield number, line


def anchors(page):
    """The fragments that a page's headings can be linked by: lower case, punctuation dropped, a hyphen for each space."""
    slugs = set()
    for _, line in prose_lines(page.read_text(encoding="utf-8")):
        heading = re.match(r"#+ (.*)", line)
        if heading:
            slug = re.sub(r"[^\w\- ]", "", heading.group(1).strip().lower()).replace(" ", "-")
            slugs.add(slug if slug not in slugs else f"{slug}-1")
    return slugs


def has_word(file, word):
    """Whether a source holds this word, or is named after it (a link to a file by its own name)."""
    return file.stem == word or re.search(rf"\b{word}\b", file.read_text(encoding="utf-8")) is not None


def check_link(root, path, line, text, target):
    if re.match(r"[a-z]+:", target):
        return
    file, _, fragment = target.partition("#")
    found = (root / path).parent / file if file else root / path
    if not found.exists():
        yield line, "dead link", f"'{target}'; write the path of a file from the folder of the page, or drop the link"
    elif fragment and found.suffix == ".md" and fragment not in anchors(found):
        yield line, "dead link", f"'{target}': {found.name} has no heading '#{fragment}'"
    name = re.fullmatch(r"`(?:\w+::)*(\w+)`", text)
    if name and found.suffix in CODE_SUFFIXES and not has_word(found, name.group(1)):
        yield line, "dead link", f"{text} is not in {target}; link the file that has it"


def is_there(folder, named):
    """Whether a path of a page names a file, a folder, or a pair of a header and a source without their suffixes."""
    return any(True for suffix in ("", ".h", ".cpp") for _ in folder.glob(named.rstrip("/") + suffix))


def check_page(root, path, names):
    for number, text in prose_lines((root / path).read_text(encoding="utf-8")):
        for shown, target in LINK.findall(text):
            yield from check_link(root, path, number, shown, target)
        for named in sorted({*ROOM_PATH.findall(text), *SOURCE_PATH.findall(text)}):
            # data/ledger.jsonl and the like lie in the folder of a run, "..." stands for any name.
            if Path(named).suffix not in PATH_SUFFIXES or "..." in named:
                continue
            # A name without a folder may be that of any file: the sentence around it says where.
            if "/" not in named and fnmatch.filter(names, named):
                continue
            if not is_there(root, named) and not is_there((root / path).parent, named):
                yield number, "dead path", f"'{named}' is neither there from the root nor from {path.parent}/; name what is there"


def check_file(root, path, readers, names):
    yield from check_name(path)
    yield from check_top_level(path)
    # What was released stays as it was written.
    if path.suffix == ".md" and path.name != "CHANGELOG.md":
        yield from check_page(root, path, names)
    own = Path(__file__).resolve() == (root / path).resolve()
    if own or not (path.suffix in CODE_SUFFIXES | HASH_SUFFIXES or path.name == "CMakeLists.txt"):
        return
    try:
        lines = (root / path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        # Bad recipes are bad on purpose.
        if path.parts[0] != "tests":
            yield 1, "encoding", f"not UTF-8 at byte {error.start}"
        return
    for number, text in enumerate(lines, 1):
        yield from check_line(number, text)
    if path.suffix in CODE_SUFFIXES:
        yield from check_code(path, lines, readers)


def long_functions(lines):
    """(first line, name, length) of functions over the advice: from an unindented opening to the brace that closes it."""
    start, head = None, ""
    for number, text in enumerate(lines, 1):
        if start is None and re.match(r"^(?!namespace|struct|class|enum|union|extern|#|//)[A-Za-z].*\{\s*$", text):
            start, head = number, text.strip()
        elif start is not None and text.startswith("}"):
            if number - start + 1 > FUNCTION_ADVICE:
                yield start, head.split("(")[0].split()[-1], number - start + 1
            start = None


def print_sizes(root, paths):
    for path in paths:
        if path.suffix not in CODE_SUFFIXES or path.parts[0] not in ROOMS:
            continue
        lines = (root / path).read_text(encoding="utf-8").splitlines()
        if len(lines) > FILE_ADVICE:
            print(f"{path}:1: advice: {len(lines)} lines; files over {FILE_ADVICE} often hold two nouns")
        for line, name, length in long_functions(lines):
            print(f"{path}:{line}: advice: {name} has {length} lines; over {FUNCTION_ADVICE}, name the parts")


def main(args):
    sizes = "--sizes" in args
    folders = [arg for arg in args if arg != "--sizes"]
    if len(folders) > 1 or any(folder.startswith("-") for folder in folders):
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(folders[0] if folders else Path(__file__).parent.parent).resolve()
    paths = project_files(root)
    readers = reader_files(root)
    names = {path.name for path in paths}
    findings = [(path, *finding) for path in paths for finding in check_file(root, path, readers, names)]
    for path, line, rule, text in findings:
        print(f"{path}:{line}: {rule}: {text}")
    if sizes:
        print_sizes(root, paths)
    print(f"{len(findings)} findings in {len(paths)} files", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
