#!/usr/bin/env python3
"""GRPO of one model by caravan beside TRL's GRPOTrainer: the same prompts, group and lengths, in one sitting.

    python3 tests/bench/grpo_bench.py --model DIR --prompts rlvr-gsm8k/train.jsonl --caravan build/caravan --peer tests/bench/peers/peer_grpo.py --python PY

Prints one JSON line a run: completion tokens per second end to end (sample, judge, train), the median over all steps but the first, and what of a
step was sampling. Each step trains on the completions that it sampled, once. Look at `other_cores_busy` before believing a figure.
"""
import argparse
import json
import os
import statistics
import tempfile

import measured_run

RECIPE = """schema: 1
stage: rlvr
model: {{path: {model}, dtype: {dtype}}}
data: {{sources: [{{path: {data}}}], max_length: 1024 tokens}}
batch: {{sequences: {group}, micro_tokens: {micro}}}
optimizer: {{learning_rate: 1.0e-6}}
schedule: {{name: constant}}
rollout: {{prompts: 1, completions: {group}, max_new_tokens: {new}}}
loss: {{name: grpo, beta: 0.0}}
run: {{dir: {run}, max_steps: {steps}, seed: 1, threads: {threads}}}
"""


def write_rows(a, path):
    """GSM8K's questions; the reward is the last letter, for this model is never right in so few tokens and a group needs both verdicts."""
    with open(a.prompts) as source, open(path, "w") as out:
        for line in list(source)[:64]:
            row = json.loads(line)
            out.write(json.dumps({"messages": [{"role": "user", "content": row["question"]}], "dataset": "regex",
                                  "ground_truth": r"[a-m0-4][^a-zA-Z0-9]*\z"}) + "\n")


def caravan(a, folder):
    data, run, recipe = (os.path.join(folder, name) for name in ("prompts.jsonl", "run", "grpo.yaml"))
    write_rows(a, data)
    with open(recipe, "w") as f:
        f.write(RECIPE.format(model=os.path.abspath(a.model), dtype=a.dtype, data=data, group=a.group, micro=a.micro, new=a.new, run=run,
                              steps=a.steps, threads=a.threads))
    rows, others = measured_run.train(a.caravan, recipe, run)
    rows = [r for r in rows if "rollout/tokens" in r][1:]
    step = [r["speed/step_seconds"] for r in rows]
    rates = [a.group * r["rollout/tokens"] / r["speed/step_seconds"] for r in rows]
    print(json.dumps({"bench": "grpo", "engine": "caravan", "dtype": a.dtype, "group": a.group, "max_new": a.new,
                      "completion_tokens_per_s": round(statistics.median(rates), 1), "step_s": round(statistics.median(step), 3),
                      "completion_tokens_per_step": statistics.median(a.group * r["rollout/tokens"] for r in rows),
                      "rollout_s": round(statistics.median(r["rollout/seconds"] for r in rows), 3),
                      "peak_rss_mb": round(max(r["memory/peak_bytes"] for r in rows) / 1e6), "steps_timed": len(rows),
                      "other_cores_busy": others}), flush=True)


def peer(a):
    options = {"model": a.model, "dtype": a.dtype, "group": a.group, "prompts": 1, "new": a.new, "steps": a.steps, "threads": a.threads}
    line = measured_run.peer_line(a.python, a.peer, options,
                                  ("bench", "engine", "dtype", "group", "max_new", "completion_tokens_per_s", "step_s",
                                   "completion_tokens_per_step", "generate_and_score_s", "peak_rss_mb", "steps_timed", "other_cores_busy"))
    print(json.dumps(line), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True)
    p.add_argument("--prompts", required=True, help="GSM8K's train.jsonl")
    p.add_argument("--caravan", default="build/caravan")
    p.add_argument("--peer", help="peer_grpo.py; without it only caravan runs")
    p.add_argument("--python", default="python3", help="a Python with torch, transformers and trl, for the peer")
    p.add_argument("--group", type=int, default=8, help="completions of a prompt; one prompt a step")
    p.add_argument("--new", type=int, default=64, help="most tokens of a completion")
    p.add_argument("--micro", type=int, default=2048, help="tokens of a micro-batch")
    p.add_argument("--steps", type=int, default=6)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--dtype", default="bf16")
    p.add_argument("--runs", nargs="*", default=["caravan", "peer", "caravan"])
    a = p.parse_args()
    for name in a.runs:
        if name == "peer" and a.peer:
            peer(a)
        elif name == "caravan":
            with tempfile.TemporaryDirectory() as folder:
                caravan(a, folder)


if __name__ == "__main__":
    main()
