"""Build every tree that `make test` starts hosts from, before the tests' own time runs: `python -m tests.hosts`."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from tests.hosts import postgresql, systemd_host, web
from tests.hosts.tree import Recipe, tree

TREES = (Recipe(), systemd_host.LOGINS, postgresql.RECIPE, web.RECIPE)

if __name__ == "__main__":
    with ThreadPoolExecutor(os.cpu_count()) as builders:
        print(*builders.map(tree, TREES), sep="\n")
