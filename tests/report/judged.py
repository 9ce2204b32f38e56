"""A plausible evaluation as records for evaluation_tool: classes in coarse classes, mistakes mostly within those, answers a
little too sure of themselves, photos of none of the classes. The same arguments give the same records."""
import math
import random

from records import Records


def wilson(right, of):
    if not of:
        return 0, 0, 1
    z, share = 1.959964, right / of
    middle, half = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return share, max(0.0, (middle - half) / (1 + z * z / of)), min(1.0, (middle + half) / (1 + z * z / of))


def numbers(*values):
    return " ".join(repr(float(value)) for value in values)


def share(right, of):
    return numbers(*wilson(right, of))


def fruit(groups=8, each=3):
    """Names of classes with their coarse classes."""
    return [(f"kind {k} of fruit {g}" if each > 1 else f"fruit {g}", f"fruit {g}")
            for g in range(groups) for k in range(each if g % 3 == 0 else 1)]


def answers(classes, photos, chance):
    """(truth, answer, probability) of each photo."""
    names = [group for _, group in classes]
    like = {c: [d for d in range(len(classes)) if names[d] == names[c] and d != c] for c in range(len(classes))}
    easy = [chance.betavariate(7, 1.3) for _ in classes]
    rows = []
    for truth in range(len(classes)):
        for _ in range(photos + chance.randrange(photos)):
            predicted = truth
            if chance.random() > easy[truth]:
                near = like[truth] and chance.random() < 0.7
                predicted = chance.choice(like[truth]) if near else min(len(classes) - 1, int(len(classes) * chance.random() ** 2))
            probability = chance.betavariate(6, 1) if predicted == truth else chance.betavariate(2.5, 1.6)
            rows.append((truth, predicted, min(0.9999, probability)))
    return rows


def bins(rows, count=15, power=1.0):
    """(answers, mean probability, share) with probabilities as they would be without a temperature, for power < 1."""
    sums = [[0, 0.0, 0] for _ in range(count)]
    for truth, predicted, probability in rows:
        probability = probability ** power
        one = sums[min(count - 1, int(probability * count))]
        one[0] += 1
        one[1] += probability
        one[2] += truth == predicted
    return [(n, p / n if n else 0, right) for n, p, right in sums]


def ece(parts):
    total = sum(n for n, _, _ in parts)
    return sum(abs(n * p - right) for n, p, right in parts) / total


def add_classes(records, classes, rows):
    groups = list(dict.fromkeys(group for _, group in classes))
    for group in groups:
        records.add("group", group)
    recalls = []
    for c, (name, group) in enumerate(classes):
        shown = sum(t == c for t, _, _ in rows)
        given = sum(p == c for _, p, _ in rows)
        right = sum(t == p == c for t, p, _ in rows)
        precision, recall = right / given if given else math.nan, right / shown if shown else math.nan
        f1 = 2 * right / (shown + given) if shown + given else math.nan
        recalls.append(recall)
        records.add("class", name, numbers(groups.index(group), shown, precision, recall, f1))
    records.add("macro_recall", numbers(sum(recalls) / len(recalls)))


def add_rejection(records, chance):
    known = sorted(chance.gauss(2.2, 1) for _ in range(1500))
    unknown = sorted(chance.gauss(0, 1.1) for _ in range(600))
    thresholds = sorted(known + unknown)[::7]

    def at(threshold):
        accepted = sum(k >= threshold for k in known) / len(known)
        return numbers(threshold, accepted, sum(u >= threshold for u in unknown) / len(unknown), 0.86 + 0.12 * (1 - accepted))

    for threshold in [-9] + thresholds + [9]:
        records.add("point", at(threshold))
    records.add("operating", at(known[len(known) // 20]))
    wins = sum(sum(k > u for k in known) for u in unknown) / len(known) / len(unknown)
    records.add("auroc", numbers(wins, wins - 0.011, wins + 0.010))
    for name, value in (("known_photos", len(known)), ("unknown_photos", len(unknown)), ("false_reject", 0.05)):
        records.add(name, value)


def evaluation(language, classes, photo, photos=20, seed=1, path="file:/data/fruits/{name}/{n}.jpg"):
    """Every section. `photo(class, n)` is the file of the n-th photo of a class."""
    chance = random.Random(seed)
    rows = answers(classes, photos, chance)
    right = sum(t == p for t, p, _ in rows)
    coarse = sum(classes[t][1] == classes[p][1] for t, p, _ in rows)
    records = Records(language=language, source="file:/data/fruits", model="fruit.onnx", kind="logistic", precision="fp32",
                      profile="pomona-mobile", layer="features", backbone="pomona-44", calibration="folds", tier="avx2",
                      version="0.1.0", model_hash="3f" * 32, temperature=1.31, photos=len(rows) + 2, judged=len(rows),
                      rejected=len(rows) // 19, coarse=len(rows) // 31, errors=2, seconds=41.5, synthetic_photos=True)
    add_classes(records, classes, rows)
    for name, count in (("top1", right), ("top5", (right + 3 * len(rows)) // 4), ("coarse_top1", coarse),
                        ("accepted_top1", min(len(rows), right + len(rows) // 30)), ("clean_top1", right - len(rows) // 100)):
        records.add(name, share(count, len(rows)))
    counts = {}
    for truth, predicted, _ in rows:
        counts[truth, predicted] = counts.get((truth, predicted), 0) + 1
    for (truth, predicted), count in counts.items():
        records.add("confusion", numbers(truth, predicted, count))
    after, before = bins(rows), bins(rows, power=0.45)
    for kind, parts in (("bin", after), ("bin_before", before)):
        for count, probability, good in parts:
            records.add(kind, numbers(count, probability) + " " + share(good, count))
    records.add("ece", numbers(ece(after))).add("ece_before", numbers(ece(before)))
    add_rejection(records, chance)
    add_photos(records, classes, rows, counts, photo, path)
    records.add("unseen", "durian", 12).add("unseen", "", 3)
    records.add("failure", "file:/data/fruits/broken.jpg", "truncated after 812 bytes")
    records.add("failure", "file:/data/fruits/other.jpg", "not a JPEG: a PNG picture")
    return records


def add_photos(records, classes, rows, counts, photo, path):
    def shown(c, n):
        return path.format(name=classes[c][0], n=n), photo(c, n)

    wrong = sorted(((count, t, p) for (t, p), count in counts.items() if t != p), reverse=True)
    for count, truth, predicted in wrong[:12]:
        records.add("worst", numbers(truth, predicted, count), *shown(predicted, 0))
        for n in range(min(count, 4)):
            records.add("worst_photo", numbers(0.9 - 0.13 * n), *shown(truth, n + 1))
    sure = sorted(((p, t, a) for t, a, p in rows if t != a), reverse=True)
    for n, (probability, truth, predicted) in enumerate(sure[:12]):
        records.add("mistake", numbers(truth, predicted, probability), *shown(truth, n + 2))
    records.add("leakage_checked", 1).add("duplicate_pairs", 9).add("duplicate_distance", numbers(0.05))
    for n in range(3):
        records.add("duplicate", numbers(0.013 * n))
        records.add("judged_photo", classes[n][0], *shown(n, 1))
        records.add("learnt_photo", classes[(n + (n == 2)) % len(classes)][0], *shown(n, 5))
    records.add("shared_groups", 2).add("shared_group", "box 7, 3 March").add("shared_group", "box 9, 4 March")
