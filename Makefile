# Snug's tasks. `make test` must pass; see CONTRIBUTING.md.
GO ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT := $(shell git log -1 --format=%H 2>/dev/null)
DATE := $(shell git log -1 --format=%cI 2>/dev/null)
GORELEASER = github.com/goreleaser/goreleaser/v2@v2.15.1

.PHONY: help demo build test race test-openapi openapi generate stranger release pictures pages screenshots a11y lighthouse clients lint soak fuzz vuln bench bench-peers fmt

help: ## List these tasks
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: ## Run Snug with a Discord simulator: no account, no server
	$(GO) run ./cmd/snug demo

build: ## Build bin/snug
	$(GO) build -trimpath $(if $(VERSION),,-buildvcs=false) -tags nomsgpack -ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)' -o bin/snug ./cmd/snug

# WHOLE drives the whole program, most of it with a browser, waits more than it works, and is tested afterwards. What
# the race detector slows down most, and needs it least, it sees in make soak alone.
WHOLE = ./cmd/snug
UNRACED = $(WHOLE) ./dashboard/card ./shared/testkit/walk
ALL = $(patsubst $(shell $(GO) list -m)/%,./%,$(shell $(GO) list ./...))
# SLOW start first, so that none of them runs alone at the end.
SLOW = ./bot ./shared/testkit/walk ./shared/hub ./dashboard/view ./bot/trial ./dashboard
TEST = .ci/inmemory $(GO) test -vet=off -timeout 30m

test: ## Run everything that must pass but the race detector: formatting, vet, vulnerabilities, and all tests, with a browser
	@.ci/needs
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "These files aren't formatted. Run: make fmt"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags portable ./shared/hub # as other systems than Linux and macOS have it
	@.ci/vuln
	$(TEST) -p 3 $(SLOW) $(filter-out $(WHOLE) $(SLOW),$(ALL))
	$(TEST) -tags portable ./dashboard/live
	$(TEST) -tags portable -run TestSenders ./cmd/snugload
	$(TEST) -parallel 4 $(WHOLE)
	@described=$$($(GO) run ./shared/discordsim/openapi/fetch -where) && { test -n "$$described" || \
		echo "The tests ran without Discord's OpenAPI description. To include it, run: make openapi"; }

race: ## Run the tests of all parts with the race detector
	@.ci/needs race
	GORACE=atexit_sleep_ms=10 $(TEST) -race -p 3 -parallel 2 $(filter-out $(UNRACED),$(ALL))

openapi: ## Fetch Discord's OpenAPI description; from then on, the tests check Snug and the simulator against it
	$(GO) run ./shared/discordsim/openapi/fetch

DESCRIBED = $(sort $(dir $(shell grep -rlE --include='*_test.go' '"snug/shared/(discordsim/openapi|testkit/simtest)' .)))

test-openapi: ## Run only the tests that use that description
	$(TEST) -p 3 $(filter-out $(WHOLE)/,$(DESCRIBED))
	$(TEST) -parallel 4 $(WHOLE)

stranger: ## Follow the README on an empty Debian (as root); with ODD=1, run all tests on a deliberately odd machine
	.ci/stranger

generate: ## Write the generated documents and golden files; see CONTRIBUTING.md
	SNUG_UPDATE=1 $(GO) test -count=1 -run '^(TestDocs|TestTypesOfWebhooks|TestGolden|TestDependencies|TestDeployedNATS)$$' \
		./bot/commands ./shared/setting ./shared/text ./shared/protocol ./cmd/snug

release: ## Build everything a release consists of into bin/release, and publish nothing; see docs/releasing.md
	$(GO) run $(GORELEASER) release --snapshot --clean --skip=docker

pictures: ## Take the pictures in docs/pictures from the running program
	SNUG_PICTURES='$(CURDIR)/docs/pictures' $(GO) test -count=1 -run 'TestMainJob|TestSettings|TestWelcome' ./cmd/snug

pages: ## Show every page and dialog in every state, from fixtures
	$(GO) run ./cmd/snugpages

screenshots: ## Take screenshots of every page and dialog into bin/screenshots: phone and desktop, dark and light
	mkdir -p bin/screenshots
	SNUG_SCREENSHOTS='$(CURDIR)/bin/screenshots' $(GO) test -count=1 -timeout 20m -run TestScreenshots ./dashboard/view

a11y: ## Check every page and dialog with axe-core, and contrast and sizes
	$(GO) test -count=1 -run 'TestAxe|TestLooks|TestDialogsLook' ./dashboard/view

lighthouse: ## Measure pages with Lighthouse, and the room's page as a phone feels it (needs Node and npm, and a machine that does nothing else)
	cd cmd/snug/lighthouse && npm install
	SNUG_LIGHTHOUSE=1 $(GO) test -count=1 -parallel 1 -v -run 'TestLighthouse|TestRoomPageFeelsFast' ./cmd/snug

clients: ## Build the simulator's JavaScript client, and run it, discord.js, oceanic.js, discord.py, arikawa and libraries' examples (needs npm, a C++ compiler and discord.py)
	cd shared/discordsim/clients/js && npm install && npm run build
	cd shared/discordsim/clients && npm install
	@# erlpack is compiled. Where Node's headers are beside it, npm needn't fetch them.
	cd shared/discordsim/clients/etf && node=$$(dirname "$$(dirname "$$(command -v node)")") && \
		if [ -f "$$node/include/node/node.h" ]; then export npm_config_nodedir="$$node"; fi && npm install
	SNUG_CLIENTS=1 $(GO) test -count=1 -run 'TestClients|TestExamples' ./shared/discordsim

lint: ## Run golangci-lint with the rules in .golangci.yml
	@command -v golangci-lint >/dev/null || { echo "golangci-lint is not installed. Install it with:"; \
		echo "  $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@latest"; \
		echo "and add $$($(GO) env GOPATH)/bin to PATH. More at https://golangci-lint.run"; exit 1; }
	golangci-lint run

soak: fuzz ## Fuzz, then run the long forms of the tests; a failure says how to replay it
	SNUG_SOAK=1 $(GO) test -race -p 1 -timeout 60m ./... # one package at a time, because they measure time

FUZZTIME ?= 1m
fuzz: ## Fuzz everything that reads input from strangers, each for FUZZTIME (1m)
	@set -e; for f in $$(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$f); do \
			echo "$$name in $$(dirname $$f)"; $(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) $$(dirname $$f); \
		done; done

vuln: ## Check Snug and its dependencies against the Go vulnerability database
	@.ci/vuln

PEERS = cd cmd/snugload/peers && $(GO) build -o ../../../bin/peers .

bench: ## Measure what Snug costs, its live view beside a plain loop and melody as it comes; `go run ./cmd/snugload -h` says how
	$(PEERS)
	$(GO) run ./cmd/snugload -sender melody='bin/peers melody'
	$(GO) run ./cmd/snugload guilds

bench-peers: ## Measure the same beside ws, gws and centrifuge, and beside bots with discord.js, discordgo and disgo (needs Node and npm)
	cd cmd/snugload/peers && npm install
	$(PEERS)
	$(GO) run ./cmd/snugload -sender node='node --expose-gc cmd/snugload/peers/ws.js' -sender gws='bin/peers gws' \
		-sender centrifuge='bin/peers centrifuge'
	$(GO) run ./cmd/snugload guilds -bot discord.js='node cmd/snugload/peers/discordjs.js' \
		-bot discordgo='bin/peers discordgo' -bot disgo='bin/peers disgo'

fmt: ## Format the code
	gofmt -w .
