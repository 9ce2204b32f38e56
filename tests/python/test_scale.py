"""bench/scale.py: the simulation against closed forms where there are some, and docs/scale.md against the rows it is made of."""
import csv
import math
import pathlib
import re
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import scale  # noqa: E402
import scale_page  # noqa: E402
from scale_queue import (Cluster, Latency, expected_kept, expected_lost, in_flight, one_after_another, run, stream_blocks,  # noqa: E402
                         tree_partitions)

PAGE = ROOT / "docs/scale.md"


def constant(seconds):
    return lambda rng, count: np.full(count, float(seconds))


@pytest.fixture(scope="module")
def rows():
    with open(ROOT / "bench/results/scale.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("tasks, nodes, slots", [(1, 1, 1), (12, 3, 4), (13, 3, 4), (1000, 7, 3), (5, 10, 4)])
def test_constant_times_without_failures(tasks, nodes, slots):
    outcome = run(Cluster(nodes, slots), tasks, constant(2.5), np.random.default_rng(1))
    assert outcome.seconds == pytest.approx(2.5 * math.ceil(tasks / (nodes * slots)))
    assert (outcome.busy, outcome.lost, outcome.losses, outcome.starts) == (pytest.approx(2.5 * tasks), 0, 0, tasks)


@pytest.mark.parametrize("slots", [1, 4])
def test_lost_work_under_poisson_losses(slots):
    """A task that needs T seconds without a loss, losses at a rate r: (exp(r T) - 1) / r - T seconds are lost in the mean."""
    seconds, losses, tasks = 100.0, 1 / 400, 400
    means = np.array([run(Cluster(5, slots, losses), tasks, constant(seconds), np.random.default_rng(seed)).lost / tasks for seed in range(60)])
    error = means.std(ddof=1) / math.sqrt(len(means))
    expected = expected_lost(seconds, losses)
    assert expected == pytest.approx(13.61, abs=0.01)
    assert abs(means.mean() - expected) < 3.3 * error and error < 0.05 * expected


def test_rate_of_losses():
    """Machines that come back at once are lost r times a second each."""
    outcome = run(Cluster(10, 1, 1 / 500), 20000, constant(10), np.random.default_rng(3))
    expected = 10 * outcome.seconds / 500
    assert abs(outcome.losses - expected) < 3.3 * math.sqrt(expected)


def test_attempts_that_fail():
    """Failing with p at a uniform moment loses p / (1 - p) half tasks a task."""
    p, tasks = 0.2, 20000
    outcome = run(Cluster(4, 4, failing=p, attempts=100), tasks, constant(10), np.random.default_rng(4))
    assert outcome.starts / tasks == pytest.approx(1 / (1 - p), rel=0.02)
    assert outcome.lost / tasks == pytest.approx(p / (1 - p) * 5, rel=0.03)
    with pytest.raises(RuntimeError, match="failed 4 times"):
        run(Cluster(4, 4, failing=0.9), 100, constant(10), np.random.default_rng(4))


def test_stragglers_lengthen_the_mean():
    outcome = run(Cluster(4, 4, slow=0.1, slowness=3.0), 20000, constant(1), np.random.default_rng(5))
    assert outcome.busy / 20000 == pytest.approx(1.2, rel=0.01)


def test_what_lay_on_a_lost_machine_is_made_again():
    """Of the same losses, kept results cost more, and every task counts once in the end."""
    outcomes = [run(Cluster(4, 2, 1 / 300, 10, kept), 800, constant(5), np.random.default_rng(6)) for kept in (False, True)]
    assert all(outcome.busy == pytest.approx(800 * 5) for outcome in outcomes)
    assert outcomes[1].lost > 3 * outcomes[0].lost > 0
    assert outcomes[1].seconds > outcomes[0].seconds


def test_kept_results_against_the_closed_form():
    """Small tasks, many machines: -log(1 - r W) / r; at r W >= 1 the job does not end."""
    losses, work = 1 / 4000, 2000.0
    outcomes = [run(Cluster(100, 1, losses, 0, True), 20000, constant(10), np.random.default_rng(seed)).seconds for seed in range(12)]
    error = np.std(outcomes, ddof=1) / math.sqrt(12)
    expected = expected_kept(work, losses)  # and a little: a last loss makes some of the last tasks run once more
    assert expected == pytest.approx(2772.6, abs=0.1)
    assert -3.3 * error < np.mean(outcomes) - expected < 0.1 * expected
    assert expected_kept(4000, losses) == math.inf
    with pytest.raises(RuntimeError, match="of 2000 tasks are done"):
        run(Cluster(100, 1, 1 / 100, 0, True, until=1e4), 2000, constant(10), np.random.default_rng(1))


def test_a_machine_that_stays_away_leaves_the_rest():
    """Of two machines one is lost and not back within the job: the other one does the rest."""
    outcomes = [run(Cluster(2, 1, 2e-4, 1e9), 200, constant(10), np.random.default_rng(seed)) for seed in range(20)]
    once = [outcome for outcome in outcomes if outcome.losses == 1 and outcome.seconds < 1e6]
    assert len(once) >= 3
    for outcome in once:
        assert 1000 < outcome.seconds <= 2000 + 10 and outcome.busy == 2000 and 0 < outcome.lost < 10


def test_a_seed_is_one_result():
    cluster = Cluster(5, 4, 1 / 1000, 30, True, 0.01, 50, 0.02, 3)
    latency = Latency(0.02, 0.5, 0.01, 10)
    draw = lambda rng, count: latency.draw(rng, count) * 500
    assert run(cluster, 2000, draw, np.random.default_rng(7)) == run(cluster, 2000, draw, np.random.default_rng(7))


def test_requests():
    latency, rng = Latency(0.02, 0.5, 0.01, 10), np.random.default_rng(8)
    drawn = latency.draw(rng, 400_000)
    assert abs(drawn.mean() - latency.mean()) < 3.3 * drawn.std() / math.sqrt(len(drawn))
    assert np.median(drawn) == pytest.approx(0.02, rel=0.02)
    read = one_after_another(latency, rng, 3000, 100)
    assert abs(read.mean() - 3000 * latency.mean()) < 3.3 * read.std() / 10


@pytest.mark.parametrize("requests, lanes", [(1, 32), (32, 32), (33, 32), (2048, 32), (100, 1)])
def test_requests_in_flight(requests, lanes):
    answered = in_flight(np.full(requests, 0.5), lanes)
    assert answered[-1] == pytest.approx(0.5 * math.ceil(requests / lanes))
    assert len(answered) == requests and np.all(np.diff(answered) >= 0)


def test_a_stream_is_as_fast_as_its_lanes():
    """Little's law: lanes / mean latency requests a second."""
    latency = Latency(0.02, 0.5, 0.01, 10)
    blocks = stream_blocks(latency, np.random.default_rng(9), 32, 2048, 60)
    assert blocks.mean() == pytest.approx(2048 * latency.mean() / 32, rel=0.02)


@pytest.mark.parametrize("partitions, levels, arriving", [(1, [], 1), (4, [], 4), (16, [4], 4), (320, [17], 17), (48828, [220], 220)])
def test_levels_of_a_tree(partitions, levels, arriving):
    assert tree_partitions(partitions) == (levels, arriving)


def test_levels_are_those_of_pyspark():
    """PySpark's own lines, counted on a stand-in."""
    pyspark = pytest.importorskip("pyspark")

    class Stage:
        def __init__(self, count, seen):
            self.count, self.seen = count, seen

        def getNumPartitions(self):
            return self.count

        def mapPartitions(self, *_):
            return self

        def mapPartitionsWithIndex(self, *_):
            return self

        def values(self):
            return self

        def reduceByKey(self, _, count):
            self.seen.append(count)
            return Stage(count, self.seen)

        def reduce(self, _):
            return self.seen

    for partitions in (5, 16, 320, 999, 48828):
        for depth in (2, 3):
            assert pyspark.RDD.treeAggregate(Stage(partitions, []), 0, None, None, depth) == tree_partitions(partitions, depth)[0]


def test_constants_are_there():
    """Every column that the page needs is in the results, and positive."""
    for name, (value, unit, source) in scale.constants().items():
        assert value > 0 and source, name


def test_the_rows_are_what_the_simulation_gives(rows):
    """The smaller sizes again, from the constants in the file."""
    made = scale.constants_of(rows)
    again = {(str(photos), design, what): value for photos, design, what, value, _, _ in scale.rows_of(made, [5, 6], 1)}
    kept = {(row["photos"], row["design"], row["what"]): float(row["value"]) for row in rows}
    assert {row["machine"] for row in rows} == {"simulation"}
    for key, value in again.items():
        assert kept[key] == pytest.approx(value, rel=1e-6, abs=1e-9), key


def test_the_tables_of_the_page_are_the_rows(rows):
    page = PAGE.read_text()
    made = scale.blocks(rows)
    assert sorted(re.findall(r"<!-- scale: (.*?) -->", page)) == sorted(made)
    assert scale_page.filled(page, made) == page
    assert (ROOT / "docs/images/scale.svg").read_text() == scale_page.plot(rows, scale.DESIGNS)


def test_the_arithmetic_of_the_page():
    """Lines of blocks called arithmetic: an expression, =, its value to the digits given."""
    blocks = re.findall(r"```arithmetic\n(.*?)```", PAGE.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert len(lines) >= 5
    for line in lines:
        left, right = line.split("#")[0].replace(",", "").split("=")
        assert re.fullmatch(r"[-+*/()0-9.e ]+", left) and re.fullmatch(r"[0-9.e ]+", right), line
        assert eval(left, {"__builtins__": {}}) == pytest.approx(float(right), rel=0.01), line


def test_other_figures_of_the_page(rows):
    """A figure in a sentence is marked with the row it is from: **12 min**<!-- 10^6 spark: hours -->. There are no others."""
    page = PAGE.read_text()
    assert len(scale_page.MARKED.findall(page)) >= 10
    assert scale_page.marked(page, rows) == page
    wrong = page.replace("**17", "**18", 1)
    assert wrong != page and scale_page.marked(wrong, rows) == page
    sentences = re.sub(scale_page.MARKED.pattern + r"|<!-- scale: .*?<!-- end -->|```.*?```|`[^`]*`|\]\([^)]*\)", " ", page, flags=re.DOTALL)
    assert re.findall(r"[0-9][0-9,.]*\s*(?:\$|%|[kMGT]i?B\b|h\b|min\b|hours|days|seconds|bytes)", sentences) == []
