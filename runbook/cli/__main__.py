"""`python -m runbook.cli`: the console script without an installed script."""

from runbook.cli.main import main

main()
