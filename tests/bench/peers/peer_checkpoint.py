"""Checkpoint time: how long save_pretrained plus torch.save of the optimizer state blocks the loop, and loading back."""
import measuring
import os
import shutil
import time


def main():
    p = measuring.parser(__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32")
    p.add_argument("--fsync", type=int, default=0, help="also wait for the files to reach the disk")
    a = p.parse_args()
    out = os.path.join(a.work, "ckpt")
    with measuring.quiet():
        import torch
        from transformers import AutoModelForCausalLM
        measuring.torch_threads(a.threads)
        dtype = torch.float32 if a.dtype == "fp32" else torch.bfloat16
        t_first = measuring.timed(lambda: AutoModelForCausalLM.from_pretrained(a.model, dtype=dtype), a.runs)
        model = AutoModelForCausalLM.from_pretrained(a.model, dtype=dtype)
        opt = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
        for q in model.parameters():
            q.grad = torch.zeros_like(q)
        opt.step()
        saves, models, opts, loads, oloads = [], [], [], [], []
        for _ in range(a.runs + 1):
            shutil.rmtree(out, ignore_errors=True)
            t0 = time.perf_counter()
            model.save_pretrained(out)
            t1 = time.perf_counter()
            torch.save(opt.state_dict(), os.path.join(out, "optimizer.pt"))
            t2 = time.perf_counter()
            if a.fsync:
                for name in os.listdir(out):
                    fd = os.open(os.path.join(out, name), os.O_RDONLY)
                    os.fsync(fd)
                    os.close(fd)
            t3 = time.perf_counter()
            saves.append(t3 - t0), models.append(t1 - t0), opts.append(t2 - t1)
        size = sum(os.path.getsize(os.path.join(out, n)) for n in os.listdir(out)) / 1e6
        for _ in range(a.runs + 1):
            t0 = time.perf_counter()
            AutoModelForCausalLM.from_pretrained(out, dtype=dtype)
            t1 = time.perf_counter()
            opt.load_state_dict(torch.load(os.path.join(out, "optimizer.pt")))
            loads.append(t1 - t0), oloads.append(time.perf_counter() - t1)
        shutil.rmtree(out, ignore_errors=True)
    m = lambda xs: measuring.median(xs[1:])
    measuring.emit("checkpoint", {
        "save_blocks_s": m(saves), "save_model_s": m(models), "save_optimizer_s": m(opts), "mb": size,
        "save_mb_per_s": size / m(saves), "fsync": a.fsync, "load_model_s": m(loads), "load_optimizer_s": m(oloads),
        "first_load_from_model_folder_s": measuring.median(t_first), "spread": measuring.spread(saves[1:]), "runs": a.runs,
        "peak_rss_mb": measuring.peak_rss_mb()}, ("torch", "transformers", "safetensors"), a.threads, a.dtype)


if __name__ == "__main__":
    main()
