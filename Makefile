# SPDX-License-Identifier: Apache-2.0
# mod_ratelimit_cache: see README.md. Everything that is built goes to out/.
#
#   make            the module, out/mod_ratelimit_cache.so
#   make run        a private httpd with a login form behind rules (PORT=8080)
#                   STORE=memcached: two of them that share one limit through a private memcached
#   make test       builds and runs every test; T=t/80-denial.t, T=unit/meter or T=fuzz/accept
#                   only that one, T='unit/meter* t/2*.t' several
#   make check      as make test, but installs nothing
#   make test-asan  most C tests and some of t/*.t, built with AddressSanitizer and UBSan (gcc); T= as above
#   make i386       the module and some C tests for 32-bit systems; packages are unpacked in out/i386, not installed
#   make example    the module of t/module, which the tests of the C interface load
#   make quick      the unit tests that take seconds, which packages run while they are built
#   make test-apps  tests the examples with real applications: WordPress, DokuWiki, phpMyAdmin ... (T=t/apps/10-wordpress.t)
#   make test-moving  runs both sides of docs/moving.md, and compares who was denied (T=t/moving/40-nginx.t)
#   make bench      measures; prints a table
#   make differential  compares what the module and applications' parsers read from forms (COUNT=20000 SEED=1 ONLY=php,rack)
#   make fuzz       libFuzzer on the parsers (FUZZ_SECONDS=60 each)
#   make lint       formatting, include directions, static analysis
#   make format     rewrites C files as lint wants them
#   make install    where apxs says; on Debian also the files that a2enmod looks for. Says what is missing, and what to do next
#   make uninstall  removes what make install put there, once the module is disabled; make test-install tries both in a fresh Debian
#   make deb        Debian packages, to out/deb; make test-deb tries them in a fresh Debian
#   make rpm        an RPM, to out/rpm, as far as this system's rpmbuild goes
#   make deps       installs the packages that make needs; FOR='test lint' what those need
#   make clean
#
# Only run, test, test-apps, test-moving, differential and deps install packages; the others say what is missing. V=1 shows the
# commands, and of tests each assertion. CC=clang OUT=out/clang builds with another compiler.

CC      ?= cc
APXS    ?= apxs
DESTDIR ?=
BINDIR  ?= /usr/local/bin
DATADIR ?= $(patsubst %/bin,%/share,$(BINDIR))
DOCDIR  ?= $(DATADIR)/doc/mod_ratelimit_cache
PORT    ?= 8080
PROVE   ?= prove
PROVE_FLAGS ?= -It/lib
FOR     ?= build
OUT     ?= out

Q   := $(if $(V),,@)
SAY := @echo

SRC     := mod_ratelimit_cache

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wundef -Werror
OPTIMIZE ?= -O2 -g
# The module is optimized as a whole where compiler and linker can, without a warning (clang
# warns); what else is linked takes the machine code that lies in the objects as well. LTO=
# builds without. Such a compiler compiles when it links, so it gets its flags then, too.
LTO_GCC  := -flto=auto -ffat-lto-objects
LTO      := $(shell echo 'int lto;' | $(CC) -Werror $(LTO_GCC) -shared -fPIC -x c -o /dev/null - 2>/dev/null && echo '$(LTO_GCC)')
HARDEN   := -fstack-protector-strong -D_FORTIFY_SOURCE=2
# A package's own flags come last: CPPFLAGS, CFLAGS and LDFLAGS.
CFLAGS_ALL := -std=gnu11 $(WARNINGS) $(OPTIMIZE) $(HARDEN) -fPIC -fno-plt -fvisibility=hidden $(CPPFLAGS) $(CFLAGS)

# Looked up once, when a rule first needs them, so that `make deps` works on a bare machine.
# APR is httpd's own, which need not be the system's.
APR          = $(eval APR := $(or $(shell $(APXS) -q APR_CONFIG 2>/dev/null),apr-1-config))$(APR)
APU          = $(eval APU := $(or $(shell $(APXS) -q APU_CONFIG 2>/dev/null),apu-1-config))$(APU)
APR_FLAGS    = $(eval APR_FLAGS := -isystem $(shell $(APR) --includedir) $(shell $(APR) --cppflags) \
               -isystem $(shell $(APU) --includedir))$(APR_FLAGS)
APR_LIBS     = $(eval APR_LIBS := $(shell $(APR) --link-ld --libs) $(shell $(APU) --link-ld))$(APR_LIBS)
# httpd's headers aren't ours to warn about.
HTTPD_FLAGS  = $(eval HTTPD_FLAGS := $(APR_FLAGS) -isystem $(shell $(APXS) -q INCLUDEDIR))$(HTTPD_FLAGS)
MODULE_LIBS := -lutf8proc -lmemcached

# The rooms, lowest first. Those of PLAIN_ROOMS build without httpd's headers: unit tests, fuzz
# targets and benchmarks link them.
PLAIN_ROOMS := core core/form core/meter core/pass networks system busy stats ledger ledger/file concurrent fleet lease memcached/connection memcached limiter answer/text accesslog census status/text status/page
HTTPD_ROOMS := httpd key rule config advice process request challenge answer hooks api replay status
PLAIN   := $(foreach room,$(PLAIN_ROOMS),$(wildcard $(SRC)/$(room)/*.c))
HTTPD   := $(foreach room,$(HTTPD_ROOMS),$(wildcard $(SRC)/$(room)/*.c)) $(SRC)/mod_ratelimit_cache.c
SOURCES := $(PLAIN) $(HTTPD)
HOMELESS := $(filter-out $(SOURCES),$(wildcard $(SRC)/*.c $(SRC)/*/*.c $(SRC)/*/*/*.c))
$(if $(HOMELESS),$(error In no room that the Makefile knows: $(HOMELESS)))
MODULE  := $(OUT)/mod_ratelimit_cache.so
objects  = $(patsubst $(SRC)/%.c,$(OUT)/obj/%.o,$1)
# Style, script and policy of the status page, as C.
ASSETS  := $(OUT)/gen/status_page_assets.c
ASSET_FILES := $(addprefix $(SRC)/status/page/page.,css js policy)
EMBEDDED := $(OUT)/obj/status/page/assets.o
OBJECTS := $(call objects,$(SOURCES)) $(EMBEDDED)
LIBRARY := $(OUT)/librl.a

EXAMPLE := $(OUT)/t/mod_ratelimit_example.so
# The module as another version, whose cells mean something else.
OTHER_VERSION := $(OUT)/t/other-version/mod_ratelimit_cache.so
BENCHES := $(patsubst t/bench/%.c,$(OUT)/bench/%,$(wildcard t/bench/*.c))

# The sources of the tests that T names, or of all; then what runs them.
named   = $(wildcard $(filter t/%.t,$1) $(patsubst unit/%,t/unit/%.c,$(filter unit/%,$1)) \
          $(patsubst fuzz/%,t/fuzz/fuzz_%.c,$(filter fuzz/%,$1)))
unknown = $(error No test is called '$1'. T takes t/NAME.t, unit/NAME, fuzz/NAME, and patterns of them)
TESTS   := $(if $(T),$(foreach t,$(T),$(or $(call named,$t),$(call unknown,$t))),$(call named,unit/* fuzz/* t/*.t))
UNIT_TESTS := $(patsubst t/unit/%.c,$(OUT)/t/unit-%.t,$(filter t/unit/%.c,$(TESTS)))
FUZZ_TESTS := $(patsubst t/fuzz/fuzz_%.c,$(OUT)/t/fuzz-%.t,$(filter t/fuzz/%.c,$(TESTS)))
C_TESTS    := $(strip $(UNIT_TESTS) $(FUZZ_TESTS))
PERL_TESTS := $(sort $(filter %.t,$(TESTS)))

# Where scripts find what was built, unless the environment says otherwise.
BUILT := RL_OUT='$(abspath $(OUT))' RL_MODULE="$${RL_MODULE:-$(abspath $(MODULE))}"

RLCTL   := $(OUT)/rlctl
.PHONY: all deps need-build need-test need-bench need-fuzz need-lint run test check test-apps test-moving test-asan unit i386 example bench differential differential-run fuzz lint format install uninstall deb test-deb rpm clean need-unit quick test-install
all: $(MODULE) $(RLCTL)

deps:
	@build/deps.sh install $(FOR)

need-build:
	@build/deps.sh check build $(if $(findstring clang,$(CC)),clang)

need-unit need-test need-bench need-fuzz need-lint: need-%:
	@build/deps.sh check $*

$(call objects,$(PLAIN)): FLAGS = $(APR_FLAGS)
$(call objects,$(HTTPD)): FLAGS = $(HTTPD_FLAGS)
$(OUT)/obj/%.o: $(SRC)/%.c Makefile | need-build
	@mkdir -p $(@D)
	$(SAY) '  CC   $<'
	$(Q)$(CC) $(CFLAGS_ALL) $(LTO) $(FLAGS) -MMD -MP -c $< -o $@

$(ASSETS): build/embed.pl $(ASSET_FILES)
	@mkdir -p $(@D)
	$(SAY) '  GEN  $@'
	$(Q)perl build/embed.pl $(ASSET_FILES) >$@.new && mv $@.new $@

$(EMBEDDED): $(ASSETS) $(SRC)/status/page/assets.h Makefile | need-build
	@mkdir -p $(@D)
	$(SAY) '  CC   $<'
	$(Q)$(CC) $(CFLAGS_ALL) $(LTO) -I$(SRC)/status/page -c $< -o $@

$(MODULE): $(OBJECTS)
	$(SAY) '  LINK $@'
	$(Q)$(CC) -shared $(LTO) $(OPTIMIZE) $(CFLAGS) -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ $(MODULE_LIBS)

# Where rlctl finds httpd and the module, unless it is told; and the module's version, which is also rlctl's.
RLCTL_PATHS = $(eval RLCTL_PATHS := -DRLCTL_HTTPD_PATH='"$(shell $(APXS) -q SBINDIR)/$(shell $(APXS) -q PROGNAME)"' -DRLCTL_LIBEXECDIR='"$(shell $(APXS) -q LIBEXECDIR)"')$(RLCTL_PATHS)
RLCTL_VERSION = $(eval RLCTL_VERSION := $(shell awk '/define RATELIMIT_VERSION_/ { gsub(/"/, "", $$3); v = v (n++ % 3 ? "." : "") $$3 } END { print v }' $(SRC)/mod_ratelimit_cache.h))$(RLCTL_VERSION)
RLCTL_LIBS  := $(LIBRARY) -lcurl -ljansson -lutf8proc -lz
RLCTL_OBJECTS := $(patsubst rlctl/%.c,$(OUT)/rlctl.obj/%.o,$(wildcard rlctl/*.c rlctl/*/*.c))
$(OUT)/rlctl.obj/main.o: $(SRC)/mod_ratelimit_cache.h
$(OUT)/rlctl.obj/%.o: rlctl/%.c Makefile | need-build
	@mkdir -p $(@D)
	$(SAY) '  CC   $<'
	$(Q)$(CC) $(CFLAGS_ALL) -fno-lto -D_GNU_SOURCE -Irlctl -I$(SRC) $(RLCTL_PATHS) -DRLCTL_VERSION='"$(RLCTL_VERSION)"' -fPIE -MMD -MP -c $< -o $@

$(RLCTL): $(RLCTL_OBJECTS) $(LIBRARY)
	$(SAY) '  LINK $@'
	$(Q)$(CC) -pie -fno-lto -Wl,-z,relro,-z,now $(LDFLAGS) $(RLCTL_OBJECTS) -o $@ $(RLCTL_LIBS)

$(LIBRARY): $(call objects,$(PLAIN)) $(EMBEDDED)
	@rm -f $@
	$(SAY) '  AR   $@'
	$(Q)$(AR) rcs $@ $^

$(OUT)/t/unit-%.t: t/unit/%.c $(LIBRARY) | need-unit
	@mkdir -p $(@D)
	$(SAY) '  CC   $<'
	$(Q)$(CC) $(CFLAGS_ALL) -fno-lto -I$(SRC) $(APR_FLAGS) -MMD -MP $< -o $@ $(LIBRARY) -lcmocka $(MODULE_LIBS) $(APR_LIBS) -lm

# Of rlctl: what it is built of but for main().
$(OUT)/t/unit-rlctl_%.t: t/unit/rlctl_%.c $(filter-out %/main.o,$(RLCTL_OBJECTS)) $(LIBRARY) | need-unit
	@mkdir -p $(@D)
	$(SAY) '  CC   $<'
	$(Q)$(CC) $(CFLAGS_ALL) -fno-lto -D_GNU_SOURCE -Irlctl -MMD -MP $(filter %.c %.o,$^) -o $@ -lcmocka $(RLCTL_LIBS)

$(OUT)/t/fuzz-%.t: t/fuzz/fuzz_%.c t/fuzz/replay.c $(wildcard t/fuzz/*.h) $(LIBRARY) | need-build
	@mkdir -p $(@D)
	$(SAY) '  CC   $<'
	$(Q)$(CC) $(CFLAGS_ALL) -fno-lto -DRL_CORPUS='"t/fuzz/corpus/$*"' -I$(SRC) $(APR_FLAGS) $(filter %.c,$^) -o $@ $(LIBRARY) $(MODULE_LIBS) $(APR_LIBS)

# A module that uses the installed header, as somebody else's would.
example: $(EXAMPLE)
$(OUT)/t/%.so: t/module/%.c $(SRC)/mod_ratelimit_cache.h | need-build
	@mkdir -p $(@D)
	$(SAY) '  CC   $<'
	$(Q)$(CC) $(CFLAGS_ALL) -I$(SRC) $(HTTPD_FLAGS) -shared $< -o $@

$(OTHER_VERSION): $(SRC)/ledger/sweep.c $(OBJECTS)
	@mkdir -p $(@D)
	$(SAY) '  LINK $@'
	$(Q)$(CC) $(CFLAGS_ALL) -fno-lto $(APR_FLAGS) -DFORMAT=0u -c $< -o $(@D)/sweep.o
	$(Q)$(CC) -shared -fno-lto $(CFLAGS) $(LDFLAGS) -o $@ $(@D)/sweep.o $(filter-out %/ledger/sweep.o,$(OBJECTS)) $(MODULE_LIBS)

test:
	@build/deps.sh install test
	@$(MAKE) --no-print-directory check

check: need-test $(C_TESTS) $(if $(PERL_TESTS),$(MODULE) $(RLCTL)) $(if $(shell grep -l mod_ratelimit_example $(PERL_TESTS) /dev/null),$(EXAMPLE)) $(if $(shell grep -l other-version $(PERL_TESTS) /dev/null),$(OTHER_VERSION))
	$(Q)$(if $(EXPLORING),$(PROVE) -j2 $(if $(V),-v) -e '' $(EXPLORING))
	$(Q)$(if $(filter-out $(EXPLORING),$(C_TESTS)),$(PROVE) $(if $(V),-v) -e '' $(filter-out $(EXPLORING),$(C_TESTS)))
	$(Q)$(if $(filter-out $(BY_THE_CLOCK),$(PERL_TESTS)),$(BUILT) $(PROVE) $(if $(V),-v) -j$(AT_ONCE) $(PROVE_FLAGS) $(filter-out $(BY_THE_CLOCK),$(PERL_TESTS)))
	$(Q)$(if $(filter $(BY_THE_CLOCK),$(PERL_TESTS)),$(BUILT) $(PROVE) $(if $(V),-v) $(PROVE_FLAGS) $(filter $(BY_THE_CLOCK),$(PERL_TESTS)))

# Too long for every day, and it needs large packages: not a part of `make test`.
test-apps:
	@build/deps.sh install apps
	@$(MAKE) --no-print-directory all
	$(Q)V='$(V)' PROVE='$(PROVE)' $(BUILT) perl t/apps/run.pl $(T)

# What the manual compares with is unpacked, not installed: that would enable modules and start services.
MOVING_PEERS := libapache2-mod-evasive libapache2-mod-qos libapache2-mod-security2 nginx haproxy fail2ban libpcre3 liblua5.1-0 liblua5.3-0 \
    libyajl2 libcurl3-gnutls libopentracing-c-wrapper0 libopentracing1
test-moving:
	@build/deps.sh install test
	@$(MAKE) --no-print-directory all
	@build/peers.sh $(OUT)/moving $(MOVING_PEERS)
	$(Q)V='$(V)' PROVE='$(PROVE)' RL_PEERS='$(abspath $(OUT))/moving' $(BUILT) perl t/moving/run.pl $(T)

# Everything once more, built with the sanitizers, in $(OUT)/asan. Of t/*.t those that go through
# most of the module and spend little time waiting.
SANITIZE   := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ASAN_TESTS := $(patsubst %,t/*-%.t,options-accepted isolation-and-groups all-or-nothing keys-* methods when-unless \
    merging htaccess-tenant exempt denial env-and-log once-per-request before-authentication satisfy-any http2 \
    after-the-handler restart full-table cost-and-dynamic-rates outcomes form-values form-rules-together \
    fleet-exact what-memcached-sees store-hangs over-limit-is-local attacks headers deny-handlers deny-handler-php \
    module-interface statistics status-formats status-page rlctl challenge networks counters-outlive)

# Explorations of schedules have no clock: two of them at a time don't disturb each other. They go through the
# code of other tests thousands of times, too long for the sanitizers; so do the other four.
EXPLORATIONS := fleet_interleavings fleet_leases_servers fleet_servers fleet_together distinct_interleavings ledger_floods ledger_interleavings ledger_orders
EXPLORING     = $(filter $(patsubst %,$(OUT)/t/unit-%.t,$(EXPLORATIONS)),$(C_TESTS))
ASAN_UNITS   := $(filter-out $(addprefix unit/,$(EXPLORATIONS) fleet_racers ledger_power_cut meter_interleavings meter_model),\
    $(patsubst t/%.c,%,$(wildcard t/unit/*.c)))

# Most of the time the tests with httpd wait, so some run beside each other: AT_ONCE=1 for one at a time. Those that
# say how long something takes have the machine to themselves.
AT_ONCE      ?= 3
BY_THE_CLOCK := $(wildcard $(patsubst %,t/%-*.t,17 41 42 43 61 62 63 66 67 69 74 79 83 85 130 140))

test-asan: need-test
	@RL_ASAN_HTTPD="$${RL_HTTPD:-$$($(APXS) -q SBINDIR)/$$($(APXS) -q PROGNAME)}" \
	RL_ASAN_RUNTIME="$$($(CC) -print-file-name=libasan.so)" \
	RL_HTTPD='$(CURDIR)/build/httpd-asan.sh' RL_MODULE= UBSAN_OPTIONS=print_stacktrace=1 \
	$(MAKE) --no-print-directory check OUT='$(OUT)/asan' T='$(or $(T),$(ASAN_UNITS) fuzz/* $(ASAN_TESTS))' \
	    OPTIMIZE='-O1 -g' LTO= HARDEN= CFLAGS='$(CFLAGS) $(SANITIZE)' LDFLAGS='$(LDFLAGS) $(SANITIZE)'

unit: $(C_TESTS)
	$(Q)$(PROVE) $(if $(V),-v) -e '' $^

# The module and the C tests that are quick, or those that T names, for i386.
i386: need-test
	@build/i386.sh '$(OUT)/i386' $(T)

# Numbers, names, forms, keys and the algorithms, as this compiler has built them.
QUICK := address basic cookie digest fold form_multipart form_type form_urlencoded glob lease_word ledger meter meter_bucket \
    number pass rate tally wide
quick:
	@$(MAKE) --no-print-directory unit T='$(addprefix unit/,$(QUICK))'

run:
	@build/deps.sh install run $(filter memcached,$(STORE))
	@$(MAKE) --no-print-directory all
	@$(BUILT) PORT=$(PORT) build/run$(if $(filter memcached,$(STORE)),-memcached).sh

$(OUT)/bench/%: t/bench/%.c $(LIBRARY) | need-build
	@mkdir -p $(@D)
	$(SAY) '  CC   $<'
	$(Q)$(CC) $(CFLAGS_ALL) $(LTO) -I$(SRC) $(APR_FLAGS) -MMD -MP $< -o $@ $(LIBRARY) $(MODULE_LIBS) $(APR_LIBS)

bench: need-bench all $(BENCHES)
	@build/peers.sh $(OUT)/bench/peers
	@$(BUILT) t/bench/run.sh

# Node.js isn't installed, because its makers' package and Debian's npm exclude each other.
COUNT ?= 20000
SEED  ?= 1
ONLY  ?=
NODE_PARSERS := formidable@2 busboy@1 qs@6 multer@1 express@4

$(OUT)/differential/module: t/differential/module.c $(LIBRARY) | need-build
	@mkdir -p $(@D)
	$(SAY) '  CC   $<'
	$(Q)$(CC) $(CFLAGS_ALL) -fno-lto -I$(SRC) $(APR_FLAGS) $< -o $@ $(LIBRARY) $(MODULE_LIBS) $(APR_LIBS)

$(OUT)/differential/go: t/differential/workers/go.go
	@mkdir -p $(@D)
	$(SAY) '  GO   $<'
	$(Q)GO111MODULE=off go build -o $@ $<

$(OUT)/differential/node/node_modules:
	@mkdir -p $(@D)
	$(Q)echo '{}' >$(@D)/package.json
	$(Q)command -v npm >/dev/null || { mkdir -p $@; echo 'No npm: without the parsers of Node.js'; exit 0; }; \
	npm install --prefix $(@D) --no-audit --no-fund --ignore-scripts --silent $(NODE_PARSERS)

differential:
	@build/deps.sh install differential
	@$(MAKE) --no-print-directory differential-run

differential-run: $(addprefix $(OUT)/differential/,module go node/node_modules)
	@$(BUILT) t/differential/run.py --count $(COUNT) --seed $(SEED) --only '$(ONLY)'

# FUZZ_SECONDS for each target.
fuzz: need-fuzz
	+@$(BUILT) t/fuzz/run.sh

lint: need-lint
	build/lint.sh

format: need-lint
	clang-format -i $$(git ls-files '*.c' '*.h')

INSTALL_SH := BINDIR='$(BINDIR)' DATADIR='$(DATADIR)' DOCDIR='$(DOCDIR)' build/install.sh
install:
	@$(INSTALL_SH) check '$(APXS)' '$(DESTDIR)' $(MODULE)
	@$(MAKE) --no-print-directory all
	@$(INSTALL_SH) install '$(APXS)' '$(DESTDIR)' $(MODULE)

uninstall:
	@$(INSTALL_SH) uninstall '$(APXS)' '$(DESTDIR)' $(MODULE)

test-install:
	@build/deps.sh check deb
	@packaging/try-install.sh

# The packages, from the source as it stands.
deb:
	@build/deps.sh check deb
	@packaging/deb.sh '$(OUT)/deb'

test-deb:
	@build/deps.sh check deb
	@packaging/try.sh '$(OUT)/deb'

rpm:
	@build/deps.sh check rpm
	@packaging/rpm.sh '$(OUT)/rpm'

clean:
	rm -rf $(OUT)

-include $(OBJECTS:.o=.d) $(RLCTL_OBJECTS:.o=.d) $(UNIT_TESTS:.t=.d) $(BENCHES:=.d)
