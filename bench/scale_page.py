"""The tables of docs/scale.md and its plot, from the rows of bench/results/scale.csv and from nothing else."""
import math
import re

BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B"))
COLOURS = ("#0b5394", "#38761d", "#990000", "#e69138", "#674ea7")


def number(value):
    """Three digits that count."""
    if value == 0:
        return "0"
    if abs(value) >= 1e15:
        return f"{value:.3g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{round(value, 2 - math.floor(math.log10(abs(value)))):,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def size(value):
    for unit, name in BYTES:
        if value >= unit:
            return f"{number(value / unit)} {name}"
    return "0"


def time(hours):
    if hours < 1:
        return f"{number(hours * 60)} min"
    return f"{number(hours)} h" if hours < 72 else f"{number(hours / 24)} days"


def money(value):
    return f"{value:,.2f} $" if value < 100 else f"{value:,.0f} $"


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def values_of(rows):
    return {(int(row["photos"]), row["design"], row["what"]): float(row["value"]) for row in rows}


def magnitude_table(values, photos, designs):
    def line(title, show, *whats):
        return [title] + [" + ".join(show(values[photos, design, what]) for what in whats) for design in designs]

    table = [
        line("nodes of 4 vCPUs", number, "nodes"), line("tasks", number, "tasks"),
        line("LIST", number, "LIST"), line("HEAD", number, "HEAD"), line("GET", number, "GET"), line("PUT", number, "PUT"),
        line("read", size, "read"), line("shuffled: moments + features", size, "shuffled moments", "shuffled features"),
        line("memory where the list is", size, "memory"), line("moments that arrive at the driver", size, "moments to the driver"),
        line("GET and HEAD a second", number, "requests a second"),
        line("time, median", time, "hours"), line("time, worst of the runs", time, "hours, worst"),
        line("nodes lost", number, "losses"), line("work done again, %", number, "lost work"),
        line("machines", money, "compute"), line("requests", money, "requests"), line("together", money, "money"),
    ]
    return markdown(["", *designs.values()], table)


def tables(rows, designs, limits):
    values = values_of(rows)
    sizes = sorted({photos for photos, design, _ in values if design in designs})
    made = {f"10^{round(math.log10(photos))}": magnitude_table(values, photos, designs) for photos in sizes}
    made["packing"] = markdown(["photos", "packing them once"], [[f"10^{round(math.log10(photos))}", money(values[photos, "all", "packing"])]
                                                               for photos in sizes])
    constants = [row for row in rows if row["design"] == "constant"]
    def shown(row):
        value, unit = float(row["value"]), row["unit"]
        if unit == "bytes" or unit == "bytes/s":
            return size(value) + unit.removeprefix("bytes").replace("/s", " a second")
        return f"{number(value) if value >= 0.001 else format(value, '.3g')} {unit}".strip()

    of = lambda row: [row["what"].removeprefix("price, "), shown(row), row["note"].split(": ", 1)[-1]]
    made["measured"] = markdown(["constant", "value", "from"], [of(row) for row in constants if ": " not in row["note"]])
    made["assumed"] = markdown(["constant", "value", "why"], [of(row) for row in constants if row["note"].startswith("assumed: ")])
    made["prices"] = markdown(["what", "price or share", "of"], [of(row) for row in constants if row["note"].startswith("list price: ")])
    made["reading"] = markdown(["2,048 photos of one task", "seconds"], [[row["what"], number(float(row["value"]))]
                                                                       for row in rows if row["design"] == "read"])
    made["limits"] = markdown(["who", "limit", "arithmetic", "photos"],
                              [[who, what, line, number(values[0, "limit", f"{who}: {what}"])] for who, what, line, _ in limits])
    return made


def filled(page, made):
    """The page with what stands between <!-- scale: NAME --> and <!-- end --> replaced."""
    for name, table in made.items():
        pattern = re.compile(rf"(<!-- scale: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(page):
            raise SystemExit(f"docs/scale.md has no place for the table '{name}'")
        page = pattern.sub(lambda found: found[1] + table + "\n" + found[2], page)
    return page


MARKED = re.compile(r"\*\*([^*\n]+)\*\*<!-- 10\^(\d) ([a-z ]+): ([^>]+?) -->")


def marked(page, rows):
    """The page with the figures of its sentences replaced: **17 min**<!-- 10^6 machine: hours -->."""
    values, units = values_of(rows), {(int(row["photos"]), row["design"], row["what"]): row["unit"] for row in rows}
    show = {"h": time, "$": money, "bytes": size}

    def figure(found):
        key = (10 ** int(found[2]), found[3], found[4])
        return found[0].replace(found[1], show.get(units[key], number)(values[key]), 1)

    return MARKED.sub(figure, page)


def plot(rows, designs):
    """Hours by photos, both logarithmic, as SVG."""
    values = values_of(rows)
    sizes = sorted({photos for photos, design, _ in values if design in designs})
    left, top, width, height, low, high = 70, 20, 480, 300, -2, 4
    x = lambda photos: left + width * (math.log10(photos) - math.log10(sizes[0])) / max(1e-9, math.log10(sizes[-1] / sizes[0]))
    y = lambda hours: top + height * (high - math.log10(hours)) / (high - low)
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="820" height="380" viewBox="0 0 820 380" font-family="sans-serif" font-size="13">',
             '<title>Hours of a job by number of photos, five designs, both axes logarithmic</title>', '<rect width="820" height="380" fill="white"/>']
    for power in range(low, high + 1):
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y(10.0**power):.1f}" y2="{y(10.0**power):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y(10.0**power) + 4:.1f}" text-anchor="end">{10.0**power:,.10g}</text>')
    for photos in sizes:
        parts.append(f'<line x1="{x(photos):.1f}" x2="{x(photos):.1f}" y1="{top}" y2="{top + height}" stroke="#ddd"/>')
        parts.append(f'<text x="{x(photos):.1f}" y="{top + height + 20}" text-anchor="middle">10<tspan dy="-5" font-size="10">'
                     f'{round(math.log10(photos))}</tspan></text>')
    parts.append(f'<text x="{left + width / 2}" y="{top + height + 45}" text-anchor="middle">photos</text>')
    parts.append(f'<text transform="translate(16 {top + height / 2}) rotate(-90)" text-anchor="middle">hours, start included</text>')
    for place, ((design, title), colour) in enumerate(zip(designs.items(), COLOURS)):
        points = [(x(photos), y(values[photos, design, "hours"])) for photos in sizes]
        dash = ' stroke-dasharray="6 4"' if "shards" in design else ""
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dash} points="' + " ".join(f"{a:.1f},{b:.1f}" for a, b in points) + '"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        row = top + 20 + 24 * place
        parts.append(f'<line x1="{left + width + 15}" x2="{left + width + 40}" y1="{row}" y2="{row}" stroke="{colour}" stroke-width="2"{dash}/>')
        parts.append(f'<text x="{left + width + 46}" y="{row + 4}">{title}</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"
