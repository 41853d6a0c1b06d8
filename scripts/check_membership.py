"""Compares the membership scores of `cril leak -m` with those that transformers finds, document by document.

    python check_membership.py CRIL MODEL_FOLDER WORK [--reference MODEL2] [--documents 200] [--characters 1500]

MODEL_FOLDER: a Hugging Face folder that both read. The documents are parts of data/corpora/*.jsonl, written to WORK/documents.jsonl. The scores are those of the papers' programs
(zhang2025: run.py of Min-K%++; carlini2021), but for int(n k / 100) in whole numbers. Prints the largest difference of each score: absolute, and of the score's size where that is above 1."""
import argparse, glob, json, os, subprocess, zlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

a = argparse.ArgumentParser()
a.add_argument("cril"), a.add_argument("model"), a.add_argument("work")
a.add_argument("--reference"), a.add_argument("--documents", type=int, default=200), a.add_argument("--characters", type=int, default=1500)
a = a.parse_args()
torch.set_num_threads(2)
data = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "corpora")
texts = [json.loads(line)["content"] for f in sorted(glob.glob(data + "/*.jsonl")) for line in open(f, encoding="utf-8")]
parts = [t[i : i + a.characters] for t in texts for i in range(0, len(t) - a.characters, a.characters)]
parts = [parts[i * len(parts) // a.documents] for i in range(a.documents)]
path = os.path.join(a.work, "documents.jsonl")
with open(path, "w", encoding="utf-8") as f:
    f.writelines(json.dumps({"content": t}) + "\n" for t in parts)


class Model:
    def __init__(self, folder):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        own = self.tokenizer("a")["input_ids"]
        self.bos = own[:1] if own[0] == self.tokenizer.bos_token_id else []

    @torch.no_grad()
    def tokens(self, text):  # ln p, mu and sigma of each token that a pass predicts
        ids = torch.tensor(self.bos + self.tokenizer.encode(text, add_special_tokens=False))
        log_p = torch.log_softmax(self.model(ids[None]).logits[0, :-1].double(), -1)
        mu = (log_p.exp() * log_p).sum(-1)
        sigma = ((log_p.exp() * log_p.square()).sum(-1) - mu.square()).sqrt()
        return log_p.gather(-1, ids[1:, None])[:, 0], mu, sigma


def scores(text, model, reference):
    log_p, mu, sigma = model.tokens(text)
    z, n, loss = (log_p - mu) / sigma, len(log_p), log_p.mean().item()
    lowest = lambda v, k: v.sort().values[: n * k // 100].mean().item()
    out = {f"min_k {k}": lowest(log_p, k) for k in (5, 10, 20, 30, 40, 50, 60)}
    out |= {f"min_k_plus_plus {k}": lowest(z, k) for k in range(10, 101, 10)}
    out |= {"loss": loss, "zlib": loss / len(zlib.compress(text.encode())), "lower_case": model.tokens(text.lower())[0].mean().item() / loss}
    return out | ({"reference": loss - reference.tokens(text)[0].mean().item()} if reference else {})


command = [a.cril, "leak", "-q", "-m", a.model, path, "--json", "--lower-case"] + (["--reference", a.reference] if a.reference else [])
found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["corpora"][0]["documents"]
model, reference, worst = Model(a.model), a.reference and Model(a.reference), {}
for text, d in zip(parts, found, strict=True):
    for name, value in scores(text, model, reference).items():
        family, _, k = name.partition(" ")
        ours = d[family][k] if k else d[family]
        worst[name] = max(worst.get(name, 0), abs(ours - value) / max(1, abs(value)))
for name, value in worst.items():
    print(f"{name:20} {value:.2e}")
print(f"largest of {len(worst)} scores on {len(found)} documents: {max(worst.values()):.2e}")
