# Two commands do everything on a machine with Python 3.11, make and a package registry: `make demo` and `make test`.
# `make check` is what a person runs before a commit and what CI runs; there is no other list of checks anywhere.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin
SOURCES = runbook tests benchmarks docs
# From the lock and nothing else: a version that was published since changes nothing here.
INSTALL = $(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement
# Two workers a core: half of what the tests take is waiting for real servers, hosts and clocks.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')
RESOLVE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.PHONY: demo test test-machine nightly test-newest check bench picture lock clean

# The main job on the embedded lab: the screen in a terminal, lines anywhere else.
demo: $(VENV)/.installed
	$(BIN)/runbook demo

# Everything that the tests need, then the tests.
test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# Faults that need a kernel, a clock and a power switch of their own: a machine in emulation.
test-machine: $(VENV)/.test
	$(BIN)/python -m pytest -n 0 -p no:randomly -m machine tests/real/faults

# What a commit cannot wait for: many more drawn runs under injected faults, and every death of a run that has broken
# something, at every point (see tests/README.md).
nightly: $(VENV)/.test test-machine
	RUNBOOK_INJECTED_RUNS=200 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/real/injector
	RUNBOOK_DEATHS=all $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -k wherever_it_dies \
		tests/real/test_death_matrix.py tests/real/faults/test_death_by_guarantee.py
	RUNBOOK_DRILL_RUNS=10 $(BIN)/python -m pytest -n 0 tests/real/test_postgresql_drills.py
	RUNBOOK_DAMAGED_RECORDS=10000 $(BIN)/python -m pytest -n 0 --timeout 7200 tests/record/test_two_verifiers.py

check: $(VENV)/.lint
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/vulture
	$(BIN)/deptry .
	$(BIN)/codespell runbook benchmarks docs drills inventories README.md CHANGELOG.md CONTRIBUTING.md
	$(BIN)/yamllint --strict drills inventories
	$(BIN)/runbook check drills

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

# The README's picture, from a real run on the lab.
picture: $(VENV)/.installed
	$(BIN)/python docs/make_screenshot.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Resolve what pyproject.toml allows, once, for every Python and system: what stands in locks/ is what is installed.
lock: $(VENV)/.python
	$(BIN)/python -m pip install --quiet --require-hashes --requirement locks/lock.txt
	$(RESOLVE) --upgrade pyproject.toml --group build --group test --group lint --output-file locks/lint.txt
	$(RESOLVE) --constraint locks/lint.txt pyproject.toml --group build --group test --output-file locks/test.txt
	$(RESOLVE) --constraint locks/lint.txt pyproject.toml --group build --output-file locks/run.txt
	for group in bench ansible lock; do $(RESOLVE) --upgrade --group $$group --output-file locks/$$group.txt || exit; done

# The newest versions that pyproject.toml allows, as those who install it get them. May fail: it tells what is coming.
test-newest:
	$(PYTHON) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv-newest/bin/python -m pip install --quiet --editable . --group test
	.venv-newest/bin/python -m pytest -n $(WORKERS) --dist worksteal

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "runbook needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml locks/run.txt
	$(INSTALL) locks/run.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@

$(VENV)/.test: $(VENV)/.installed locks/test.txt
	$(INSTALL) locks/test.txt
	touch $@

$(VENV)/.lint: $(VENV)/.test locks/lint.txt
	$(INSTALL) locks/lint.txt
	touch $@
