"""Start-up of the Python stack: seconds and resident memory after import, each in a fresh process; and `trl --help`.

The first run of each is thrown away, so files come from the page cache and byte code is compiled.
"""
import measuring
import json
import os
import subprocess
import sys
import time

CASES = {
    "python -c pass": "pass",
    "import torch": "import torch",
    "import transformers": "import transformers",
    "import trl": "import trl",
    "from transformers import AutoModelForCausalLM, AutoTokenizer":
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
    "from trl import SFTTrainer": "from trl import SFTTrainer",
    "from trl import SFTTrainer, DPOTrainer, GRPOTrainer": "from trl import SFTTrainer, DPOTrainer, GRPOTrainer",
}
TAIL = "\nimport resource,sys;print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1000,len(sys.modules))"


def main():
    p = measuring.parser(__doc__)
    a = p.parse_args()
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    out = {}
    for name, code in CASES.items():
        ts, rss, mods = [], 0, 0
        for i in range(a.runs + 1):
            t = time.perf_counter()
            got = subprocess.run([sys.executable, "-c", code + TAIL], env=env, capture_output=True, text=True, check=True)
            ts.append(time.perf_counter() - t)
            rss, mods = map(float, got.stdout.split()[-2:])
        out[name] = {"s": measuring.median(ts[1:]), "spread": measuring.spread(ts[1:]), "peak_rss_mb": rss, "modules": mods}
    trl = os.path.join(os.path.dirname(sys.executable), "trl")
    for args in (["--help"], ["sft", "--help"]):
        ts = []
        for i in range(a.runs + 1):
            t = time.perf_counter()
            r = subprocess.run([trl, *args], env=env, capture_output=True)
            ts.append(time.perf_counter() - t)
        out["trl " + " ".join(args)] = {"s": measuring.median(ts[1:]), "spread": measuring.spread(ts[1:]), "exit": r.returncode}
    measuring.emit("import", {"cases": out, "runs": a.runs}, ("torch", "transformers", "trl"))


if __name__ == "__main__":
    main()
