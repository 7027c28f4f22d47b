# Everything hangs on one virtualenv, set up from the hashed lock file on first use.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint rules bench bench-report docs manifests lock wheel image clean help

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or later is needed"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## the main job once, against a simulated estate with planted drift
	$(BIN)/trailkeeper demo --once

test: $(READY) ## every test
	$(BIN)/pytest -n 4  # they mostly wait for processes that they start

rules: $(READY) ## only the examples of the shipped rules (seconds)
	$(BIN)/trailkeeper rules test

lint: $(READY) ## format, lint, types, import contracts, rule examples
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/trailkeeper rules test

bench: $(READY) ## the figures of the README
	$(BIN)/python -m bench

bench-report: $(READY) ## the figures of the monthly report, pgBadger beside it (minutes)
	$(BIN)/python -m bench.report

docs: $(READY) ## the generated catalogue of rules, and the pictures of the documents
	$(BIN)/trailkeeper rules docs > docs/rules.md
	$(BIN)/python docs/picture.py
	$(BIN)/python -m docs.pages

manifests: ## the PrometheusRule of deploy/kubernetes, from deploy/prometheus/rules.yml
	$(PYTHON) deploy/kubernetes/prometheusrule.py

wheel: $(READY) ## the wheel, in dist/
	$(BIN)/python -m build --wheel --no-isolation

image: $(READY) ## the container image, built and proved to run (docker, or root and podman)
	$(BIN)/hadolint Dockerfile
	$(BIN)/python deploy/image/build.py
	$(BIN)/python deploy/image/prove.py
	$(BIN)/python deploy/image/prove_report.py

lock: ## the lock files anew, from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --generate-hashes --universal --no-header --no-annotate \
	  --python-version 3.11 -o requirements.lock
	uv pip compile pyproject.toml --extra dev --generate-hashes --universal --no-header \
	  --no-annotate --python-version 3.11 -o requirements-dev.lock
	uv pip compile pyproject.toml --extra report --constraint requirements-dev.lock \
	  --generate-hashes --universal --no-header --no-annotate --python-version 3.11 \
	  -o requirements-report.lock
	echo 'hatchling>=1.27' | uv pip compile - --constraint requirements-dev.lock --generate-hashes \
	  --universal --no-header --no-annotate --python-version 3.11 -o requirements-build.lock

clean: ## remove the virtualenv and what was built
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
