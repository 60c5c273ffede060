# `make help` lists what there is.
.DEFAULT_GOAL := help
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help render test azure azure-clients azure-corpus azure-live corpus sarif series series-table fuzz csharp-oracle \
	e2e e2e-registry e2e-tools soak lint bench verify generate clean dist image try try-quick ways

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

render: ## Render the sample project into an OCI layout under out/
	$(CARGO) run --quiet --release --no-default-features --features cli -- \
		--quiet render testdata/projects/contoso --env prod \
		--service contoso-prod -o oci-layout:out/contoso:prod

test: ## All tests; those of the corpus when target/corpus is there
	$(CARGO) test --workspace
	$(CARGO) check --quiet --no-default-features --lib
	$(CARGO) check --quiet --no-default-features --features cli,server

azure: ## A simulation of Azure on loopback (ARGS="--seed bundle"); hack/azure/README.md
	$(CARGO) run --quiet --package simulated-azure --bin simulated-azure -- $(ARGS)

azure-clients: ## Microsoft's Go, Python and JavaScript SDKs drive the simulation; hack/azure/clients/coverage.md
	hack/azure/clients/run

azure-live: ## The probes of its behaviours on a real service with the tag azure-live=allowed; hack/azure/README.md
	$(CARGO) test --quiet --package simulated-azure --test live -- --ignored --nocapture a_real_service

azure-corpus: ## Published trees, rendered and put on the simulation (after a debug build of the product)
	$(CARGO) run --quiet --package simulated-azure --bin deploy-corpus -- $(TARGET)/debug/flux-apim \
		testdata/projects/contoso $(wildcard $(or $(FLUX_APIM_CORPUS),target/corpus)/apiops-trees/*)

corpus: ## What is found in published trees and definitions, into docs/corpus.md (CHECK=--check)
	@test -n "$$FLUX_APIM_BIN" || ! test -d "$${FLUX_APIM_CORPUS:-target/corpus}" || \
		$(CARGO) build --quiet --release --no-default-features --features cli
	@FLUX_APIM_BIN=$${FLUX_APIM_BIN:-$(TARGET)/release/flux-apim} \
		$(CARGO) run --quiet --package corpus -- $(CHECK)

sarif: ## What is written as SARIF, before the official validator (needs npm)
	@test -x $(TARGET)/release/flux-apim || \
		$(CARGO) build --quiet --release --no-default-features --features cli
	@hack/sarif $(TARGET)/release/flux-apim

series: ## Instructions and memory of every shape of input, against their lines
	hack/series/run

series-table: ## The same at all sizes, and docs/robustness.md anew
	hack/series/run --write docs/robustness.md

fuzz: ## A minute's search for inputs that cost more than their bytes explain, and for policies
	hack/fuzz/run 60
	hack/fuzz/run --policy 60

csharp-oracle: ## 300 generated expressions, held against Mono's C# compiler
	hack/csharp-oracle/packages
	$(CARGO) test --package flux-apim-csharp --test oracle -- --nocapture

e2e-registry: e2e-tools ## Targets and publishing against real registries; nothing is skipped
	FLUX_APIM_E2E=1 $(CARGO) test --test 'registry*' --test publish_registries --test cosign --test key_vault

e2e-tools: ## What the tests with real registries use: built once, or from Debian
	hack/e2e/packages
	@for tool in registry referrers-registry cosign oras; do hack/e2e/tool $$tool; done

e2e: e2e-tools ## End-to-end tests with the real Flux; builds its parts first (25 minutes, once)
	hack/e2e/run
	FLUX_APIM_E2E=1 $(CARGO) test --test registry --test publish_registries --test cosign --test key_vault
	hack/e2e/schemathesis $${FLUX_APIM_BIN:-$(TARGET)/release/flux-apim}
	hack/e2e/oidc $${FLUX_APIM_BIN:-$(TARGET)/release/flux-apim}

soak: ## The long forms of the tests (two hours)
	hack/series/run --soak
	hack/fuzz/run 1200
	hack/fuzz/run --policy 1200
	FLUX_APIM_MUTATIONS=100000 $(CARGO) test --release --package flux-apim-policy mutated
	FLUX_APIM_CSHARP_CASES=10000 $(CARGO) test --package flux-apim-csharp --test oracle -- --nocapture
	FLUX_APIM_SOAK=1 $(CARGO) test --release --test bounded -- --nocapture
	FLUX_APIM_SOAK=1 hack/e2e/run
	FLUX_APIM_SOAK=1 FLUX_APIM_E2E=1 $(CARGO) test --test publish_registries -- --nocapture
	FLUX_APIM_SOAK=1 $(CARGO) test --test secrets -- --nocapture
	FLUX_APIM_DEPLOY_RUNS=1000 $(CARGO) test --release --package flux-apim-deploy --package deploy-runs --test faults
	FLUX_APIM_MUTATIONS=10000 $(CARGO) test --release --test server mutation -- --nocapture
	FLUX_APIM_BIN=$(TARGET)/release/flux-apim hack/service/load 60 64
	hack/dist/twice
	$(MAKE) dist try

dist: ## What is released, for this machine, under out/dist (KEY=cosign.key signs it)
	rm -rf out/dist
	@mkdir -p out
	hack/dist/release --out out/dist $(if $(KEY),--key $(KEY))

image: ## The image alone, as an OCI layout under out/image
	rm -rf out/image out/.dist
	@mkdir -p out
	hack/dist/release --out out/.dist --only-image $(if $(KEY),--key $(KEY))
	mv out/.dist/image out/image
	@rm -rf out/.dist

try: ## Install, use and remove out/dist in an empty Debian; run its image; type into shells
	hack/dist/packages
	hack/dist/try out/dist
	tar -xzOf out/dist/flux-apim-*-linux-gnu.tar.gz flux-apim >out/flux-apim
	chmod +x out/flux-apim
	hack/dist/completions out/flux-apim

try-quick: ## The same with what `make render` and `make verify` have built
	hack/dist/packages
	rm -rf out/quick
	@mkdir -p out/quick/key
	COSIGN_PASSWORD= $(CARGO) run --quiet --release -- keygen --output out/quick/key
	COSIGN_PASSWORD= hack/dist/release --out out/quick/dist --key out/quick/key/cosign.key \
		--binary "x86_64-unknown-linux-gnu=$$(hack/dist/binary --quick)"
	hack/dist/try out/quick/dist
	hack/dist/completions $(TARGET)/release/flux-apim

ways: ## The action, hooks, templates and workflows, by the parsers of their readers
	@test -n "$$FLUX_APIM_BIN" || $(CARGO) build --quiet
	hack/ways/run $${FLUX_APIM_BIN:-$(TARGET)/debug/flux-apim}

lint: ## Formatting, lints, generated files
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path hack/fuzz/Cargo.toml --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) xtask check
	hack/deny

bench: ## Ratios to a calibration of the same run
	$(CARGO) bench --bench pipeline
	$(CARGO) bench --bench validate
	$(CARGO) bench --bench publish
	$(CARGO) bench --bench preview
	$(CARGO) run --quiet --release --package flux-apim-policy --example speed -- \
		$$(policies=$${FLUX_APIM_CORPUS:-target/corpus}/policies; \
		test -d "$$policies" && echo "$$policies" || echo testdata)

verify: ## Render the sample twice, with other threads and place: same digest
	hack/verify-determinism

generate: ## Write generated files anew
	$(CARGO) xtask generate

clean: ## Remove what was made
	rm -rf out target
