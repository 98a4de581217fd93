# Two commands do everything on a machine with Python 3.11, make and a package registry: `make demo` and `make test`.
# `make check` is what a person runs before a commit and what CI runs; there is no other list of checks anywhere.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin
SOURCES = runbook tests benchmarks docs

.PHONY: demo test check bench picture clean

# The main job on the embedded lab: the screen in a terminal, lines anywhere else.
demo: $(VENV)/.installed
	$(BIN)/runbook demo

# Everything that the tests need, then the tests.
test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist worksteal

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

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "runbook needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group test
	touch $@

$(VENV)/.lint: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group lint
	touch $@
