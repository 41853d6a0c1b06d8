"""A tiny model that has seen one half of a set of documents: the planted case of `cril leak -m`.

    python make_planted.py OUT

Documents are parts of the encyclopedia articles of data/corpora, dealt into OUT/seen.jsonl and OUT/unseen.jsonl by a seed, so that the halves differ by chance alone. OUT/model is a Llama
folder (F16) with random weights, trained on the seen half for some epochs. tests/golden/planted.tar.xz is

    python make_planted.py planted && tar --owner=0 --group=0 --mtime=@0 --sort=name -cf - planted | xz -9e >tests/golden/planted.tar.xz"""
import json, os, random, sys

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tiny_text

CHARACTERS, DOCUMENTS, EPOCHS, BATCH = 400, 120, 60, 10
out = sys.argv[1]
folder = os.path.join(out, "model")
os.makedirs(folder, exist_ok=True)
torch.set_num_threads(1)
torch.manual_seed(1)
data = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "corpora", "encyclopedia.jsonl")
texts = [json.loads(line)["content"] for line in open(data, encoding="utf-8")]
parts = [t[i : i + CHARACTERS] for t in texts for i in range(0, len(t) - CHARACTERS, CHARACTERS)]
random.Random(1).shuffle(parts)
seen, unseen = parts[: DOCUMENTS // 2], parts[DOCUMENTS // 2 : DOCUMENTS]
for name, half in (("seen", seen), ("unseen", unseen)):
    with open(os.path.join(out, name + ".jsonl"), "w", encoding="utf-8") as f:
        f.writelines(json.dumps({"content": t}, ensure_ascii=False) + "\n" for t in half)

tiny_text.make_bpe(folder, "gpt2", 512)
tokenizer = AutoTokenizer.from_pretrained(folder)
config = LlamaConfig(vocab_size=512, hidden_size=48, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=2048, tie_word_embeddings=True)
model = LlamaForCausalLM(config)
ids = [torch.tensor(tokenizer.encode(t, add_special_tokens=False)) for t in seen]
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.0)
steps, step = EPOCHS * (len(ids) // BATCH), 0
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
for epoch in range(EPOCHS):
    random.Random(epoch).shuffle(ids)
    for i in range(0, len(ids), BATCH):
        batch = torch.nn.utils.rnn.pad_sequence(ids[i : i + BATCH], batch_first=True)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(x) for x in ids[i : i + BATCH]], batch_first=True)
        loss = model(batch, attention_mask=mask, labels=batch.masked_fill(mask == 0, -100)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}")
model.half().save_pretrained(folder)
