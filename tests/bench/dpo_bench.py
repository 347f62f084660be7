#!/usr/bin/env python3
"""DPO of one model by caravan, with its reference cached and live, beside SFT on the same tokens and TRL's DPOTrainer, in one sitting.

    python3 tests/bench/dpo_bench.py --model DIR --data PAIRS.json --caravan build/caravan --peer tests/bench/peers/peer_dpo.py --python PY

Prints one JSON line a run: real tokens per second over all steps but the first, seconds a step, peak memory. SFT trains on both sides of each pair
as rows of their own: the same tokens, the same trained tokens, the same micro-batches but for their order. `reference_tokens_per_s` is the rate of
the reference pass. Look at `other_cores_busy` before believing a figure.
"""
import argparse
import json
import os
import re
import tempfile

import measured_run

RECIPE = """schema: 1
stage: {stage}
model: {{path: {model}, dtype: {dtype}}}
data: {{sources: [{{path: {data}}}], max_length: 1024 tokens, too_long: truncate_right, cache_dir: {cache}}}
batch: {{sequences: {sequences}, micro_tokens: {micro}}}
optimizer: {{learning_rate: 1.0e-6}}
schedule: {{name: constant}}
{more}run: {{dir: {run}, max_steps: {steps}, seed: 1, threads: {threads}}}
"""


def turns(row):
    """Messages of both sides of a row of LLaMA-Factory's layout."""
    role = {"human": "user", "gpt": "assistant", "system": "system"}
    as_message = lambda turn: {"role": role[turn["from"]], "content": turn["value"]}
    prompt = [as_message(t) for t in row["conversations"]]
    return prompt, as_message(row["chosen"]), as_message(row["rejected"])


def write_rows(a, folder):
    """The pairs that the peer's script takes: short prompts, the first of the file. And each side as a row for SFT."""
    pairs, sides = os.path.join(folder, "pairs.jsonl"), os.path.join(folder, "sides.jsonl")
    taken = [turns(r) for r in json.load(open(a.data))]
    taken = [t for t in taken if sum(len(m["content"]) for m in t[0]) < 1500][:a.pairs]
    with open(pairs, "w") as p, open(sides, "w") as s:
        for prompt, chosen, rejected in taken:
            p.write(json.dumps({"chosen": prompt + [chosen], "rejected": prompt + [rejected]}) + "\n")
            for answer in (chosen, rejected):
                s.write(json.dumps({"messages": prompt + [answer]}) + "\n")
    return pairs, sides


def caravan(a, name, stage, data, sequences, more, folder):
    run, recipe = os.path.join(folder, name), os.path.join(folder, name + ".yaml")
    with open(recipe, "w") as f:
        f.write(RECIPE.format(stage=stage, model=os.path.abspath(a.model), dtype=a.dtype, data=data, cache=os.path.join(folder, "cache"),
                              sequences=sequences, micro=a.micro, more=more, run=run, steps=a.steps, threads=a.threads))
    rows, others = measured_run.train(a.caravan, recipe, run)
    rows = [r for r in rows if "speed/tokens_per_second" in r][1:]
    tokens = sum(r["speed/tokens_per_second"] * r["speed/step_seconds"] for r in rows)
    line = {"bench": "dpo", "engine": "caravan", "run": name, "dtype": a.dtype,
            "tokens_per_s": round(tokens / sum(r["speed/step_seconds"] for r in rows), 1),
            "step_s": round(sum(r["speed/step_seconds"] for r in rows) / len(rows), 3), "tokens_per_step": round(tokens / len(rows)),
            "peak_rss_mb": round(max(r["memory/peak_bytes"] for r in rows) / 1e6), "steps_timed": len(rows),
            "other_cores_busy": others}
    asked = re.search(r"asked about [\d,]+ tokens, ([\d,]+) a second", open(os.path.join(run, "log.txt")).read())
    if asked:
        line["reference_tokens_per_s"] = int(asked.group(1).replace(",", ""))
    print(json.dumps(line), flush=True)


def peer(a):
    options = {"model": a.model, "dtype": a.dtype, "precompute": 1, "batch": a.batch, "pairs": a.pairs, "steps": a.steps, "threads": a.threads,
               "file": a.data}
    line = measured_run.peer_line(a.python, a.peer, options,
                                  ("bench", "engine", "dtype", "precompute_ref", "tokens_per_s", "step_s", "precompute_s_per_pair", "peak_rss_mb",
                                   "steps_timed", "other_cores_busy"))
    print(json.dumps(line), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True)
    p.add_argument("--data", required=True, help="pairs in LLaMA-Factory's layout, one JSON array")
    p.add_argument("--caravan", default="build/caravan")
    p.add_argument("--peer", help="peer_dpo.py; without it only caravan runs")
    p.add_argument("--python", default="python3", help="a Python with torch, transformers and trl, for the peer")
    p.add_argument("--pairs", type=int, default=16)
    p.add_argument("--batch", type=int, default=2, help="pairs a step")
    p.add_argument("--micro", type=int, default=4096, help="tokens of a micro-batch")
    p.add_argument("--steps", type=int, default=8)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--dtype", default="bf16")
    p.add_argument("--runs", nargs="*", default=["sft", "cached", "live", "sft_again", "peer"])
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pairs, sides = write_rows(a, folder)
        loss = "loss: {name: dpo_norm, beta: 5}\n"
        for name in a.runs:
            if name == "peer" and a.peer:
                peer(a)
            elif name.startswith("sft"):
                caravan(a, name, "sft", sides, 2 * a.batch, "", folder)
            elif name in ("cached", "live"):
                caravan(a, name, "dpo", pairs, a.batch, f"{loss}reference: {{mode: {name}}}\n", folder)


if __name__ == "__main__":
    main()
