#!/usr/bin/env python3
"""make_requests_golden.py MODEL [OUT]: what lm-evaluation-harness itself logs of small tasks, for the reader of requests.

Needs lm_eval (0.4.13 made the files), torch, transformers. MODEL is a folder of transformers; OUT is tests/golden/requests.
The items below are made up for this purpose. Six tasks: choices, choices with unconditional requests and another delimiter,
contexts that differ (the form of WinoGrande), a continuation alone, greedy texts with two filters, rolling. Of results_*.json only
what a reader of samples needs is kept; the date in the names is fixed, so that a second run writes the same names.
"""
import json
import os
import pathlib
import shutil
import sys
import tempfile

DATE = "2025-01-31T12-00-00.000000"
out = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent.parent / "tests/golden/requests")

CHOICES = [
    ("What do bees make from nectar?", ["honey", "milk", "flour", "salt"], 0),
    ("Which of these is a metal?", ["wood", "copper", "glass"], 1),
    ("What falls from clouds?", ["sand", "leaves", "rain", "coins", "ink"], 2),
    ("How do you say \u201cthank you\u201d in French?", ["gr\u00e2ce \u00e0", "merci", "s'il vous pla\u00eet"], 1),
    ("Which month comes after March?", ["May", "April"], 1),
]
BLANKS = [
    ("The jug did not fit on the shelf because the _ was too tall.", "shelf", "jug", "2"),
    ("Ann asked Eve for a pen, and so _ lent her one.", "Eve", "Ann", "1"),
    ("The rope broke under the crate because the _ was old.", "crate", "rope", "2"),
    ("He swapped the lamp for the candle as the _ gave no light.", "lamp", "candle", "1"),
]
ANSWERS = [
    ("What colour is fresh snow?", ["white", "White"]),
    ("What is two plus two?", ["4", "four"]),
    ("Which animal barks?", ["dog", "a dog"]),
    ("What is the capital of Italy?", ["Rome"]),
]
TEXTS = [
    "The baker opened the shop at six, and by seven all of the bread was gone.",
    "A small boat crossed the bay.\nNobody saw it come back.\n",
    "Na\u00efve caf\u00e9 owners count twice; careful ones count three times.",
    "one",
]

TASKS = {
    "own_choices": dict(
        output_type="multiple_choice", doc_to_text="Question: {{question}}\nAnswer:", doc_to_target="{{gold}}",
        doc_to_choice="{{choices}}", metric_list=[{"metric": "acc"}, {"metric": "acc_norm"}],
        fewshot_config={"sampler": "first_n", "samples": [{"question": "Which is hot?", "choices": ["ice", "fire"], "gold": 1}]},
        num_fewshot=1),
    "own_mutual": dict(
        output_type="multiple_choice", doc_to_text="Q: {{question}}", doc_to_target="{{choices[gold]}}", doc_to_choice="{{choices}}",
        target_delimiter="\nA: ", metric_list=[{"metric": "acc"}, {"metric": "acc_mutual_info"}]),
    "own_blanks": dict(
        output_type="multiple_choice", doc_to_text="{{(answer | int) - 1}}", doc_to_target="{{sentence.split('_')[1].strip()}}",
        doc_to_choice="{{[sentence.split('_')[0] + option1, sentence.split('_')[0] + option2]}}", metric_list=[{"metric": "acc"}]),
    "own_last": dict(
        output_type="loglikelihood", doc_to_text="{{text.strip().split(' ')[:-1] | join(' ')}}",
        doc_to_target="{{' ' + text.strip().split(' ')[-1]}}", metric_list=[{"metric": "perplexity"}, {"metric": "acc"}]),
    "own_answers": dict(
        output_type="generate_until", doc_to_text="Q: {{question}}\nA:", doc_to_target="{{answers}}",
        generation_kwargs={"until": ["\n", "."], "max_gen_toks": 12, "do_sample": False},
        metric_list=[{"metric": "exact_match"}],
        filter_list=[{"name": "stripped", "filter": [{"function": "remove_whitespace"}, {"function": "take_first"}]},
                     {"name": "plain", "filter": [{"function": "take_first"}]}]),
    "own_rolling": dict(
        output_type="loglikelihood_rolling", doc_to_text="", doc_to_target="{{text}}",
        metric_list=[{"metric": "bits_per_byte"}, {"metric": "byte_perplexity"}]),
}
DATA = {
    "own_choices": [dict(question=q, choices=c, gold=g) for q, c, g in CHOICES],
    "own_mutual": [dict(question=q, choices=c, gold=g) for q, c, g in CHOICES[:3]],
    "own_blanks": [dict(sentence=s, option1=a, option2=b, answer=g) for s, a, b, g in BLANKS],
    "own_last": [dict(text=t) for t in TEXTS[:3]],
    "own_answers": [dict(question=q, answers=a) for q, a in ANSWERS],
    "own_rolling": [dict(text=t) for t in TEXTS],
}
for metric in (m for t in TASKS.values() for m in t["metric_list"]):
    lower = metric["metric"] in ("perplexity", "bits_per_byte", "byte_perplexity")
    metric["aggregation"] = {"perplexity": "perplexity", "bits_per_byte": "bits_per_byte",
                             "byte_perplexity": "weighted_perplexity"}.get(metric["metric"], "mean")
    metric["higher_is_better"] = not lower

with tempfile.TemporaryDirectory() as tmp:
    tmp = pathlib.Path(tmp)
    os.environ["HF_HOME"] = str(tmp / "hf")
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    configs = []
    for name, task in TASKS.items():
        file = tmp / f"{name}.jsonl"
        file.write_text("".join(json.dumps(d) + "\n" for d in DATA[name]))
        configs.append(dict(task=name, dataset_path="json", dataset_kwargs={"data_files": {"test": str(file)}}, test_split="test", **task))
    tracker = EvaluationTracker(output_path=str(tmp / "out"))
    torch.set_num_threads(2)
    results = simple_evaluate(model="hf", model_args=dict(pretrained=sys.argv[1], dtype="float32"), tasks=configs, batch_size=1,
                              device="cpu", log_samples=True, evaluation_tracker=tracker, task_manager=TaskManager(),
                              bootstrap_iters=0)
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for name in TASKS:
        tracker.save_results_samples(task_name=name, samples=samples[name])
    out.mkdir(parents=True, exist_ok=True)
    for file in (tmp / "out").rglob("*.json*"):
        if file.name.startswith("samples_"):
            task = file.name[len("samples_"):].rsplit("_", 1)[0]
            shutil.copy(file, out / f"samples_{task}_{DATE}.jsonl")
        else:
            r = json.loads(file.read_text())
            kept = {"results": r["results"], "chat_template": r.get("chat_template"), "lm_eval_version": r.get("lm_eval_version"),
                    "configs": {t: {k: c[k] for k in ("task", "output_type", "target_delimiter") if k in c} for t, c in r["configs"].items()}}
            (out / f"results_{DATE}.json").write_text(json.dumps(kept, indent=2) + "\n")
