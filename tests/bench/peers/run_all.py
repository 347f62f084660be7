"""Run every peer benchmark one after another on a quiet box and append the JSON lines to a results file.

Waits until nothing else uses the cores, and repeats a figure (up to --tries times) when something else used more than
--busy cores while it was taken; the quietest try is kept.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import measuring

HERE = os.path.dirname(os.path.abspath(__file__))


def jobs(a):
    m, g = ["--model", a.model], ["--engine", "llama_cpp", "--gguf", a.gguf or ""]
    sft = lambda *x: ("peer_sft.py", *m, *x)
    gen = lambda *x: ("peer_generate.py", *x)
    for d in ("fp32", "bf16", "autocast"):
        yield sft("--engine", "eager", "--dtype", d)
        yield sft("--engine", "trl", "--dtype", d)
    yield sft("--engine", "eager", "--dtype", "fp32", "--matmul-precision", "medium")
    yield sft("--engine", "eager", "--dtype", "bf16", "--compile", "1", "--skip", "3", "--steps", "8")
    yield sft("--engine", "trl", "--dtype", "bf16", "--packing", "0")
    yield sft("--engine", "trl", "--dtype", "autocast", "--checkpointing", "1", "--packing", "0")
    for d, pre in (("bf16", "0"), ("bf16", "1"), ("fp32", "0")):
        yield ("peer_dpo.py", *m, "--dtype", d, "--precompute", pre)
    for b in ("1", "8", "32"):
        for s in ("0", "1"):
            yield gen(*m, "--batch", b, "--sample", s)
    for b in ("1", "8"):
        yield gen(*m, "--batch", b, "--dtype", "fp32")
    yield gen(*m, "--batch", "1", "--cache", "static")
    if a.gguf:
        for t in ("", "bf16", "f32", "q8_0"):
            yield gen(*g, "--gguf-type", t, "--runs", "5")
    yield ("peer_grpo.py", *m)
    for e, t in (("tiktoken", "1"), ("tiktoken", "2"), ("hf-llama3", "1"), ("hf-llama3", "2"), ("hf-dolma2", "1"),
                 ("hf-model", "1"), ("hf-model", "2")):
        yield ("peer_tokenize.py", *m, "--engine", e, "--threads", t, "--by-kind", "1" if t == "1" else "0")
    yield ("peer_tokenize.py", "--engine", "hf-llama3", "--threads", "1", "--fast", "0")
    yield ("peer_template.py", *m)
    for e, t in (("python8", "1"), ("python8", "2"), ("python13", "1"), ("datatrove", "1")):
        yield ("peer_decontaminate.py", "--engine", e, "--threads", t)
    for e in ("rensa", "datasketch"):
        yield ("peer_dedup.py", "--engine", e)
    yield ("peer_dedup.py", "--engine", "datatrove", "--limit-mb", "4")
    yield ("peer_import.py",)
    for d in ("fp32", "bf16"):
        yield ("peer_checkpoint.py", *m, "--dtype", d)


def wait_quiet(limit, patience):
    end = time.time() + patience
    while time.time() < end:
        b, t = measuring._busy(), time.time()
        time.sleep(3)
        if (measuring._busy() - b) / (time.time() - t) < limit:
            return


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--gguf", default="")
    p.add_argument("--out", default="results.jsonl")
    p.add_argument("--only", default="", help="comma-separated parts of command lines to run")
    p.add_argument("--skip", type=int, default=0, help="leave out the first jobs")
    p.add_argument("--tries", type=int, default=2)
    p.add_argument("--busy", type=float, default=0.25)
    p.add_argument("--patience", type=float, default=120)
    p.add_argument("--timeout", type=float, default=400)
    a = p.parse_args()
    for job in list(jobs(a))[a.skip:]:
        name = " ".join(job)
        if a.only and not any(o in name for o in a.only.split(",")):
            continue
        best = None
        for _ in range(a.tries):
            wait_quiet(a.busy, a.patience)
            try:
                r = subprocess.run([sys.executable, os.path.join(HERE, job[0]), *job[1:]], capture_output=True, text=True,
                                   timeout=a.timeout)
            except subprocess.TimeoutExpired:
                print("TIMEOUT", name, flush=True)
                continue
            if r.returncode or not r.stdout.strip():
                print("FAILED", name, r.stderr[-1500:], flush=True)
                break
            got = json.loads(r.stdout.strip().splitlines()[-1])
            if best is None or got["other_cores_busy"] < best["other_cores_busy"]:
                best = got
            if got["other_cores_busy"] <= a.busy:
                break
        if best:
            best["command"] = " ".join([job[0], *[x for x in job[1:] if x not in ("--model", "--gguf", a.model, a.gguf)]])
            print(json.dumps(best), flush=True)
            with open(a.out, "a") as f:
                f.write(json.dumps(best) + "\n")


if __name__ == "__main__":
    main()
