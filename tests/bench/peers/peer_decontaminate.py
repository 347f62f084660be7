"""Decontaminating a training corpus against test sets by n-gram overlap.

Engines:
  python8   8-grams of lower-cased words; a document is contaminated when one test question has at least half of its
            words covered by 8-grams of that document (the Tulu 3 rule, without its Elasticsearch index)
  python13  13-grams, any hit contaminates (the GPT-3 rule)
  datatrove NGramsDecontFilter with its default English word tokenizer and 12-grams, over the first --limit-mb
Every 50th document gets a real test question pasted in, so that there is something to find.
"""
import measuring
import json
import os
import re
import time
from multiprocessing import Pool

WORD = re.compile(r"\w+")
INDEX, LENGTH, N = {}, [], 8


def corpus(a):
    src = a.corpus or measuring.make_corpus(a.data, a.work, a.megabytes, measuring.DECON_MIX, "decon")
    out = src.replace(".jsonl", "-planted.jsonl")
    if a.corpus or os.path.exists(out):
        return src if a.corpus else out
    tests = measuring.test_sets(a.data)
    with open(src, encoding="utf-8") as f, open(out + ".part", "w", encoding="utf-8") as g:
        for i, line in enumerate(f):
            if i % 50 == 0:
                r = json.loads(line)
                t = tests[(i // 50 * 37) % len(tests)]
                r["text"] += "\n\n" + t[2] + " " + t[3]
                line = json.dumps(r, ensure_ascii=False) + "\n"
            g.write(line)
    os.replace(out + ".part", out)
    return out


def build(data, n):
    global INDEX, LENGTH, N
    INDEX, LENGTH, N = {}, [], n
    for i, (_, _, q, ans) in enumerate(measuring.test_sets(data)):
        w = WORD.findall((q if n == 8 else q + " " + ans).lower())
        LENGTH.append(len(w))
        for k in range(len(w) - n + 1):
            INDEX.setdefault(tuple(w[k:k + n]), []).append((i, k))


def check(text):
    w = WORD.findall(text.lower())
    if N != 8:
        return any(g in INDEX for g in zip(*(w[i:] for i in range(N))))
    seen = {}
    for g in zip(*(w[i:] for i in range(8))):
        hit = INDEX.get(g)
        if hit:
            for i, k in hit:
                seen.setdefault(i, set()).update(range(k, k + 8))
    return any(2 * len(s) >= LENGTH[i] for i, s in seen.items())


def check_lines(lines):
    return [check(json.loads(x)["text"]) for x in lines]


def blocks(path, n=2000):
    with open(path, encoding="utf-8") as f:
        b = []
        for line in f:
            b.append(line)
            if len(b) == n:
                yield b
                b = []
        if b:
            yield b


def plain(a, path):
    n = 8 if a.engine == "python8" else 13
    t = time.perf_counter()
    build(a.data, n)
    build_s = time.perf_counter() - t
    procs = a.threads or 1
    size, docs, ts = os.path.getsize(path), 0, []
    for _ in range(a.runs):
        t = time.perf_counter()
        if procs == 1:
            flags = [x for b in blocks(path) for x in check_lines(b)]
        else:
            with Pool(procs) as pool:  # forked: the index is shared copy-on-write
                flags = [x for b in pool.imap(check_lines, blocks(path)) for x in b]
        ts.append(time.perf_counter() - t)
    return size, len(flags), sum(flags), ts, {"index_build_s": build_s, "index_ngrams": len(INDEX)}


def datatrove(a, path):
    import numpy as np
    import xxhash
    from datatrove.data import Document
    from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer
    cfg = NGramsDecontConfig(find_query_ngrams=True)
    folder = os.path.join(a.work, "datatrove-index")
    os.makedirs(folder, exist_ok=True)
    filt = NGramsDecontFilter(folder, config=cfg)
    # the indexer's own hashing, without its run(), which wants lighteval and network data sets
    idx = object.__new__(NGramsDecontIndexer)
    # datatrove 0.10.1 hands str to xxhash, which xxhash 4 refuses; encoded here so that the default hash still runs
    filt.hash_func = lambda s: xxhash.xxh64_intdigest(s.encode("utf-8"))
    idx.config, idx.hash_func, idx.tokenizer = cfg, filt.hash_func, filt.tokenizer
    t = time.perf_counter()
    tasks = {}
    for suite, _, q, ans in measuring.test_sets(a.data):
        tasks.setdefault(suite, set()).update(idx.compute_hashes(ans, q))
    for suite, hashes in tasks.items():
        np.array(list(hashes), dtype=cfg.hash_config.np_descr).tofile(os.path.join(folder, suite + ".index.hashes"))
    build_s = time.perf_counter() - t
    lines, size = [], 0
    with open(path, encoding="utf-8") as f:
        for line in f:
            lines.append(line)
            size += len(line.encode("utf-8"))
            if size >= a.limit_mb * 1_000_000:
                break
    ts = []
    for _ in range(a.runs):
        t, flags = time.perf_counter(), 0
        for line in lines:
            r = json.loads(line)
            flags += filt.filter(Document(text=r["text"], id=str(r["id"]))) is not True
        ts.append(time.perf_counter() - t)
    return size, len(lines), flags, ts, {"index_build_s": build_s, "index_ngrams": sum(map(len, tasks.values()))}


def main():
    p = measuring.parser(__doc__)
    p.set_defaults(threads=1)
    p.add_argument("--engine", choices=["python8", "python13", "datatrove"], default="python8")
    p.add_argument("--corpus", default="", help="jsonl with a text field (default: made from the data folder)")
    p.add_argument("--megabytes", type=int, default=100)
    p.add_argument("--limit-mb", type=float, default=10, help="datatrove reads this much of it")
    a = p.parse_args()
    with measuring.quiet():
        path = corpus(a)
        size, docs, flags, ts, extra = (datatrove if a.engine == "datatrove" else plain)(a, path)
    rate = size / 1e6 / measuring.median(ts)
    measuring.emit("decontaminate", {
        "engine": a.engine, "mb_per_s": rate, "mb_per_s_per_thread": rate / a.threads, "docs_per_s": docs / measuring.median(ts),
        "spread": measuring.spread(ts), "docs": docs, "mb": size / 1e6, "contaminated": flags, **extra,
        "corpus_sha256": measuring.sha256(path), "peak_rss_mb": measuring.peak_rss_mb(), "runs": a.runs},
        ("datatrove", "spacy", "xxhash"), a.threads)


if __name__ == "__main__":
    main()
