#!/usr/bin/env python3
"""Compares the figures of `cril diverge` with those that numpy makes of logits by transformers in fp32.

    check_diverge.py CRIL BASE.gguf OTHER.gguf BASE_FOLDER OTHER_FOLDER CORPUS.jsonl [DOCUMENTS]

The folders hold the same models for transformers, in fp32. The protocol is "document"; each of the first DOCUMENTS (2) must fit
into one window. Needs numpy, torch, transformers. Prints each figure of both and their difference; exit code 1 where one is
off by more than 1e-4 (a quantised file: its mean KL by 0.5 %, `99.9` and `max` by 5 %, with --quantised)."""
import json
import subprocess
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM

QUANTILES = {"min": 0, **{q: float(q) / 100 for q in "0.1 1 5 10 25 50 75 90 95 99 99.9".split()}, "max": 1}
WINDOW = 1900


def ids_of(cril, model, text):
    done = subprocess.run([cril, "tokenize", "-m", model, "--json", "-"], input=text.encode(), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)[0]["ids"]


def log_p(folder, documents):
    """Logarithms of all probabilities behind each token but the last, a row a token, of all documents."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return [torch.log_softmax(model(torch.tensor([d[:-1]])).logits[0].double(), -1).numpy() for d in documents]


def figures(base, other, documents):
    kl, dp, same, a, b = [], [], [], [], []
    for x, y, ids in zip(base, other, documents):
        row, target = np.arange(len(ids) - 1), np.array(ids[1:])
        kl.append((np.exp(x) * (x - y)).sum(1))
        dp.append(np.exp(y[row, target]) - np.exp(x[row, target]))
        same.append(x.argmax(1) == y.argmax(1))
        a.append(-x[row, target])
        b.append(-y[row, target])
    kl, dp, same, a, b = (np.concatenate(v) for v in (kl, dp, same, a, b))
    return {"tokens": len(kl), "mean_kl": kl.mean(), "mean_dp": dp.mean(), "rms_dp": np.sqrt((dp ** 2).mean()),
            "same_top": same.mean(), "ln_ppl": b.mean(), "ln_ppl_base": a.mean(), "ln_ppl_ratio": (b - a).mean(),
            "correlation": np.corrcoef(a, b)[0, 1],
            **{f"{name} {q}": np.quantile(v, at) for name, v in (("kl", kl), ("dp", dp)) for q, at in QUANTILES.items()}}


def main():
    quantised = "--quantised" in sys.argv
    cril, base, other, base_folder, other_folder, corpus, *n = [x for x in sys.argv[1:] if x != "--quantised"]
    n = int(n[0]) if n else 2
    with open(corpus, encoding="utf-8") as f:
        documents = [ids_of(cril, base, json.loads(f.readline())["content"]) for _ in range(n)]
    assert all(len(d) < WINDOW for d in documents), "a document does not fit into one window"
    wanted = figures(log_p(base_folder, documents), log_p(other_folder, documents), documents)
    done = subprocess.run([cril, "diverge", "-q", "--json", "--limit", str(n), "-m", base, "-m", other, corpus],
                          stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)["models"][0]
    bad = 0
    for name, x in wanted.items():
        group, *q = name.split()
        y = found[group][q[0]] if q else found[group]
        off = abs(x - y)
        tolerance = 1e-4
        if quantised:
            tolerance = max(1e-4, abs(x) * (.05 if q and q[0] in ("99.9", "max") else .005))
        bad += off > tolerance
        print(f"{name:14s} {x:14.8f} {y:14.8f} {off:.2e}{'  OFF' if off > tolerance else ''}")
    return int(bad > 0)


sys.exit(main())
