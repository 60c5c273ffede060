# `make help` lists what there is.
.DEFAULT_GOAL := help
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help render test azure azure-clients azure-corpus corpus series series-table fuzz e2e e2e-registry e2e-tools soak lint bench verify \
	generate clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

render: ## Render the sample project into an OCI layout under out/
	$(CARGO) run --quiet --release --no-default-features --features cli -- \
		--quiet render testdata/projects/contoso --env prod \
		--service contoso-prod -o oci-layout:out/contoso:prod

test: ## All tests; those of the corpus when target/corpus is there
	$(CARGO) test --workspace
	$(CARGO) check --quiet --no-default-features --lib
	$(CARGO) check --quiet --no-default-features --features cli
	$(CARGO) check --quiet --no-default-features --features cli,server

azure: ## A simulation of Azure on loopback (ARGS="--seed bundle"); hack/azure/README.md
	$(CARGO) run --quiet --package simulated-azure --bin simulated-azure -- $(ARGS)

azure-clients: ## Microsoft's Go and Python SDKs drive the simulation; hack/azure/clients/coverage.md
	hack/azure/clients/run

azure-corpus: ## Published trees, rendered and put on the simulation (after a debug build of the product)
	$(CARGO) run --quiet --package simulated-azure --bin deploy-corpus -- $(TARGET)/debug/flux-apim \
		testdata/projects/contoso $(wildcard $(or $(FLUX_APIM_CORPUS),target/corpus)/apiops-trees/*)

corpus: ## What is found in published trees and definitions, into docs/corpus.md (CHECK=--check)
	@test -n "$$FLUX_APIM_BIN" || ! test -d "$${FLUX_APIM_CORPUS:-target/corpus}" || \
		$(CARGO) build --quiet --release --no-default-features --features cli
	@FLUX_APIM_BIN=$${FLUX_APIM_BIN:-$(TARGET)/release/flux-apim} \
		$(CARGO) run --quiet --package corpus -- $(CHECK)

series: ## Instructions and memory of every shape of input, against their lines
	hack/series/run

series-table: ## The same at all sizes, and docs/robustness.md anew
	hack/series/run --write docs/robustness.md

fuzz: ## A minute's search for inputs that cost more than their bytes explain
	hack/fuzz/run 60

e2e-registry: e2e-tools ## Targets and publishing against real registries; nothing is skipped
	FLUX_APIM_E2E=1 $(CARGO) test --test 'registry*' --test publish_registries --test cosign

e2e-tools: ## What the tests with real registries use: built once, or from Debian
	hack/e2e/packages
	@for tool in registry referrers-registry cosign; do hack/e2e/tool $$tool; done

e2e: e2e-tools ## End-to-end tests with the real Flux; builds its parts first (25 minutes, once)
	hack/e2e/run
	FLUX_APIM_E2E=1 $(CARGO) test --test registry --test publish_registries --test cosign
	hack/e2e/schemathesis $(TARGET)/release/flux-apim
	hack/e2e/oidc $(TARGET)/release/flux-apim

soak: ## The long forms of the tests (two hours)
	hack/series/run --soak
	hack/fuzz/run 1200
	FLUX_APIM_SOAK=1 $(CARGO) test --release --test bounded -- --nocapture
	FLUX_APIM_SOAK=1 hack/e2e/run
	FLUX_APIM_SOAK=1 FLUX_APIM_E2E=1 $(CARGO) test --test publish_registries -- killed
	FLUX_APIM_MUTATIONS=10000 $(CARGO) test --release --test server mutation -- --nocapture
	FLUX_APIM_BIN=$(TARGET)/release/flux-apim hack/service/load 60 64

lint: ## Formatting, lints, generated files
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path hack/fuzz/Cargo.toml --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) xtask check
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check; \
		else echo "skipped: cargo-deny is not installed (deny.toml)"; fi

bench: ## Ratios to a calibration of the same run
	$(CARGO) bench --bench pipeline
	$(CARGO) bench --bench publish
	$(CARGO) bench --bench preview

verify: ## Render the sample twice, with other threads and place: same digest
	hack/verify-determinism

generate: ## Write generated files anew
	$(CARGO) xtask generate

clean: ## Remove what was made
	rm -rf out target
