# What CI runs is what a person runs. Every target does its own set-up; nothing asks a question.
#   make demo | example-flask | example-fastapi | example-django; PORT=8001 chooses the port
#   make test-fast     the tests without servers and property tests, over one interface: a minute
#   make test          every test; TESTS=tests/core narrows it, SEED=1 shuffles it
#   make test-all      every test on each Python from 3.11 to 3.14 that is found here
#   make mutants       SIZE=100 mutants of src drawn by SEED, and which of them no test notices
#   make check | settings | causes | proxies | completions | bench | soak | docs | fuzz | clean
# PYTHON=/path/to/python3.11 names the interpreter; CI=true tests the built wheel and forgives no missing part.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES := $(shell find src -name __pycache__ -prune -o -type f -print)
# Four workers are enough everywhere: the slow tests wait for servers, not for the processor.
PYTEST_ARGS ?= -n logical --maxprocesses 4 --dist loadfile
TESTS ?=
SEED ?=
DEMO_PORT := $(if $(PORT),--port $(PORT))
# Without its cache, each worker compiles every test again and rewrites its assertions: 4 s of CPU each.
export PYTHONDONTWRITEBYTECODE :=
SHUFFLE := $(if $(SEED),--random-order-bucket=global --random-order-seed=$(SEED))

REDIRECTS := ../shared/cases/open_redirects.txt
ifneq ($(wildcard $(REDIRECTS)),)
export OIDC_GATE_TEST_REDIRECTS ?= $(abspath $(REDIRECTS))
endif

ifeq ($(CI),true)
INSTALLED := $(VENV)/.stamp-wheel
else
INSTALLED := $(VENV)/.stamp-dev
endif

.PHONY: help demo example-flask example-fastapi example-django test check settings causes proxies completions test-fast test-all mutants bench soak docs fuzz components clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed -n '1,8p'

# --- set-up -----------------------------------------------------------------------------------------

$(VENV)/.stamp-venv: tools/make_venv.sh
	@test -x $(BIN)/python || tools/make_venv.sh $(VENV)
	@touch $@

$(VENV)/.stamp-demo: pyproject.toml $(VENV)/.stamp-venv
	$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.stamp-examples: pyproject.toml $(VENV)/.stamp-venv
	$(PIP) --editable '.[examples]'
	@touch $@ $(VENV)/.stamp-demo

$(VENV)/.stamp-dev: pyproject.toml $(VENV)/.stamp-venv
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.stamp-demo $(VENV)/.stamp-examples
	@rm -f $(VENV)/.stamp-wheel

# The tests must see what a user gets: a file that the wheel forgot is missing here too.
$(VENV)/.stamp-wheel: pyproject.toml $(SOURCES) $(VENV)/.stamp-venv
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(PIP) "$$(echo dist/oidc_gate-*.whl)[dev]"
	$(PIP) --force-reinstall --no-deps dist/oidc_gate-*.whl
	cd $(VENV) && bin/python -c 'import oidc_gate as o; p = list(o.__path__); assert all("site-packages" in x for x in p), p'
	@touch $@
	@rm -f $(VENV)/.stamp-dev $(VENV)/.stamp-demo $(VENV)/.stamp-examples

components:
	@tools/install_components.sh

# --- what people run --------------------------------------------------------------------------------

demo: $(VENV)/.stamp-demo
	$(BIN)/oidc-gate demo $(DEMO_PORT)

example-flask: $(VENV)/.stamp-examples
	$(BIN)/oidc-gate demo examples.flask_app.app:app $(DEMO_PORT)

example-fastapi: $(VENV)/.stamp-examples
	$(BIN)/oidc-gate demo examples.fastapi_app.app:app $(DEMO_PORT)

example-django: $(VENV)/.stamp-examples
	$(BIN)/oidc-gate demo examples.django_app.wsgi:application $(DEMO_PORT)

test: $(INSTALLED) components
	$(BIN)/python -m pytest $(PYTEST_ARGS) --durations=10 --cov --cov-report=term $(SHUFFLE) $(TESTS)

# Two workers more than the two cores of a small machine, because some tests wait.
FAST_ARGS ?= -n 4 --dist loadfile
test-fast: $(INSTALLED)
	$(BIN)/python -m pytest $(FAST_ARGS) -q --fast $(SHUFFLE) $(TESTS)

# Each Python has a virtual environment of its own.
test-all: components
	@failed=; while read -r version python; do \
	  echo "== Python $$version ($$python)"; \
	  $(MAKE) test VENV=.venv-$$version PYTHON="$$python" </dev/null || failed+=" $$version"; \
	done < <(tools/find_pythons.sh); \
	[ -z "$$failed" ] || { echo "make test failed on Python$$failed"; exit 1; }

SIZE ?= 100
mutants: $(VENV)/.stamp-dev
	$(BIN)/python -m tools.mutants --size $(SIZE) $(if $(SEED),--seed $(SEED))

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright --project tests/typing --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -q tests/core/test_layout.py tests/core/test_words.py tests/core/test_loading.py

# What follows from the fields of the settings: the typed keywords, and the tables of docs/settings.md.
settings: $(INSTALLED)
	$(BIN)/python -m tools.settings_files

# docs/causes.md, from the catalogue of the check.
causes: $(INSTALLED)
	$(BIN)/python -m tools.causes_page

# src/oidc_gate/cli/completions, from the parser of the command line.
completions: $(INSTALLED)
	$(BIN)/python -m tools.completion_files

# docs/nginx, docs/caddy and docs/traefik, as the commands for proxies print them.
proxies: $(INSTALLED)
	$(BIN)/python -m tools.proxy_files

bench: $(INSTALLED) components
	$(BIN)/python -m bench

# Users sign in and out for ten minutes while Redis is killed again and again; SECONDS=120 is shorter.
soak: SECONDS := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),600)
soak: $(INSTALLED) components
	$(BIN)/python -m bench.soak --seconds $(SECONDS)

docs: $(INSTALLED) components
	OIDC_GATE_WRITE_CONFORMANCE=1 $(BIN)/python -m pytest -q tests/conformance
	$(BIN)/python -m pytest -q tests/docs

# Coverage-guided: every target of fuzz/targets.py for FUZZ_SECONDS. Where atheris has no wheel, the rest runs alone.
# Then the property tests once more, with many more examples (profile "fuzz" in tests/conftest.py).
FUZZ_SECONDS ?= 30
FUZZ_TARGETS ?= cookie cookie_header query callback logout_token id_token verdict_stream
fuzz: $(INSTALLED)
	@if $(PIP) --only-binary :all: 'atheris>=3' && $(BIN)/python -c 'import atheris'; then \
	  for target in $(FUZZ_TARGETS); do $(BIN)/python -m fuzz.run "$$target" $(FUZZ_SECONDS) || exit 1; done; \
	else echo 'fuzz: atheris cannot be installed here: the coverage-guided targets are left out'; fi
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -q -m hypothesis --timeout=1800 tests

clean:
	rm -rf .venv .venv-* dist build artifacts .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf tests/real/op_node/node_modules
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
