#!/usr/bin/env python3
"""Writes the tokenizer of a GGUF file as a folder with tokenizer.json, as its publisher has it: an oracle and a test for compare_tokenizers.py.

    gguf_to_tokenizer_json.py VOCABULARY.gguf FOLDER

Needs tokenizers, safetensors, gguf and numpy. The GGUF file names its pre-tokenizer; the steps stand here as the publishers write them.
The folder also gets config.json and a tensor, without which no program takes it for a model."""
import json
import os
import sys

import numpy
from gguf import GGUFReader
from safetensors.numpy import save_file

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CASED = ("A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1"
         "\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15"
         "\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb"
         "\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e"
         "\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17"
         "\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-\U000118df"
         "\U0001e900-\U0001e943")
CJK = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"


def split(pattern):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def byte_level(words):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": words}


def digits(each):
    return {"type": "Digits", "individual_digits": each}


GPT2 = ([byte_level(True)], None, False)
DIGITS = [digits(True), byte_level(True)]
NFC = {"type": "NFC"}
# tokenizer.ggml.pre -> pre-tokenizers, normaliser, ignore_merges
KINDS = {
    "gpt-2": GPT2, "phi-2": GPT2, "mpt": ([byte_level(True)], NFC, False), "olmo": ([byte_level(True)], NFC, False),
    "smollm": (DIGITS, None, False), "starcoder": (DIGITS, None, False), "refact": (DIGITS, None, False), "command-r": (DIGITS, NFC, False),
    "llama-bpe": ([split(LLAMA3), byte_level(False)], None, True),
    "qwen2": ([split(LLAMA3.replace("{1,3}", "")), byte_level(False)], NFC, False),
    "falcon": ([{"type": "Punctuation", "behavior": "Contiguous"}, byte_level(True), digits(False), split("[0-9][0-9][0-9]")], None, False),
    "deepseek-llm": ([split("[\r\n]"), split(rf"\s?[{CASED}]+"), split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), split(r"\s+$"), split(CJK), digits(True), byte_level(False)], None, False),
    "deepseek-coder": ([split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split(CJK), digits(True), byte_level(False)], None, False),
}
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)


def merges_of_scores(tokens, scores, types):
    """Every way to part a piece into two, by score: what transformers makes of SentencePiece's BPE."""
    ids = {t: i for i, (t, k) in enumerate(zip(tokens, types)) if k in (NORMAL, USER_DEFINED)}
    merges = []
    for text, i in ids.items():
        parts = [(text[:k], text[k:]) for k in range(1, len(text)) if text[:k] in ids and text[k:] in ids]
        merges += [(-scores[i], i, a, b) for a, b in sorted(parts, key=lambda p: (ids[p[0]], ids[p[1]]))]
    return [[a, b] for _, _, a, b in sorted(merges, key=lambda m: m[:2])]


def main():
    fields = GGUFReader(sys.argv[1]).fields
    get = {k[len("tokenizer.ggml."):]: f.contents() for k, f in fields.items() if k.startswith("tokenizer.ggml.")}
    tokens, types = get["tokens"], get["token_type"]
    added = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": k != USER_DEFINED}
             for i, (t, k) in enumerate(zip(tokens, types)) if k in (CONTROL, USER_DEFINED) or (k == UNKNOWN and get["model"] == "llama")]
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
             "ignore_merges": False, "vocab": {t: i for i, t in enumerate(tokens)}}
    if get["model"] == "llama":
        mark = [{"type": "Prepend", "prepend": "\u2581"}] if get.get("add_space_prefix", True) else []
        normalizer = {"type": "Sequence", "normalizers": mark + [{"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
        pre = None
        model.update(unk_token=tokens[get["unknown_token_id"]], fuse_unk=True, byte_fallback=True, merges=merges_of_scores(tokens, get["scores"], types))
    else:
        steps, normalizer, whole = KINDS[get.get("pre", "gpt-2")]
        pre = steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps}
        model.update(ignore_merges=whole, merges=[m.split(" ", 1) for m in get["merges"]])
    bos = get.get("bos_token_id")
    adds = get.get("add_bos_token", get["model"] == "llama" or get.get("pre") == "llama-bpe") and bos is not None
    text = {"Sequence": {"id": "A", "type_id": 0}}
    post = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": tokens[bos], "type_id": 0}}, text] if adds else [text], "pair": [text],
            "special_tokens": {tokens[bos]: {"id": tokens[bos], "ids": [bos], "tokens": [tokens[bos]]}} if adds else {}}
    folder = sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    write = lambda name, value: open(os.path.join(folder, name), "w", encoding="utf-8").write(json.dumps(value, ensure_ascii=False))
    write("tokenizer.json", {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post,
                             "decoder": None, "model": model})
    names = {k + "_token": tokens[get[v + "_token_id"]] for k, v in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown")) if get.get(v + "_token_id") is not None}
    write("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **names})
    write("config.json", {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": len(tokens)})
    save_file({"model.norm.weight": numpy.ones(8, numpy.float32)}, os.path.join(folder, "model.safetensors"))


if __name__ == "__main__":
    main()
