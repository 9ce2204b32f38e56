"""usage: embed.py OUT.c FILE...     The bytes of each FILE as an array and its size, with the declarations of asset.h."""
import pathlib
import re
import sys

lines = ['#include "report/asset.h"', ""]
for name in sys.argv[2:]:
    data = pathlib.Path(name).read_bytes()
    symbol = "asset_" + re.sub(r"\W", "_", pathlib.Path(name).name)
    lines.append(f"const struct asset {symbol} = {{{len(data)}, (const char[]){{")
    lines += ["    " + ", ".join(str(b if b < 128 else b - 256) for b in data[i:i + 24]) + ","
              for i in range(0, len(data), 24)]
    lines.append("    0}};")
pathlib.Path(sys.argv[1]).write_text("\n".join(lines) + "\n")
