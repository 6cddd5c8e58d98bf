"""The report as Markdown, for docs/prior.md: means without their errors, which are in the JSON file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from backend.evaluation.prior.bars import Bar
from backend.evaluation.prior.results import MEASURES, Results
from backend.evaluation.table import Figure, Table
from revision_blender.motion.whole_file import whole_file

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
COLUMNS = {
    "a": "Known activities (a)",
    "b": "Unseen activities (b)",
    "own": "Own motions",
    "a at 12": "Known activities (a) at 12 frames a second",
    "b at 12": "Unseen activities (b) at 12 frames a second",
    "animals": "Animals",
    "objects": "Objects",
}
ROWWISE = ("sliding", "penetration", "ground", "peak speed", "acceleration")
PHYSICAL = ("world", "path", "acceleration", "jitter", "speed", "sliding", "penetration", "floating", "ground", "contact")


def markdown(results: Results, told: Sequence[Table], bars: Sequence[Bar], method: str) -> str:
    """Errors of every column, all measures of ``method`` in every row of columns a and b, what it does when told, and the bars."""
    parts = []
    for column, title in COLUMNS.items():
        if results.rows(column):
            parts.append(f"{title}: {MEASURES['world' if column == 'objects' else 'mpjpe']}\n\n{_errors(results, column)}")
    for column in ("a", "b", "own"):
        if method in results.methods(column):
            parts.append(f"{COLUMNS[column]}: what {method} leaves\n\n{_measures(results, column, method)}")
    parts += [f"{table.title}\n\n{_table(table.columns, table.rows)}" + (f"\n\n{table.note}" if table.note else "") for table in told]
    return "\n\n".join([*parts, f"{sum(bar.holds for bar in bars)} of {len(bars)} bars hold.\n\n{_bars(bars)}"]) + "\n"


def put(text: str, file: Path) -> None:
    """Between the marks of a file that has them, in place of what stands there; else as a file of its own."""
    before, after = "", ""
    if file.exists():
        whole = file.read_text(encoding="utf-8")
        if BEGIN in whole and END in whole:
            before, after = whole.split(BEGIN)[0] + BEGIN + "\n\n", "\n" + END + whole.split(END)[1]
    with whole_file(file) as stream:
        stream.write((before + text + after).encode())


def _errors(results: Results, column: str) -> str:
    measure = "world" if column == "objects" else "mpjpe"
    methods = [name for name in results.methods(column) if name != "clean target"]
    rows = {row: {name: results.figure(column, row, name, measure) for name in methods} for row in results.rows(column)}
    return _table(methods, rows)


def _measures(results: Results, column: str, method: str) -> str:
    first = results.rows(column)[0]
    rows = {"clean target": {name: results.figure(column, first, "clean target", name) for name in PHYSICAL}}
    rows |= {row: {name: results.figure(column, row, method, name) for name in PHYSICAL} for row in results.rows(column)}
    return _table(PHYSICAL, rows)


def _table(columns: Sequence[str], rows: Mapping[str, Mapping[str, Figure]]) -> str:
    lines = [f"| | {' | '.join(columns)} |", "|" + " --- |" * (len(columns) + 1)]
    lines += [f"| {row} | {' | '.join(_number(found.get(column)) for column in columns)} |" for row, found in rows.items()]
    return "\n".join(lines)


def _number(figure: Figure | None) -> str:
    if figure is None or not figure.count:
        return "-"
    return f"{figure.mean:.2f}" if abs(figure.mean) < 10.0 else f"{figure.mean:.1f}"


def _bars(bars: Sequence[Bar]) -> str:
    """Those that are missed first; of the physical ones of single rows, which hold, only how many."""
    shown = [bar for bar in bars if not (bar.holds and bar.name.split(": ")[-1].startswith(ROWWISE))]
    ordered = sorted(shown, key=lambda bar: bar.holds)
    lines = [
        f"| {'held' if bar.holds else '**missed**'} | {bar.name} | {bar.value:.3g} | {'≥' if bar.above else '≤'} {bar.limit:.3g} | {bar.note} |"
        for bar in ordered
    ]
    return "\n".join(["| | bar | reached | wanted | |", "| --- | --- | --- | --- | --- |", *lines]) + (
        f"\n\nHeld besides: {len(bars) - len(shown)} bars on sliding, penetration, ground distance, peak speed and acceleration of single rows."
    )
