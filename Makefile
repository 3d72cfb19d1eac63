# make demo      the main job on the built-in emulator, step by step
# make test      set up, then run every test, from the source and from the built wheel
# make check     style, types, import contracts, workflows, docs
# make analyze   PSScriptAnalyzer, which needs PowerShell, on the PowerShell module
# make docs      build the documentation site in site/ and check its links
# make languages clients in Go, Java, PowerShell and others against the emulator; `make test` runs them too
# make coverage  like make test, and print how much of the code the tests run
# make crash     run every kind of host process 25 times on every Python installed
# make bench     every speed we claim, beside its peers, in one run
# make dist      build the wheel and the source archive in dist/
# make clean     remove what these made

VENV := .venv
STAMP := .make
SITE_VENV := $(STAMP)/site-venv
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := $(VENV)/Scripts
SITE_BIN := $(SITE_VENV)/Scripts
else
PYTHON ?= python3
BIN := $(VENV)/bin
SITE_BIN := $(SITE_VENV)/bin
endif
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.PHONY: demo test languages coverage check analyze docs crash bench dist setup clean
.DEFAULT_GOAL := test

setup: $(STAMP)/python

$(STAMP)/python: requirements/dev.txt pyproject.toml
	@mkdir -p $(STAMP)
	@$(PYTHON) tools/need_python.py
	@echo "setting up: a virtual environment in $(VENV), with what requirements/dev.txt pins"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMP)/site: requirements/docs.txt
	@mkdir -p $(STAMP)
	@$(PYTHON) tools/need_python.py
	@echo "setting up: a virtual environment in $(SITE_VENV), with what requirements/docs.txt pins"
	@$(PYTHON) -m venv $(SITE_VENV)
	@$(SITE_BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/docs.txt
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
	@$(BIN)/python tools/run_tests.py
	@$(BIN)/python tools/check_wheel.py

languages: $(STAMP)/python
	@test -d tests/node/node_modules || npm ci --prefix tests/node --silent --no-audit --no-fund
	@$(BIN)/python tools/run_tests.py -m languages tests

# Every Python process that inherits these variables is measured, pytest's workers included.
coverage: export COVERAGE_PROCESS_START := $(CURDIR)/pyproject.toml
coverage: export COVERAGE_FILE := $(CURDIR)/$(STAMP)/coverage/data
coverage: $(STAMP)/python $(STAMP)/node
	@rm -rf $(STAMP)/coverage
	@mkdir -p $(STAMP)/coverage
	@$(BIN)/python tools/run_tests.py
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report --skip-covered --sort=cover
	@COVERAGE_PROCESS_START= $(BIN)/python tools/check_wheel.py

check: $(STAMP)/python
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/check_imports.py
	@$(BIN)/python tools/check_locks.py
	@$(BIN)/python tools/check_credentials.py
	@$(BIN)/python tools/check_secrets.py
	@$(BIN)/python tools/check_exports.py
	@$(BIN)/python tools/check_registered.py
	@$(BIN)/python tools/check_names.py
	@$(BIN)/python tools/check_workflows.py
	@$(BIN)/python tools/check_docs.py
	@$(BIN)/python tools/check_twins.py

analyze:
	@pwsh -NoProfile -File tools/check_powershell.ps1

docs: $(STAMP)/site
	@NO_MKDOCS_2_WARNING=1 $(SITE_BIN)/python -m mkdocs build --strict
	@echo "docs: the site is in site/, its links lead somewhere"

crash: $(STAMP)/python
	@CRASH_RUNS=25 $(BIN)/python -m pytest -q -n auto tests/integration/test_host_processes.py

bench: $(STAMP)/python
	@$(BIN)/python -m bench --with-az

dist: $(STAMP)/python
	@$(BIN)/python -m build --no-isolation --outdir dist .

clean:
	rm -rf $(VENV) $(STAMP) dist site tests/node/node_modules
