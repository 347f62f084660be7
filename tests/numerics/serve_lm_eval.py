"""lm-eval through a server's /v1/completions: serve_lm_eval.py PORT FOLDER -> one line of JSON with its results.

FOLDER holds quiz.jsonl with rows {query, choices, gold}; lm-eval asks the server for the tokenizer too.
"""
import json
import sys

from lm_eval import evaluator
from lm_eval.models.openai_completions import LocalCompletionsAPI

port, folder = sys.argv[1], sys.argv[2]
task = {"task": "quiz", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": folder + "/quiz.jsonl"}},
        "test_split": "test", "output_type": "multiple_choice", "num_fewshot": 0, "doc_to_text": "{{query}}",
        "doc_to_choice": "{{choices}}", "doc_to_target": "gold",
        "metric_list": [{"metric": m, "aggregation": "mean", "higher_is_better": True} for m in ("acc", "acc_norm")]}
model = LocalCompletionsAPI(base_url=f"http://127.0.0.1:{port}/v1/completions", model="demo", tokenizer_backend="remote",
                            tokenized_requests=True, num_concurrent=4, batch_size=2)
results = evaluator.simple_evaluate(model=model, tasks=[task], log_samples=True, bootstrap_iters=0)
samples = sorted(results["samples"]["quiz"], key=lambda s: s["doc_id"])
print(json.dumps({"acc": results["results"]["quiz"]["acc,none"], "acc_norm": results["results"]["quiz"]["acc_norm,none"],
                  "log_probs": [[r[0] for r in s["filtered_resps"]] for s in samples]}))
