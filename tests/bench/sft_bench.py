#!/usr/bin/env python3
"""Full fine-tuning of one model by caravan and by the peers' scripts, one after the other in one sitting.

    python3 tests/bench/sft_bench.py --model DIR --data FILE --caravan build/caravan --peer tests/bench/peers/peer_sft.py --python PY

Prints one JSON line a run: tokens per second (median over steps, the first two left out), seconds a step, peak memory, start-up. The peers'
lines come from their own script. Look at `other_cores_busy` before believing a figure.
"""
import argparse
import json
import os
import statistics
import tempfile

import measured_run

RECIPE = """schema: 1
stage: sft
model: {{path: {model}, dtype: {dtype}}}
data: {{sources: [{{path: {data}}}], max_length: 1024 tokens, too_long: truncate_right, train_on: all}}
batch: {{tokens: 1024, micro_tokens: 1024}}
optimizer: {{learning_rate: 1.0e-5}}
schedule: {{name: constant}}
run: {{dir: {run}, max_steps: {steps}, seed: 1, threads: {threads}}}
"""


def caravan(a, dtype, cache):
    with tempfile.TemporaryDirectory() as folder:
        run, recipe = os.path.join(folder, "run"), os.path.join(folder, "recipe.yaml")
        with open(recipe, "w") as f:
            f.write(RECIPE.format(model=os.path.abspath(a.model), data=os.path.abspath(a.data), dtype=dtype, run=run, steps=a.steps,
                                  threads=a.threads))
        rows, others = measured_run.train(a.caravan, recipe, run, f"data.cache_dir={cache}")
        rows = [r for r in rows if "speed/tokens_per_second" in r][2:]
        median = lambda key: statistics.median(r[key] for r in rows)
        return {"bench": "sft", "engine": "caravan", "dtype": dtype, "tokens_per_s": round(median("speed/tokens_per_second"), 1),
                "step_s": round(median("speed/step_seconds"), 3), "share_of_gemm": round(median("speed/gemm_share"), 3),
                "peak_rss_mb": round(max(r["memory/peak_bytes"] for r in rows) / 1e6), "steps_timed": len(rows),
                "tokens_per_step": round(sum(r["speed/tokens_per_second"] * r["speed/step_seconds"] for r in rows) / len(rows)),
                "other_cores_busy": others}


def peer(a, name, dtype):
    engine, compiled = ("eager", True) if name == "compiled" else (name, False)
    options = {"model": a.model, "engine": engine, "dtype": dtype, "steps": a.steps, "threads": a.threads, "file": a.data}
    if compiled:
        options["compile"] = 1
    return measured_run.peer_line(a.python, a.peer, options,
                                  ("bench", "engine", "dtype", "tokens_per_s", "step_s", "share_of_gemm", "peak_rss_mb", "gemm_2048_gflops",
                                   "compiled", "steps_timed", "other_cores_busy"))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--caravan", default="build/caravan")
    p.add_argument("--peer", help="peer_sft.py; without it only caravan runs")
    p.add_argument("--python", default="python3", help="a Python with torch, transformers and trl, for the peers")
    p.add_argument("--steps", type=int, default=8)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--dtypes", nargs="*", default=["bf16", "fp32"])
    p.add_argument("--runs", nargs="*", help="of caravan, eager, trl, compiled, in this order; default: caravan, the peers, caravan")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        for dtype in a.dtypes:
            peers = ["eager", "trl"] + (["compiled"] if dtype == "bf16" else []) if a.peer else []
            for name in a.runs or ["caravan"] + peers + (["caravan"] if a.peer else []):
                print(json.dumps(caravan(a, dtype, cache) if name == "caravan" else peer(a, name, dtype)), flush=True)


if __name__ == "__main__":
    main()
