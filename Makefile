# A thin front of meson: what a person types. Packages come from packaging/deps.debian.
BUILD  ?= build
PREFIX ?= /usr/local
MESON  := $(firstword $(wildcard /usr/bin/meson) meson)
SETUP  := --prefix=$(PREFIX) --sysconfdir=/etc --localstatedir=/var

all: compile
.PHONY: all compile deps-build deps demo check bench lint test install clean

deps-build:
	@packaging/deps build
deps:
	@packaging/deps build run lab check

$(BUILD)/build.ninja: | deps-build
	$(MESON) setup $(SETUP) $(BUILD)
compile: deps-build $(BUILD)/build.ninja
	$(MESON) compile -C $(BUILD)

# Two guests, a group, a full and an incremental export, verify, restore, compare.
demo:
	@packaging/deps build run lab
	@$(MAKE) --no-print-directory compile
	tools/demo $(BUILD)

# Everything that CI runs: both compilers, the sanitizers, all tests, the linters.
check: deps
	tools/check

# One quick round in the usual build folder, without guests.
test: deps compile
	$(MESON) test -C $(BUILD) --no-suite e2e --print-errorlogs

lint: deps compile
	$(MESON) test -C $(BUILD) --suite check --print-errorlogs

# Speed and memory beside other programs; how long guests stand still. virtnbdbackup is one of them
# when it can be had.
bench:
	@packaging/deps build run lab bench
	@packaging/deps rivals || true
	@$(MAKE) --no-print-directory compile
	bench/copy $(BUILD)
	bench/pause $(BUILD)
	bench/pause $(BUILD)
	bench/cim $(BUILD)
	bench/jobs $(BUILD)

# The prefix of an existing build folder follows PREFIX.
install: compile
	$(MESON) configure $(BUILD) $(subst --,-D,$(SETUP))
	DESTDIR="$(DESTDIR)" $(MESON) install -C $(BUILD)
	@packaging/after-install "$(DESTDIR)" $(PREFIX)

clean:
	rm -rf $(BUILD) build-gcc build-clang build-asan build-lab
