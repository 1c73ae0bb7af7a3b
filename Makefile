# Executable documentation: what a developer does, and how. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
BIN := .venv/bin
SAM := .venv-sam/bin/sam
# Handlers import as in Lambda: `courant`, `deliver.handler`, …
export PYTHONPATH := functions:.

.PHONY: help setup tools demo test check format requirements validate build golden screenshots bench simulate scale fuzz clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: .venv/.done ## a virtual environment in .venv with everything the project needs

.venv/.done: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Courant needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.venv-sam/.done: requirements/sam.txt
	$(PYTHON) -m venv .venv-sam
	# --no-deps: the list is complete, and an older pip trips over the extras that it leaves out
	.venv-sam/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/sam.txt
	touch $@

tools: ## what the proofs need beside Python: Chromium, Node.js, SpamAssassin, axe-core, postal-mime
	.ci/tools

demo: setup ## feeds → edition → mails, all on this machine; then a mailbox to read them in
	$(BIN)/courant demo $(ARGS)

test: setup ## every test; without `make tools` those in tests/proof are skipped
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

check: setup validate ## what must be clean: formatting, lint, types, the template, the pins
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q -n0 tests/test_architecture.py tests/test_template.py

validate: .venv-sam/.done ## sam validate --lint
	$(SAM) validate --lint --region eu-west-1

build: .venv-sam/.done ## sam build, without Docker (needs the template's Python on PATH)
	$(SAM) build

format: setup ## format and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

golden: setup ## write the golden files anew; look at the diff before you commit it
	$(BIN)/pytest -q -n0 --update-golden tests/test_golden.py

screenshots: setup ## every look as people see it, in out/screenshots (needs Chromium: make tools)
	$(BIN)/python -m desk.screenshots $(ARGS)

requirements: ## compile the pins anew (uv needed); what is shipped is what is tested
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal \
	  --python-version 3.11 --extra desk --extra dev pyproject.toml -o requirements/dev.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.13 \
	  --python-platform linux pyproject.toml \
	  -c requirements/dev.txt -o functions/requirements.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal \
	  --python-version 3.11 requirements/sam.in -o requirements/sam.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal \
	  --python-version 3.11 requirements/bench.in -c requirements/dev.txt -o requirements/bench.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal \
	  --python-version 3.11 pyproject.toml requirements/fuzz.in -c requirements/dev.txt -o requirements/fuzz.txt

.venv-bench/.done: requirements/bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/bench.txt
	touch $@

bench: setup .venv-bench/.done ## measure: gathering, digests and delivery against others, parsing, pages, stories, real newsletters (needs the corpora)
	$(BIN)/python -m benchmarks.gather $(ARGS)
	$(BIN)/python -m benchmarks.gather --scale
	$(BIN)/python -m benchmarks.agreement
	$(BIN)/python -m benchmarks.pages
	$(BIN)/python -m benchmarks.stories
	$(BIN)/python -m benchmarks.digest
	$(BIN)/python -m benchmarks.deliver
	$(BIN)/python -m benchmarks.units
	$(BIN)/python -m benchmarks.yardstick

.venv-fuzz/.done: requirements/fuzz.txt
	$(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/fuzz.txt
	touch $@

EDITIONS ?= 20000
SEED ?= 0
JOBS ?= 2
simulate: setup ## play editions of the real delivery code, with faults: make simulate EDITIONS=1000000 RESUME=out/simulate.json
	$(BIN)/python -m tests.simulation --editions $(EDITIONS) --seed $(SEED) --jobs $(JOBS) $(if $(RESUME),--resume $(RESUME))

scale: setup ## send one edition to 1,000 … 1,000,000 readers by the real delivery code: seconds, memory
	$(BIN)/python -m tests.simulation.scale $(ARGS)

LAWS ?= guard prolog date cleaner canonical document page answer
fuzz: .venv-fuzz/.done ## look for input that breaks a law: make fuzz LAWS=document ARGS=-max_total_time=600
	mkdir -p out
	for law in $(LAWS); do .venv-fuzz/bin/python -m tests.fuzz $$law -max_total_time=120 -artifact_prefix=out/$$law- $(ARGS) || exit 1; done

clean: ## remove everything that can be made again
	rm -rf .venv .venv-sam .venv-bench .venv-fuzz .aws-sam out .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage tests/proof/node_modules
