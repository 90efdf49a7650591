# Every target sets up what it needs: only Python 3.11+, make and a package index are asked for.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-all bench docs lint format clean

run: .venv/installed
	$(BIN)/rnnbench run quickstart --out reports/quickstart

test: .venv/installed-test
	$(BIN)/pytest -n auto --dist worksteal

test-all: test
	$(BIN)/pytest -m slow

# UV_TORCH_BACKEND=cpu saves some gigabytes of CUDA where the index of PyTorch can be reached.
bench: .venv/installed-bench
	$(BIN)/rnnbench bench

# The pages that are made from the code first, then the site, in build/site.
docs: .venv/installed-docs
	$(BIN)/python docs/making/reference.py
	$(BIN)/python docs/making/picture.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

lint: .venv/installed-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/installed-lint
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis store

.venv/bin/uv:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv

# uv installs in a minute what takes pip several.
.venv/installed: .venv/bin/uv pyproject.toml constraints.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable .
	touch $@

.venv/installed-%: .venv/installed
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable ".[$*]"
	touch $@
