# What a contributor runs. Everything is a Go command or .ci/run underneath.
VERSION ?= $(shell git describe --tags --always 2>/dev/null || echo development)

.PHONY: test check release release-check

test:            ## the tests
	go test ./...

check:           ## everything that has to hold before a change lands
	.ci/run

release:         ## binaries, an OCI image and checksums, in dist
	go run ./tools/release --version $(VERSION) --out dist

release-check:   ## builds twice, the second time from nothing, and compares every byte
	rm -rf dist dist-again
	go run ./tools/release --version $(VERSION) --out dist
	cache=$$(mktemp -d) && GOCACHE=$$cache go run ./tools/release --version $(VERSION) --out dist-again; status=$$?; rm -rf "$$cache"; exit $$status
	cmp dist/SHA256SUMS dist-again/SHA256SUMS
	cd dist && sha256sum --check --quiet SHA256SUMS
	rm -rf dist-again
