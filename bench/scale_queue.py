"""The simulation behind bench/scale.py: requests with a tail, streams of them, tasks on machines that come and go.

Everything takes a numpy Generator, so that a seed gives one result. Seconds throughout.
"""
import collections
import dataclasses
import heapq
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class Latency:
    """Seconds of a request: lognormal, a share of them `factor` times as long."""

    median: float
    sigma: float
    slow: float
    factor: float

    def draw(self, rng, count):
        seconds = self.median * np.exp(self.sigma * rng.standard_normal(count))
        return np.where(rng.random(count) < self.slow, self.factor * seconds, seconds)

    def mean(self):
        return self.median * math.exp(self.sigma**2 / 2) * (1 + self.slow * (self.factor - 1))


def one_after_another(latency, rng, requests, tasks):
    """Seconds of reading, for each of `tasks` tasks that make `requests` requests one after the other."""
    return np.array([latency.draw(rng, requests).sum() for _ in range(tasks)])


def in_flight(seconds, lanes):
    """When each request is answered, sorted, with `lanes` of them under way: the next one starts where an answer came."""
    ends = [0.0] * min(lanes, len(seconds))
    answered = np.empty(len(seconds))
    for number, took in enumerate(seconds):
        answered[number] = heapq.heapreplace(ends, ends[0] + took) + took
    return np.sort(answered)


def stream_blocks(latency, rng, lanes, block, blocks):
    """Seconds between every `block` answers of one long stream of requests with `lanes` under way."""
    answered = in_flight(latency.draw(rng, block * (blocks + 1)), lanes)
    return np.diff(answered[block - 1::block])


@dataclasses.dataclass
class Cluster:
    """Machines with `slots` tasks each. A machine is lost at a rate of `losses` a second and comes back after `away`; its running tasks
    start again, and where results stay on it (`kept`), those it had finished too. An attempt fails with `failing` at a random moment;
    `attempts` of them end the job. A share `slow` of attempts takes `slowness` times as long."""

    nodes: int
    slots: int
    losses: float = 0.0
    away: float = 0.0
    kept: bool = False
    failing: float = 0.0
    attempts: int = 4
    slow: float = 0.0
    slowness: float = 1.0
    until: float = math.inf  # a job that is not done by then never will be


@dataclasses.dataclass
class Outcome:
    seconds: float  # until the last task is done
    busy: float  # seconds of tasks that counted in the end
    lost: float  # seconds of attempts that did not
    losses: int  # machines lost
    starts: int  # attempts


class Draws:
    """Numbers of a generator, made many at a time."""

    def __init__(self, make):
        self.make, self.left = make, collections.deque()

    def next(self):
        if not self.left:
            self.left.extend(self.make(4096).tolist())
        return self.left.popleft()


def run(cluster, tasks, draw, rng):
    """Runs `tasks` tasks; draw(rng, count) gives seconds of attempts. RuntimeError where one fails too often, or the job does not end."""
    def attempt_seconds(count):
        seconds = draw(rng, count)
        if cluster.slow > 0:
            seconds = np.where(rng.random(count) < cluster.slow, cluster.slowness * seconds, seconds)
        return seconds

    lengths = Draws(attempt_seconds)
    chances = Draws(lambda count: rng.random(count))
    waits = Draws(lambda count: rng.exponential(1 / cluster.losses, count)) if cluster.losses > 0 else None
    queue = collections.deque(range(tasks))
    failures = collections.Counter()
    free = [cluster.slots] * cluster.nodes
    epoch = [0] * cluster.nodes  # grows with every loss: ends that were planned before it do not happen
    up = [True] * cluster.nodes
    running = [{} for _ in range(cluster.nodes)]  # task -> when it started
    finished = [[] for _ in range(cluster.nodes)]  # (task, seconds) that a loss takes away
    events, serial, now = [], 0, 0.0
    done = losses = starts = 0
    busy = lost = 0.0

    def at(when, kind, node, task=-1):
        nonlocal serial
        serial += 1
        heapq.heappush(events, (when, serial, kind, node, task, epoch[node]))

    def fill(node):
        nonlocal starts
        while free[node] > 0 and queue and up[node]:
            task = queue.popleft()
            free[node] -= 1
            running[node][task] = now
            starts += 1
            seconds = lengths.next()
            if cluster.failing > 0 and chances.next() < cluster.failing:
                at(now + seconds * chances.next(), "failed", node, task)
            else:
                at(now + seconds, "done", node, task)

    for node in range(cluster.nodes):
        if waits:
            at(waits.next(), "lost", node)
    for _ in range(cluster.slots):  # one each in turn, as Spark spreads the first tasks
        for node in range(cluster.nodes):
            held, free[node] = free[node], min(free[node], 1)
            fill(node)
            free[node] += held - 1
    while done < tasks:
        now, _, kind, node, task, when = heapq.heappop(events)
        if when != epoch[node]:
            continue
        if now > cluster.until:
            raise RuntimeError(f"{done} of {tasks} tasks are done after {now:.0f} s")
        if kind == "done":
            seconds = now - running[node].pop(task)
            free[node] += 1
            busy += seconds
            done += 1
            if cluster.kept:
                finished[node].append((task, seconds))
        elif kind == "failed":
            lost += now - running[node].pop(task)
            free[node] += 1
            queue.append(task)
            failures[task] += 1
            if failures[task] >= cluster.attempts:
                raise RuntimeError(f"a task failed {cluster.attempts} times")
        elif kind == "lost":
            losses += 1
            epoch[node] += 1
            lost += sum(now - start for start in running[node].values())
            queue.extend(running[node])
            running[node].clear()
            free[node] = cluster.slots
            if cluster.kept:
                queue.extend(task for task, _ in finished[node])
                again = sum(seconds for _, seconds in finished[node])
                lost, busy, done = lost + again, busy - again, done - len(finished[node])
                finished[node].clear()
            up[node] = cluster.away <= 0
            at(now + cluster.away, "back", node)
            at(now + cluster.away + waits.next(), "lost", node)
        else:
            up[node] = True
        fill(node)
        if kind == "lost" and queue:  # others may have been idle
            for other in range(cluster.nodes):
                if free[other] and up[other]:
                    fill(other)
        elif kind == "failed" and queue:
            fill(node)
    return Outcome(now, busy, lost, losses, starts)


def expected_lost(seconds, losses):
    """Seconds lost by a task of constant length before it gets through, where losses come at a rate: the closed form."""
    return math.expm1(losses * seconds) / losses - seconds


def expected_kept(seconds, losses):
    """How long a job takes whose results stay on the machines that made them, where it would take `seconds` without losses and its tasks
    are small: the share that is done grows by 1 / seconds and is lost at the rate. It never ends where seconds * losses >= 1."""
    return -math.log1p(-losses * seconds) / losses if losses * seconds < 1 else math.inf


def tree_partitions(partitions, depth=2):
    """(partitions of each level between the first one and the driver, how many come to the driver), as PySpark's treeReduce has it."""
    scale, count, levels = max(math.ceil(partitions ** (1.0 / depth)), 2), float(partitions), []
    while count > scale + count / scale:
        count /= scale
        levels.append(int(count))
    return levels, (levels[-1] if levels else partitions)
