"""Prints, as one JSON object, what transformers computes for a checkpoint: log-probabilities of given ids and a greedy continuation.

    generate_with_transformers.py MODEL_DIR '[ids]' NEW_TOKENS      in fp32 on the CPU
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM


def main():
    directory, ids, new_tokens = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    ids = torch.tensor([ids])
    with torch.no_grad():
        log_probs = model(ids).logits[0].log_softmax(-1)
        scores = log_probs[:-1].gather(1, ids[0, 1:, None])[:, 0]
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, do_sample=False)
    json.dump({"log_probs": scores.tolist(), "greedy": out[0, ids.shape[1]:].tolist()}, sys.stdout)


if __name__ == "__main__":
    main()
