"""Decoding on CPU: transformers generate at one batch size, or llama.cpp (llama-cpp-python) at batch 1.

Prefill is one forward pass over [batch, --prefill] with logits of the last position only; decode is generate with
exactly --new tokens a row, less the prefill it contains.
"""
import measuring
import os
import time


def prompts(a, n):
    rows = measuring.load_rows(os.path.join(a.data, "rlvr-gsm8k", "train.jsonl"))
    return [r["question"] for r in rows[:n]]


def hf(a):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    measuring.torch_threads(a.threads)
    torch.manual_seed(0)
    tok = AutoTokenizer.from_pretrained(a.model, padding_side="left")
    if tok.pad_token is None:
        tok.pad_token = tok.eos_token or "<|im_end|>"
    dtype = torch.bfloat16 if a.dtype == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(a.model, dtype=dtype).eval()
    text = [tok.apply_chat_template([{"role": "user", "content": q}], tokenize=False, add_generation_prompt=True)
            for q in prompts(a, a.batch)]
    x = tok(text, return_tensors="pt", padding=True, add_special_tokens=False)
    kw = dict(do_sample=False) if not a.sample else dict(do_sample=True, temperature=1.0, top_p=0.95, top_k=0)
    kw.update(min_new_tokens=a.new, max_new_tokens=a.new, pad_token_id=tok.pad_token_id)
    if a.cache:
        kw["cache_implementation"] = a.cache
    with torch.inference_mode():
        model.generate(**x, **{**kw, "min_new_tokens": 4, "max_new_tokens": 4})
        first = measuring.timed(lambda: model.generate(**x, **{**kw, "min_new_tokens": 1, "max_new_tokens": 1}), a.runs)
        full = measuring.timed(lambda: model.generate(**x, **kw), a.runs, 0)
        ids = torch.randint(100, 40000, (a.batch if a.batch <= 8 else 8, a.prefill))
        pre = measuring.timed(lambda: model(input_ids=ids, logits_to_keep=1, use_cache=True), a.runs)
    dec = [a.batch * (a.new - 1) / (t - measuring.median(first)) for t in full]
    return {"decode_tokens_per_s": measuring.median(dec), "spread": measuring.spread(dec),
            "generate_tokens_per_s": a.batch * a.new / measuring.median(full),
            "ms_per_decode_step": 1000 * (measuring.median(full) - measuring.median(first)) / (a.new - 1),
            "prefill_tokens_per_s": ids.numel() / measuring.median(pre), "prefill_shape": list(ids.shape),
            "prompt_shape": list(x["input_ids"].shape), "cache": a.cache or "dynamic"}


def requantized(a):
    """The given GGUF with its matrices stored as --gguf-type (values unchanged), made by llama.cpp itself."""
    import llama_cpp
    if not a.gguf_type:
        return a.gguf
    out = os.path.join(a.work, f"requantized-{a.gguf_type}.gguf")
    if not os.path.exists(out):
        os.makedirs(a.work, exist_ok=True)
        q = llama_cpp.llama_model_quantize_default_params()
        q.allow_requantize = True
        q.ftype = {"f32": llama_cpp.LLAMA_FTYPE_ALL_F32, "f16": llama_cpp.LLAMA_FTYPE_MOSTLY_F16,
                   "bf16": llama_cpp.LLAMA_FTYPE_MOSTLY_BF16, "q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0}[a.gguf_type]
        import ctypes
        if llama_cpp.llama_model_quantize(a.gguf.encode(), out.encode(), ctypes.byref(q)):
            raise SystemExit("requantizing failed")
    return out


def llamacpp(a):
    from llama_cpp import Llama
    n = a.threads or os.cpu_count()
    m = Llama(model_path=requantized(a), n_ctx=2048, n_threads=n, n_threads_batch=n, n_batch=512, n_ubatch=512,
              verbose=False, logits_all=False)
    ids = m.tokenize(prompts(a, 1)[0].encode())
    long = [100 + (i * 7919) % 40000 for i in range(a.prefill)]
    pre, dec = [], []
    for r in range(a.runs + 1):
        m.reset()
        t = time.perf_counter()
        m.eval(long)
        pre.append(time.perf_counter() - t)
    for r in range(a.runs + 1):
        m.reset()
        m.eval(ids)
        t = time.perf_counter()
        for _ in range(a.new):
            nxt = m.sample(temp=0.0) if not a.sample else m.sample(temp=1.0, top_p=0.95, top_k=0)
            m.eval([nxt])
        dec.append(a.new / (time.perf_counter() - t))
    dec, pre = dec[1:], pre[1:]
    return {"decode_tokens_per_s": measuring.median(dec), "spread": measuring.spread(dec),
            "ms_per_decode_step": 1000 / measuring.median(dec), "prefill_tokens_per_s": a.prefill / measuring.median(pre),
            "prefill_shape": [1, a.prefill], "prompt_shape": [1, len(ids)],
            "weights": a.gguf_type or os.path.basename(a.gguf)}


def main():
    p = measuring.parser(__doc__)
    p.add_argument("--engine", choices=["transformers", "llama_cpp"], default="transformers")
    p.add_argument("--model", help="model folder in Hugging Face layout")
    p.add_argument("--gguf", help="GGUF file for llama_cpp")
    p.add_argument("--gguf-type", default="", help="requantize the GGUF to f32, f16, bf16 or q8_0 first")
    p.add_argument("--dtype", choices=["fp32", "bf16"], default="bf16")
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--sample", type=int, default=0)
    p.add_argument("--new", type=int, default=64)
    p.add_argument("--prefill", type=int, default=512)
    p.add_argument("--cache", default="", help="transformers cache_implementation, e.g. static")
    a = p.parse_args()
    with measuring.quiet():
        fig = hf(a) if a.engine == "transformers" else llamacpp(a)
        peak = measuring.peak_rss_mb()
    batch = a.batch if a.engine == "transformers" else 1
    measuring.emit("generate", {"engine": a.engine, "batch": batch, "sampled": a.sample, "new_tokens": a.new, **fig,
                             "peak_rss_mb": peak, "runs": a.runs},
                ("torch", "transformers", "llama_cpp_python"), a.threads,
                a.dtype if a.engine == "transformers" else fig["weights"])


if __name__ == "__main__":
    main()
