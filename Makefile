# The payments migration. `make help` lists what can be done.
# ENVIRONMENT names an overlay in config/ (default dev); stamps make a second run take seconds.

PYTHON ?= python3
ENVIRONMENT ?= dev
export ENVIRONMENT

VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# pipenv and cdktf: this folder's environment only, no questions asked of the network or of a person.
export PIPENV_VENV_IN_PROJECT := 1
export PIPENV_IGNORE_VIRTUALENVS := 1
export PIPENV_NOSPIN := 1
# The provider has 1,400 modules, of which few are imported: those are compiled when they are, once,
# also where the machine is set not to keep that. For pip, 0 is "no compiling" (pip's user guide,
# "Configuration": an option called --no-… is turned on by a false value).
export PIP_NO_COMPILE := 0
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/compiled
export CHECKPOINT_DISABLE := 1
export DISABLE_VERSION_CHECK := 1
# Python's and Node's packages are set up side by side.
MAKEFLAGS += --jobs=2

# A file's tests together, because they share what they set up.
PYTEST := $(BIN)/python -m pytest --dist loadfile
LINTED := tap.py lib rehearsal scripts benchmarks tests

.DEFAULT_GOAL := help
.PHONY: help synth test rehearse unit lint format plan deploy image destroy bench bench-pause bench-validator \
  docs lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

synth: $(VENV)/packages.stamp node_modules/.stamp ## set everything up, write Terraform JSON, show what is in it
	@$(BIN)/python -m scripts.synth

test: $(VENV)/dev-packages.stamp node_modules/.stamp tools/checkov/.venv/packages.stamp ## run every test, Terraform's first: it takes longest and mostly waits
	@$(BIN)/python -m scripts.terraform
	@$(BIN)/python -m scripts.system_packages
	$(PYTEST) -n 4 --no-loadscope-reorder

unit: $(VENV)/dev-packages.stamp node_modules/.stamp ## run the fast tests
	$(PYTEST) -n 2 tests/unit

lint: $(VENV)/dev-packages.stamp ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(LINTED)

format: $(VENV)/dev-packages.stamp ## put the code in the style that `lint` checks
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

plan: synth ## show what Terraform would change in AWS
	@$(BIN)/python -m scripts.lifecycle plan

deploy: synth ## create the state bucket if need be, then apply
	@$(BIN)/python -m scripts.lifecycle deploy

image: $(VENV)/packages.stamp ## build the pooler's image and push it, where it is not pushed yet
	@$(BIN)/python -m scripts.pooler_image

destroy: synth ## destroy the environment; the state bucket stays
	@$(BIN)/python -m scripts.lifecycle destroy

rehearse: $(VENV)/dev-packages.stamp node_modules/.stamp ## run the whole migration on this machine under live payments, and prove that nothing is lost
	@$(BIN)/python -m rehearsal $(ARGUMENTS)

bench: $(VENV)/packages.stamp ## compare synthesis with a plain import of the provider
	$(BIN)/python -m benchmarks.synth_speed

bench-pause: $(VENV)/dev-packages.stamp node_modules/.stamp ## rehearse the migration a few times, and measure how long its writes wait
	$(BIN)/python -m benchmarks.write_pause $(ARGUMENTS)

bench-validator: $(VENV)/dev-packages.stamp tools/peers/.venv/packages.stamp ## compare the validator with its peers, on 10 million rows
	$(BIN)/python -m benchmarks.validator $(ARGUMENTS)

docs: $(VENV)/packages.stamp ## write the generated parts of README.md and docs/ anew
	$(BIN)/python -m scripts.documents

lock: $(VENV)/bootstrap.stamp ## lock Pipfile anew, without the address of any package registry
	$(BIN)/pipenv lock
	$(BIN)/python -m scripts.neutral_lock Pipfile.lock

clean: ## remove all that the other targets made
	rm -rf $(VENV) tools/checkov/.venv tools/peers/.venv node_modules cdktf.out

$(VENV)/bootstrap.stamp: scripts/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1): install Python 3.11 or later, or name one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r scripts/bootstrap.txt
	@touch $@

$(VENV)/packages.stamp: $(VENV)/bootstrap.stamp Pipfile.lock
	$(BIN)/pipenv sync
	@touch $@

$(VENV)/dev-packages.stamp: $(VENV)/packages.stamp
	$(BIN)/pipenv sync --dev
	@touch $@

# Install scripts are off (.npmrc): cdktf's pseudo-terminal module would download a binary, so
# package.json puts one in its place whose package has it.
node_modules/.stamp: package-lock.json .npmrc $(VENV)/packages.stamp
	$(BIN)/npm ci
	@ln -sf ../../node_modules/.bin/cdktf $(BIN)/cdktf
	@touch $@

tools/checkov/.venv/packages.stamp: $(VENV)/bootstrap.stamp tools/checkov/Pipfile.lock
	PIPENV_PIPFILE=tools/checkov/Pipfile $(BIN)/pipenv sync
	@touch $@

# Not pipenv: data-diff asks for packages that it does not need here (see requirements.txt).
tools/peers/.venv/packages.stamp: $(VENV)/bootstrap.stamp tools/peers/requirements.txt
	$(BIN)/python -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r tools/peers/requirements.txt
	@touch $@
