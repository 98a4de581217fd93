"""What comes with the program beside its code: the manual, and the runbooks of the demo.

In a checkout they lie beside the package, in an installed wheel inside it. Nobody else knows which of the two it is.
"""

from __future__ import annotations

from pathlib import Path

from runbook.problem import problem

_INSIDE = "shipped"


def shipped(name: str) -> Path:
    """The folder of that name.

    Raises:
        Problems: This installation came without it.
    """
    package = Path(__file__).parent.parent
    found = next((path for path in (package / _INSIDE / name, package.parent / name) if path.is_dir()), None)
    if found is None:
        raise problem(
            f"this installation came without its {name}",
            why=f"neither {package / _INSIDE} nor {package.parent} has them",
            fix="Install it again from a whole wheel, or work in a checkout.",
            code="incomplete-installation",
        )
    return found
