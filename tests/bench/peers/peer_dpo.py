"""DPO by TRL's DPOTrainer on CPU: preference pairs and real tokens per second.

Pairs differ much in length, so the figures are totals over the timed steps, not medians.
"""
import measuring
START = measuring.process_start()
import os
import time


def main():
    p = measuring.parser(__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--file", help="preference file (default: the DPO demo of the data folder)")
    p.add_argument("--dtype", choices=["fp32", "bf16", "autocast"], default="bf16")
    p.add_argument("--precompute", type=int, default=0, help="precompute_ref_log_probs")
    p.add_argument("--padding-free", type=int, default=0)
    p.add_argument("--batch", type=int, default=2, help="pairs per step")
    p.add_argument("--max-length", type=int, default=1024)
    p.add_argument("--pairs", type=int, default=16, help="how many pairs of the file, taken in order")
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--skip", type=int, default=1)
    p.add_argument("--checkpointing", type=int, default=0)
    a = p.parse_args()
    a.file = a.file or os.path.join(a.data, "sft-llamafactory-demos", "dpo_en_demo.json")
    with measuring.quiet():
        from datasets import Dataset
        from transformers import TrainerCallback
        from trl import DPOConfig, DPOTrainer
        measuring.torch_threads(a.threads)
        # long prompts are left out, so that few rows reach max_length
        pairs = [r for r in measuring.dpo_pairs(a.file)
                 if sum(len(m["content"]) for m in r["prompt"]) < 1500][:a.pairs]
        ds = Dataset.from_list(pairs)
        marks, real, padded = [], [], []

        class Clock(TrainerCallback):
            def on_step_begin(self, *_, **__):
                marks.append([time.time(), None])

            def on_step_end(self, *_, **__):
                marks[-1][1] = time.time()

        cfg = DPOConfig(
            output_dir=os.path.join(a.work, "dpo"), max_steps=a.steps, use_cpu=True, bf16=a.dtype == "autocast",
            max_length=a.max_length, per_device_train_batch_size=a.batch, gradient_accumulation_steps=1,
            gradient_checkpointing=bool(a.checkpointing), precompute_ref_log_probs=bool(a.precompute),
            padding_free=bool(a.padding_free), logging_steps=1, save_strategy="no", report_to=[],
            model_init_kwargs={"dtype": "bfloat16" if a.dtype == "bf16" else "float32"})
        pre = [0.0]
        inner = DPOTrainer._precompute_ref_logps

        def precompute(*args, **kw):
            t = time.time()
            try:
                return inner(*args, **kw)
            finally:
                pre[0] += time.time() - t

        DPOTrainer._precompute_ref_logps = precompute
        t0 = time.time()
        tr = DPOTrainer(model=a.model, args=cfg, train_dataset=ds, callbacks=[Clock()])
        init_s = time.time() - t0
        collate = tr.data_collator

        def counting(rows):
            out = collate(rows)
            mask = out.get("attention_mask")
            real.append(int(mask.sum()) if mask is not None else out["input_ids"].numel())
            padded.append(out["input_ids"].numel())
            return out

        tr.data_collator = counting
        tr.train()
        peak = measuring.peak_rss_mb()
    real, padded = real[:len(marks)], padded[:len(marks)]
    secs = [e - b for b, e in marks]
    rates = [r / s for r, s in zip(real, secs)][a.skip:]
    measuring.emit("dpo", {
        "engine": "trl", "precompute_ref": a.precompute, "padding_free": a.padding_free, "batch_pairs": a.batch,
        "pairs_per_s": a.batch * len(rates) / sum(secs[a.skip:]), "tokens_per_s": sum(real[a.skip:]) / sum(secs[a.skip:]),
        "step_tokens_per_s": [r for r in rates], "step_s": sum(secs[a.skip:]) / len(rates),
        "padded_tokens_per_s": sum(padded[a.skip:]) / sum(secs[a.skip:]),
        "real_share_of_padded": sum(real) / sum(padded), "trainer_init_s": init_s,
        "precompute_s_per_pair": pre[0] / len(pairs), "pairs_per_s_with_precompute":
            1 / (sum(secs[a.skip:]) / len(rates) / a.batch + pre[0] / len(pairs)), "pairs_in_file": len(pairs),
        "startup_s": marks[0][0] - START, "steps_timed": len(rates), "peak_rss_mb": peak,
        "checkpointing": a.checkpointing,
        "loss_first_last": [tr.state.log_history[0].get("loss"), tr.state.log_history[-2].get("loss")]},
        ("torch", "transformers", "trl"), a.threads, a.dtype)


if __name__ == "__main__":
    main()
