# bench/strategies_peers.py - Optuna's samplers and pymoo's NSGA-II on the table and protocols of
# bench_strategies, for the same budgets. Needs optuna and pymoo; what is missing is left out.
import argparse
import csv
import gzip
import json
import statistics
import sys
import time

OPS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
EDGES = 6
DEVICES = ["fpga", "raspi4", "titan_rtx_32"]
MARKS = [200, 500, 1000]
SLOW = ["optuna tpe", "optuna tpe multivariate"]  # minutes a run beyond the first mark
ARCH = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"


def read_table(path):
    with gzip.open(path, "rt") if path.endswith(".gz") else open(path) as f:
        return {row["arch"]: row for row in csv.DictReader(f)}


def hypervolume(points, ref):
    volume, top = 0.0, ref[1]
    for x, y in sorted(points):
        if x < ref[0] and y < top:
            volume += (ref[0] - x) * (top - y)
            top = y
    return volume


def arch_of(trial):
    return ARCH.format(*(trial.suggest_categorical(f"e{i}", OPS) for i in range(EDGES)))


# Every sampler gets `budget` different networks: what it repeats is told again and not counted, as
# clnas never asks twice; it gives up after five times the budget.
def run_optuna(make, seed, budget, values):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    directions = ["minimize"] * len(next(iter(values.values())))
    study = optuna.create_study(directions=directions, sampler=make(optuna, seed))
    seen = {}
    for _ in range(5 * budget):
        trial = study.ask()
        arch = arch_of(trial)
        seen.setdefault(arch)
        study.tell(trial, list(values[arch]))
        if len(seen) == budget:
            break
    return list(seen)


def run_pymoo(seed, budget, values):
    import numpy
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.mutation import Mutation
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.ux import UX
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    m = len(next(iter(values.values())))
    seen = {}

    class Table(Problem):
        def __init__(self):
            super().__init__(n_var=EDGES, n_obj=m, xl=0, xu=len(OPS) - 1, vtype=int)

        def _evaluate(self, x, out, *args, **kwargs):
            archs = [ARCH.format(*(OPS[int(g)] for g in row)) for row in x]
            for a in archs:
                if len(seen) < budget:
                    seen.setdefault(a)
            out["F"] = numpy.array([values[a] for a in archs])

    class Redraw(Mutation):
        def _do(self, problem, x, **kwargs):
            rng = kwargs.get("random_state") or numpy.random
            x = x.copy()
            draw = rng.random(x.shape) < 1 / EDGES
            x[draw] = (rng.random(x.shape) * len(OPS)).astype(int)[draw]
            return x

    algorithm = NSGA2(
        pop_size=50,
        sampling=IntegerRandomSampling(),
        crossover=UX(prob=0.9),
        mutation=Redraw(),
        eliminate_duplicates=True,
    )
    minimize(Table(), algorithm, ("n_eval", 2 * budget), seed=seed, verbose=False)
    return list(seen)


def peers():
    found = {}
    try:
        import optuna  # noqa: F401

        samplers = {
            "optuna random": lambda o, s: o.samplers.RandomSampler(seed=s),
            # Without the word Optuna 5 takes the one for one objective, the other for several.
            "optuna tpe": lambda o, s: o.samplers.TPESampler(
                seed=s, multivariate=False
            ),
            "optuna tpe multivariate": lambda o, s: o.samplers.TPESampler(
                seed=s, multivariate=True
            ),
            "optuna nsga2": lambda o, s: o.samplers.NSGAIISampler(seed=s),
        }
        for name, make in samplers.items():
            found[name] = lambda seed, budget, values, make=make: run_optuna(
                make, seed, budget, values
            )
    except ImportError:
        print("optuna is not installed: left out", file=sys.stderr)
    try:
        import pymoo  # noqa: F401

        found["pymoo nsga2"] = run_pymoo
    except ImportError:
        print("pymoo is not installed: left out", file=sys.stderr)
    return found


def single(table, name, run, seeds, budget):
    values = {a: (100 - float(r["c10_val_12"]),) for a, r in table.items()}
    started, found = time.time(), []
    for seed in range(seeds):
        best = min(run(seed, budget, values), key=lambda a: values[a][0])
        found.append(float(table[best]["c10_test_200"]))
    return {
        "protocol": "single",
        "strategy": name,
        "budget": budget,
        "seeds": seeds,
        "test_accuracy": round(statistics.mean(found), 4),
        "deviation": round(statistics.stdev(found), 4) if seeds > 1 else 0,
        "seconds_a_run": round((time.time() - started) / seeds, 4),
    }


def multi(table, name, run, seeds, device):
    column = "latency_ms_" + device
    values = {a: (100 - float(r["c10_test_200"]), float(r[column])) for a, r in table.items()}
    ref = (20.0, max(v[1] for v in values.values()))
    whole = hypervolume(values.values(), ref)
    marks = MARKS[:1] if name in SLOW else MARKS
    started, shares = time.time(), {m: [] for m in marks}
    for seed in range(seeds):
        archs = run(seed, marks[-1], values)
        for m in marks:
            shares[m].append(hypervolume([values[a] for a in archs[:m]], ref) / whole)
    row = {"protocol": "multi", "device": device, "strategy": name, "seeds": seeds}
    row.update({f"share_{m}": round(statistics.mean(shares[m]), 4) for m in marks})
    row["seconds_a_run"] = round((time.time() - started) / seeds, 4)
    return row


def show(row):
    if row["protocol"] == "single":
        print(f"{row['strategy']:<26} {row['test_accuracy']:7.3f} +- {row['deviation']:.3f}"
              f"   {row['seconds_a_run']:8.3f} s a run", flush=True)
    else:
        shares = "  ".join(
            f"{row[k]:.3f}" if (k := f"share_{m}") in row else "  -  " for m in MARKS
        )
        print(f"{row['device']:<13} {row['strategy']:<26} {shares}"
              f"   {row['seconds_a_run']:8.3f} s a run", flush=True)


def main():
    p = argparse.ArgumentParser(description="peers of clnas on a table of NAS-Bench-201")
    p.add_argument("table")
    p.add_argument("--seeds", type=int, default=300)
    p.add_argument("--multi-seeds", type=int, default=20)
    p.add_argument("--budget", type=int, default=100)
    p.add_argument("--only", action="append", default=[])
    p.add_argument("--single", action="store_true", help="only the single objective")
    p.add_argument("--multi", action="store_true", help="only several objectives")
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    table, rows = read_table(a.table), []
    chosen = {n: r for n, r in peers().items() if not a.only or n in a.only}
    for name, run in chosen.items():
        if not a.multi:
            rows.append(single(table, name, run, a.seeds, a.budget))
            if not a.json:
                show(rows[-1])
    for device in DEVICES:
        for name, run in chosen.items():
            if not a.single:
                rows.append(multi(table, name, run, a.multi_seeds, device))
                if not a.json:
                    show(rows[-1])
    if a.json:
        json.dump(rows, sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
