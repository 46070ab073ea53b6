# Pregonero: `make run` shows the whole product in practice, `make test` runs every check.
# Needs Python >= 3.12; as root, missing Debian packages are installed too.

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(shell for p in python3.13 python3.12 python3; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then echo $$p; break; fi; done)
# What the product and its tests use from Debian; each is looked for by the file it brings.
DEBIAN := nftables iproute2 conntrack curl procps iperf3 iputils-ping chromium postgresql poppler-utils

.PHONY: help setup run test unit lint bench soak clean lock system
help:
	@echo 'make run    the whole product in practice mode (needs no MikroTik)'
	@echo 'make test   every check and test      make unit   the quick ones'
	@echo 'make lint   style, types, floors      make bench  figures beside their peers'
	@echo 'make soak   the long forms            make clean  forget what was built'

setup: $(VENV)/.ready system

$(VENV)/.ready: requirements.txt pyproject.toml
	@test -n '$(PYTHON)' || { echo 'Pregonero needs Python 3.12 or newer: install it (Debian 13: apt install python3 python3-venv) and run make again.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null; } \
		|| { echo 'Python has no ensurepip here: as root, apt install python3-venv, and run make again.' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m webui.common.catalogs
	@touch $@

# Debian's packages: as root they are installed; otherwise what lacks is named and its tests skip.
system:
	@sh tests/system.sh $(DEBIAN)

run: setup
	@exec $(BIN)/pregonero practice

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup
	$(BIN)/pytest -q -m 'not long and not root and not browser and not whole and not soak and not postgres' -n 2

test: lint
	$(BIN)/pytest -q -n 2 -m 'not soak and not root and not whole and not browser and not postgres'
	$(BIN)/pytest -q -m 'not soak and (root or whole or browser or postgres)'

bench: setup
	$(BIN)/python -m tests.bench all

soak: setup
	$(BIN)/pytest -q -m soak --timeout 7200

# Made with uv on Python 3.13; no index address is written down.
lock:
	uv pip compile --universal --python-version 3.12 --extra test --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.txt

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find daemon proxy webui tests \( -name __pycache__ -o -name '*.mo' \) -prune -exec rm -rf {} +
