# make test is everything a machine can check; make check is what CI runs
# before it. torture, timing, load and fuzz take long and want a machine for
# themselves. The nested modules are named because ./... stops at their go.mod.

GO        ?= go
PACKAGES  := ./... ./example/cluster/... ./internal/integration/...
TESTFLAGS ?=
BENCH     ?= .
FUZZTIME  ?= 30s
SAMPLES   ?= 20000
PEOPLE    ?= 64
FOR       ?= 30s
DATABASE  ?= sqlite,postgres

# The race detector needs a C compiler; everything else does without.
RACE ?= $(if $(shell command -v "$$($(GO) env CC)"),-race)

# SQLite, which is translated from C, keeps its memory where the race detector
# does not look; compiled for it, the tests of auth take half as long again.
RACE_FLAGS := -gcflags=modernc.org/sqlite/lib=-race=false

.PHONY: test check vet lint tidy bench torture timing load fuzz clean

# Every test, with the race detector; on slow machines a package takes ten minutes.
test:
	$(if $(RACE),,@echo 'no C compiler: the tests run without the race detector')
	$(if $(RACE),CGO_ENABLED=1 )$(GO) test $(if $(RACE),$(RACE) $(RACE_FLAGS)) -shuffle=on -timeout 20m $(TESTFLAGS) $(PACKAGES)

# What has to pass before a change is merged.
check: vet lint test

vet:
	CGO_ENABLED=0 $(GO) vet $(PACKAGES)

lint:
	CGO_ENABLED=0 GOWORK=off $(GO) build -modfile=tools/go.mod -o bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	CGO_ENABLED=0 bin/golangci-lint run $(PACKAGES)

tidy:
	$(GO) mod tidy
	cd internal/integration && $(GO) mod tidy
	cd example/cluster && $(GO) mod tidy

# The benchmarks that BENCH names.
bench:
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(TESTFLAGS) $(PACKAGES)

# The tests that could go on for ever, with all their rounds: crashes, faults,
# bursts, several instances, random calls, ten million rows. Hours; one package
# at a time (TORTURE names others), without the race detector, which is make
# test's.
TORTURE ?= ./auth ./storage/sqlite ./storage/storagetest \
	./internal/integration ./internal/integration/abuse ./internal/integration/burst ./internal/integration/cluster \
	./internal/integration/faults ./internal/integration/size
torture:
	MAILKEY_TORTURE=1 CGO_ENABLED=0 $(GO) test -p 1 -timeout 6h -v $(TESTFLAGS) $(TORTURE)

# Whether requests can be told apart by how long their answers take, from
# SAMPLES pairs of each kind: an hour or two.
timing:
	CGO_ENABLED=0 $(GO) test -count 1 -timeout 3h -v $(TESTFLAGS) ./internal/integration/timing -samples $(SAMPLES)

# PEOPLE log in again and again FOR a while, on each DATABASE.
load:
	CGO_ENABLED=0 $(GO) test -count 1 -timeout 1h -v $(TESTFLAGS) ./internal/integration/load -people $(PEOPLE) -for $(FOR) -database $(DATABASE)

# Every fuzz target there is, FUZZTIME each. What is interesting is made smaller
# ten times and no more: by default that may take a minute at a time.
fuzz:
	@set -e; grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file" | while read -r target; do \
			echo "== $$target in $$(dirname "$$file"), $(FUZZTIME)"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$(dirname "$$file")"; \
		done; \
	done

clean:
	rm -rf bin
