# Everything a clean clone needs: Python (with venv), make and git.

PYTHON ?= python3
WORKLOAD ?= digits-mlp
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
READY := $(VENV)/.twin-installed
DEV := $(VENV)/.twin-dev-installed
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help compare test test-slow benchmark lint docs clean

help: ## say what each target does
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

compare: $(READY) ## set up, then compare the algorithms and layouts (WORKLOAD=digits-mlp)
	$(BIN)/twin compare $(WORKLOAD)

test: lint docs ## set up with the tools of developers; lint, type check, build the documentation and test on all cores
	$(BIN)/python -m pytest -n auto --dist worksteal --benchmark-disable

test-slow: $(DEV) ## all tests with those that take minutes, every figure drawn, every example tried
	TWIN_TEST_EVERYTHING=1 $(BIN)/python -m pytest -m "not benchmark"

benchmark: $(DEV) ## microseconds a training sample
	$(BIN)/python -m pytest -m benchmark benchmarks tests

lint: $(DEV) ## lint and type check only
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy twin

docs: $(DEV) ## build the documentation into build/docs, warnings as errors, its examples executed
	$(BIN)/python -m sphinx -W --keep-going --quiet -b html docs build/docs

clean: ## remove the environment and everything that tools leave behind
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $(PYTHON) is missing or older than 3.11; name a newer one, e.g. make PYTHON=python3.12" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing twin and what it needs (about a minute)"
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(DEV): $(READY)
	@echo "Installing the tools of developers"
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@
