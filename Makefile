# `make help` lists what there is. Everything happens in .venv; nothing but Python 3.11 or later and make is needed.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test coverage lint types check generate vendor add docs corpus bench bench-peers chaos chaos-batch wheel clean

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## Make .venv with everything in it.

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[aiohttp,batch,cli,sandbox,codegen]" --group dev
	@touch $@

demo: $(READY)  ## Run both models on a local sandbox and save the pictures.
	@$(BIN)/python examples/demo.py

test: check lint types  ## Run every check: generated code in step, lint, types, tests.
	$(BIN)/python -m pytest

coverage: $(READY)  ## Run the tests and say which lines of the library none of them reached.
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

check: $(READY)  ## Fail if generated code or tables are out of step with the specs.
	$(BIN)/kie specs generate --check
	$(BIN)/python docs/write.py --check

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/mypy

vendor: $(READY)  ## Vendor the OpenAPI document of a page: make vendor SRC=page.md
	@test -n "$(SRC)" || { echo "name the page: make vendor SRC=page.md" >&2; exit 2; }
	$(BIN)/kie specs vendor $(SRC)

add: $(READY)  ## Add models from their pages, with adapters: make add SRC="page.md other.md"
	@test -n "$(SRC)" || { echo "name the pages: make add SRC=\"page.md other.md\"" >&2; exit 2; }
	@$(BIN)/kie specs add $(SRC); status=$$?; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . \
	&& touch $(READY) && exit $$status

generate: $(READY)  ## Generate the low-level clients of the specs that changed.
	@$(BIN)/kie specs generate

docs: $(READY)  ## Write the tables in the README that come from the contracts.
	$(BIN)/python docs/write.py

corpus: $(READY)  ## Take every page of a folder the whole way: make corpus PAGES=DIR
	@test -n "$(PAGES)" || { echo "name the folder: make corpus PAGES=DIR" >&2; exit 2; }
	@$(BIN)/python -m kie_registry.testing.corpus $(PAGES)

bench: $(READY)  ## Measure, in ratios within one run; takes some minutes.
	@$(BIN)/python benchmarks/run.py

bench-peers: $(READY)  ## Measure other clients beside ours; they are installed below build/.
	@$(BIN)/python benchmarks/peers.py

chaos: $(READY)  ## Kill 50 processes that do 1,000 jobs, drop answers, and count what was paid and lost.
	@$(BIN)/python -m tests.chaos

chaos-batch: $(READY)  ## Kill `kie batch run` 5 times over 10,000 jobs, and count what was paid and lost.
	@$(BIN)/python -m tests.chaos.batch --jobs 10000 --kills 5

wheel: $(READY)  ## Build the wheel into dist/.
	@$(BIN)/python -m build --wheel --no-isolation >/dev/null && ls dist/*.whl

clean:  ## Remove what can be made again.
	rm -rf $(VENV) dist build demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
