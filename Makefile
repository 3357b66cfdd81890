# keelson: see README.md for the targets. Build products go under build/.
#
# Three builds share these rules; a build is a directory under build/:
#   dev      the configured compiler, the system's skalibs and execline (dynamic)
#   overlay  musl, static, one binary for all programs: what the tarball ships
#   asan     clang with AddressSanitizer and UndefinedBehaviorSanitizer

MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh
HOST := $(shell uname -m)
ARCH ?= $(HOST)

# Goals that begin on a machine where nothing is installed yet must not run configure first.
ifneq ($(if $(MAKECMDGOALS),$(filter-out check demo lint deps clean,$(MAKECMDGOALS)),all),)
-include build/config.mk
endif

CORE_ROOMS := base ledger stage supervise svscan init finish
TOOL_ROOMS := tools chain portable log
CORE_SRC := $(sort $(foreach room,$(CORE_ROOMS),$(wildcard src/$(room)/*.c)))
TOOL_SRC := $(sort $(foreach room,$(TOOL_ROOMS),$(wildcard src/$(room)/*.c)))
ROOM_SRC := $(CORE_SRC) $(TOOL_SRC)
DEFS := $(wildcard src/*/programs.def)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
  -Wwrite-strings -Wpointer-arith -Wvla -Werror
CPPFLAGS_ALL := -std=c11 -D_GNU_SOURCE -Isrc $(addprefix -Isrc/,$(CORE_ROOMS))

dev_CC := $(CC)
dev_CFLAGS := $(CFLAGS)
# bound at the start: a child that shares our memory must not meet the dynamic loader at work
dev_LDFLAGS := $(LDFLAGS) -Wl,-z,now
dev_LIBS := -lexecline -lskarnet

asan_CC := clang
asan_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
asan_LDFLAGS := -fsanitize=address,undefined
asan_LIBS := -lexecline -lskarnet

# Why these flags: doc/hardening.md.
SKALIBS := build/skalibs-$(ARCH)
CROSS := $(if $(filter $(HOST),$(ARCH)),,build/cross-$(ARCH))
overlay_CC := $(if $(CROSS),$(CROSS)/musl-gcc,musl-gcc)
overlay_CFLAGS := -Os -fno-pie -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fstack-protector-strong -I$(SKALIBS)/include
overlay_LDFLAGS := -static -no-pie -Wl,--gc-sections -Wl,--sort-section=alignment -Wl,-z,norelro -Wl,-z,noseparate-code -Wl,-z,noexecstack -s
overlay_LIBS := $(SKALIBS)/libexecline.a $(SKALIBS)/lib/libskarnet.a

# Another machine's (make overlay ARCH=aarch64) is built beside ours, in build/ARCH, by the same flags.
STATIC := overlay
ifneq ($(ARCH),$(HOST))
STATIC := $(ARCH)
$(foreach word,CC CFLAGS LDFLAGS LIBS,$(eval $(ARCH)_$(word) = $$(overlay_$(word))))
endif

.SECONDARY: # keep every object
.PHONY: all check check-unit check-container check-asan check-runtimes demo overlay overlay-compat image \
  bench lint install clean deps fuzz soak

all: build/config.mk build/dev/keelson build/dev/keelson-core

build/config.mk: configure
	./configure

# ---------------------------------------------------------------- rules of a build

define build_rules
build/$(1)/obj/%.o: %.c | build/config.mk $(3)
	@mkdir -p $$(@D)
	$$($(1)_CC) $$(CPPFLAGS_ALL) $$(WARNINGS) $$($(1)_CFLAGS) -MMD -MP -c -o $$@ $$<

build/$(1)/obj/core-main.o: src/multicall/multicall.c | build/config.mk $(3)
	@mkdir -p $$(@D)
	$$($(1)_CC) $$(CPPFLAGS_ALL) $$(WARNINGS) $$($(1)_CFLAGS) -DKEELSON_CORE_ONLY -MMD -MP -c -o $$@ $$<

# everything, under every name
build/$(1)/keelson: $(2:%.c=build/$(1)/obj/%.o) build/$(1)/obj/src/multicall/multicall.o
	$$($(1)_CC) $$($(1)_CFLAGS) $$($(1)_LDFLAGS) -o $$@ $$^ $$($(1)_LIBS)

# PID 1's programs alone: links skalibs and libc and nothing else
build/$(1)/keelson-core: $(CORE_SRC:%.c=build/$(1)/obj/%.o) build/$(1)/obj/core-main.o
	$$($(1)_CC) $$($(1)_CFLAGS) $$($(1)_LDFLAGS) -o $$@ $$^ $$(filter-out %execline.a -lexecline,$$($(1)_LIBS))

# for the tests: every object but main()
build/$(1)/libkeelson.a: $(2:%.c=build/$(1)/obj/%.o)
	rm -f $$@ && ar rcs $$@ $$^
endef

$(eval $(call build_rules,dev,$(ROOM_SRC),))
$(eval $(call build_rules,asan,$(ROOM_SRC),))
$(eval $(call build_rules,$(STATIC),$(ROOM_SRC),$(SKALIBS)/stamp))

$(SKALIBS)/stamp: tools/build-skalibs tools/foreign-apt $(CROSS:%=%/stamp)
	tools/build-skalibs $(ARCH) $(SKALIBS)

build/cross-%/stamp: tools/build-cross tools/foreign-apt
	tools/install-deps cross-$*
	tools/build-cross $* $(@D)

# ---------------------------------------------------------------- tests
# tests/SUITE/test_NAME.c is a Check program; every other .c there is linked to each of them.

define suite_rules
$(1)_HELPERS := $$(filter-out tests/$(1)/test_%.c,$$(wildcard tests/$(1)/*.c))
$(1)_TESTS := $$(patsubst tests/$(1)/%.c,build/$(2)/tests/$(1)/%,$$(wildcard tests/$(1)/test_*.c))
build/$(2)/tests/$(1)/%: build/$(2)/obj/tests/$(1)/%.o $$($(1)_HELPERS:%.c=build/$(2)/obj/%.o) build/$(2)/libkeelson.a
	@mkdir -p $$(@D)
	$$($(2)_CC) $$($(2)_CFLAGS) $$($(2)_LDFLAGS) -o $$@ $$^ $$($(2)_LIBS) -lcheck -lsubunit -lrt -lm -lpthread
endef
$(eval $(call suite_rules,unit,dev))
$(eval $(call suite_rules,container,dev))

-include $(shell test -d build && find build/*/obj -name '*.d' -type f 2> /dev/null)

# A box of tests/container begins as a copy of this root.
BOX_ROOT := build/dev/tests/container/root
build/dev/tests/container/actor: tests/container/actor/actor.c
	@mkdir -p $(@D)
	musl-gcc -std=c11 -D_GNU_SOURCE $(WARNINGS) -Os -static -s -o $@ $<

$(BOX_ROOT).stamp: tests/container/make-root build/dev/tests/container/actor build/overlay/keelson-overlay-$(ARCH).tar.gz \
  $(wildcard tests/container/trees/base/etc/*)
	tests/container/make-root build/overlay/keelson-overlay-$(ARCH).tar.gz build/dev/tests/container/actor $(BOX_ROOT)

# ---------------------------------------------------------------- tests/fault: begin
# PID 1 under harm: see tests/fault/fault.h and doc/reliability.md. They boot the same boxes as
# tests/container and use its helpers. In `make check` a sample of the points, in check-faults all.

fault_HELPERS := $(filter-out tests/fault/test_%.c,$(wildcard tests/fault/*.c)) $(container_HELPERS)
fault_TESTS := $(patsubst tests/fault/%.c,build/dev/tests/fault/%,$(wildcard tests/fault/test_*.c))
build/dev/tests/fault/test_%: build/dev/obj/tests/fault/test_%.o $(fault_HELPERS:%.c=build/dev/obj/%.o) build/dev/libkeelson.a
	@mkdir -p $(@D)
	$(dev_CC) $(dev_CFLAGS) $(dev_LDFLAGS) -o $@ $^ $(dev_LIBS) -lcheck -lsubunit -lrt -lm -lpthread

build/dev/tests/fault/player: tests/fault/player/player.c
	@mkdir -p $(@D)
	musl-gcc -std=c11 -D_GNU_SOURCE $(WARNINGS) -Os -static -s -o $@ $<

.PHONY: check-faults check-fault-build
soak: check-fault-build
	SOAK_SECONDS=300 SOAK_COMMANDS=60000 build/dev/tests/fault/test_soak

check-fault-build: $(BOX_ROOT).stamp $(fault_TESTS) build/dev/tests/fault/player

check-faults: check-fault-build
	@FAULT_STEP=1 FAULT_OFFSET=0 tools/run-tests $(fault_TESTS)

# tests/fuzz: fuzz_NAME.c with the corpus tests/fuzz/corpus/NAME; see tests/fuzz/fuzz.h
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS := 60
fuzz_CC := clang
fuzz_CFLAGS := $(asan_CFLAGS) -fsanitize=fuzzer-no-link
fuzz_LDFLAGS := $(asan_LDFLAGS)
fuzz_LIBS := $(asan_LIBS)
$(eval $(call build_rules,fuzz,$(ROOM_SRC),))
build/fuzz/run/%: tests/fuzz/fuzz_%.c tests/fuzz/directory.c build/fuzz/libkeelson.a
	@mkdir -p $(@D)
	clang $(CPPFLAGS_ALL) -Itests/fuzz $(WARNINGS) $(fuzz_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(fuzz_LIBS)

build/dev/fuzz/%: tests/fuzz/fuzz_%.c tests/fuzz/directory.c tests/fuzz/replay.c build/asan/libkeelson.a
	@mkdir -p $(@D)
	$(asan_CC) $(CPPFLAGS_ALL) -Itests/fuzz $(WARNINGS) $(asan_CFLAGS) -o $@ $^ $(asan_LIBS)

fuzz: $(FUZZ:%=build/fuzz/run/%)
	@mkdir -p $(FUZZ:%=build/fuzz/found/%)
	for name in $(FUZZ); do \
	  build/fuzz/run/$$name -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -close_fd_mask=3 -artifact_prefix=$(CURDIR)/build/fuzz/ \
	    $(CURDIR)/build/fuzz/found/$$name $(CURDIR)/tests/fuzz/corpus/$$name || exit; done

# Once more under AddressSanitizer and UndefinedBehaviorSanitizer: the unit tests, all boxes with such a
# keelson in them, and what compares keelson with others (tests/sanitizer).
asan_UNIT := $(unit_TESTS:build/dev/tests/%=build/asan/%)
build/asan/unit/%: build/asan/obj/tests/unit/%.o $(unit_HELPERS:%.c=build/asan/obj/%.o) build/asan/libkeelson.a
	@mkdir -p $(@D)
	$(asan_CC) $(asan_CFLAGS) $(asan_LDFLAGS) -o $@ $^ $(asan_LIBS) -lcheck -lsubunit -lrt -lm -lpthread

build/asan/keelson-boxed: $(ROOM_SRC:%.c=build/asan/obj/%.o) build/asan/obj/src/multicall/multicall.o build/asan/obj/tests/sanitizer/options.o
	$(asan_CC) $(asan_CFLAGS) $(asan_LDFLAGS) -o $@ $^ $(asan_LIBS)

ASAN_ROOT := build/asan/tests/container/root
$(ASAN_ROOT).stamp: tests/sanitizer/make-root $(BOX_ROOT).stamp build/asan/keelson-boxed
	tests/sanitizer/make-root $(BOX_ROOT) build/asan/keelson-boxed $(ASAN_ROOT)

# outside of boxes their processes say what they find here
ASAN_REPORTS := $(CURDIR)/build/asan/reports
build/asan/obj/options-outside.o: tests/sanitizer/options.c
	@mkdir -p $(@D) $(ASAN_REPORTS) && chmod 1777 $(ASAN_REPORTS)
	$(asan_CC) -std=c11 $(WARNINGS) $(asan_CFLAGS) -DREPORTS='"$(ASAN_REPORTS)"' -c -o $@ $<

build/asan/keelson-outside: $(ROOM_SRC:%.c=build/asan/obj/%.o) build/asan/obj/src/multicall/multicall.o build/asan/obj/options-outside.o
	$(asan_CC) $(asan_CFLAGS) $(asan_LDFLAGS) -o $@ $^ $(asan_LIBS)

# all but test_oom, where there is no room for a sanitizer, and what does not run keelson
asan_BOXED := $(patsubst build/dev/%,build/asan/%,$(unit_TESTS) $(container_TESTS) $(filter-out %/test_oom,$(fault_TESTS)))
asan_OUTSIDE := $(addprefix build/asan/tests/differential/,execline clients chain log portable names)
asan_TESTS := $(asan_OUTSIDE) $(asan_BOXED) $(addprefix build/asan/tests/,trees/all runtime/matrix runtime/refusals)
$(asan_BOXED): build/asan/%: build/dev/%
$(asan_TESTS): tests/sanitizer/run
	@mkdir -p $(@D)
	ln -sfn $(CURDIR)/tests/sanitizer/run $@
	@touch -h $@

.PHONY: check-asan check-asan-build check-valgrind
check-asan-build: $(asan_UNIT) $(ASAN_ROOT).stamp build/asan/keelson-outside $(asan_TESTS)

check-asan: check-fault-build check-asan-build trees-build matrix-build
	@tools/run-tests -j $(JOBS) $(asan_TESTS)

# The unit tests under valgrind: build/valgrind/NAME runs one of them. It keeps descriptors of its own and
# refuses limits, so the one that is about these makes no sense there.
valgrind_TESTS := $(patsubst build/dev/tests/%,build/valgrind/%,$(filter-out %/test_fd,$(unit_TESTS)))
$(valgrind_TESTS): build/valgrind/%: build/dev/tests/% tests/sanitizer/valgrind
	@mkdir -p $(@D)
	ln -sfn $(CURDIR)/tests/sanitizer/valgrind $@
	@touch -h $@

check-valgrind: $(valgrind_TESTS)
	@tools/run-tests -j $(JOBS) $(valgrind_TESTS)

check-build: check-fault-build check-asan-build $(valgrind_TESTS) $(FUZZ:%=build/dev/fuzz/%)
# ---------------------------------------------------------------- tests/fault: end

# ---------------------------------------------------------------- tests/runtime: begin
# One life in every situation (tests/runtime/matrix.h). In `make check` under bare namespaces; in
# check-runtimes under every runtime that works here, and what only a runtime can show.

RUNTIME := build/dev/tests/runtime
RUNTIME_TESTS := $(RUNTIME)/matrix $(addprefix tests/runtime/,refusals image compat)

$(RUNTIME)/matrix: $(addprefix build/dev/obj/tests/runtime/,matrix.o cell.o) build/dev/obj/tests/container/stream.o
	@mkdir -p $(@D)
	$(dev_CC) $(dev_CFLAGS) $(dev_LDFLAGS) -o $@ $^ $(dev_LIBS) -lrt

$(RUNTIME)/bare: build/dev/obj/tests/runtime/bare.o build/dev/obj/tests/container/inside.o
	@mkdir -p $(@D)
	$(dev_CC) $(dev_CFLAGS) $(dev_LDFLAGS) -o $@ $^ $(dev_LIBS)

$(RUNTIME)/notified: build/dev/obj/tests/runtime/notified.o
	@mkdir -p $(@D)
	$(dev_CC) $(dev_CFLAGS) $(dev_LDFLAGS) -o $@ $^

$(RUNTIME)/bystander: tests/runtime/inside/bystander.c
	@mkdir -p $(@D)
	musl-gcc -std=c11 -D_GNU_SOURCE $(WARNINGS) -Os -static -s -o $@ $<

$(RUNTIME)/layer.stamp: tests/runtime/make-layer $(RUNTIME)/bystander build/dev/tests/container/actor $(shell find tests/runtime/tree -type f)
	tests/runtime/make-layer $(RUNTIME)/layer build/dev/tests/container/actor $(RUNTIME)/bystander

.PHONY: matrix-build
matrix-build: $(RUNTIME)/matrix $(RUNTIME)/bare $(RUNTIME)/notified $(RUNTIME)/layer.stamp $(BOX_ROOT).stamp

check-runtimes:
	tools/install-deps build check runtimes
	@$(MAKE) --no-print-directory -j$(JOBS) matrix-build
	tests/runtime/make-images $(ARCH) $(OVERLAY) $(RUNTIME)/layer build/runtime/images
	tests/runtime/kubernetes
	tests/runtime/runtimes $(RUNTIMES)

# FROM scratch: the overlay and busybox, as an OCI layout and as what `docker load` takes
IMAGE := build/image$(if $(CROSS),-$(ARCH))
BUSYBOX := $(if $(CROSS),$(CROSS)/busybox)
image: build/overlay/keelson-overlay-$(ARCH).tar.gz
	tools/make-image $(if $(BUSYBOX),-b $(BUSYBOX)) $(ARCH) $< $(IMAGE)

# Another machine's build, by qemu's emulation of that machine: the unit tests and the matrix
build/check-%/stamp: tools/build-libcheck tools/foreign-apt build/cross-%/stamp
	tools/build-libcheck $* $(@D)

FOREIGN_TESTS := $(if $(CROSS),$(unit_TESTS:build/dev/%=build/$(ARCH)/%))
build/$(ARCH)/obj/tests/%.o: overlay_CFLAGS += -Ibuild/check-$(ARCH)/include
$(FOREIGN_TESTS:build/$(ARCH)/%=build/$(ARCH)/obj/%.o): | build/check-$(ARCH)/stamp
build/$(ARCH)/tests/unit/%: build/$(ARCH)/obj/tests/unit/%.o $(unit_HELPERS:%.c=build/$(ARCH)/obj/%.o) build/$(ARCH)/libkeelson.a
	@mkdir -p $(@D)
	$(overlay_CC) $(overlay_CFLAGS) $(overlay_LDFLAGS) -o $@ $^ $(overlay_LIBS) build/check-$(ARCH)/libcheck.a

.PHONY: check-aarch64 check-foreign
check-aarch64:
	tools/install-deps build check cross-aarch64
	@$(MAKE) --no-print-directory -j$(JOBS) matrix-build
	@$(MAKE) --no-print-directory -j$(JOBS) ARCH=aarch64 check-foreign

check-foreign: $(OVERLAY) $(FOREIGN_TESTS)
	tests/runtime/foreign $(ARCH)
	tests/runtime/foreign $(ARCH) tests/runtime/compat $(ARCH)
	tests/runtime/foreign $(ARCH) tests/runtime/image $(ARCH)
	@RUN_WITH=qemu-$(ARCH)-static CK_DEFAULT_TIMEOUT=3600 tools/run-tests -j $(JOBS) $(FOREIGN_TESTS)
# ---------------------------------------------------------------- tests/runtime: end

# ---------------------------------------------------------------- tests/trees: begin
# The literal trees, and any checkout's root file system: see tests/trees/run

TREES := build/dev/tests/trees
$(TREES)/life: build/dev/obj/tests/trees/life.o $(container_HELPERS:%.c=build/dev/obj/%.o)
	@mkdir -p $(@D)
	$(dev_CC) $(dev_CFLAGS) $(dev_LDFLAGS) -o $@ $^ $(dev_LIBS) -lcheck -lsubunit -lrt -lm -lpthread

$(TREES)/stub: tests/trees/stub.c
	@mkdir -p $(@D)
	musl-gcc -std=c11 -D_GNU_SOURCE $(WARNINGS) -Os -static -s -o $@ $<

.PHONY: trees-build
trees-build: $(TREES)/life $(TREES)/stub $(BOX_ROOT).stamp
check-build: trees-build
# ---------------------------------------------------------------- tests/trees: end

# ---------------------------------------------------------------- the overlay
# Names and links: tools/make-overlay; what is laid over a root file system: etc-skel.

OVERLAY := build/overlay/keelson-overlay-$(ARCH).tar.gz

overlay: $(OVERLAY)

$(OVERLAY): build/$(STATIC)/keelson tools/make-overlay tools/program-names $(DEFS) $(shell find etc-skel ! -type d)
	tools/make-overlay $(ARCH) $< $@

# the names under which Dockerfiles made for s6-overlay fetch it
overlay-compat: build/$(STATIC)/keelson
	tools/make-overlay -c $(ARCH) $< build/overlay

# ---------------------------------------------------------------- what people run
# check, lint and demo work on a bare machine: they install what is missing, then build.

JOBS := $(shell nproc)
# the slow ones first: two run side by side
TESTS = $(wildcard tests/differential/*/run) $(unit_TESTS) tests/fuzz/run $(fault_TESTS) $(container_TESTS) tests/trees/all $(RUNTIME_TESTS) \
  $(asan_TESTS) $(valgrind_TESTS)

check:
	tools/install-deps build check
	@$(MAKE) --no-print-directory -j$(JOBS) check-build
	@$(MAKE) --no-print-directory check-run

.PHONY: check-build check-run lint-run demo-run
check-build: all overlay $(BOX_ROOT).stamp matrix-build $(unit_TESTS) $(container_TESTS)

check-run: check-build
	@tools/run-tests -j $(JOBS) $(TESTS)

check-unit: $(unit_TESTS)
	@tools/run-tests $(unit_TESTS)

check-container: $(BOX_ROOT).stamp $(container_TESTS)
	@tools/run-tests $(container_TESTS)

lint:
	tools/install-deps
	@$(MAKE) --no-print-directory lint-run

lint-run: build/config.mk $(SKALIBS)/stamp
	@tools/lint $(CPPFLAGS_ALL) $(WARNINGS)

demo:
	tools/install-deps build demo
	@$(MAKE) --no-print-directory -j$(JOBS) demo-run

demo-run: $(BOX_ROOT).stamp
	@tools/demo

# A host's own installation: programs that the system may have too (COMMAND) stay out of its PATH.
COMMANDDIR = $(prefix)/lib/keelson/command
install: all
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(COMMANDDIR)
	install -m 755 build/dev/keelson build/dev/keelson-core $(DESTDIR)$(prefix)/bin
	for name in $$(tools/program-names USR_BIN); do ln -sf keelson $(DESTDIR)$(prefix)/bin/$$name || exit; done
	for name in $$(tools/program-names); do ln -sf ../../../bin/keelson $(DESTDIR)$(COMMANDDIR)/$$name || exit; done
	for name in $$(tools/program-names -c USR_BIN); do ln -sf keelson-core $(DESTDIR)$(prefix)/bin/$$name || exit; done
	for name in $$(tools/program-names -c); do ln -sf ../../../bin/keelson-core $(DESTDIR)$(COMMANDDIR)/$$name || exit; done
	for page in $(wildcard doc/*.[1-8]); do \
	  install -D -m 644 $$page $(DESTDIR)$(prefix)/share/man/man$${page##*.}/$${page#doc/} || exit; done

# ---------------------------------------------------------------- bench: begin
# make bench [QUICK=1] [BENCH_ARGS="-r 40 NAME=ROOTFS:INIT[:LAYOUT[:SIGNAL]] …"]: see bench/bench.h and doc/performance.md

BENCH_SRC := $(addprefix bench/,bench.c census.c chart.c container.c contender.c goals.c report.c results.c trace.c)
BENCH_ROOTFS := build/bench/root

build/bench/bench: $(BENCH_SRC:%.c=build/bench/obj/%.o)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lskarnet -lm

build/bench/obj/%.o: %.c | build/config.mk
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# what is measured with must cost as little as possible: static musl
build/bench/floor build/bench/service: build/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(overlay_CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(overlay_CFLAGS) $(overlay_LDFLAGS) -o $@ $<

$(BENCH_ROOTFS).stamp: $(OVERLAY)
	rm -rf $(BENCH_ROOTFS) && mkdir -p $(BENCH_ROOTFS)
	tar -xf $< -C $(BENCH_ROOTFS)
	touch $@

bench:
	tools/install-deps build
	@$(MAKE) --no-print-directory -j$(JOBS) bench-build
	@$(MAKE) --no-print-directory bench-run

.PHONY: bench-build bench-run
bench-build: $(OVERLAY) build/bench/bench build/bench/floor build/bench/service $(BENCH_ROOTFS).stamp

bench-run: bench-build
	build/bench/bench $(if $(QUICK),-q -o build/bench,-o bench) -k $(BENCH_ROOTFS) -z $(OVERLAY) $(BENCH_ARGS)
	$(if $(QUICK),,bench/readme-table)
# ---------------------------------------------------------------- bench: end

deps:
	tools/install-deps

clean:
	rm -rf build
