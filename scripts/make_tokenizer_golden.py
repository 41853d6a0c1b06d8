#!/usr/bin/env python3
"""Makes small tokenizers as folders have them, and what the libraries `tokenizers`, `sentencepiece` and `tiktoken` make of texts.

    make_tokenizer_golden.py OUT

OUT gets tokenizers.jsonl, a tokenizer a line: {name, files: {name: text, or [bytes in base 64]}, bos, eos, adds_bos, texts: [[text, ids, ids where
look-alikes of control tokens are those tokens]], null where the library is no judge}; and words.jsonl, an expression a line: {pattern, words: [[words of a text], ...]}.
pip: tokenizers sentencepiece protobuf tiktoken safetensors numpy"""
import base64
import io
import json
import os
import random
import sys
import unicodedata
from pathlib import Path

os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
import sentencepiece
import tiktoken
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from compare_expressions import DIALECT, PUBLISHED, alphabet, string
from gguf_to_tokenizer_json import LLAMA3, byte_level, digits, merges_of_scores, split

CORPUS = """The river is a road that moves. The boats go down with the barley, and each of them pays at the bridge: 12, 40, 96, 312, 1024.
She said that the mill would not stand another winter. He said that it'd been said before; they're both right, as it turned out.
for (size_t i = 0; i < n; i++) { sum += a[i] * b[i]; }    return sum / 2;
Der Fluß ist breit, und die Größe der Säcke ist überall gleich. Où est la façade? Мельница стояла у реки. 河水在春天上涨。これは川です。
The end of the story is the end of the river, and the river has no end. There is the sea, and there is the ledger.
"""
RULES = {"Ａ": "A", "１": "1", "ﬁ": "fi", "e\u0301": "é", "\u3000": " ", "\t": " ", "\n": " ", "\u200b": "", "…": "...", "²": "2"}
TEXTS = ["", " ", "The river, the mill.", "  two  spaces   three\t\ttab\r\n\r\n\n", "It's 3.14159 or 1,024; DON'T, we'LL \u017fee: x\u00b2\u2264\u03b5", "<s>the</s> <unk> <|end|><x>  <x> <x>y",
         "e\u0301 \u00e9 \u1e9b\u0323 \ufb01 \u2460 \u00a0nb\u3000wide\u200bzero", "河水これは \uc548\ub155 \U0001F680\U0001F469\u200d\U0001F4BB \u2581under \u2581\u2581", "!!!???...,,, $+<=>^`|~ \u00ab\u00bb\u201c\u201d", "<0x41>\x00\x01\x7f",
         "the the  the\u0301 \ufefffor(;;){a[i]+=b[j]*c;}"]
WORD_TEXTS = ["xx xa'S DON'T  x\n\r\n  A1x23²é e\u0301 漢字かナ ½Ⅷ٣x.x", "x", "  \n \n", "ab\x0b\x85\u180e\u2003|x--_x{a}x{,\t.।…(x)[x]"]
GPT2_STEPS = [byte_level(True)]
SPECIALS = ["<s>", "</s>", "<unk>"]


def added(i, content, special=False, **flags):
    return {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": special} | flags


def root(model, added_tokens, normalizer=None, pre=None, bos=None):
    post = None
    if bos:
        post = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": bos[0], "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
                "special_tokens": {bos[0]: {"id": bos[0], "ids": [bos[1]], "tokens": [bos[0]]}}}
    if isinstance(pre, list):
        pre = pre[0] if len(pre) == 1 else {"type": "Sequence", "pretokenizers": pre}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added_tokens, "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post, "decoder": None, "model": model}


def bpe(vocab, merges, **options):
    return {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": vocab, "merges": merges} | options


def learn(steps, size):
    """Vocabulary and merges of a byte-level BPE."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.train_from_iterator([CORPUS], trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=alphabet()))
    model = json.loads(tok.to_str())["model"]
    return model["vocab"], model["merges"]


def byte_level_json(steps, normalizer=None, whole=False, bos=None, drop=(), strings=False):
    vocab, merges = learn(steps, 330)
    vocab = {t: i for i, t in enumerate(t for t in sorted(vocab, key=vocab.get) if not set(t) & set(drop))}
    merges = [m for m in merges if not set(m[0] + m[1]) & set(drop)]
    n = len(vocab)
    tokens = [added(n, "<s>", True), added(n + 1, "</s>", True), added(n + 2, "<|end|>", True), added(n + 3, "<x>", lstrip=True), added(n + 4, "  "), added(n + 5, "\u00e9", normalized=True)]
    return root(bpe(vocab, [" ".join(m) for m in merges] if strings else merges, ignore_merges=whole), tokens, normalizer, steps, bos and ("<s>", n)), n


def train(kind, **options):
    out = io.BytesIO()
    rules = Path("rules.tsv")
    rules.write_text("".join(" ".join(f"{ord(c):X}" for c in k) + "\t" + " ".join(f"{ord(c):X}" for c in v) + "\n" for k, v in RULES.items()))
    if not options.pop("map", False):
        options.update(normalization_rule_name="identity")
    else:
        options.update(normalization_rule_tsv=str(rules))
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter([l for l in CORPUS.splitlines() if l] * 3), model_writer=out, model_type=kind, character_coverage=0.995, num_threads=1,
                                             hard_vocab_limit=False, minloglevel=2, **options)
    rules.unlink()
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(out.getvalue())
    model.trainer_spec.ClearField("input")
    return model


def sentencepiece_json(model, prefix):
    tokens, scores, types = [p.piece for p in model.pieces], [p.score for p in model.pieces], [p.type for p in model.pieces]
    steps = [{"type": "Prepend", "prepend": "\u2581"}] if prefix else []
    vocab = {t: i for i, t in enumerate(tokens)}
    specials = [added(vocab[t], t, True) for t in SPECIALS] + [added(len(tokens), "<x>", rstrip=True, single_word=True)]
    return root(bpe(vocab, merges_of_scores(tokens, scores, types), unk_token="<unk>", fuse_unk=True, byte_fallback=True), specials,
                {"type": "Sequence", "normalizers": steps + [{"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}, None, ("<s>", 1))


def unigram_json(model):
    normalizers = [{"type": "Precompiled", "precompiled_charsmap": base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()}, {"type": "NFKC"},
                   {"type": "Strip", "strip_left": False, "strip_right": True}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]
    vocab = [[p.piece, p.score] for p in model.pieces]
    return root({"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": False}, [added(i, t, True) for i, t in enumerate(SPECIALS)],
                {"type": "Sequence", "normalizers": normalizers}, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True})


def expect_json(name, value, **facts):
    tok = Tokenizer.from_str(json.dumps(value))
    ids = lambda text: tok.encode(text, add_special_tokens=False).ids
    texts = []
    for text in TEXTS:
        tok.encode_special_tokens = True
        finds = value["model"]["type"] == "Unigram" and any(t in text for t in SPECIALS)  # it takes them for pieces, control tokens or not
        plain = None if finds else ids(text)
        tok.encode_special_tokens = False
        texts.append([text, plain, ids(text)])
    config = {k + "_token": v for k, v in (("bos", facts.get("bos_name")), ("eos", "</s>")) if v}
    return {"name": name, "files": {"tokenizer.json": json.dumps(value, ensure_ascii=False), "tokenizer_config.json": json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"} | config)},
            "bos": facts.get("bos", -1), "eos": tok.token_to_id("</s>") if tok.token_to_id("</s>") is not None else -1, "adds_bos": facts.get("adds_bos", False), "texts": texts}


def expect_model(name, model):
    data = model.SerializeToString(deterministic=True)
    tok = sentencepiece.SentencePieceProcessor(model_proto=data)
    return {"name": name, "files": {"tokenizer.model": [base64.b64encode(data).decode()]}, "bos": tok.bos_id(), "eos": tok.eos_id(), "adds_bos": model.trainer_spec.model_type == 2,
            "texts": [[t, tok.encode(t), None] for t in TEXTS]}


def expect_tiktoken():
    vocab, _ = learn([split(LLAMA3)], 330)
    own = [b for b in range(256) if 0x21 <= b <= 0x7E or 0xA1 <= b != 0xAD]
    back = dict(zip(alphabet(), own + [b for b in range(256) if b not in own]))
    tokens = sorted((bytes(back[c] for c in t) for t in sorted(vocab, key=vocab.get)), key=lambda t: len(t) > 1)
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + [f"<|extra_{i}|>" for i in range(205)]
    enc = tiktoken.Encoding("qwen", pat_str=LLAMA3.replace("{1,3}", ""), mergeable_ranks={t: i for i, t in enumerate(tokens)}, special_tokens={t: len(tokens) + i for i, t in enumerate(names)})
    texts = TEXTS + ["<|im_start|>the<|endoftext|>"]
    normal = [unicodedata.normalize("NFC", t) for t in texts]
    return {"name": "tiktoken", "files": {"qwen.tiktoken": "".join(f"{base64.b64encode(t).decode()} {i}\n" for i, t in enumerate(tokens))}, "bos": -1, "eos": len(tokens), "adds_bos": False,
            "texts": [[t, enc.encode_ordinary(n), enc.encode(n, allowed_special="all")] for t, n in zip(texts, normal)]}


def tokenizers():
    letters = alphabet()
    bpe_model = train("bpe", vocab_size=420, byte_fallback=True, add_dummy_prefix=True, remove_extra_whitespaces=False)
    unigram_model = train("unigram", vocab_size=200, byte_fallback=False, add_dummy_prefix=True, remove_extra_whitespaces=True, map=True, user_defined_symbols=["<x>"])
    falcon = [{"type": "Punctuation", "behavior": "Contiguous"}, byte_level(True), digits(False), split("[0-9][0-9][0-9]")]
    value, n = byte_level_json([split(LLAMA3), byte_level(False)], whole=True, bos=True)
    yield expect_json("llama-3", value, bos=n, bos_name="<s>", adds_bos=True)
    value, n = byte_level_json(GPT2_STEPS, {"type": "NFC"}, drop=letters[-40:-30], strings=True)
    yield expect_json("gpt-2-nfc", value)
    value, n = byte_level_json(falcon)
    yield expect_json("falcon", value, bos=n, bos_name="<s>")
    yield expect_json("llama", sentencepiece_json(bpe_model, True), bos=1, bos_name="<s>", adds_bos=True)
    yield expect_json("unigram", unigram_json(unigram_model))
    yield expect_model("sentencepiece-bpe", bpe_model)
    yield expect_model("sentencepiece-unigram", unigram_model)
    yield expect_tiktoken()


def words(pattern):
    step = pre_tokenizers.Split(Regex(pattern), "isolated")
    rng = random.Random(pattern)
    texts = WORD_TEXTS + [string(rng) for _ in range(2)]
    texts = [t for t in texts if all(unicodedata.category(c) != "Cn" and ord(c) < 0x1D00 or ord(c) in range(0x2000, 0xFA00) for c in t)]
    return {"pattern": pattern, "words": [[w for w, _ in step.pre_tokenize_str(t)] for t in texts]}


def main():
    os.chdir(sys.argv[1])
    for name, values in ("tokenizers.jsonl", tokenizers()), ("words.jsonl", map(words, PUBLISHED + DIALECT)):
        with open(name, "w", encoding="utf-8") as f:
            for value in values:
                f.write(json.dumps(value, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
