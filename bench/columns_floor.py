#!/usr/bin/env python3
"""What no model of HAT's table can do better, for docs/calibration.md. Needs numpy.
usage: bench/columns_floor.py [FOLDER WITH hat_xeon.csv.gz]"""
import csv
import gzip
import sys

import numpy as np

folder = sys.argv[1] if len(sys.argv) > 1 else "../shared/data"
with gzip.open(folder + "/hat_xeon.csv.gz", "rt") as f:
    rows = list(csv.reader(f))
table = np.array(rows[1:], dtype=float)
x = np.delete(table[:, :10], 1, axis=1)  # all encoders have 6 layers
encoder, decoder = table[:, 10], table[:, 11]
total, n = encoder + decoder, len(table)
z = (x - x.mean(0)) / x.std(0)


def left_over(y):
    """Logarithm of what a linear law leaves of rows that did not teach it, five folds."""
    terms, out = np.c_[np.ones(n), z], np.zeros(n)
    order = np.random.default_rng(0).permutation(n)
    for fold in np.array_split(order, 5):
        teach = np.setdiff1d(order, fold)
        w = 1 / y[teach] ** 2
        for _ in range(15):
            a = terms[teach].T * w
            law = np.linalg.solve(a @ terms[teach], a @ y[teach])
            off = np.abs(terms[teach] @ law / y[teach] - 1)
            w = 1 / y[teach] ** 2 / np.maximum(off, 0.01)
        out[fold] = np.log(y[fold] / (terms[fold] @ law))
    return out


r = left_over(total)
print("linear law: mean error %.2f %%" % (100 * np.mean(np.abs(np.exp(-r) - 1))))
print("what it leaves of one row and the next in the table: correlation %.2f; 10 rows on %.2f"
      % (np.corrcoef(r[1:], r[:-1])[0, 1], np.corrcoef(r[10:], r[:-10])[0, 1]))
shuffled = np.random.default_rng(1).permutation(r)
print("the same in shuffled rows: %.2f" % np.corrcoef(shuffled[1:], shuffled[:-1])[0, 1])
print("what it leaves of encoder and decoder, timed apart: correlation %.2f"
      % np.corrcoef(left_over(encoder), left_over(decoder))[0, 1])
known = np.array([(r[max(i - 1, 0)] + r[min(i + 1, n - 1)]) / 2 for i in range(n)])
slope = np.cov(known, r)[0, 1] / known.var()
print("told how far off the rows before and behind are: mean error %.2f %%"
      % (100 * np.mean(np.abs(np.exp(slope * known - r) - 1))))

near = []  # pairs of like networks: the same widths and depth, all else within one deviation
for i in range(n):
    same = np.all(z[i + 1:, [0, 3, 4]] == z[i, [0, 3, 4]], axis=1)
    for k in np.flatnonzero(same) + i + 1:
        if np.linalg.norm(z[i] - z[k]) < 1:
            near.append((i, k))
a, b = np.array(near).T
gap = np.abs(total[a] - total[b]) / (total[a] + total[b])
print("%d pairs of like networks: each is on average %.2f %% off the middle of its pair"
      % (len(near), 100 * gap.mean()))
noise = np.std(np.log(total[a] / total[b])) / 2**0.5
print("their spread: %.2f %%, of what the law leaves of the same rows: %.2f %%"
      % (100 * noise, 100 * np.std(np.r_[r[a], r[b]])))
