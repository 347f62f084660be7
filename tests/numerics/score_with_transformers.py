"""The scores that transformers gives texts by a reward model: FOLDER FILE, where a row of FILE is {"ids": [...]}."""
import json
import sys

import torch
from transformers import AutoModelForSequenceClassification

model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1], dtype=torch.float32)
model.eval()
assert model.config.num_labels == 1
scores = []
with torch.no_grad():
    for line in open(sys.argv[2], encoding="utf-8"):
        ids = torch.tensor([json.loads(line)["ids"]])
        scores.append(model(input_ids=ids).logits[0, 0].item())
print(json.dumps(scores))
