#!/usr/bin/env python3
"""make_task_file_golden.py [OUT]: requests that lm-evaluation-harness makes for the tasks of examples/tasks.

Needs lm_eval (0.4.13 made the files). OUT is tests/golden/task_files. The harness' own task objects, in their published
configuration, get a few records in the form of the hub's data sets (made up here) in the place of the data sets, and build their
requests with 0, 2 and 3 shots. Data go to OUT/*.jsonl, under the names that the task files have; requests to OUT/requests.jsonl.
"""
import json
import pathlib
import sys

import datasets

out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests/golden/task_files")


def arc(key, question, texts, answer, labels="ABCDE"):
    return dict(id=key, question=question, choices=dict(text=texts, label=list(labels[:len(texts)])), answerKey=answer)


def book(key, stem, texts, answer):
    return dict(id=key, question_stem=stem, choices=dict(text=texts, label=list("ABCD")), answerKey=answer)


def sense(key, question, texts, answer):
    return dict(id=key, question=question, question_concept="x", choices=dict(label=list("ABCDE"), text=texts), answerKey=answer)


def social(context, question, a, b, c, label):
    return dict(context=context, question=question, answerA=a, answerB=b, answerC=c, label=label)


PIQA = [
    dict(goal="To dry a wet shoe,", sol1="stuff it with newspaper.", sol2="stuff it with ice.", label=0),
    dict(goal="How do you keep a door open?", sol1="Push a feather under it", sol2="Push a wedge under it", label=1),
    dict(goal="Cut a loaf of bread", sol1="Saw with a bread knife.", sol2="Press with a spoon\u2019s back.", label=0),
    dict(goal="carry soup", sol1="in a sieve", sol2=" in a pot", label=1),
    dict(goal="Clean a window.", sol1="Wipe it with a wet cloth.", sol2="Wipe it with butter.", label=0),
]
WINO = [
    dict(sentence="The mug would not go into the box because the _ was too wide.", option1="mug", option2="box", answer="1"),
    dict(sentence="Tom called Sam while _ was on the train, so Sam heard noise.", option1="Tom", option2="Sam", answer="1"),
    dict(sentence="The soup was saltier than the stew, so Ida left the _ .", option1="stew", option2="soup", answer="2"),
    dict(sentence="_ was late, though Bo had waited for Li at _ corner.", option1="Li", option2="Bo", answer="1"),
]
BOOL = [
    dict(question="is rain wet", passage="Rain is water that falls in drops.\nIt wets what it meets.", idx=0, label=1),
    dict(question="do stones swim", passage="Stones sink in water (pumice floats).", idx=1, label=0),
    dict(question="is a caf\u00e9 open at night", passage="Some are; {most} are not.", idx=2, label=0),
    dict(question="can bread be toasted", passage="Toast is bread browned by heat.", idx=3, label=1),
]
SOCIAL = [
    social("Ana gave her seat to an old man.", "Why did Ana do this?", "to be kind", "to be rude", "to sleep", "1"),
    social("Ben broke the vase and hid it.", "How would Ben feel afterwards?", "proud", "guilty", "hungry", "2"),
    social("Cleo studied all night.", "What will Cleo want to do next?", "study more\u2014much more", "fly", "rest", "3"),
    social("Dan shared his lunch.", "How would others feel?", "thankful", "angry", "tall", "1"),
]
DATA = {
    "arc_easy": ("test", "train", [
        arc("a1", "Which of these is a liquid at room temperature?", ["iron", "water", "salt"], "B"),
        arc("a2", "What do plants need to grow?\nChoose one.", ["light", "music", "noise", "plastic"], "1", "1234"),
        arc("a3", "At 5 \u00b0C, what falls?", ["rain", "hail stones of iron", "dust", "ash", "sand"], "E"),
    ], [
        arc("t1", "Which animal lays eggs?", ["hen", "cow"], "A"),
        arc("t2", "What pulls things down?", ["gravity", "light", "sound", "heat"], "A"),
        arc("t3", "Which is a planet?", ["Moon", "Sun", "Mars"], "C"),
        arc("t4", "How many days has a week?", ["five", "seven"], "2", "12"),
        arc("t5", "What is ice made of?", ["sand", "glass", "water", "milk"], "C"),
    ]),
    "piqa": ("validation", "train", PIQA[:3], PIQA),
    "winogrande": ("validation", "train", WINO[:3], WINO[::-1]),
    "boolq": ("validation", "train", BOOL[:3], BOOL),
    "openbookqa": ("test", "train", [
        book("b1", "A magnet sticks to", ["wood", "a nail", "paper", "glass"], "B"),
        book("b2", "Which can be seen at night without a lamp? ", ["the moon", "a shadow", "ink", "coal"], " A"),
    ], [
        book("u1", "Cotton comes from", ["a plant", "a mine", "a river", "a cow"], "A"),
        book("u2", "A frog begins life as", ["a fly", "a leaf", "a tadpole", "a stone"], "C"),
        book("u3", "Friction makes", ["cold", "heat", "rain", "gold"], "B"),
        book("u4", "The sun is", ["a lamp", "a star", "a cloud", "a bird"], "B"),
    ]),
    "commonsense_qa": ("validation", "train", [
        sense("c1", "Where would you keep milk?", ["oven", "fridge", "drawer", "garden", "car"], "B"),
        sense("c2", "  What do you wear on your feet? ", ["hat", "scarf", "ring", "shoes", "belt"], "D"),
    ], [
        sense("v1", "Where do fish live?", ["water", "sky", "desert", "attic", "tree"], "A"),
        sense("v2", "What opens a lock?", ["spoon", "key", "brush", "stone", "cup"], "B"),
        sense("c1", "Where would you keep milk?", ["oven", "fridge", "drawer", "garden", "car"], "B"),
        sense("v3", "What do you read?", ["soup", "wind", "sand", "wood", "a book"], "E"),
    ]),
    "social_iqa": ("validation", "train", SOCIAL[:2], SOCIAL),
    "lambada_openai": ("test", None, [
        dict(text="She looked for the cat, and under the bed she found the cat"),
        dict(text="\u201cYou are late,\u201d he said.  \u201cI know,\u201d she answered, \u201cbut I am never early or late"),
        dict(text="One more line\nand then a last word"),
    ], None),
}


def load_dataset(path=None, name=None, **_):
    items, train, records, shots = DATA[load_dataset.task]
    splits = {items: datasets.Dataset.from_list(records)}
    if train:
        splits[train] = datasets.Dataset.from_list(shots)
    return datasets.DatasetDict(splits)


datasets.load_dataset = load_dataset
from lm_eval.tasks import TaskManager, get_task_dict  # noqa: E402

out.mkdir(parents=True, exist_ok=True)
manager = TaskManager()
with open(out / "requests.jsonl", "w", encoding="utf-8") as f:
    for name, (items, train, records, shots) in DATA.items():
        load_dataset.task = name
        for split, rows in ((items, records), (train, shots)):
            if split:
                (out / f"{name}_{split}.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
        for n in (0, 2, 3):
            if n > len(shots or records) - 1:
                continue
            task = get_task_dict([name], manager)[name]
            task.set_config(key="num_fewshot", value=n)
            task.set_fewshot_seed(seed=1234)
            task.build_all_requests(rank=0, world_size=1)
            by_doc = {}
            for i in task.instances:
                by_doc.setdefault(i.doc_id, []).append(i)
            for doc_id, instances in by_doc.items():
                doc = instances[0].doc
                line = dict(task=name, shots=n, doc_id=doc_id, requests=[list(i.args) for i in sorted(instances, key=lambda i: i.idx)])
                if task.OUTPUT_TYPE == "multiple_choice":
                    gold = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
                    choices = task.doc_to_choice(doc)
                    line["gold"] = choices.index(gold) if isinstance(gold, str) else gold
                    line["characters"] = [len(c) for c in choices]
                f.write(json.dumps(line, ensure_ascii=False) + "\n")
