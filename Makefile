# A thin front for meson. `make` builds in ./build; every target installs what it needs (scripts/setup).
BUILD ?= build
FUZZ_SECONDS ?= 600
NINJA = ninja -C $(BUILD)

.PHONY: all test demo bench fuzz sanitize install clean

all:
	@scripts/setup build
	@scripts/configure $(BUILD)
	@$(NINJA)

test:
	@scripts/setup build test
	@scripts/configure $(BUILD)
	@$(NINJA)
	@scripts/test $(BUILD)

demo:
	@scripts/setup build demo
	@scripts/configure $(BUILD)
	@$(NINJA)
	@scripts/demo $(BUILD)

bench:
	@scripts/setup build bench
	@scripts/configure $(BUILD)
	@$(NINJA)
	@eval/bench $(BUILD)

# What reads unchecked input, each for FUZZ_SECONDS.
fuzz:
	@scripts/setup build test
	@tests/fuzz/run.sh $(FUZZ_SECONDS)
	@scripts/configure $(BUILD)
	@$(NINJA)
	@nice python3 tests/fuzz/nfgen run --cleave $(BUILD)/driver/cleave --first $$(date +%s) --count 0 \
		--seconds $(FUZZ_SECONDS) --size 30 --keep $(BUILD)/nfgen

# Everything again under the address and undefined-behaviour sanitizers, in a build folder of its own.
sanitize:
	@scripts/setup build test
	@scripts/configure $(BUILD)-sanitize -Db_sanitize=address,undefined -Db_lundef=false
	@ninja -C $(BUILD)-sanitize
	@scripts/sanitize $(BUILD)-sanitize --timeout-multiplier 4

install: all
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) $(BUILD)-sanitize
