# Snug's tasks. `make test` is the one that must pass; see README.md.
GO ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)

.PHONY: help demo build test test-openapi openapi stranger pictures pages screenshots a11y clients lint soak fuzz vuln bench fmt

help: ## List these tasks
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## Run Snug with a simulated Discord: no account, no server
	$(GO) run ./cmd/snug demo

build: ## Build bin/snug
	$(GO) build -trimpath $(if $(VERSION),,-buildvcs=false) -tags nomsgpack -ldflags '-s -w -X main.version=$(VERSION)' -o bin/snug ./cmd/snug

test: ## Everything that must pass: formatting, vet, and all tests with the race detector and a real browser
	@.ci/needs
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted; run: make fmt"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	GOOS=windows $(GO) vet ./dashboard/live
	@.ci/vuln
	$(GO) test -race -timeout 30m $$($(GO) list ./... | grep -v '^snug/cmd/snug$$')
	$(GO) test -race -parallel 3 -timeout 30m ./cmd/snug # alone: it measures latency
	@described=$$($(GO) run ./shared/discordsim/openapi/fetch -where) && { test -n "$$described" || \
		echo "not checked against Discord's OpenAPI description: make openapi"; }

openapi: ## Fetch Discord's OpenAPI description, against which the tests then check what Snug and the simulator say
	$(GO) run ./shared/discordsim/openapi/fetch

DESCRIBED = $(sort $(dir $(shell grep -rl --include='*_test.go' '"snug/shared/discordsim/openapi' .)))

test-openapi: ## The tests that use that description, and no others
	$(GO) test -race -timeout 30m $(filter-out ./cmd/snug/,$(DESCRIBED))
	$(GO) test -race -parallel 3 -timeout 30m ./cmd/snug

stranger: ## Follow the README on an empty Debian, as root; ODD=1: all tests on as odd a machine as there may be
	.ci/stranger

pictures: ## Make the pictures of the documentation, from the real thing
	SNUG_PICTURES='$(CURDIR)/docs/pictures' $(GO) test -count=1 -run 'TestMainJob|TestSettings|TestWelcome' ./cmd/snug

pages: ## Show every page and dialog in every state, from fixtures
	$(GO) run ./cmd/snugpages

screenshots: ## Take a picture of every page and dialog, phone and desktop, dark and light, into bin/screenshots
	mkdir -p bin/screenshots
	SNUG_SCREENSHOTS='$(CURDIR)/bin/screenshots' $(GO) test -count=1 -timeout 20m -run TestScreenshots ./dashboard/view

a11y: ## Look at every page and dialog with axe-core, and at contrast and sizes
	$(GO) test -count=1 -run 'TestAxe|TestLooks|TestDialogsLook' ./dashboard/view

clients: ## Let discord.js try the simulated Discord (needs Node and npm)
	cd shared/discordsim/clients && npm install
	SNUG_CLIENTS=1 $(GO) test -count=1 -run TestClients ./shared/discordsim

lint: ## golangci-lint, with the rules of .golangci.yml
	@command -v golangci-lint >/dev/null || { echo "golangci-lint is not installed. Install it with:"; \
		echo "  $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@latest"; \
		echo "and have $$($(GO) env GOPATH)/bin in PATH, or see https://golangci-lint.run"; exit 1; }
	golangci-lint run

soak: fuzz ## The longer forms of the tests, and fuzzing; what fails says how to replay it
	SNUG_SOAK=1 $(GO) test -race -p 1 -timeout 60m ./... # one package after the other: they measure time

FUZZTIME ?= 1m
fuzz: ## Fuzz everything that reads what strangers send, each for FUZZTIME (1m)
	@set -e; for f in $$(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$f); do \
			echo "$$name in $$(dirname $$f)"; $(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) $$(dirname $$f); \
		done; done

vuln: ## Ask the Go vulnerability database about Snug and all it is made of
	@.ci/vuln

bench: ## Compare live push with the plain loop it is measured against
	$(GO) run ./cmd/snugload

fmt: ## Format the code
	gofmt -w .
