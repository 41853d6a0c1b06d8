#!/usr/bin/env python3
"""Trains SentencePiece models, writes them as GGUF vocabularies, and what SentencePiece itself makes of random strings.

    make_sentencepiece_golden.py OUT [--text FILE ...] [--vocab 450] [--strings 300] [--full-map]

Needs sentencepiece, protobuf, gguf and numpy. For each of the models below OUT gets NAME.gguf, written as llama.cpp's converters for T5
and Llama do, NAME.tsv, a line a string: its bytes in hexadecimal, a tab, the ids; and (not kept in the repository) NAME.model, which
compare_tokenizers.py takes as an oracle for many more strings. --full-map uses nmt_nfkc, SentencePiece's usual map of characters
(240 kB), in place of the few rules below. Without --text the models learn from LICENSE and the lines below."""
import argparse
import os
import random
import tempfile
from pathlib import Path

os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

import compare_tokenizers

MODELS = {  # name: type, byte fallback, what the normaliser does
    "sp-unigram": ("unigram", False, dict(add_dummy_prefix=True, remove_extra_whitespaces=True)),
    "sp-unigram-bytes": ("unigram", True, dict(add_dummy_prefix=False, remove_extra_whitespaces=False)),
    "sp-bpe": ("bpe", False, dict(add_dummy_prefix=True, remove_extra_whitespaces=False)),
    "sp-bpe-bytes": ("bpe", True, dict(add_dummy_prefix=False, remove_extra_whitespaces=False)),
}
RULES = {"Ａ": "A", "Ｂ": "B", "１": "1", "ﬁ": "fi", "ﬂ": "fl", "e\u0301": "é", "e\u0301\u0301": "ẽ", "\u3000": " ", "\t": " ",
         "\n": " ", "\r": " ", "\u200b": "", "\ufeff": "", "…": "...", "¼": "1/4", "²": "2", "\u2581": " "}
LINES = """Zażółć gęślą jaźń. Вот небольшой русский текст, в нём есть разные слова. Ένα μικρό ελληνικό κείμενο.
これは短い日本語の文章です。漢字とひらがなとカタカナ。这是一段很短的中文。안녕하세요, 짧은 글입니다.
for (size_t i = 0; i < n; i++) { sum += x[i] * y[i]; }   /* 3.14159, 2.71828, 1,000,000 */
Ça va? L'été déjà fini, où êtes-vous? Übergrößenträger: 12 345,67 €; naïve café, smörgåsbord, Ærø, ½ + ¼ = ¾.
"""


def train(name, text, a):
    kind, byte_fallback, spaces = MODELS[name]
    prefix = str(Path(a.out, name))
    options = dict(spaces, model_prefix=prefix, model_type=kind, byte_fallback=byte_fallback, vocab_size=a.vocab, input=text,
                   character_coverage=0.995, num_threads=1, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False,
                   user_defined_symbols=[], max_sentence_length=1 << 20, minloglevel=2)
    if kind == "bpe":  # a GGUF file of this kind has no map
        options.update(normalization_rule_name="identity", pad_id=-1, bos_id=1, eos_id=2, unk_id=0)
    elif a.full_map:
        options.update(normalization_rule_name="nmt_nfkc")
    else:
        rules = Path(a.out, "rules.tsv")
        rules.write_text("".join(" ".join(f"{ord(c):X}" for c in k) + "\t" + " ".join(f"{ord(c):X}" for c in v) + "\n"
                                 for k, v in RULES.items()))
        options.update(normalization_rule_tsv=str(rules))
    sentencepiece.SentencePieceTrainer.train(**options)
    Path(prefix + ".vocab").unlink()
    Path(a.out, "rules.tsv").unlink(missing_ok=True)
    return prefix + ".model"


def write_gguf(model, out, kind):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(Path(model).read_bytes())
    w = gguf.GGUFWriter(out, "t5" if kind == "unigram" else "llama")
    w.add_tokenizer_model("t5" if kind == "unigram" else "llama")
    w.add_tokenizer_pre("default")
    w.add_token_list([p.piece.encode() for p in proto.pieces])
    w.add_token_scores([p.score for p in proto.pieces])
    w.add_token_types([p.type for p in proto.pieces])
    w.add_add_space_prefix(proto.normalizer_spec.add_dummy_prefix)
    if kind == "unigram":
        w.add_remove_extra_whitespaces(proto.normalizer_spec.remove_extra_whitespaces)
        if proto.normalizer_spec.precompiled_charsmap:
            w.add_precompiled_charsmap(proto.normalizer_spec.precompiled_charsmap)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


def is_tie(tok, text):
    """Whether the two best ways score alike: SentencePiece adds scores in 32 bits, and rounding decides there."""
    best = tok.nbest_encode(text, nbest_size=2, out_type=int)
    scores = [sum(map(tok.get_score, ids)) for ids in best]
    return len(best) == 2 and abs(scores[0] - scores[1]) < 1e-3


def write_vectors(model, kind, vocabulary, out, n):
    tok, rng = sentencepiece.SentencePieceProcessor(model), random.Random(1)
    with open(out, "w", encoding="ascii") as f:
        for _ in range(n):
            text = b"".join(compare_tokenizers.piece(rng, vocabulary) for _ in range(rng.randrange(1, 6)))
            if rng.random() < 0.5:
                text += rng.choice(list(RULES)).encode() + rng.choice(LINES.split()).encode()
            ids = tok.encode(text.decode("utf-8", "replace"))
            if kind == "bpe" or not is_tie(tok, text.decode("utf-8", "replace")):
                f.write(f"{text.hex()}\t{' '.join(map(str, ids))}\n")


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("out")
    arg.add_argument("--text", nargs="*")
    arg.add_argument("--vocab", type=int, default=450)
    arg.add_argument("--strings", type=int, default=300)
    arg.add_argument("--full-map", action="store_true")
    a = arg.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text")
        sources = a.text or [Path(__file__).parent.parent / "LICENSE"]
        text.write_text("".join(Path(s).read_text(encoding="utf-8") for s in sources) + 3 * LINES, encoding="utf-8")
        for name, (kind, _, _) in MODELS.items():
            model = train(name, str(text), a)
            write_gguf(model, Path(a.out, name + ".gguf"), kind)
            write_vectors(model, kind, compare_tokenizers.Vocabulary(Path(a.out, name + ".gguf")),
                          Path(a.out, name + ".tsv"), a.strings)


if __name__ == "__main__":
    main()
