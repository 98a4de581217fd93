"""Where the benchmarks put their figures: between two marks of `benchmarks/README.md`, and by nobody's hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

README = Path(__file__).parent / "README.md"


def rows(heads: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A Markdown table; every column but the first is set to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def publish(name: str, text: str, *, write: bool) -> None:
    """Print the figures of one benchmark, and put them in their place where that was asked for."""
    print(text)
    if write:
        begin, end = f"<!-- {name}: written by benchmarks/{name}.py -->", f"<!-- end of {name} -->"
        before, _, rest = README.read_text().partition(begin)
        _, _, after = rest.partition(end)
        README.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
