#!/usr/bin/env python3
"""Runs a task by lm-evaluation-harness (hf, CPU, fp32) and times it; bench/eval calls it.

    eval_harness.py FOLDER TASKS TASK LIMIT THREADS OUT BATCH...

Prints a line of JSON for each batch size: {"batch", "seconds", "cpu_seconds", "requests", "acc", "acc_norm"}. The model is
loaded once before, and two requests warm it up; the time is that of building the requests, running them and summing up. What ran
is written below OUT as samples_TASK_last.jsonl, by the harness itself."""
import json
import sys
import time

import torch
from lm_eval.evaluator import simple_evaluate
from lm_eval.loggers import EvaluationTracker
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

folder, tasks, task, limit, threads, out = sys.argv[1:7]
torch.set_num_threads(int(threads))
manager = TaskManager(include_path=tasks, include_defaults=False)


def run(lm, n):
    start, start_cpu = time.perf_counter(), time.process_time()
    results = simple_evaluate(model=lm, tasks=[task], limit=n, task_manager=manager, bootstrap_iters=0, device="cpu")
    return results, time.perf_counter() - start, time.process_time() - start_cpu


lm = HFLM(pretrained=folder, dtype="float32", device="cpu", batch_size=1)
run(lm, 2)
for batch in map(int, sys.argv[7:]):
    lm.batch_size_per_gpu = batch
    results, seconds, cpu = run(lm, int(limit))
    samples = results["samples"][task]
    scores = {k.split(",")[0]: v for k, v in results["results"][task].items() if k.endswith(",none")}
    line = {"batch": batch, "seconds": seconds, "cpu_seconds": cpu, "requests": sum(len(s["arguments"]) for s in samples)}
    print(json.dumps({**line, "acc": scores.get("acc"), "acc_norm": scores.get("acc_norm")}), flush=True)
tracker = EvaluationTracker(output_path=out)
tracker.date_id = "last"
tracker.save_results_samples(task, samples)
