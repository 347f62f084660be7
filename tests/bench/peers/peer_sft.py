"""Full fine-tuning of a Llama-style model on CPU: TRL SFTTrainer, or a bare transformers + torch loop.

Prints real (non-padding) tokens per second as the median over steps, peak memory, start-up seconds, and the share of
the box's own GEMM rate that the useful arithmetic reached.
  --dtype fp32      fp32 weights, no autocast
  --dtype bf16      bf16 weights, no autocast
  --dtype autocast  fp32 weights under bf16 autocast (TRL's default is bf16=True)
"""
import measuring
START = measuring.process_start()
import os
import time


def gemm_kind(dtype):
    import torch
    return torch.float32 if dtype == "fp32" else torch.bfloat16


def trl(a):
    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer
    measuring.torch_threads(a.threads)
    msgs = measuring.sft_messages(a.file)
    ds = Dataset.from_list([{"messages": m} for m in msgs])
    micro = max(1, a.tokens_per_step // a.seq) if a.packing else 1
    marks, counts = [], []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_, **__):
            marks.append([time.time(), None])
            counts.append(tr._total_train_tokens)

        def on_step_end(self, *_, **__):
            marks[-1][1] = time.time()

    cfg = SFTConfig(
        output_dir=os.path.join(a.work, "sft"), max_steps=a.steps, use_cpu=True, bf16=a.dtype == "autocast",
        packing=bool(a.packing), max_length=a.seq, per_device_train_batch_size=1 if a.packing else a.batch,
        gradient_accumulation_steps=micro, gradient_checkpointing=bool(a.checkpointing), learning_rate=1e-5,
        logging_steps=1, save_strategy="no", report_to=[], dataloader_num_workers=0, optim=a.optim,
        model_init_kwargs={"dtype": "bfloat16" if a.dtype == "bf16" else "float32", "attn_implementation": "sdpa"})
    tr = SFTTrainer(model=a.model, args=cfg, train_dataset=ds, callbacks=[Clock()])
    tr.train()
    counts.append(tr._total_train_tokens)
    # step k runs from one on_step_begin to the next: its forward, backward and optimizer
    secs = [e - b for b, e in marks]
    toks = [counts[i + 1] - counts[i] for i in range(len(marks))]
    return tr.model.config, marks[0][0] - START, secs, toks, {
        "micro_batches": micro, "attention": tr.model.config._attn_implementation, "optim": a.optim,
        "packing": a.packing, "checkpointing": a.checkpointing,
        "loss_first_last": [tr.state.log_history[0].get("loss"), tr.state.log_history[-2].get("loss")]}


def eager(a):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    measuring.torch_threads(a.threads)
    if a.matmul_precision != "highest":
        torch.set_float32_matmul_precision(a.matmul_precision)
    tok = AutoTokenizer.from_pretrained(a.model)
    ids = []
    for m in measuring.sft_messages(a.file):
        ids += tok(tok.apply_chat_template(m, tokenize=False), add_special_tokens=False)["input_ids"]
    model = AutoModelForCausalLM.from_pretrained(
        a.model, dtype=torch.bfloat16 if a.dtype == "bf16" else torch.float32, attn_implementation="sdpa")
    model.train()
    model.config.use_cache = False
    step_model = torch.compile(model) if a.compile else model
    opt = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    micro = max(1, a.tokens_per_step // a.seq)
    need = (a.steps * micro) * a.seq
    ids = (ids * (need // len(ids) + 1))[:need]
    ids = torch.tensor(ids).view(-1, 1, a.seq)
    first, secs, losses, parts = None, [], [], {"forward": [], "backward": [], "optimizer": []}
    for s in range(a.steps):
        t0 = time.perf_counter()
        first = first or time.time()
        f = b = 0.0
        for j in range(micro):
            x = ids[s * micro + j]
            t1 = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=a.dtype == "autocast"):
                loss = step_model(input_ids=x, labels=x).loss / micro
            t2 = time.perf_counter()
            loss.backward()
            t3 = time.perf_counter()
            f, b = f + t2 - t1, b + t3 - t2
        t4 = time.perf_counter()
        opt.step()
        opt.zero_grad(set_to_none=True)
        t5 = time.perf_counter()
        secs.append(t5 - t0)
        losses.append(loss.item() * micro)
        for k, v in (("forward", f), ("backward", b), ("optimizer", t5 - t4)):
            parts[k].append(v)
    return model.config, first - START, secs, [micro * a.seq] * a.steps, {
        "micro_batches": micro, "attention": "sdpa causal over the packed row", "optim": "adamw fused",
        "compiled": a.compile, "matmul_precision": a.matmul_precision, "loss_first_last": [losses[0], losses[-1]],
        "seconds": {k: measuring.median(v[a.skip:]) for k, v in parts.items()}}


def main():
    p = measuring.parser(__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--file", help="data file (default: the Alpaca demo of the data folder)")
    p.add_argument("--engine", choices=["trl", "eager"], default="trl")
    p.add_argument("--dtype", choices=["fp32", "bf16", "autocast"], default="fp32")
    p.add_argument("--seq", type=int, default=1024)
    p.add_argument("--tokens-per-step", type=int, default=1024)
    p.add_argument("--steps", type=int, default=6)
    p.add_argument("--skip", type=int, default=2, help="first steps left out of the median")
    p.add_argument("--packing", type=int, default=1)
    p.add_argument("--batch", type=int, default=4, help="rows per micro batch without packing")
    p.add_argument("--checkpointing", type=int, default=0, help="gradient checkpointing (TRL's default is on)")
    p.add_argument("--optim", default="adamw_torch_fused", help="Trainer's optim name")
    p.add_argument("--compile", type=int, default=0, help="torch.compile, eager engine only")
    p.add_argument("--matmul-precision", default="highest", help="torch.set_float32_matmul_precision, eager only")
    a = p.parse_args()
    a.file = a.file or os.path.join(a.data, "sft-llamafactory-demos", "alpaca_en_demo.json")
    with measuring.quiet():
        cfg, startup, secs, toks, extra = (trl if a.engine == "trl" else eager)(a)
        peak = measuring.peak_rss_mb()
        gemm = measuring.gemm_gflops(gemm_kind(a.dtype))
    secs, toks = secs[a.skip:], toks[a.skip:]
    rates = [t / s for t, s in zip(toks, secs)]
    rate = measuring.median(rates)
    flops, n = measuring.llama_flops_per_token(cfg, a.seq)
    measuring.emit("sft", {
        "engine": a.engine, "tokens_per_s": rate, "spread": measuring.spread(rates), "step_s": measuring.median(secs),
        "tokens_per_step": measuring.median(toks), "seq": a.seq, "steps_timed": len(secs), "startup_s": startup,
        "peak_rss_mb": peak, "matmul_params": n, "achieved_gflops": rate * flops / 1e9, "gemm_2048_gflops": gemm,
        "share_of_gemm": rate * flops / 1e9 / gemm, **extra},
        ("torch", "transformers", "trl", "accelerate"), a.threads, a.dtype)


if __name__ == "__main__":
    main()
