# Every target sets up .venv by itself; `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The stamp names the folder it was made for and is written last. If it is missing, or the folder was moved, or its
# Python is gone, .venv is built anew; if it is only older than the lock, what changed is installed.
ifneq ($(shell $(BIN)/python -c 'print(open("$(STAMP)").read(), end="")' 2>/dev/null),$(CURDIR))
REBUILD := rebuild
endif

.PHONY: help demo test lint bench lock clean rebuild

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 14

demo: $(STAMP) ## two nights of a real bakery: books, mails, dashboard
	@$(BIN)/python -m flows demo

test: $(STAMP) ## all tests, and the examples in docstrings
	@$(BIN)/python -m pytest

lint: $(STAMP) ## style, types, allowed imports
	@echo "ruff check" && $(BIN)/ruff check --quiet --output-format concise .
	@echo "ruff format" && $(BIN)/ruff format --quiet --check .
	@echo "mypy" && $(BIN)/mypy --no-error-summary
	@echo "import contracts" && $(BIN)/lint-imports --no-logo --config pyproject.toml

bench: $(STAMP) ## speed and memory on this machine
	@$(BIN)/python -m tests.benchmarks

lock: $(STAMP) ## resolve requirements.lock from pyproject.toml (UPGRADE=1 for newer versions)
	@$(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --fork-strategy fewest --extra dev \
		--generate-hashes --only-binary :all: --no-emit-index-url --no-annotate --custom-compile-command "make lock" \
		$(if $(UPGRADE),--upgrade) --output-file requirements.lock pyproject.toml

clean: ## remove .venv and what tools leave behind (.fournil, your data, stays)
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml $(REBUILD)
	@rm -f $@
ifdef REBUILD
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Fournil needs Python 3.11 to 3.13; name one: make PYTHON=python3.12"; exit 1; }
	@echo "set-up: $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
endif
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock
	@echo "set-up: packages of requirements.lock"
	@{ $(BIN)/python -m pip install -qq --require-hashes --requirement $(VENV)/uv.lock && \
		$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock; } || \
		{ echo "set-up: uv failed, pip does it instead (this takes minutes)"; \
		$(BIN)/python -m pip install -qq --require-hashes --no-deps --requirement requirements.lock; }
	@echo "set-up: fournil itself"
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@printf '%s' "$(CURDIR)" > $@
