"""Tokenizer throughput over ~50 MB of English, code, Korean and LaTeX text, each measurement in a fresh process.

Engines: tiktoken (Llama-3 ranks and split pattern), hf-llama3 (the same vocabulary converted to Hugging Face
tokenizers), hf-dolma2 (cl100k-style tokenizer.json of the data folder), hf-model (tokenizer.json of --model).
The first pass has cold caches; --warm 1 adds a second pass over the same text in the same process.
"""
import measuring
import json
import os
import subprocess
import sys
import time

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")


def ranks_file(a):
    return os.path.join(a.data, "tokenizers", "llama3-tiktoken", "tokenizer.model")


def build_hf_llama3(a):
    out = os.path.join(a.work, "llama3-hf-tokenizer.json")
    if not os.path.exists(out):
        from transformers.convert_slow_tokenizer import TikTokenConverter
        TikTokenConverter(vocab_file=ranks_file(a), pattern=PATTERN).converted().save(out)
    return out


def child(a):
    texts, size = measuring.corpus_texts(a.corpus)
    by_kind = {}
    n = a.threads or os.cpu_count()
    t0 = time.perf_counter()
    if a.engine == "tiktoken":
        import tiktoken
        from tiktoken.load import load_tiktoken_bpe
        enc = tiktoken.Encoding("llama3", pat_str=PATTERN, mergeable_ranks=load_tiktoken_bpe(ranks_file(a)),
                                special_tokens={"<|begin_of_text|>": 128000, "<|end_of_text|>": 128001})
        one = lambda ts: [enc.encode_ordinary(t) for t in ts]
        work = one if n == 1 else (lambda ts: enc.encode_ordinary_batch(ts, num_threads=n))
        count = lambda out: sum(map(len, out))
    else:
        from tokenizers import Tokenizer
        path = {"hf-llama3": lambda: build_hf_llama3(a),
                "hf-dolma2": lambda: os.path.join(a.data, "tokenizers", "olmo-hf-json", "allenai_dolma2.json"),
                "hf-model": lambda: os.path.join(a.model, "tokenizer.json")}[a.engine]()
        tok = Tokenizer.from_file(path)
        tok.no_truncation(), tok.no_padding()
        f = tok.encode_batch_fast if a.fast else tok.encode_batch
        # in blocks of 1,000 documents: one call over everything keeps every Encoding alive and measures the allocator
        work = lambda ts: [e.ids for e in f(ts, add_special_tokens=False)]
        count = lambda out: sum(map(len, out))
    load_s = time.perf_counter() - t0

    def run(ts):
        total, t = 0, time.perf_counter()
        for i in range(0, len(ts), 1000):
            total += count(work(ts[i:i + 1000]))
        return total, time.perf_counter() - t

    tokens, cold = run(texts)
    warm = run(texts)[1] if a.warm else cold
    if a.by_kind:
        kinds = {}
        with open(a.corpus, encoding="utf-8") as lines:
            for line in lines:
                r = json.loads(line)
                kinds.setdefault(r["kind"], []).append(r["text"])
        for k, ts in kinds.items():
            ts = ts[:2000]
            by_kind[k] = sum(len(t.encode()) for t in ts) / 1e6 / run(ts)[1]
    print(json.dumps({"cold": size / 1e6 / cold, "warm": size / 1e6 / warm, "tokens": tokens, "size": size,
                      "load_s": load_s, "peak": measuring.peak_rss_mb(), "kinds": by_kind}))


def main():
    p = measuring.parser(__doc__)
    p.add_argument("--engine", choices=["tiktoken", "hf-llama3", "hf-dolma2", "hf-model"], default="tiktoken")
    p.add_argument("--model", default="")
    p.add_argument("--corpus", default="", help="jsonl with a text field (default: made from the data folder)")
    p.add_argument("--megabytes", type=int, default=50)
    p.add_argument("--fast", type=int, default=1, help="encode_batch_fast (no offsets) instead of encode_batch")
    p.add_argument("--warm", type=int, default=0)
    p.add_argument("--by-kind", type=int, default=0)
    p.add_argument("--child", action="store_true", help=argparse_hide())
    a = p.parse_args()
    if a.child:
        return child(a)
    with measuring.quiet():
        a.corpus = a.corpus or measuring.make_corpus(a.data, a.work, a.megabytes, measuring.TOKEN_MIX, "tok")
        if a.engine == "hf-llama3":
            build_hf_llama3(a)
    n = a.threads or os.cpu_count()
    env = {**os.environ, "RAYON_NUM_THREADS": str(n)}
    got = []
    for _ in range(a.runs):
        cmd = [sys.executable, os.path.abspath(__file__), "--child", "--engine", a.engine, "--corpus", a.corpus,
               "--threads", str(n), "--data", a.data, "--work", a.work, "--model", a.model, "--fast", str(a.fast),
               "--by-kind", str(a.by_kind), "--warm", str(a.warm)]
        got.append(json.loads(subprocess.run(cmd, env=env, check=True, capture_output=True, text=True).stdout))
    m = lambda k: measuring.median([g[k] for g in got])
    measuring.emit("tokenize", {
        "engine": a.engine, "fast": a.fast, "cold_mb_per_s": m("cold"), "cold_mb_per_s_per_thread": m("cold") / n,
        "warm_mb_per_s": m("warm") if a.warm else None, "spread": measuring.spread([g["cold"] for g in got]), "tokens": got[0]["tokens"],
        "million_tokens_per_s": got[0]["tokens"] / got[0]["size"] * m("cold"), "load_s": m("load_s"),
        "peak_rss_mb": m("peak"), "corpus_mb": got[0]["size"] / 1e6, "corpus_sha256": measuring.sha256(a.corpus),
        "mb_per_s_by_kind": {k: measuring.median([g["kinds"][k] for g in got]) for k in got[0]["kinds"]},
        "runs": a.runs}, ("tokenizers", "tiktoken", "transformers"), n)


def argparse_hide():
    import argparse
    return argparse.SUPPRESS


if __name__ == "__main__":
    main()
