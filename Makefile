# `make help` lists what there is.
.DEFAULT_GOAL := help
CARGO ?= cargo
CORPUS := target/corpus

.PHONY: help render test lint bench verify generate clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

render: ## Render the sample project into an OCI layout under out/
	$(CARGO) run --quiet --release -- --quiet render testdata/projects/contoso --env prod \
		--service contoso-prod -o oci-layout:out/contoso:prod

test: ## All tests; those of the corpus when target/corpus is there
	$(CARGO) test --workspace
	$(CARGO) check --quiet --no-default-features --lib

lint: ## Formatting, lints, generated files
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) xtask check
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check; \
		else echo "skipped: cargo-deny is not installed (deny.toml)"; fi

bench: ## Ratios to a calibration of the same run
	$(CARGO) bench --bench pipeline

verify: ## Render the sample twice, with other threads and place: same digest
	hack/verify-determinism

generate: ## Write generated files anew
	$(CARGO) xtask generate

clean: ## Remove what was made
	rm -rf out target
