# tests/optuna/check_optuna.py - whether Optuna reads a study store of clnas as one of its own.
"""Usage: check_optuna.py STORE

STORE is what `CLNAS_TEST_STORE=STORE test_search_store` leaves: twelve trials that have ended, of
which every fifth failed and every third violates a constraint, and one that runs.
"""
import math
import os
import sqlite3
import sys
import tempfile

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState


def layout(path):
    """Columns of every table and names of every index, without the exact spelling of the SQL."""
    with sqlite3.connect(path) as db:
        names = db.execute("SELECT type, name FROM sqlite_master ORDER BY type, name").fetchall()
        columns = {n: db.execute(f"PRAGMA table_info({n})").fetchall() for t, n in names if t == "table"}
        unique = {n: len(db.execute(f"PRAGMA index_list({n})").fetchall()) for n in columns}
        revision = db.execute("SELECT version_num FROM alembic_version").fetchall()
        schema = db.execute("SELECT schema_version FROM version_info").fetchall()
    return names, columns, unique, revision, schema


def check_layout(path):
    with tempfile.TemporaryDirectory() as folder:
        own = os.path.join(folder, "own.db")
        optuna.create_study(storage=f"sqlite:///{own}")
        for ours, theirs in zip(layout(path), layout(own)):
            assert ours == theirs, (ours, theirs)


def check_trials(study):
    genes = set()
    for n, trial in enumerate(study.trials[:12]):
        failed = n % 5 == 4
        assert trial.number == n
        assert trial.state == (TrialState.FAIL if failed else TrialState.COMPLETE), trial
        if not failed:
            assert trial.values == [1 / (n + 3), n * 7 % 11 * 1e-3], trial.values
        assert math.isnan(trial.intermediate_values[0]) and trial.intermediate_values[1] == 0.5
        assert trial.user_attrs["params"] == 12345
        assert trial.user_attrs.get("reason") == ('it "broke"' if failed else None)
        assert trial.system_attrs["constraints"] == [0.5 if n % 3 == 2 else 0]
        assert trial.duration.total_seconds() == 0.5
        assert trial.params and len(trial.params) <= len(trial.user_attrs["genome"])
        for name, distribution in trial.distributions.items():
            assert isinstance(distribution, CategoricalDistribution)
            assert all(isinstance(c, int) for c in distribution.choices), distribution
            assert trial.params[name] in distribution.choices
        genes |= set(trial.params)
    assert len(genes) > len(study.trials[0].user_attrs["genome"]) // 2
    running = study.trials[12]
    assert running.state == TrialState.RUNNING and running.params and running.values is None


def main(path):
    check_layout(path)
    url = f"sqlite:///{path}"
    assert [s.study_name for s in optuna.get_all_study_summaries(url)] == ["a study"]
    study = optuna.load_study(study_name="a study", storage=url)
    assert study.directions == [optuna.study.StudyDirection.MINIMIZE] * 2
    assert study.metric_names == ["error", 'latency@"quoted"']
    assert study.user_attrs["objectives"] == study.metric_names
    assert study.user_attrs["fingerprint"].startswith("space: toy\nseed: 1\n")
    assert study.user_attrs["constraints"] == [{"name": "params", "min": None, "max": 1000}]
    check_trials(study)
    best = sorted(t.number for t in study.best_trials)
    if int(optuna.__version__.split(".")[0]) >= 4:  # before, best_trials did not know of constraints
        assert best == study.user_attrs["front"], (best, study.user_attrs["front"])
    trial = study.ask()  # Optuna can go on in it
    assert trial.number == 13
    study.tell(trial, state=TrialState.FAIL)
    print(f"optuna {optuna.__version__} reads the store; front: trials {best}")


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    main(sys.argv[1])
