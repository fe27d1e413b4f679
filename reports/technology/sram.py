"""Write ``twin/technology/tables/sram.csv`` with CACTI 7.

CACTI's sources and its template come with the package ``hwcomponents-cacti`` (1.0.40); where its binary does not run,
``make`` in its folder ``cacti`` builds one::

    python reports/technology/sram.py FOLDER_OF_hwcomponents_cacti > twin/technology/tables/sram.csv

The folder holds ``default_cfg.cfg`` and ``cacti/cacti``. All is as in the template (least leakage first, words read
through an H-tree between banks), except for cells, periphery and temperature. It takes a few minutes.
"""

import csv
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path

NODES_NM = (22, 32, 45, 65, 90)
CELLS = {"lstp": ("itrs-lstp", "itrs-lstp"), "lstp-hp": ("itrs-lstp", "itrs-hp"), "hp": ("itrs-hp", "itrs-hp")}
WIDTHS_BIT = (64, 256)
BANKS_KIB = (1, 4, 16, 64, 256)
BANKS = (1, 4, 16, 64)
TEMPERATURES_K = (300, 350, 400)
HEADER = (
    "node_nm", "cells", "width_bit", "bank_KiB", "banks", "read_pJ", "write_pJ", "area_mm2", "cycle_ns", "access_ns",
    *(f"leakage_{kelvin}K_mW" for kelvin in TEMPERATURES_K),
)  # fmt: skip


def cacti(folder: Path, node_nm: int, cells: str, width: int, size: int, banks: int, kelvin: int) -> dict[str, str]:
    """Run CACTI once and return its row of results."""
    text = (folder / "default_cfg.cfg").read_text(encoding="utf-8")
    cell, periphery = CELLS[cells]
    text = re.sub(r"-Data array cell type.*", f'-Data array cell type - "{cell}"', text)
    text = re.sub(r"-Data array peripheral type.*", f'-Data array peripheral type - "{periphery}"', text)
    text = re.sub(r"-operating temperature.*", f"-operating temperature (K) {kelvin}", text)
    text += f"""
-size (bytes) {size}
-read-write port  1
-block size (bytes) {width // 8}
-technology (u) {node_nm / 1000}
-output/input bus width  {width}
-UCA bank {banks}
-cache type "ram"
-tag size (b) 0
-associativity 1
"""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "memory.cfg"
        path.write_text(text, encoding="utf-8")
        command = ["./cacti", "-infile", str(path)]
        subprocess.run(command, cwd=folder / "cacti", check=True, stdout=subprocess.DEVNULL)
        with path.with_suffix(".cfg.out").open(encoding="utf-8") as file:
            return [{key.strip(): value.strip() for key, value in row.items() if key} for row in csv.DictReader(file)][
                -1
            ]


def row(folder: Path, node_nm: int, cells: str, width: int, kib: int, banks: int) -> list[str]:
    """Return one row of the table; only leakage depends on temperature."""
    found = [cacti(folder, node_nm, cells, width, kib * 1024 * banks, banks, kelvin) for kelvin in TEMPERATURES_K]
    cold = found[0]
    names = ("Dynamic read energy (nJ)", "Dynamic write energy (nJ)", "Area (mm2)", "Random cycle time (ns)")
    read, write, area, cycle = (float(cold[name]) for name in names)
    leakage = [float(one["Standby leakage per bank(mW)"]) * banks for one in found]
    numbers = (1e3 * read, 1e3 * write, area, cycle, float(cold["Access time (ns)"]), *leakage)
    return [str(node_nm), cells, str(width), str(kib), str(banks), *(f"{number:.6g}" for number in numbers)]


def main() -> None:
    """Write the table to the standard output."""
    folder = Path(sys.argv[1]).resolve()
    print("# CACTI 7 with the template of hwcomponents-cacti 1.0.40: python reports/technology/sram.py FOLDER")
    print(",".join(HEADER))
    grid = list(itertools.product(NODES_NM, CELLS, WIDTHS_BIT, BANKS_KIB, BANKS))
    for done, point in enumerate(grid):
        print(",".join(row(folder, *point)), flush=True)
        print(f"\r{done + 1} of {len(grid)}", end="", file=sys.stderr)


if __name__ == "__main__":
    main()
