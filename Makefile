# make demo    the main job on the built-in emulator, told as a short story
# make test    set up, then run every test, from the source and from the built wheel
# make check   style, types, import contracts, docs
# make bench   every speed we claim, beside its peers, in one run
# make clean   remove what these made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := .make

.PHONY: demo test check bench setup clean
.DEFAULT_GOAL := test

setup: $(STAMP)/python

$(STAMP)/python: requirements/dev.txt pyproject.toml
	@mkdir -p $(STAMP)
	@$(PYTHON) tools/need_python.py
	@echo "setting up: a virtual environment in $(VENV), with what requirements/dev.txt pins"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMP)/system: tools/system_packages.py
	@mkdir -p $(STAMP)
	@$(PYTHON) tools/system_packages.py
	@touch $@

$(STAMP)/node: tests/node/package-lock.json $(STAMP)/system
	@echo "setting up: the npm packages that tests/node/package-lock.json pins"
	@cd tests/node && npm ci --silent --no-audit --no-fund
	@touch $@

demo: $(STAMP)/python
	@$(BIN)/python -m entra_emulator -- $(BIN)/python tools/demo.py

test: $(STAMP)/python $(STAMP)/node
	@$(BIN)/python -m pytest -q -n auto
	@$(BIN)/python tools/check_wheel.py

check: $(STAMP)/python
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/check_docs.py

bench: $(STAMP)/python
	@$(BIN)/python -m bench --with-az

clean:
	rm -rf $(VENV) $(STAMP) dist tests/node/node_modules
