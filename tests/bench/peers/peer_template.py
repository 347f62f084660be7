"""Chat templates: jinja2 renders per second, and Hugging Face apply_chat_template with the assistant mask end to end."""
import measuring
import datetime
import glob
import json
import os
import time

# ChatML with generation marks, as a user must write it to get the assistant mask at all
MASKED = ("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}{% if m['role'] == 'assistant' %}"
          "{% generation %}{{ m['content'] + '<|im_end|>' }}{% endgeneration %}{% else %}"
          "{{ m['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}")


def conversations(a):
    g = lambda *p: os.path.join(a.data, *p)
    out = measuring.sft_messages(g("sft-fastchat-dummy", "dummy_conversation.json"))
    out += measuring.sft_messages(g("sft-llamafactory-demos", "alpaca_en_demo.json"))
    roles = {"prompter": "user", "assistant": "assistant"}

    def walk(node, path):
        path = path + [{"role": roles[node["role"]], "content": node["text"]}]
        if len(path) >= 2 and path[-1]["role"] == "assistant" and not node["replies"]:
            out.append(path)
        for r in node["replies"]:
            walk(r, path)

    for r in measuring.load_rows(g("sft-oasst-sample", "en_100_tree.jsonl")):
        walk(r["prompt"], [])
    return out


def environment():
    """The sandbox that transformers compiles chat templates in."""
    import jinja2
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def fail(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals.update(raise_exception=fail, strftime_now=lambda f: datetime.datetime(2025, 7, 10).strftime(f))
    return env


def renders(a, convs):
    env = environment()
    rates, compile_s, skipped, chars = {}, [], 0, 0
    for path in sorted(glob.glob(os.path.join(a.data, "conf-chat-templates", "templates", "*.jinja"))):
        with open(path, encoding="utf-8") as f:
            src = f.read()
        t = time.perf_counter()
        tpl = env.from_string(src)
        compile_s.append(time.perf_counter() - t)
        kw = dict(bos_token="<s>", eos_token="</s>", add_generation_prompt=False, functions="[]", datetime="2025-07-10")
        good = []
        for c in convs:
            try:
                chars += len(tpl.render(messages=c, **kw))
                good.append(c)
            except Exception:
                skipped += 1
        if not good:
            continue
        ts = measuring.timed(lambda: [tpl.render(messages=c, **kw) for c in good], a.runs, 0)
        rates[os.path.basename(path)] = len(good) / measuring.median(ts)
    total = len(rates) / sum(1 / r for r in rates.values())  # each template over the same conversations
    goldens = measuring.load_rows(os.path.join(a.data, "conf-chat-templates", "jinja2_goldens_dev.jsonl"))
    cache = {}
    cases = []
    for g in goldens:
        if g["template"] not in cache:
            with open(os.path.join(a.data, "conf-chat-templates", "templates", g["template"]), encoding="utf-8") as f:
                cache[g["template"]] = env.from_string(f.read())
        if isinstance(g.get("output"), str):
            try:
                if cache[g["template"]].render(**g["inputs"]) == g["output"]:
                    cases.append((cache[g["template"]], g["inputs"]))
            except Exception:
                pass
    ts = measuring.timed(lambda: [t.render(**i) for t, i in cases], max(a.runs, 9), 2)
    return {"renders_per_s": total, "slowest": min(rates.items(), key=lambda kv: kv[1]),
            "fastest": max(rates.items(), key=lambda kv: kv[1]), "templates": len(rates), "conversations": len(convs),
            "refused_renders": skipped, "compile_ms_median": 1000 * measuring.median(compile_s),
            "compile_ms_max": 1000 * max(compile_s), "golden_cases_matched": len(cases),
            "golden_renders_per_s": len(cases) / measuring.median(ts)}


def masks(a, convs):
    from transformers import AutoTokenizer
    tok = AutoTokenizer.from_pretrained(a.model)
    kw = dict(tokenize=True, return_dict=True)
    masked = lambda: [tok.apply_chat_template(c, chat_template=MASKED, return_assistant_tokens_mask=True, **kw)
                      for c in convs]
    plain = lambda: [tok.apply_chat_template(c, **kw) for c in convs]
    out = masked()
    n = sum(len(o["input_ids"]) for o in out)
    key = "assistant_masks"
    hit = sum(sum(o[key]) for o in out)
    tm, tp = measuring.timed(masked, a.runs, 0), measuring.timed(plain, a.runs, 1)
    # the way TRL prepares a data set: datasets.map over rows, one process, and with a process per core
    from datasets import Dataset, disable_caching
    disable_caching()
    ds = Dataset.from_list([{"messages": c} for c in convs])
    fn = lambda r: tok.apply_chat_template(r["messages"], chat_template=MASKED, return_assistant_tokens_mask=True, **kw)
    t1 = measuring.timed(lambda: ds.map(fn, remove_columns=["messages"]), a.runs, 0)
    t2 = measuring.timed(lambda: ds.map(fn, remove_columns=["messages"], num_proc=os.cpu_count()), a.runs, 0)
    r = lambda ts: len(convs) / measuring.median(ts)
    return {"masked_conversations_per_s": r(tm), "plain_conversations_per_s": r(tp), "datasets_map_per_s": r(t1),
            "datasets_map_all_cores_per_s": r(t2), "masked_tokens_per_s": n / measuring.median(tm), "tokens": n,
            "assistant_share": hit / n, "spread": measuring.spread(tm)}


def main():
    p = measuring.parser(__doc__)
    p.add_argument("--model", default="", help="model folder; adds the apply_chat_template figures")
    a = p.parse_args()
    with measuring.quiet():
        convs = conversations(a)
        fig = renders(a, convs)
        if a.model:
            fig.update(masks(a, convs))
    measuring.emit("template", {"engine": "jinja2", **fig, "peak_rss_mb": measuring.peak_rss_mb(), "runs": a.runs},
                ("Jinja2", "transformers", "tokenizers", "datasets"), 1)


if __name__ == "__main__":
    main()
