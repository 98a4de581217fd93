"""The child in an interpreter that is not ours: it is lent what it lacks of ours, and everything else is its own.

People keep Fabric and what their fabfiles import in a venv of their own. That venv does not have this program, so the
interpreter is given this file by its path, and finds `runbook` and the few libraries that the child needs where ours
has them; what it has itself comes first, Fabric and paramiko above all. So the host-key policy is the same, and the
fabfile sees what it sees under `fab`.

    PYTHON -P -B guest.py PLACES FD            run the child
    PYTHON -P -B guest.py PLACES try MODULE... load all of the child, and tell of each module whether it can be found

Nothing of ours is imported here before it is lent. A compiled library is lent in vain to another version of Python; the
trial says so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType

LENT = ("runbook", "msgspec", "asyncssh", "typing_extensions")
"""Top-level modules that come from us where the interpreter has none of that name."""


class Lender:
    """The last finder that is asked."""

    def __init__(self, places: list[str]) -> None:
        """Folders in which ours lie."""
        self._places = places

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Ours, when nobody else had it; None for all that is not lent."""
        return PathFinder.find_spec(name, self._places, target) if path is None and name in LENT else None


def tried(modules: list[str]) -> int:
    """Tell line by line what can be loaded: `child` and its trouble, each module, and `tried` when all is told."""
    try:
        import runbook.steps.fabric.child  # noqa: F401, PLC0415 - that it can be imported is the question
    except Exception as error:  # noqa: BLE001 - whatever a library of theirs raises is the answer
        print("child", f"{type(error).__name__}: {error}".replace("\n", " "))  # noqa: T201 - for whoever asked
    for name in modules:
        print("module", name, "yes" if _is_there(name) else "no")  # noqa: T201 - see above
    print("tried")  # noqa: T201 - see above
    return 0


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def main() -> int:
    """Lend, then do as told."""
    sys.meta_path.append(Lender(sys.argv.pop(1).split(os.pathsep)))
    if sys.argv[1] == "try":
        return tried(sys.argv[2:])
    from runbook.steps.fabric.child import main as child  # noqa: PLC0415 - see the header

    return child()


if __name__ == "__main__":
    sys.exit(main())
