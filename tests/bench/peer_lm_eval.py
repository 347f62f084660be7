#!/usr/bin/env python3
"""The same items through `caravan evaluate` and through lm-eval, on one model: figures, and log-probabilities item by item.

    python3 tests/bench/peer_lm_eval.py --model CHECKPOINT --data ../shared/data [--limit 100] [--dtype fp32]

Needs the packages lm_eval and transformers. ARC easy and PIQA are asked without examples, MMLU with five of its subject,
each in lm-eval's own prompts. Exit code 1 where an accuracy differs, or a log-probability by more than --tolerance.
"""
import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import time

SUBJECTS = ["anatomy", "astronomy", "world_religions", "virology"]


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def mmlu_rows(path):
    with open(path, newline="") as file:
        return [{"question": r[0], "choices": r[1:5], "answer": "ABCD".index(r[5])} for r in csv.reader(file)]


def make_tasks(data, folder, limit):
    """Writes each set once for both programs; returns name -> (caravan's task file, lm-eval's task)."""
    foundry = data / "eval-llm-foundry"
    sources = {"arc_easy": foundry / "world_knowledge/arc_easy.jsonl",
               "piqa": foundry / "commonsense_reasoning/piqa.jsonl"}
    tasks = {}
    for name, source in sources.items():
        rows = [json.loads(line) for line in source.read_text().splitlines()][:limit]
        for row in rows:
            row["query"] = row["query"].rstrip("\n")
        write_rows(folder / f"{name}.jsonl", rows)
        tasks[name] = ({"data": f"{name}.jsonl", "prompt": "{{ query }}\nAnswer:", "choices": "{{ choices | tojson }}",
                        "answer": "{{ gold }}"},
                       {"doc_to_text": "{{query}}\nAnswer:", "doc_to_choice": "{{choices}}", "doc_to_target": "gold",
                        "files": {"test": f"{name}.jsonl"}})
    letters = "{{ ['A', 'B', 'C', 'D'] | tojson }}"
    for subject in SUBJECTS:
        test = mmlu_rows(data / f"eval-mmlu/val/{subject}_val.csv")[:limit]
        write_rows(folder / f"{subject}_test.jsonl", test)
        write_rows(folder / f"{subject}_dev.jsonl", mmlu_rows(data / f"eval-mmlu/dev/{subject}_dev.csv"))
        about = f"The following are multiple choice questions (with answers) about {subject.replace('_', ' ')}.\n\n"
        prompt = "{{question.strip()}}\nA. {{choices[0]}}\nB. {{choices[1]}}\nC. {{choices[2]}}\nD. {{choices[3]}}\nAnswer:"
        tasks[subject] = ({"data": f"{subject}_test.jsonl", "description": about, "prompt": prompt, "choices": letters,
                           "answer": "{{ answer }}", "few_shot": {"count": 5, "data": f"{subject}_dev.jsonl"}},
                          {"doc_to_text": prompt, "doc_to_choice": ["A", "B", "C", "D"], "doc_to_target": "answer",
                           "description": about, "num_fewshot": 5, "fewshot_split": "dev",
                           "fewshot_config": {"sampler": "first_n"},
                           "files": {"test": f"{subject}_test.jsonl", "dev": f"{subject}_dev.jsonl"}})
    return tasks


def run_caravan(program, model, dtype, tasks, folder):
    for name, (ours, _) in tasks.items():
        task = {"schema": 1, "name": name, "kind": "multiple_choice", "suite": "development", **ours}
        (folder / f"{name}.yaml").write_text(json.dumps(task))
    out = folder / "out"
    command = [program, "evaluate", "--model", model, "--dtype", dtype, "--out", str(out), "--quiet", "--tasks",
               ",".join(str(folder / f"{name}.yaml") for name in tasks)]
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    found = {}
    for name in tasks:
        text = subprocess.run(["zstd", "-dc", str(out / f"samples/{name}.jsonl.zst")], check=True, capture_output=True).stdout
        samples = [json.loads(line) for line in text.splitlines()[1:]]
        found[name] = [(s["log_probs"], s["values"]["acc"], s["values"]["acc_norm"]) for s in samples]
    return found, seconds


def run_lm_eval(model, dtype, tasks, folder, threads):
    import torch
    from lm_eval import evaluator
    from lm_eval.models.huggingface import HFLM
    torch.set_num_threads(threads)
    settings = []
    for name, (_, theirs) in tasks.items():
        theirs = dict(theirs)
        files = {split: str(folder / file) for split, file in theirs.pop("files").items()}
        settings.append({"task": name, "dataset_path": "json", "dataset_kwargs": {"data_files": files}, "test_split": "test",
                         "output_type": "multiple_choice", "num_fewshot": 0,
                         "metric_list": [{"metric": m, "aggregation": "mean", "higher_is_better": True}
                                         for m in ("acc", "acc_norm")], **theirs})
    lm = HFLM(pretrained=model, dtype="float32" if dtype == "fp32" else "bfloat16", device="cpu", batch_size=16)
    start = time.monotonic()
    results = evaluator.simple_evaluate(model=lm, tasks=settings, log_samples=True, bootstrap_iters=0)
    seconds = time.monotonic() - start
    found = {}
    for name in tasks:
        samples = sorted(results["samples"][name], key=lambda s: s["doc_id"])
        found[name] = [([r[0] for r in s["filtered_resps"]], s["acc"], s["acc_norm"]) for s in samples]
    return found, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=pathlib.Path, default=root / "../shared/data")
    parser.add_argument("--program", default=str(root / "build/caravan"))
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tolerance", type=float, default=1e-2)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        tasks = make_tasks(a.data, folder, a.limit)
        ours, our_seconds = run_caravan(a.program, a.model, a.dtype, tasks, folder)
        theirs, their_seconds = run_lm_eval(a.model, a.dtype, tasks, folder, a.threads)
    failed = False
    print(f"{'task':16} {'items':>5} {'acc':>15} {'acc_norm':>15} {'verdicts apart':>14} {'largest difference':>18}")
    for name in tasks:
        mine, other = ours[name], theirs[name]
        if len(mine) != len(other):
            sys.exit(f"{name}: {len(mine)} items here, {len(other)} there")
        largest = max(abs(p - q) for m, o in zip(mine, other) for p, q in zip(m[0], o[0]))
        apart = sum(m[1:] != o[1:] for m, o in zip(mine, other))
        means = [(sum(x[i] for x in mine) / len(mine), sum(x[i] for x in other) / len(other)) for i in (1, 2)]
        print(f"{name:16} {len(mine):5} " + " ".join(f"{p:7.4f}/{q:7.4f}" for p, q in means) + f" {apart:14} {largest:18.2e}")
        failed |= largest > a.tolerance or any(abs(p - q) > 1e-9 for p, q in means)
    print(f"seconds, with loading and starting: caravan {our_seconds:.1f}; lm-eval, loaded: {their_seconds:.1f}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
