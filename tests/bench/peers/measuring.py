"""Shared helpers of the peer benchmarks: one JSON line out, real load figures, a deterministic text corpus."""
import argparse
import contextlib
import csv
import glob
import gzip
import hashlib
import importlib.metadata as md
import json
import os
import random
import resource
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("CARAVAN_SHARED_DATA", os.path.join(HERE, "..", "..", "..", "..", "shared", "data"))
WORK = os.path.join(tempfile.gettempdir(), "peer-bench")
for key, value in {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
                   "TOKENIZERS_PARALLELISM": "true", "WANDB_DISABLED": "true"}.items():
    os.environ.setdefault(key, value)


def parser(doc):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default=DATA, help="folder of reference data (default: CARAVAN_SHARED_DATA, or ../shared/data beside the repository)")
    p.add_argument("--work", default=WORK, help="scratch folder for made corpora")
    p.add_argument("--threads", type=int, default=0, help="torch / worker threads, 0 = all cores")
    p.add_argument("--runs", type=int, default=3)
    return p


def process_start():
    """Wall-clock time this process was started, from the kernel."""
    with open("/proc/self/stat") as f:
        ticks = float(f.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/uptime") as f:
        up = float(f.read().split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def _busy():
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:9]]
    return (sum(v) - v[3] - v[4]) / os.sysconf("SC_CLK_TCK")


def _own():
    s = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        r = resource.getrusage(who)
        s += r.ru_utime + r.ru_stime
    return s


class Load:
    """Load average, and how many cores something else was using while we measured."""

    def __init__(self):
        self.begin = os.getloadavg()[0]
        self.t, self.busy, self.own = time.time(), _busy(), _own()

    def figures(self):
        dt = max(time.time() - self.t, 1e-6)
        other = (_busy() - self.busy - (_own() - self.own)) / dt
        return {"load_avg_start": round(self.begin, 2), "load_avg_end": round(os.getloadavg()[0], 2),
                "other_cores_busy": round(max(other, 0.0), 2)}


LOAD = Load()


def rss_mb():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_rss_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def versions(*names):
    out = {"python": sys.version.split()[0]}
    for n in names:
        with contextlib.suppress(md.PackageNotFoundError):
            out[n] = md.version(n)
    return out


def clean(x):
    if isinstance(x, float):
        return float(f"{x:.4g}")
    if isinstance(x, dict):
        return {k: clean(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [clean(v) for v in x]
    return x


def emit(bench, figures, packages=(), threads=None, dtype=None):
    line = {"bench": bench, **clean(figures)}
    if dtype:
        line["dtype"] = dtype
    line["threads"] = threads if threads else os.cpu_count()
    line.update(LOAD.figures())
    line["versions"] = versions(*packages)
    print(json.dumps(line), flush=True)


@contextlib.contextmanager
def quiet():
    """Everything printed goes to stderr, also from C; the JSON line alone goes to stdout."""
    sys.stdout.flush()
    keep = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()
        os.dup2(keep, 1)
        os.close(keep)


def median(xs):
    return statistics.median(xs)


def spread(xs):
    """(max - min) / median: how noisy the repeats were."""
    return (max(xs) - min(xs)) / median(xs) if len(xs) > 1 else 0.0


def timed(f, runs, warm=1):
    for _ in range(warm):
        f()
    ts = []
    for _ in range(runs):
        t = time.perf_counter()
        f()
        ts.append(time.perf_counter() - t)
    return ts


def torch_threads(n):
    import torch
    if n:
        torch.set_num_threads(n)
    return torch.get_num_threads()


def gemm_gflops(dtype, n=2048, runs=7):
    """The box's own GEMM rate by torch.nn.functional.linear, median of runs."""
    import torch
    a, b = torch.randn(n, n).to(dtype), torch.randn(n, n).to(dtype)
    ts = timed(lambda: torch.nn.functional.linear(a, b), runs, 2)
    return 2 * n**3 / median(ts) / 1e9


def llama_flops_per_token(cfg, seq, backward=True):
    """6N over the matrix weights (output head once) plus causal attention; 2N where only forward is run."""
    d, hd = cfg.hidden_size, getattr(cfg, "head_dim", None) or cfg.hidden_size // cfg.num_attention_heads
    qo = 2 * d * cfg.num_attention_heads * hd
    kv = 2 * d * cfg.num_key_value_heads * hd
    n = cfg.num_hidden_layers * (qo + kv + 3 * d * cfg.intermediate_size) + cfg.vocab_size * d
    attn = cfg.num_hidden_layers * 2 * seq * cfg.num_attention_heads * hd  # causal half of 2 products
    return (3 if backward else 1) * (2 * n + attn), n


# ---- records -------------------------------------------------------------------------------------------------------

def sft_messages(path):
    """Alpaca, ShareGPT or messages-form file -> list of message lists."""
    rows = load_rows(path)
    out = []
    names = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
    for r in rows:
        if "messages" in r:
            out.append([{"role": m["role"], "content": m["content"]} for m in r["messages"]])
        elif "conversations" in r:
            out.append([{"role": names.get(m["from"], "user"), "content": m["value"]} for m in r["conversations"]])
        elif "instruction" in r:
            q = r["instruction"] + ("\n" + r["input"] if r.get("input") else "")
            out.append([{"role": "user", "content": q}, {"role": "assistant", "content": r["output"]}])
        elif "question" in r:
            out.append([{"role": "user", "content": r["question"]}, {"role": "assistant", "content": r["answer"]}])
    return [m for m in out if len(m) > 1]


def load_rows(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as f:
        if path.endswith((".jsonl", ".jsonl.gz")):
            return [json.loads(line) for line in f if line.strip()]
        return json.load(f)


def dpo_pairs(path):
    """LLaMA-Factory ShareGPT preference file -> prompt / chosen / rejected in conversational form."""
    out = []
    for r in load_rows(path):
        names = {"human": "user", "gpt": "assistant", "system": "system"}
        out.append({"prompt": [{"role": names[m["from"]], "content": m["value"]} for m in r["conversations"]],
                    "chosen": [{"role": "assistant", "content": r["chosen"]["value"]}],
                    "rejected": [{"role": "assistant", "content": r["rejected"]["value"]}]})
    return out


def _strings(x, least=40):
    if isinstance(x, str):
        if len(x) >= least:
            yield x
    elif isinstance(x, dict):
        for v in x.values():
            yield from _strings(v, least)
    elif isinstance(x, list):
        for v in x:
            yield from _strings(v, least)


def seed_texts(data):
    """Four pools of real text out of the data folder: english, code, korean, math."""
    g = lambda *p: sorted(glob.glob(os.path.join(data, *p)))
    pools = {"english": [], "code": [], "korean": [], "math": []}
    files = (g("sft-flan-like-p3", "*.jsonl") + g("sft-llamafactory-demos", "*_demo.json*") +
             g("sft-dolly-hhrlhf-small", "*.jsonl") + g("sft-oasst-sample", "en_100_tree.jsonl") +
             g("sft-self-instruct", "*.jsonl") + g("rlvr-ifeval", "verdicts-dev", "*.gz"))
    for path in files:
        for row in load_rows(path):
            for s in _strings(row):
                pools["code" if s.count("\n") > 3 and ("def " in s or "{\n" in s or "```" in s) else "english"].append(s)
    for path in g("sft-llamafactory-demos", "wiki_demo.txt"):
        with open(path, encoding="utf-8") as f:
            pools["english"] += [p for p in f.read().split("\n\n") if len(p) > 40]
    for row in load_rows(os.path.join(data, "sft-open-instruct", "acecode_sample.jsonl")):
        pools["code"] += list(_strings(row))
    for path in g("conf-chat-templates", "templates", "*.jinja") + g("sft-llamafactory-demos", "dataset_info.json"):
        with open(path, encoding="utf-8") as f:
            pools["code"].append(f.read())
    with open(os.path.join(data, "sft-korean-chatbot", "ChatbotData.csv"), encoding="utf-8") as f:
        rows = [r for r in csv.reader(f)][1:]
    for i in range(0, len(rows), 12):
        pools["korean"].append("\n".join(f"{r[0]} {r[1]}" for r in rows[i:i + 12]))
    for row in load_rows(os.path.join(data, "rlvr-math", "splits", "math_dev.jsonl")):
        pools["math"].append(row["context"] + "\n" + row["chain_of_thought"])
    for row in load_rows(os.path.join(data, "conf-math-equivalence", "qwen_math_verdicts_dev.jsonl")):
        pools["math"] += list(_strings(row, 80))
    return pools


def _vary(text, rng):
    """A fresh look-alike of a text: digits redrawn, about one word in 25 gets two inner letters swapped."""
    words = text.split(" ")
    for i, w in enumerate(words):
        if w.isdigit():
            words[i] = "".join(rng.choice("0123456789") for _ in w)
        elif len(w) > 4 and rng.random() < 0.04:
            k = rng.randrange(1, len(w) - 2)
            words[i] = w[:k] + w[k + 1] + w[k] + w[k + 2:]
    return " ".join(words)


def make_corpus(data, work, megabytes, mix, name, copies=True):
    """Deterministic jsonl of {"id", "kind", "text"}: real texts first, then look-alikes, until the size is reached."""
    os.makedirs(work, exist_ok=True)
    path = os.path.join(work, f"{name}-{megabytes}mb.jsonl")
    if os.path.exists(path):
        return path
    rng = random.Random(7)
    pools = seed_texts(data)
    for p in pools.values():
        rng.shuffle(p)
    at = dict.fromkeys(pools, 0)
    size, n, kinds = 0, 0, list(mix)
    with open(path + ".part", "w", encoding="utf-8") as f:
        share = dict.fromkeys(kinds, 0)
        while size < megabytes * 1_000_000:
            kind = min(kinds, key=lambda k: share[k] / mix[k])
            pool = pools[kind]
            lap, k = divmod(at[kind], len(pool))
            at[kind] += 1
            text = pool[k]
            if lap:
                other = pool[rng.randrange(len(pool))]
                text = _vary(text + "\n\n" + other[: len(other) // 2], rng)
            b = len(text.encode("utf-8"))
            share[kind] += b
            size += b
            f.write(json.dumps({"id": n, "kind": kind, "text": text}, ensure_ascii=False) + "\n")
            n += 1
    os.replace(path + ".part", path)
    return path


TOKEN_MIX = {"english": 0.55, "code": 0.15, "korean": 0.15, "math": 0.15}
DECON_MIX = {"english": 0.75, "code": 0.08, "korean": 0.02, "math": 0.15}


def corpus_texts(path, limit_mb=0):
    out, size = [], 0
    with open(path, encoding="utf-8") as f:
        for line in f:
            t = json.loads(line)["text"]
            out.append(t)
            size += len(t.encode("utf-8"))
            if limit_mb and size >= limit_mb * 1_000_000:
                break
    return out, size


def sha256(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            h.update(block)
    return h.hexdigest()[:16]


def test_sets(data):
    """Test-like sets to decontaminate against: (suite, id, question text, answer text)."""
    out = []
    for i, r in enumerate(load_rows(os.path.join(data, "rlvr-gsm8k", "train.jsonl"))):
        if i % 5 == 0:  # about the size of the real test set
            out.append(("gsm8k", i, r["question"], r["answer"]))
    for path in sorted(glob.glob(os.path.join(data, "eval-mmlu", "*", "*.csv"))):
        with open(path, encoding="utf-8", newline="") as f:
            for i, r in enumerate(csv.reader(f)):
                out.append(("mmlu", f"{os.path.basename(path)}:{i}", r[0], " ".join(r[1:5])))
    for suite, rel in (("arc_easy", "world_knowledge/arc_easy.jsonl"), ("piqa", "commonsense_reasoning/piqa.jsonl")):
        for i, r in enumerate(load_rows(os.path.join(data, "eval-llm-foundry", rel))):
            out.append((suite, i, r["query"], r["choices"][r["gold"]]))
    return out
