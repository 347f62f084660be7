"""Compares checkpoint directories with safetensors and transformers: open_in_transformers.py EXPECTED WRITTEN [EXPECTED WRITTEN ...]

Exit 0 where tensors, configs and logits are equal, 1 where not (the difference on stdout), 99 where a package is absent.
"""

import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
try:
    import torch
    import transformers
    from safetensors import safe_open
except ImportError as error:
    print(f"{error.name} is not installed for {sys.executable}")
    sys.exit(99)


def tensors(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors") and name != "reference.safetensors":
            with safe_open(os.path.join(folder, name), "pt") as file:
                if file.metadata() != {"format": "pt"}:
                    sys.exit(f"{folder}/{name}: metadata {file.metadata()}")
                for key in file.keys():
                    found[key] = file.get_tensor(key)
    return found


def compare(expected, written):
    a, b = tensors(expected), tensors(written)
    if a.keys() != b.keys():
        sys.exit(f"{written}: names differ: {a.keys() ^ b.keys()}")
    for name in a:
        if a[name].dtype != b[name].dtype or not torch.equal(a[name], b[name]):
            sys.exit(f"{written}: {name} differs")
    models = [transformers.AutoModelForCausalLM.from_pretrained(folder).float().eval() for folder in (expected, written)]
    facts = [model.config.to_dict() for model in models]
    for key in ("rope_parameters", "rope_theta", "rope_scaling", "sliding_window", "layer_types", "tie_word_embeddings", "dtype",
                "torch_dtype", "eos_token_id", "rms_norm_eps", "head_dim"):
        # 4.x knows only the old spelling, and a directory in the new one is what it misreads: its logits are what counts there.
        if transformers.__version__.startswith("5") and key not in ("rope_theta", "rope_scaling", "torch_dtype"):
            if facts[0].get(key) != facts[1].get(key):
                sys.exit(f"{written}: {key} is {facts[1].get(key)}, expected {facts[0].get(key)}")
    ids = torch.arange(1, 60).remainder(facts[0]["vocab_size"])[None]
    with torch.no_grad():
        logits = [model(ids, use_cache=False).logits for model in models]
    if not torch.equal(*logits):
        sys.exit(f"{written}: logits differ by {(logits[0] - logits[1]).abs().max()}")


for i in range(1, len(sys.argv), 2):
    compare(sys.argv[i], sys.argv[i + 1])
print(f"equal in safetensors and transformers {transformers.__version__}")
