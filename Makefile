# Vigil: `make run` shows it working, `make test` proves it.
SHELL := bash
VIGIL := .venv/bin/python -W ignore -m infra.main
SPEED ?= 60
HOME_DIR ?= .vigil
COMPILE := .venv/bin/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11

.PHONY: run test faults bench lint clean setup setup-dev lock

run: setup
	@$(VIGIL) up --demo --speed $(SPEED) --home $(HOME_DIR)

test: setup-dev
	.venv/bin/python -m pytest -n 2 --dist loadgroup

faults: setup-dev
	.venv/bin/python -m pytest -m fault tests/fault

bench: setup-dev
	@$(VIGIL) bench

lint: setup-dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

setup:
	@$(MAKE) --no-print-directory -j3 setup-run setup-kafka setup-triton

setup-dev:
	@$(MAKE) --no-print-directory -j3 setup-dev-venv setup-kafka setup-triton

.PHONY: setup-run setup-dev-venv setup-kafka setup-triton
setup-run:
	@infra/local/setup.sh run
setup-dev-venv:
	@infra/local/setup.sh dev
setup-kafka:
	@infra/local/setup.sh kafka
setup-triton:
	@infra/local/setup.sh triton

lock: setup-dev
	$(COMPILE) infra/locks/uv.in -o infra/locks/uv.txt
	$(COMPILE) pyproject.toml infra/locks/build.in -o infra/locks/run.txt
	$(COMPILE) pyproject.toml infra/locks/build.in --extra train --group dev -o infra/locks/dev.txt
	$(COMPILE) infra/locks/triton.in -o infra/locks/triton.txt

clean:
	-@[ -x .venv/bin/python ] && $(VIGIL) down --home $(HOME_DIR)
	rm -rf .venv .cache $(HOME_DIR) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
