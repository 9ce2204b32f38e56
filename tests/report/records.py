"""Input of report_tool: records of four texts, each ended by a NUL."""


class Records:
    def __init__(self, **values):
        self.parts = []
        for name, value in values.items():
            self.add(name, int(value) if isinstance(value, bool) else value)

    def add(self, kind, *values):
        fields = [kind, *values] + [""] * (3 - len(values))
        for field in fields:
            data = field if isinstance(field, bytes) else str(field).encode("utf-8", "surrogateescape")
            assert b"\0" not in data
            self.parts.append(data + b"\0")
        return self

    def row(self, path, label, file, scores):
        self.add("row", path, label, file)
        return self.add("scores", " ".join(repr(float(score)) for score in scores))

    def write(self, path):
        path.write_bytes(b"".join(self.parts))
        return path
