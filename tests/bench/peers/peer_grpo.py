"""GRPO by TRL's GRPOTrainer on CPU over GSM8K prompts: completion tokens per second end to end (generate, score, train)."""
import measuring
START = measuring.process_start()
import os
import re
import time


def reward(completions, answer, **_):
    out = []
    for c, gold in zip(completions, answer):
        text = c[0]["content"] if isinstance(c, list) else c
        nums = re.findall(r"-?\d[\d,]*", text)
        out.append(1.0 if nums and nums[-1].replace(",", "") == gold else 0.01 * min(len(nums), 9))
    return out


def main():
    p = measuring.parser(__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--dtype", choices=["fp32", "bf16", "autocast"], default="bf16")
    p.add_argument("--group", type=int, default=8, help="completions a prompt")
    p.add_argument("--prompts", type=int, default=1, help="prompts a step")
    p.add_argument("--new", type=int, default=64)
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--skip", type=int, default=1)
    p.add_argument("--beta", type=float, default=0.0)
    a = p.parse_args()
    with measuring.quiet():
        from datasets import Dataset
        from transformers import TrainerCallback
        from trl import GRPOConfig, GRPOTrainer
        measuring.torch_threads(a.threads)
        rows = measuring.load_rows(os.path.join(a.data, "rlvr-gsm8k", "train.jsonl"))[:64]
        ds = Dataset.from_list([{"prompt": [{"role": "user", "content": r["question"]}],
                                 "answer": r["answer"].split("#### ")[-1].replace(",", "")} for r in rows])
        marks, made, gen_s = [], [], []

        class Clock(TrainerCallback):
            def on_step_begin(self, *_, **__):
                marks.append([time.time(), None])

            def on_step_end(self, *_, **__):
                marks[-1][1] = time.time()

        n = a.group * a.prompts
        cfg = GRPOConfig(
            output_dir=os.path.join(a.work, "grpo"), max_steps=a.steps, use_cpu=True, bf16=a.dtype == "autocast",
            per_device_train_batch_size=n, num_generations=a.group, max_completion_length=a.new, beta=a.beta,
            temperature=1.0, gradient_checkpointing=False, logging_steps=1, save_strategy="no", report_to=[],
            model_init_kwargs={"dtype": "bfloat16" if a.dtype == "bf16" else "float32"})
        tr = GRPOTrainer(model=a.model, reward_funcs=reward, args=cfg, train_dataset=ds, callbacks=[Clock()])
        inner = tr._generate_and_score_completions

        def timed(*args, **kw):
            t = time.time()
            out = inner(*args, **kw)
            gen_s.append(time.time() - t)
            made.append(int(out["completion_mask"].sum()))
            return out

        tr._generate_and_score_completions = timed
        tr.train()
        peak = measuring.peak_rss_mb()
    secs = [e - b for b, e in marks]
    rates = [m / s for m, s in zip(made, secs)][a.skip:]
    measuring.emit("grpo", {
        "engine": "trl", "completion_tokens_per_s": measuring.median(rates), "spread": measuring.spread(rates),
        "step_s": measuring.median(secs[a.skip:]), "generate_and_score_s": measuring.median(gen_s[a.skip:]),
        "generate_share": sum(gen_s[a.skip:]) / sum(secs[a.skip:]), "group": a.group, "prompts": a.prompts,
        "max_new": a.new, "completion_tokens_per_step": measuring.median(made[a.skip:]), "steps_timed": len(rates),
        "startup_s": marks[0][0] - START, "peak_rss_mb": peak}, ("torch", "transformers", "trl"), a.threads, a.dtype)


if __name__ == "__main__":
    main()
