#!/usr/bin/env python3
"""The protocols opencompass and uncheatable by transformers on the CPU, in fp32: an oracle for cril's.

    python3 scripts/protocol_oracle.py {opencompass,uncheatable} HF_FOLDER CORPUS.jsonl [LIMIT]     (pip: torch transformers)

Prints characters, bytes, scored tokens, nats, BPC and BPB. It follows SWCELossInferencer of OpenCompass and eval_hf_model of
Uncheatable Eval in what they score; losses are summed in double, where the tools sum in their own type.
"""
import json
import math
import sys

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

protocol, folder, corpus = sys.argv[1:4]
limit = int(sys.argv[4]) if len(sys.argv) > 4 else None
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
tok = AutoTokenizer.from_pretrained(folder)
records = [r for r in map(json.loads, open(corpus)) if r["content"]][:limit]


@torch.no_grad()
def nats(window, scored):
    """Of the last `scored` of the window's tokens."""
    logits = model(torch.tensor([window])).logits[0, :-1]
    return F.cross_entropy(logits, torch.tensor(window[1:]), reduction="none").double()[-scored:].tolist()


def filled(record):
    text = "{content}"
    for k, v in record.items():
        text = text.replace(f"{{{k}}}", str(v))
    return text


out = []
if protocol == "opencompass":
    texts = [filled(r) for r in records]
    stream = [t for text in texts for t in tok.encode(text)]
    for i in range((len(stream) - 1901) // 512 + 1):
        out += nats(stream[512 * i:512 * i + 1901], 512 if i else 1900)
else:
    texts = [r["content"] for r in records]
    for text in texts:
        ids = tok(text)["input_ids"]
        for begin in range(0, len(ids), 1024):
            chunk = ids[begin:begin + 1024]
            if len(chunk) > 1:
                out += nats(chunk, len(chunk) - 1)
chars, size, total = sum(map(len, texts)), sum(len(t.encode()) for t in texts), math.fsum(out)
print(f"characters {chars} bytes {size} scored {len(out)} nats {total:.6f} bpc {total / math.log(2) / chars:.7f} "
      f"bpb {total / math.log(2) / size:.7f}")
