# SPDX-License-Identifier: BSD-2-Clause
# A thin front over Meson; the build itself is in the meson.build files.
#
#	make                      build/plaintap, after installing what the build needs
#	make demo                 shows a captured HTTPS exchange (needs root)
#	make test                 all tests that this machine and user allow
#	make test-unit            the unit, golden and check tests only
#	make test-vm              the tests on older and newer kernels, in an emulator (no root needed)
#	make bench [QUICK=1]      measures costs and capture rates (needs root; docs/BENCH.md)
#	make install PREFIX=/usr/local DESTDIR=
#	make format               clang-format over all C files
#	make fuzz                 builds the fuzz targets with clang, in build-fuzz/
#	make clean

BUILD  ?= build
PREFIX ?= /usr/local
DESTDIR ?=

MESON ?= meson
NINJA ?= ninja -C $(BUILD) --quiet

SETUP_FLAGS = --buildtype=debugoptimized $(if $(CI),-Dwerror=true)

.DEFAULT_GOAL := all
.PHONY: all demo test test-unit test-vm bench install clean format fuzz build
.PHONY: deps-build deps-demo deps-test deps-vm deps-bench

all:
	@$(MAKE) --no-print-directory deps-build
	@$(MAKE) --no-print-directory build

# What `make` builds; `make test` builds all. Ninja's default would bring the tests along.
TARGETS = plaintap src/cli/plaintap.1 src/cli/plaintap tests/progs/tls_server

# Quiet unless it fails.
build:
	@test -f $(BUILD)/build.ninja || $(MESON) setup $(BUILD) $(SETUP_FLAGS) >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log >&2; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@out=$$($(NINJA) $(TARGETS) 2>&1) && s=0 || s=$$?; \
		printf '%s\n' "$$out" | grep -v -e 'no work to do' -e '^$$' >&2; exit $$s

deps-build deps-demo deps-test deps-vm deps-bench: deps-%:
	@tools/install-deps $*

# The order is the recipe's, so that `make -j` does not build before the packages are there.
demo:
	@$(MAKE) --no-print-directory deps-demo
	@$(MAKE) --no-print-directory build
	@BUILD=$(BUILD) tools/demo

test:
	@$(MAKE) --no-print-directory deps-test
	@tools/install-deps musl 2>/dev/null || :
	@$(MAKE) --no-print-directory build TARGETS=all
	@BUILD=$(BUILD) tools/run-tests

test-vm:
	@$(MAKE) --no-print-directory deps-vm
	@$(MAKE) --no-print-directory build TARGETS=all
	@BUILD=$(BUILD) tools/run-tests --suite vm

test-unit:
	@$(MAKE) --no-print-directory deps-build
	@$(MAKE) --no-print-directory build TARGETS=all
	@BUILD=$(BUILD) tools/run-tests --suite unit --suite golden --suite check --suite fuzz

# Rows whose program is missing are left out by name, so a failed installation is no failure.
bench:
	@$(MAKE) --no-print-directory deps-build
	@tools/install-deps bench || :
	@$(MAKE) --no-print-directory build TARGETS=bench
	@PLAINTAP_BUILD=$(BUILD) python3 -B bench/bench.py $(if $(QUICK),--quick) $(BENCH_FLAGS)

# Builds only what is not built: under sudo it would leave root's files in a user's folder.
install:
	@test -x $(BUILD)/plaintap || $(MAKE) --no-print-directory deps-build
	@test -x $(BUILD)/plaintap || $(MAKE) --no-print-directory build
	@$(MESON) configure $(BUILD) --prefix=$(abspath $(PREFIX))
	@$(NINJA) build.ninja >/dev/null
	@DESTDIR=$(DESTDIR) $(MESON) install -C $(BUILD) --no-rebuild --quiet

format:
	@find src bpf abi tests bench -name '*.[ch]' -exec clang-format -i {} +

fuzz:
	@tools/install-deps build
	@test -f build-fuzz/build.ninja || \
		CC=clang $(MESON) setup build-fuzz -Dfuzzers=true -Dsanitize_tests=false >/dev/null
	@ninja -C build-fuzz --quiet

clean:
	@rm -rf $(BUILD) $(BUILD)-arm64 build-fuzz
