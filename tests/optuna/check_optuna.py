# tests/optuna/check_optuna.py - whether Optuna reads a study store of clnas as one of its own.
"""Usage: check_optuna.py STORE [EMPTY]

STORE (a file, or the address of a PostgreSQL database; EMPTY is then another one, where Optuna makes
its own tables to compare) is what `CLNAS_TEST_STORE=STORE test_search_store` leaves: twelve trials that have ended, of
which every fifth failed and every third violates a constraint, and one that runs.
"""
import math
import os
import sqlite3
import sys
import tempfile

import optuna
import sqlalchemy
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


def server_layout(url):
    """Columns, keys and enumerations of every table of a server's database."""
    db = sqlalchemy.create_engine(url)
    look = sqlalchemy.inspect(db)
    tables = {}
    for name in look.get_table_names():
        columns = [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in look.get_columns(name)]
        unique = sorted(tuple(u["column_names"]) for u in look.get_unique_constraints(name))
        keys = sorted((tuple(k["constrained_columns"]), k["referred_table"]) for k in look.get_foreign_keys(name))
        tables[name] = (columns, look.get_pk_constraint(name)["constrained_columns"], unique, keys)
    enums = sorted((e["name"], tuple(e["labels"])) for e in look.get_enums())
    with db.connect() as c:
        revision = c.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).fetchall()
        schema = c.execute(sqlalchemy.text("SELECT schema_version FROM version_info")).fetchall()
    return tables, enums, revision, schema


def check_server_layout(url, empty):
    optuna.create_study(storage=empty)
    for ours, theirs in zip(server_layout(url), server_layout(empty)):
        assert ours == theirs, (ours, theirs)


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


def check_plot(study):
    """Optuna draws the front: as many points as have ended well, and the best of them."""
    try:
        import matplotlib
    except ImportError:
        return "not drawn (no matplotlib)"
    matplotlib.use("Agg")
    axes = optuna.visualization.matplotlib.plot_pareto_front(study)
    points = sum(len(c.get_offsets()) for c in axes.collections)
    assert points == sum(t.state == TrialState.COMPLETE for t in study.trials), points
    assert axes.get_xlabel() == "error" and axes.get_ylabel() == 'latency@"quoted"', axes.get_xlabel()
    with tempfile.TemporaryDirectory() as folder:
        axes.figure.savefig(os.path.join(folder, "front.png"))
        assert os.path.getsize(os.path.join(folder, "front.png")) > 5000
    return f"drawn with {points} points"


def main(store, empty=None):
    if empty:
        check_server_layout(store, empty)
    else:
        check_layout(store)
    url = store if empty else f"sqlite:///{store}"
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
    drawn = check_plot(study)
    trial = study.ask()  # Optuna can go on in it
    assert trial.number == 13
    study.tell(trial, state=TrialState.FAIL)
    print(f"optuna {optuna.__version__} reads the store; front: trials {best}, {drawn}")


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    main(*sys.argv[1:])
