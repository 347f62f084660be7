"""Near-duplicate removal by MinHash and LSH over word 5-grams: rensa, datasketch, or datatrove's signature stage.

The corpus is made from the data folder, with every tenth document followed later by a lightly edited copy of itself.
"""
import measuring
import json
import os
import random
import re
import time

WORD = re.compile(r"\w+")


def corpus(a):
    if a.corpus:
        return a.corpus
    src = measuring.make_corpus(a.data, a.work, a.megabytes, measuring.DECON_MIX, "dedup")
    out = src.replace(".jsonl", "-copies.jsonl")
    if os.path.exists(out):
        return out
    rng, late = random.Random(11), []
    with open(src, encoding="utf-8") as f, open(out + ".part", "w", encoding="utf-8") as g:
        for i, line in enumerate(f):
            g.write(line)
            r = json.loads(line)
            if i % 10 == 0 and len(r["text"]) > 300:
                words = r["text"].split(" ")
                words[rng.randrange(len(words))] = "edited"
                late.append(json.dumps({"id": f"{r['id']}-copy", "kind": r["kind"], "text": " ".join(words)},
                                       ensure_ascii=False) + "\n")
            if len(late) > 500:
                g.write(late.pop(rng.randrange(len(late))))
        g.writelines(late)
    os.replace(out + ".part", out)
    return out


def shingles(text, n=5):
    w = WORD.findall(text.lower())
    return {" ".join(g) for g in zip(*(w[i:] for i in range(n)))} or {" ".join(w)}


def rensa(a, texts):
    from rensa import RMinHash, RMinHashLSH
    lsh = RMinHashLSH(threshold=a.threshold, num_perm=a.perm, num_bands=a.perm // 8)
    sigs, dup = [], 0
    for i, t in enumerate(texts):
        m = RMinHash(num_perm=a.perm, seed=1)
        m.update(list(shingles(t)))
        near = lsh.query(m)
        if any(sigs[j] is not None and sigs[j].jaccard(m) >= a.threshold for j in near):
            dup += 1
            sigs.append(None)
            continue
        lsh.insert(i, m)
        sigs.append(m)
    return dup


def datasketch(a, texts):
    from datasketch import MinHash, MinHashLSH
    lsh = MinHashLSH(threshold=a.threshold, num_perm=a.perm)
    dup = 0
    for i, t in enumerate(texts):
        m = MinHash(num_perm=a.perm)
        m.update_batch([s.encode("utf-8") for s in shingles(t)])
        if lsh.query(m):
            dup += 1
        else:
            lsh.insert(i, m)
    return dup


def datatrove(a, texts):
    """Signatures only: the first of its four stages."""
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    import xxhash
    s = MinhashDedupSignature(os.path.join(a.work, "sig"), config=MinhashConfig())
    # datatrove 0.10.1 hands str to xxhash, which xxhash 4 refuses; encoded here so that the default hash still runs
    s._hash_func = lambda x: xxhash.xxh64_intdigest(x.encode("utf-8"))
    for t in texts:
        sh = s.get_shingles(t)
        if sh.size:
            s.get_signature(sh)
    return -1


def main():
    p = measuring.parser(__doc__)
    p.add_argument("--engine", choices=["rensa", "datasketch", "datatrove"], default="rensa")
    p.add_argument("--corpus", default="")
    p.add_argument("--megabytes", type=int, default=20)
    p.add_argument("--limit-mb", type=float, default=0)
    p.add_argument("--perm", type=int, default=128)
    p.add_argument("--threshold", type=float, default=0.8)
    a = p.parse_args()
    with measuring.quiet():
        path = corpus(a)
        texts, size = measuring.corpus_texts(path, a.limit_mb)
        dup, f = 0, {"rensa": rensa, "datasketch": datasketch, "datatrove": datatrove}[a.engine]
        ts = []
        for _ in range(a.runs):
            t = time.perf_counter()
            dup = f(a, texts)
            ts.append(time.perf_counter() - t)
    rate = measuring.median(ts)
    measuring.emit("dedup", {
        "engine": a.engine, "docs_per_s": len(texts) / rate, "mb_per_s": size / 1e6 / rate, "spread": measuring.spread(ts),
        "docs": len(texts), "mb": size / 1e6, "duplicates": dup, "perm": 112 if a.engine == "datatrove" else a.perm,
        "threshold": a.threshold, "corpus_sha256": measuring.sha256(path), "peak_rss_mb": measuring.peak_rss_mb(),
        "runs": a.runs}, ("rensa", "datasketch", "datatrove", "xxhash"), 1)


if __name__ == "__main__":
    main()
