# lockstep: what a developer, a DBA or CI can ask for. `make help` prints this list.
#
#   make               build the extension (needs g++ and postgresql-server-dev only)
#   make install       install it where $(PG_CONFIG) says
#   make installcheck  run its tests on the server that PGHOST, PGPORT, PGUSER name
#   make bridge        build build/bridge/lockstep-bridge with CMake
#   make demo          install what is missing, build all, start the demo [DEMO_PORT=8420]
#   make test          run every test in private throw-away clusters [SUITES="regress isolation unit client bench docs e2e recovery paging oracle log_oracle"]
#   make test-oracle   random histories with crashes against readers of the log, for long [MINUTES=60] [SEED=…]; see tests/log_oracle
#   make test-versions the tests on other majors of PostgreSQL, in roots of other Debian releases; needs root [VERSIONS="17 18"]
#   make test-pristine "make demo" and "make test" on a bare Debian 12, as root and as a sudo user; needs root
#   make test-asan     bridge and unit tests under address and undefined-behaviour sanitizers
#   make bench         measure, beside peers (half an hour) [BENCH="write writers bytes instructions catchup curves latency throughput idle"] [BENCH_ARGS=--quick]
#   make lint          formatting, clang-tidy, and the project's own rules
#   make format        format the C++ sources
#   make pgtree        the private copy of the server, build/pg<major>
#   make dist          source archive build/lockstep-<version>.tar.gz
#   make clean         remove what was built (the demo's data in .demo/ stays)
#
# Settings: PG_CONFIG (which server), PG_MAJOR (for the private copy), CI=1 or WERROR=1 (warnings are errors).

LOCKSTEP_VERSION := $(shell sed -n "s/^default_version *= *'\([^']*\)'.*/\1/p" extension/lockstep.control 2>/dev/null)
BUILD_TYPE ?= RelWithDebInfo
DEMO_PORT ?= 8420
MINUTES ?= 60

ifneq ($(strip $(CI)$(WERROR)),)
ERRORS := -Werror
export WERROR := 1
endif

# --- the extension, the PGXS way ---------------------------------------------------------------------------------

MODULE_big = lockstep
EXTENSION = extension/lockstep
INSTALL_SCRIPT_SQL := extension/lockstep--$(LOCKSTEP_VERSION).sql
# The way to this version from the one before is built too, until it is released: then it is among DATA.
UPGRADE_PARTS := $(wildcard extension/upgrade/*--$(LOCKSTEP_VERSION).sql)
UPGRADE_SQL := $(UPGRADE_PARTS:extension/upgrade/%=extension/lockstep--%)
DATA = $(filter-out $(UPGRADE_SQL),$(wildcard extension/lockstep--*--*.sql))
DATA_built = $(INSTALL_SCRIPT_SQL) $(UPGRADE_SQL)
OBJS := $(patsubst %.cpp,%.o,$(sort $(wildcard extension/*.cpp extension/pg/*.cpp extension/core/*.cpp)))
DEPS := $(OBJS:.o=.d)

REGRESS ?= $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --inputdir=. $(TEST_OUTPUT:%=--outputdir=%)
ISOLATION ?= $(patsubst tests/isolation/specs/%.spec,%,$(sort $(wildcard tests/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=tests/isolation $(TEST_OUTPUT:%=--outputdir=%)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

# Server headers in C++17 and later warn about `register`: -isystem quiets them, and makes GCC ignore the -I that PGXS
# adds for the same directory. Before PostgreSQL 16, PGDLLEXPORT is empty and would hide what the server must find.
PG_CPPFLAGS = -Iextension -isystem $(shell $(PG_CONFIG) --includedir-server) \
	'-DPGDLLEXPORT=__attribute__((visibility("default")))' -DLOCKSTEP_VERSION='"$(LOCKSTEP_VERSION)"'
PG_CXXFLAGS = -std=c++20 -fno-exceptions -fno-rtti -fvisibility=hidden -O2 -Wall -Wextra $(ERRORS) -MMD -MP
# Templates of the standard library are weak symbols with default visibility whatever -fvisibility says.
SHLIB_LINK = -lstdc++ -Wl,--version-script=extension/exports.map
EXTRA_CLEAN = $(DEPS) build/bridge build/asan build/results build/unit
# Bitcode is for inlining into queries; C++ has nothing to inline there.
override with_llvm = no

# The first target, before PGXS adds to it.
all:

ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
else
.PHONY: all install installcheck uninstall clean
all install installcheck uninstall:
	@echo "$(PG_CONFIG) knows no PGXS: install postgresql-server-dev-<major>, or run scripts/install-deps" >&2; exit 1
clean:
	rm -rf build/bridge build/asan build/results
endif

$(INSTALL_SCRIPT_SQL): $(sort $(wildcard extension/install/*.sql)) extension/lockstep.control
	@test -n "$(LOCKSTEP_VERSION)" || { echo "extension/lockstep.control has no default_version" >&2; exit 1; }
	cat $(filter %.sql,$^) | sed 's/@VERSION@/$(LOCKSTEP_VERSION)/g' >$@.new && mv $@.new $@

$(UPGRADE_SQL): extension/lockstep--%: extension/upgrade/% $(sort $(wildcard extension/install/*.sql)) extension/upgrade/assemble.awk
	awk -f extension/upgrade/assemble.awk $< $(sort $(filter extension/install/%,$^)) >$@.new && mv $@.new $@

lockstep.so: extension/exports.map

-include $(DEPS)

# --- the rest ----------------------------------------------------------------------------------------------------

.PHONY: help pgtree bridge test test-oracle test-versions test-pristine test-asan demo bench lint format dist clean-private

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

pgtree:
	@scripts/pgtree

bridge:
	cmake -S . -B build/bridge -DCMAKE_BUILD_TYPE=$(BUILD_TYPE) -DCMAKE_EXPORT_COMPILE_COMMANDS=ON $(if $(ERRORS),-DLOCKSTEP_WERROR=ON)
	cmake --build build/bridge -j $$(nproc)

test:
	@tests/run $(SUITES)

test-oracle:
	@LOG_ORACLE_SECONDS=$$(($(MINUTES) * 60)) SEED="$(SEED)" tests/run log_oracle

test-versions:
	@VERSIONS="$(VERSIONS)" SUITES="$(SUITES)" scripts/test-versions

test-pristine:
	@scripts/test-pristine

test-asan:
	@scripts/test-asan

demo:
	@scripts/demo --port $(DEMO_PORT)

bench:
	@bench/run $(BENCH_ARGS) $(BENCH)

lint:
	@scripts/lint

CPP_SOURCES = $(shell git ls-files -co --exclude-standard '*.cpp' '*.hpp' '*.h')

format:
	clang-format -i $(CPP_SOURCES)

dist:
	@mkdir -p build
	git archive --format=tar.gz --prefix=lockstep-$(LOCKSTEP_VERSION)/ -o build/lockstep-$(LOCKSTEP_VERSION).tar.gz HEAD
	@echo build/lockstep-$(LOCKSTEP_VERSION).tar.gz

clean: clean-private
clean-private:
	@scripts/pgtree remove 2>/dev/null || true
