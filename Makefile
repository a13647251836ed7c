# Every target sets up what it needs. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: help setup nodes demo test lint bench lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: .venv/.ready ## make .venv with everything pinned
.venv/.ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

nodes: .nodes/.ready ## install the real nodes that tests and the demo run against
.nodes/.ready: tests/nodes/package-lock.json tests/nodes/wallets/package-lock.json tests/nodes/install.sh tests/nodes/debian.sh
	sh tests/nodes/install.sh
	@touch $@

demo: setup ## the whole story on a real node (ARGS="--chain bitcoin", --chain all; --once ends by itself)
	sh tests/nodes/install.sh --for-demo $(ARGS)
	$(BIN)/python -m usher.demo $(ARGS)

test: setup nodes ## every test, on real nodes and both databases (ARGS="-k name" for some)
	$(BIN)/python -m pytest -n 3 --dist loadgroup $(ARGS)

lint: setup ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup nodes ## benchmarks against limits and peers, as a table and as JSON in bench/results/
	$(BIN)/python -m bench $(ARGS)

lock: ## renew the pinned versions (needs `uv`)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --output-file requirements.lock
	uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --output-file requirements-dev.lock

clean: ## remove what the targets above made
	rm -rf .venv .nodes .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/results
