# Two commands matter: `make demo` and `make test`. Everything else is for working on it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test check unit bench quality lint fuzz build tools clean

GO ?= go
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/meldefunk
FUZZTIME ?= 10s
BENCH ?= ./...

# The real parts that tests start. With MELDEFUNK_REAL=1 a missing one is a failure, not a
# skipped test. mosquitto is in /usr/sbin, which is not on everybody's PATH.
REAL = PATH="$$PATH:/usr/sbin" MELDEFUNK_REAL=1 MELDEFUNK_INFLUXD="$(CACHE)/bin/influxd" \
	MELDEFUNK_AXE="$(CACHE)/axe/node_modules/axe-core/axe.min.js" \
	MELDEFUNK_FLUX="$(CACHE)/flux/node_modules/@influxdata/flux-lsp-node/flux-lsp-node.js"

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run a simulated city on http://127.0.0.1:8080; needs nothing else
	$(GO) run ./cmd/meldefunk demo

test: ## install what tests need, then check and test everything against the real parts
	@$(MAKE) --no-print-directory tools
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory unit

# What needs no real part, fastest first.
check:
	@bad=$$(gofmt -l .); [ -z "$$bad" ] || { echo "not gofmt'ed:" $$bad >&2; exit 1; }
	$(GO) vet ./...
	"$(CACHE)/bin/golangci-lint" run

# One run of everything: the tests with real parts live beside the others.
unit:
	$(REAL) $(GO) test -race -shuffle=on -timeout 25m ./...

bench: tools ## measure; BENCH=./storage/influx for one package
	$(REAL) $(GO) test -run '^$$' -bench . -timeout 30m $(BENCH)

quality: ## hold the shipped rules against simulated truth, write docs/rules-quality.md (2 minutes)
	$(GO) test ./rules -run TestQuality -count=1 -timeout 30m -args -quality.seed=2026 -quality.assets=100 -quality.days=90 -quality.page=$(CURDIR)/docs/rules-quality.md

lint: tools check ## gofmt, go vet and golangci-lint only

fuzz: ## every fuzz test for FUZZTIME (10s)
	deploy/tools/fuzz.sh $(FUZZTIME)

build: ## bin/meldefunk, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/meldefunk ./cmd/meldefunk

tools: ## install what tests need (Debian, root or sudo), into the system and ~/.cache/meldefunk
	@deploy/tools/install.sh

clean: ## remove what was built here; the tools stay
	rm -rf bin
