#!/usr/bin/env python3
"""Makes english_profile.cpp: how surprising a letter is in English after the two before it.

    python3 data/filters/make_english_profile.py ../shared/data > data/filters/english_profile.cpp

Counts letters of the shared English texts; what is kept are 19,683 rounded numbers, from which no text can be read.
"""
import json
import math
import pathlib
import sys

SYMBOLS = 27  # a to z, and one for everything between words
MOST = 25  # half bits
SOURCES = ["sft-oasst-sample/en_100_message.jsonl", "sft-llamafactory-demos/alpaca_en_demo.json",
           "sft-dolly-hhrlhf-small/dolly_hhrlhf_train_small.jsonl", "sft-self-instruct/seed_tasks.jsonl"]
TEXT_KEYS = {"text", "instruction", "input", "output", "prompt", "response"}


def texts_of(value):
    if isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str):
                if key in TEXT_KEYS:
                    yield item
            else:
                yield from texts_of(item)


def rows_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines() if line]


def count(folder):
    counts = [[1.0 / SYMBOLS] * SYMBOLS for _ in range(SYMBOLS * SYMBOLS)]
    for source in SOURCES:
        for text in texts_of(rows_of(folder / source)):
            before = SYMBOLS * SYMBOLS - 1
            for char in text.lower():
                symbol = ord(char) - ord("a") if "a" <= char <= "z" else SYMBOLS - 1
                if symbol == SYMBOLS - 1 and before % SYMBOLS == SYMBOLS - 1:
                    continue
                counts[before][symbol] += 1
                before = before % SYMBOLS * SYMBOLS + symbol
    return counts


def main():
    rows = []
    for after in count(pathlib.Path(sys.argv[1])):
        total = sum(after)
        rows.append("".join(chr(ord("a") + min(MOST, round(-2 * math.log2(n / total)))) for n in after))
    print("// Made by make_english_profile.py; not edited by hand.")
    print('#include "data/filters/english_profile.h"\n\nnamespace caravan::data {\n\n// clang-format off')
    print("const char kEnglishProfile[] =")
    for at in range(0, len(rows), 4):
        print('    "' + "".join(rows[at:at + 4]) + '"' + (";" if at + 4 >= len(rows) else ""))
    print("// clang-format on\n\n}  // namespace caravan::data")


if __name__ == "__main__":
    main()
