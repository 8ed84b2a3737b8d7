# make test is everything a machine can check; make check is what CI runs
# before it. The nested modules are named because ./... stops at their go.mod.

GO        ?= go
PACKAGES  := ./... ./example/cluster/... ./internal/integration/...
TESTFLAGS ?=
BENCH     ?= .
FUZZTIME  ?= 30s

# The race detector needs a C compiler; everything else does without.
RACE ?= $(if $(shell command -v "$$($(GO) env CC)"),-race)

LINT := GOWORK=off $(GO) tool -modfile=tools/go.mod golangci-lint run
LINT_NESTED := GOWORK=off $(GO) tool -modfile=../../tools/go.mod golangci-lint run --config=../../.golangci.yml

.PHONY: test check vet lint tidy bench fuzz clean

test:
	$(if $(RACE),,@echo 'no C compiler: the tests run without the race detector')
	$(if $(RACE),CGO_ENABLED=1 )$(GO) test $(RACE) -shuffle=on $(TESTFLAGS) $(PACKAGES)

check: vet lint test

vet:
	CGO_ENABLED=0 $(GO) vet $(PACKAGES)

lint:
	$(LINT) ./...
	cd internal/integration && $(LINT_NESTED) ./...

tidy:
	$(GO) mod tidy
	cd internal/integration && $(GO) mod tidy
	cd example/cluster && $(GO) mod tidy

bench:
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(TESTFLAGS) $(PACKAGES)

# Every fuzz target there is, FUZZTIME each.
fuzz:
	@set -e; grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file" | while read -r target; do \
			echo "== $$target in $$(dirname "$$file"), $(FUZZTIME)"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")"; \
		done; \
	done

clean:
	rm -rf bin
