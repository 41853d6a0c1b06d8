# two_models.py A B CORPUS: bits per character of two models, document by document, as two_models.svg.
import sys

import cril
import matplotlib.pyplot as plt

a, b = (cril.score(model, sys.argv[3], context=128) for model in sys.argv[1:3])
figure, axes = plt.subplots()
axes.scatter([d.bpc for d in a.documents], [d.bpc for d in b.documents], s=[10 + d.characters / 50 for d in a.documents])
axes.axline((a.bpc, a.bpc), slope=1, color="grey")
axes.set_xlabel(f"{a.model_name}: {a.bpc:.3f} bits per character")
axes.set_ylabel(f"{b.model_name}: {b.bpc:.3f}")
cheaper = sum(x.nats > y.nats for x, y in zip(a.documents, b.documents))
axes.set_title(f"{b.model_name} needs fewer bits for {cheaper} of {len(a.documents)} documents")
figure.savefig("two_models.svg")
