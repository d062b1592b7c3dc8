# SPDX-License-Identifier: Apache-2.0
#
# Everything that is built lies in build/<variant>/. `make help` lists the targets.
#
# Yours to set: CC, CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, PREFIX, SYSCONFDIR, DESTDIR, and
#   SAN=address|thread  a sanitized build, apart in build/$(SAN)/ (address brings undefined along)
#   VARIANT=name        a build of your own, apart in build/name/
#   WERROR=1            warnings are errors
#   V=1                 show the commands

VARIANT      ?= $(or $(SAN),release)
BUILD        ?= build/$(VARIANT)
PREFIX       ?= /usr/local
SYSCONFDIR   ?= /etc
FUZZ_SECONDS ?= 20

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

# ---- What is made of what ------------------------------------------------------------------------

rooms   = $(foreach room,$(1),$(sort $(wildcard src/$(room)/*.c)))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

DAEMON_SRC  := src/main.c $(call rooms,util crypto store domain http api daemon)
CLIENT_SRC  := $(call rooms,util crypto client cli)
LIBRARY_SRC := $(filter-out src/main.c src/cli/main.c,$(sort $(DAEMON_SRC) $(CLIENT_SRC)))
UNIT_SRC    := $(sort $(wildcard tests/unit/*/test_*.c))
FUZZ_SRC    := $(sort $(wildcard tests/fuzz/fuzz_*.c))
BENCH_SRC   := $(sort $(wildcard tests/bench/*.c))
VECTORS_SRC := $(sort $(wildcard tests/data/generate*.c))
HELPER_SRC  := $(sort $(wildcard tests/lib/*.c))
REPLAY_MAIN := tests/fuzz/replay_main.c
SOURCES     := $(sort $(DAEMON_SRC) $(CLIENT_SRC) $(UNIT_SRC) $(FUZZ_SRC) $(REPLAY_MAIN) \
                      $(BENCH_SRC) $(VECTORS_SRC) $(HELPER_SRC))

PROGRAMS   := $(BUILD)/continuum-coordinatord $(BUILD)/continuum-fed
MIGRATIONS := $(BUILD)/obj/gen/migrations.o
CLIENT_LIB := $(BUILD)/libcontinuum.a
LIBRARIES  := $(BUILD)/tests/helpers.a $(BUILD)/tests/project.a
UNIT       := $(UNIT_SRC:%.c=$(BUILD)/%)
REPLAY     := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(BUILD)/tests/replay/%)
FUZZERS    := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(BUILD)/tests/fuzz/%)
BENCH      := $(if $(BENCH_SRC),$(BUILD)/continuum-bench)
VECTORS    := $(if $(VECTORS_SRC),$(BUILD)/continuum-vectors)

# ---- Flags ---------------------------------------------------------------------------------------

DAEMON_PACKAGES := libmicrohttpd libsodium sqlite3 jansson libsystemd inih zlib
CLIENT_PACKAGES := libsodium jansson libcurl libutf8proc
PACKAGES        := $(sort $(DAEMON_PACKAGES) $(CLIENT_PACKAGES))

# Asked at first use and then kept: on a new machine the answers exist only after install-deps ran.
once        = $(eval $(1) := $(shell $(2)))$($(1))
PKG_CFLAGS  = $(call once,PKG_CFLAGS,pkg-config --cflags $(PACKAGES))
DAEMON_LIBS = $(call once,DAEMON_LIBS,pkg-config --libs $(DAEMON_PACKAGES))
CLIENT_LIBS = $(call once,CLIENT_LIBS,pkg-config --libs $(CLIENT_PACKAGES))
MACHINE     = $(call once,MACHINE,$(CC) -dumpmachine)

CFLAGS ?= $(if $(SAN),-O1,-O2) -g

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion $(if $(WERROR),-Werror)

# Fortify needs an optimizer. Level 3 is level 2 where the compiler cannot do more.
OPTIMIZED  = $(filter-out -O0,$(filter -O%,$(CFLAGS)))
FORTIFY    = $(if $(OPTIMIZED),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
CET        = $(if $(filter x86_64-% i386-% i486-% i586-% i686-%,$(MACHINE)),-fcf-protection)
HARDEN     = -fPIE -fstack-protector-strong $(CET) $(FORTIFY)
HARDEN_LD := -pie -Wl,-z,relro,-z,now

SANITIZE_address  := -fsanitize=address,undefined
SANITIZE_thread   := -fsanitize=thread
SANITIZE_fuzzer   := -fsanitize=fuzzer-no-link,address,undefined
SANITIZE          := $(SANITIZE_$(SAN)) -fno-sanitize-recover=all -fno-omit-frame-pointer
SANITIZE_LD       := $(SANITIZE_$(SAN))

ifneq ($(SAN),)
ifeq ($(SANITIZE_$(SAN)),)
$(error SAN=$(SAN) is unknown: address or thread)
endif
endif

COMPILE = $(CC) -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -Isrc -Iinclude $(PKG_CFLAGS) \
          -pthread -fvisibility=hidden $(if $(SAN),$(SANITIZE),$(HARDEN)) $(CPPFLAGS) $(CFLAGS)
LINK    = $(CC) -pthread $(if $(SAN),$(SANITIZE_LD),$(HARDEN_LD)) -Wl,--as-needed $(CFLAGS) $(LDFLAGS)

# What a test asks for in a line `/* link: FLAGS */` near its top, for itself alone.
link_line = $(shell sed -n '1,10s|^/\* link: \(.*\) \*/$$|\1|p' $(1))
TEST_LIBS = $(LIBRARIES) -lcmocka $(DAEMON_LIBS) $(CLIENT_LIBS) -lm $(LDLIBS)

export ASAN_OPTIONS  ?= detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS ?= print_stacktrace=1
export TSAN_OPTIONS  ?= halt_on_error=1:second_deadlock_stack=1

quiet = $(if $(V),,@printf '  %-7s %s\n' $(1) $@;)

# ---- Build ---------------------------------------------------------------------------------------

all: $(PROGRAMS) $(CLIENT_LIB) ## Build coordinator, member's tool and client library into build/release/

everything: all $(UNIT) $(REPLAY) $(BENCH) $(VECTORS) ## Build the tests and tools as well

# `run` and `check` are whole on a new machine: they install what is missing before they build.
DEPS := $(if $(filter check fuzz,$(MAKECMDGOALS)),deps-test,$(if $(filter run demo,$(MAKECMDGOALS)),deps-build))

deps-build deps-test: deps-%:
	@scripts/install-deps $*

# Two stamps, rewritten only when their content changes: how things are compiled and linked, and
# which sources there are (so that a deleted file leaves the archives too).
stamp = mkdir -p $(@D) && printf '%s\n' '$(subst ','\'',$(1))' >$@.new && \
        if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/flags: FORCE | $(DEPS)
	@pkg-config --print-errors --exists $(PACKAGES) || { echo 'try scripts/install-deps build'; exit 1; }
	@$(call stamp,$(COMPILE) / $(LINK) $(DAEMON_LIBS) $(CLIENT_LIBS) $(LDLIBS))

$(BUILD)/sources: FORCE
	@$(call stamp,$(SOURCES))

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) $(OWN_FLAGS) $(if $(filter tests/%,$<),-Itests) -MMD -MP -c -o $@ $<

# Noise and selection decide by integers alone: the compiler refuses any floating point in them.
$(call objects,src/crypto/noise.c src/crypto/selection.c): private OWN_FLAGS = \
    $(if $(filter x86_64-% aarch64-%,$(MACHINE)),-mgeneral-regs-only)

$(MIGRATIONS): $(BUILD)/gen/migrations.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -MMD -MP -c -o $@ $<

# The folder itself is listed because a deleted migration changes nothing else.
$(BUILD)/gen/migrations.c: scripts/embed-migrations migrations $(wildcard migrations/*.sql)
	@mkdir -p $(@D)
	$(call quiet,EMBED)scripts/embed-migrations migrations >$@

$(BUILD)/continuum-coordinatord: $(call objects,$(DAEMON_SRC)) $(MIGRATIONS) $(BUILD)/sources
	$(call quiet,LINK)$(LINK) -o $@ $(filter %.o,$^) $(DAEMON_LIBS) -lm $(LDLIBS)

$(BUILD)/continuum-fed: $(call objects,$(CLIENT_SRC)) $(BUILD)/sources
	$(call quiet,LINK)$(LINK) -o $@ $(filter %.o,$^) $(CLIENT_LIBS) -lm $(LDLIBS)

# The client library is one object whose only names are those that its header shows.
$(CLIENT_LIB): $(call objects,$(call rooms,util crypto client)) $(BUILD)/sources
	@rm -f $@
	$(call quiet,AR)$(CC) -r -nostdlib -o $(@:.a=.o) $(filter %.o,$^) && \
	    objcopy --localize-hidden $(@:.a=.o) && $(AR) qcs $@ $(@:.a=.o)

# ---- Build the tests -----------------------------------------------------------------------------

$(BUILD)/tests/project.a: $(call objects,$(LIBRARY_SRC)) $(MIGRATIONS)
$(BUILD)/tests/helpers.a: $(call objects,$(HELPER_SRC))
$(LIBRARIES): $(BUILD)/sources
	@mkdir -p $(@D) && rm -f $@
	$(call quiet,AR)$(AR) qcs $@ $(filter %.o,$^)

$(UNIT): $(BUILD)/%: $(BUILD)/obj/%.o %.c $(LIBRARIES)
	@mkdir -p $(@D)
	$(call quiet,LINK)$(LINK) $(call link_line,$*.c) -o $@ $< $(TEST_LIBS)

$(REPLAY): $(BUILD)/tests/replay/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(call objects,$(REPLAY_MAIN)) $(LIBRARIES)
	@mkdir -p $(@D)
	$(call quiet,LINK)$(LINK) -o $@ $(filter %.o,$^) $(TEST_LIBS)

$(FUZZERS): $(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(LIBRARIES)
	@mkdir -p $(@D)
	$(call quiet,LINK)$(LINK) -fsanitize=fuzzer -o $@ $< $(TEST_LIBS)

$(BUILD)/continuum-bench: $(call objects,$(BENCH_SRC)) $(LIBRARIES)
$(BUILD)/continuum-vectors: $(call objects,$(VECTORS_SRC)) $(LIBRARIES)
$(BENCH) $(VECTORS): $(BUILD)/sources
	$(call quiet,LINK)$(LINK) -o $@ $(filter %.o,$^) $(TEST_LIBS)

# ---- Run -----------------------------------------------------------------------------------------

run: all | deps-build ## Install what is missing, build, and serve 127.0.0.1:8080 from ./federation_db
	@CONTINUUM_LISTEN_ADDRESS=127.0.0.1 CONTINUUM_PORT=8080 CONTINUUM_STORAGE_PATH=federation_db \
	    exec $(BUILD)/continuum-coordinatord

demo: all | deps-build ## A small federation on this machine, from joining to an answered query
	@scripts/demo $(BUILD)

bench: $(BUILD)/continuum-coordinatord $(BENCH) ## Measure with N=100000 patterns; JSON=1: as JSON (docs/PERFORMANCE.md)
	@$(BENCH) $(if $(JSON),--json)

vectors: $(VECTORS) ## Print the project's test vectors
	@$(VECTORS)

# ---- Check ---------------------------------------------------------------------------------------
#
# Each step leaves its counts, "passed failed", in $(RESULTS)/<step>; the last line adds them up.

RESULTS        := $(BUILD)/results
step_rules      = scripts/check-rules $(RESULTS)/rules
step_unit       = scripts/run-tap $(RESULTS)/unit $(UNIT)
step_replay     = scripts/run-tap $(RESULTS)/replay $(REPLAY)
run_blackbox    = CONTINUUM_BUILD='$(abspath $(BUILD))' scripts/run-blackbox
step_blackbox   = $(run_blackbox) $(RESULTS)/blackbox 'test_*.py'
step_torture    = $(run_blackbox) $(RESULTS)/torture 'torture_*.py'
step_histories  = HISTORY_STEPS=15000 TEST_TIMEOUT_S=900 scripts/run-tap $(RESULTS)/histories $(HISTORIES)

steps = @rm -rf $(RESULTS); mkdir -p $(RESULTS); broken=0; \
        $(foreach step,$(1),$(step_$(step)) || broken=1; )\
        scripts/sum-results $(RESULTS) && exit $$broken

check: all $(UNIT) $(REPLAY) | deps-test ## Install what is missing, build, and run every check and test
	$(call steps,rules unit replay blackbox)

check-tests: all $(UNIT) $(REPLAY) ## Every test, without the house rules
	$(call steps,unit replay blackbox)

check-unit: $(UNIT) ## Unit tests
	$(call steps,unit)

check-replay: $(REPLAY) ## Every fuzz target over its committed corpus
	$(call steps,replay)

check-blackbox: all ## Tests of the real programs, from outside
	$(call steps,blackbox)

HISTORIES := $(BUILD)/tests/unit/domain/test_economy

torture: all $(HISTORIES) ## kill -9 and recover, and long random histories (minutes)
	$(call steps,histories torture)

check-rules: ## House rules: layers, size, banned functions, format, cleanup, text, promises
	@mkdir -p $(RESULTS); scripts/check-rules $(RESULTS)/rules

check-layers check-size check-banned check-format check-cleanup check-text check-promises:
	@scripts/$@

fuzz: | deps-test ## Fuzz each target for FUZZ_SECONDS=20 with clang's libFuzzer
	@$(MAKE) --no-print-directory CC=clang SAN=fuzzer fuzz-run

fuzz-run: $(FUZZERS)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/run-fuzz $(BUILD)/fuzz $(FUZZERS)

# ---- Install -------------------------------------------------------------------------------------

BINDIR     := $(PREFIX)/bin
LIBDIR     := $(PREFIX)/lib
INCLUDEDIR := $(PREFIX)/include
MANDIR     := $(PREFIX)/share/man
UNITDIR    := $(LIBDIR)/systemd/system
CONFDIR    := $(SYSCONFDIR)/continuum

HEADERS := $(wildcard include/continuum/*.h)
UNITS   := $(wildcard systemd/*.service systemd/*.socket)
CONFS   := $(wildcard conf/*.conf)
MANS    := $(wildcard docs/man/*.[1-8])

VERSION = $(shell sed -n 's/^.define CONTINUUM_VERSION "\(.*\)"/\1/p' include/continuum/version.h)

# Where each goes; `uninstall` removes the same list.
INSTALLED = $(PROGRAMS:$(BUILD)/%=$(BINDIR)/%) $(LIBDIR)/libcontinuum.a $(LIBDIR)/pkgconfig/continuum.pc \
            $(HEADERS:include/%=$(INCLUDEDIR)/%) $(UNITS:systemd/%=$(UNITDIR)/%) \
            $(foreach page,$(MANS),$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))

# A configuration that is already there is the operator's, and stays; so it does on uninstall.
install: all ## Install into PREFIX=/usr/local and SYSCONFDIR=/etc, below DESTDIR
	install -D -m 755 -t $(DESTDIR)$(BINDIR) $(PROGRAMS)
	install -D -m 644 -t $(DESTDIR)$(LIBDIR) $(CLIENT_LIB)
	install -D -m 644 -t $(DESTDIR)$(INCLUDEDIR)/continuum $(HEADERS)
	@install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(UNITDIR) $(DESTDIR)$(CONFDIR)
	@printf '%s\n' 'Name: continuum' 'Description: Client of a Continuum federation' 'Version: $(VERSION)' \
	    'Requires.private: $(CLIENT_PACKAGES)' 'Cflags: -I$(INCLUDEDIR)' 'Libs: -L$(LIBDIR) -lcontinuum' \
	    'Libs.private: -pthread -lm' >$(DESTDIR)$(LIBDIR)/pkgconfig/continuum.pc
	@for unit in $(UNITS); do \
	    sed -e 's|/usr/bin/|$(BINDIR)/|' -e 's|/etc/continuum|$(CONFDIR)|' $$unit \
	        >$(DESTDIR)$(UNITDIR)/$${unit##*/} || exit 1; done
	@for conf in $(CONFS); do test -e $(DESTDIR)$(CONFDIR)/$${conf##*/} || \
	    install -m 644 $$conf $(DESTDIR)$(CONFDIR) || exit 1; done
	@for page in $(MANS); do \
	    install -D -m 644 -t $(DESTDIR)$(MANDIR)/man$${page##*.} $$page || exit 1; done

uninstall: ## Remove what install put there, except the configuration
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))

# ---- The rest ------------------------------------------------------------------------------------

compile_commands.json: FORCE ## For clangd and other readers of C
	@{ printf '['; separator=; for source in $(SOURCES); do \
	    printf '%s\n{"directory": "%s", "file": "%s", "command": "%s"}' "$$separator" '$(CURDIR)' \
	        "$$source" '$(COMPILE) -Itests -c '"$$source"; separator=,; \
	done; printf '\n]\n'; } >$@

clean: ## Remove everything that was built, in all variants
	rm -rf build compile_commands.json

help: ## This list
	@sed -n 's/^\([a-z_.-]*\):[^#]*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	    awk -F '|' '{ printf "%-24s%s\n", $$1, $$2 }'

FORCE:

.PHONY: FORCE all everything deps-build deps-test run demo bench vectors check check-tests check-unit \
        check-replay check-blackbox torture check-rules check-layers check-size check-banned \
        check-format check-cleanup check-text check-promises fuzz fuzz-run install uninstall clean help

-include $(patsubst %.o,%.d,$(call objects,$(SOURCES)) $(MIGRATIONS))
