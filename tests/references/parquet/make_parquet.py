"""Writes small Parquet files of our own text, as Hugging Face writes data sets, and what their rows are.

    python make_parquet.py FOLDER      needs pyarrow; made with 26.0.1
"""
import datetime
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
turn = pa.struct([("content", pa.string()), ("role", pa.string())])
rows = [
    {"id": f"r{i}", "prompt": f"Question {i}: \"what\"\n?", "messages": [
        {"content": f"Question {i}: \"what\"\n?", "role": "user"}, {"content": f"Answer {i} \u2603", "role": "assistant"}],
     "constraints": [] if i % 3 else ["short", None], "score": i / 4, "count": i, "flag": i % 2 == 0, "kind": "ab"[i % 2],
     "none": None, "day": datetime.date(2026, 1, 1 + i), "small": i}
    for i in range(20)]
rows[7]["messages"] = None
schema = pa.schema([
    ("id", pa.string()), ("prompt", pa.large_string()), ("messages", pa.list_(turn)), ("constraints", pa.list_(pa.string())),
    ("score", pa.float64()), ("count", pa.int64()), ("flag", pa.bool_()), ("kind", pa.dictionary(pa.int32(), pa.string())),
    ("none", pa.null()), ("day", pa.date32()), ("small", pa.uint8())])
table = pa.Table.from_pylist(rows, schema=schema)
pq.write_table(table, out / "messages.parquet", row_group_size=6, compression="zstd")
with open(out / "messages.jsonl", "w", encoding="utf-8") as lines:
    for row in rows:
        lines.write(json.dumps({**row, "day": str(row["day"])}, ensure_ascii=False) + "\n")
pq.write_table(pa.table({"text": ["a", "b"], "image": [b"\x00", b"\x01"]}), out / "binary.parquet")
pq.write_table(pa.table({"prompt": ["a", "b"], "x": [1.5, float("nan")]}), out / "not_finite.parquet")
