#!/usr/bin/env python3
"""Writes the vocabulary of a GGUF file (tokenizer "llama") as SentencePiece's own file, an oracle for compare_tokenizers.py.

    gguf_to_sentencepiece.py MODEL.gguf OUT.model

Needs sentencepiece, protobuf, gguf and numpy. The text is taken as it is: no map of characters. Where the file asks for a space in front,
SentencePiece and cril put one at the start of a text only, llama.cpp after each special token too."""
import os
import sys

os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
from gguf import GGUFReader
from sentencepiece import sentencepiece_model_pb2

fields = GGUFReader(sys.argv[1]).fields
model = sentencepiece_model_pb2.ModelProto()
get = {k[len("tokenizer.ggml."):]: f.contents() for k, f in fields.items() if k.startswith("tokenizer.ggml.")}
assert get["model"] == "llama", get["model"]
for text, score, kind in zip(get["tokens"], get["scores"], get["token_type"]):
    model.pieces.add(piece=text.replace(" ", "\u2581"), score=score, type=kind)
model.trainer_spec.model_type = model.trainer_spec.BPE
model.trainer_spec.byte_fallback = 6 in get["token_type"]
model.trainer_spec.vocab_size = len(model.pieces)
for name in ("unk", "bos", "eos", "pad"):
    key = {"unk": "unknown", "pad": "padding"}.get(name, name) + "_token_id"
    setattr(model.trainer_spec, name + "_id", get.get(key, -1))
    if key in get:
        setattr(model.trainer_spec, name + "_piece", get["tokens"][get[key]])
model.normalizer_spec.name = "identity"
model.normalizer_spec.add_dummy_prefix = get.get("add_space_prefix", True)
model.normalizer_spec.remove_extra_whitespaces = False
with open(sys.argv[2], "wb") as f:
    f.write(model.SerializeToString())
