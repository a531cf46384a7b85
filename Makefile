# Every target sets up what it needs: an environment in .venv with the pinned dependencies,
# installed once. A second run needs no network.

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: serve demo test nemesis check bench bench-peers generate setup clean

serve: setup  ## run the server:            make serve ARGS='--port 9000 --data DIR'
	@exec $(BIN)/coterie serve $(ARGS)

demo: setup  ## a story with four people, on a throw-away server
	@exec $(BIN)/python tools/demo.py $(ARGS)

test: setup  ## all tests:                 make test ARGS='tests/server -k bans'
	@exec $(BIN)/python -m pytest -n 3 --dist loadscope $(ARGS)

nemesis: setup  ## clients live on a server that is killed, frozen, cut off: not part of the tests
	@exec $(BIN)/python -m pytest -s tests/nemesis/runs.py $(ARGS)

check: setup  ## style, types, import rules, generated files, TypeScript
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports
	@$(BIN)/python tools/generate.py --check
	@$(BIN)/python tools/web.py

bench: setup  ## measure; results in bench/results
	@exec $(BIN)/python bench/run.py $(ARGS)

bench-peers: setup  ## Coterie beside ejabberd, NATS, Synapse, Prosody, where those are there
	@exec $(BIN)/python bench/peers.py $(ARGS)

generate: setup  ## write the *.gen.* files from coterie.protocol
	@exec $(BIN)/python tools/generate.py $(ARGS)

setup:
	@tools/setup $(VENV)

clean:  ## forget the environment and all that was built
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache .demo bench/build web/node_modules tests/interop/node_modules
