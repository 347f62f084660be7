"""What the benchmarks of training share: how caravan and a peer's script are run, and what else kept the machine busy meanwhile."""
import json
import os
import resource
import subprocess
import time


def busy():
    """Seconds that all cores together have worked since the machine started."""
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:9]]
    return (sum(v) - v[3] - v[4]) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """Processor time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def train(caravan, recipe, run, *overrides):
    """Runs a recipe; the rows of its metrics in the folder `run`, and how many cores others kept busy."""
    before, own, began = busy(), own_seconds(), time.time()
    subprocess.run([caravan, "train", recipe, "--quiet", *overrides], check=True, stdout=subprocess.DEVNULL)
    seconds, others = time.time() - began, busy() - before - (own_seconds() - own)
    with open(os.path.join(run, "metrics.jsonl")) as lines:
        rows = [json.loads(line) for line in lines]
    return rows, round(max(others, 0) / seconds, 2)


def peer_line(python, script, options, keys):
    """Those of `keys` that the last line of a peer's script has. `options`: by name, without their dashes. What it says on stderr is passed on."""
    command = [python, script]
    for name, value in options.items():
        command += ["--" + name, str(value)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    line = json.loads(out.strip().splitlines()[-1])
    return {key: line[key] for key in keys if key in line}
