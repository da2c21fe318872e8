# eer - make train is all a newcomer needs; README.md says the rest.
#
#   make            build/eer                     make verify   everything that verifies; leaves a record
#   make train      set up, build, train          make bench    against PyTorch and JAX
#   make test       unit, differential, CLI       make deps     install what all of these need (Debian, Ubuntu)
#   make install    DESTDIR, PREFIX               make mutants  plant bugs: is each one caught?
#   make cuda       the backend cuda, with nvcc   make test-cuda  its kernels, executed without a GPU (without
#                                                 nvcc: test-emulation)
#   make prove      ref/ with Frama-C, Coq, Gappa make prove-cold  the same, believing no earlier answer
#   make clean
CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
PRESET  ?= eer
SEED    ?= 1
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
B        = build
VERSION  = 0.1.0

WARN     = -Wall -Wextra -Wpedantic -Werror
BASE     = -std=c11 -D_GNU_SOURCE -ffp-contract=off $(WARN) -MMD -MP $(DEPS_INCLUDE)

# Where deps.sh puts jansson and zlib if it may not install them: unpacked, to be linked statically.
LOCAL    := $(wildcard $(B)/deps/usr/include/zlib.h)
DEPS_INCLUDE = $(if $(LOCAL),-I$(B)/deps/usr/include)
EXTERNAL = $(if $(LOCAL),$(wildcard $(B)/deps/usr/lib/*/libjansson.a $(B)/deps/usr/lib/*/libz.a),-ljansson -lz)

REF      = $(patsubst %.c,$(B)/%.o,$(wildcard ref/*.c))
FAST     = $(patsubst %.c,$(B)/%.o,$(wildcard fast/*.c))
PROGRAM  = $(patsubst %.c,$(B)/%.o,$(wildcard fast/program/*.c)) $(B)/cuda/task.o $(B)/presets.o $(BOUNDS)
LIBS     = $(B)/libref.a $(B)/libfast.a $(BOUND)

# `eer theorem` and `eer certify` need Arb; without it they say so, and all else is as ever.
ARB     := $(shell printf '\043include <arb.h>\n' | $(CC) -E - >/dev/null 2>&1 && echo yes)
ifeq ($(ARB),yes)
BOUND    = $(B)/libbound.a
BOUNDS   = $(patsubst %.c,$(B)/%.o,$(filter-out %/missing.c,$(wildcard fast/program/bounds/*.c))) \
    $(B)/counterexamples.o
EXTERNAL += -lflint-arb -lflint -lmpfr -lgmp
else
BOUNDS   = $(B)/fast/program/bounds/missing.o
endif

all: $(B)/eer

include fast/program/embed.mk
include fast/program/spread.mk
include cuda/cuda.mk

$(B)/eer: $(PROGRAM) $(LIBS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(EXTERNAL) -lpthread -ldl -lm

# The reference is plain loops over small matrices; -O3 lets the compiler vectorise some of them.
$(REF): private ISA = -O3

$(B)/libref.a: $(REF)
	rm -f $@; ar rcs $@ $^
$(B)/libfast.a: $(FAST)
	rm -f $@; ar rcs $@ $^
$(B)/libbound.a: $(patsubst %.c,$(B)/%.o,$(wildcard proofs/bound/*.c))
	rm -f $@; ar rcs $@ $^

# The same kernels for each instruction set; fast/engine.c chooses when it runs.
ifeq ($(shell uname -m),x86_64)
$(B)/fast/kernels_avx512.o: private ISA = -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma $(KERNELS)
$(B)/fast/kernels_avx2.o:   private ISA = -mavx2 -mfma $(KERNELS)
endif
$(B)/fast/kernels_plain.o:  private ISA = $(KERNELS)

# The hash of what the program is made of: it ties a binary to its verification record.
$(B)/source: FORCE
	@mkdir -p $(B)
	@find Makefile spec ref fast cuda proofs/bound -type f ! -name '*.md' | LC_ALL=C sort | xargs sha256sum | sha256sum | \
	    cut -c1-64 > $@.new; cmp -s $@.new $@ || cp $@.new $@
$(B)/fast/program/verified.o: $(B)/source
$(B)/fast/program/verified.o: private ISA = -DEER_VERSION='"$(VERSION)"' \
    -DEER_SOURCE_HASH='"$(shell cat $(B)/source 2>/dev/null)"'

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) $(ISA) -c -o $@ $<

# --- train ---------------------------------------------------------------------------------------------
train:
	@sh tests/deps.sh train $(B)
	@$(MAKE) --no-print-directory -s -j $(JOBS) $(B)/eer
	@$(B)/eer train --preset $(PRESET) --seed $(SEED) --resume

# --- test ----------------------------------------------------------------------------------------------
# Every test is linked with the whole program but its main.
UNDER_TEST  = $(filter-out %/main.o,$(PROGRAM)) $(GRADCHECK) $(LIBS)
NEEDS_ARB   = $(if $(ARB),,$(addprefix tests/unit/,test_bound_ways.c test_certify.c test_dynamics.c test_theorem.c))
UNIT        = $(patsubst tests/unit/%.c,$(B)/tests/%,$(filter-out $(NEEDS_ARB),$(wildcard tests/unit/test_*.c)))

include tests/cuda/tests.mk

$(B)/tests/%: tests/unit/%.c $(B)/tests/oracle/oracle.o $(UNDER_TEST)
	@mkdir -p $(@D)
	$(CC) $(BASE) -Ifast/program/gradcheck $(CFLAGS) $(LDFLAGS) -o $@ $< $(filter %.o %.a,$^) -lcriterion -lmpfr -lgmp \
	    $(EXTERNAL) -lpthread -ldl -lm
# Looks for counterexamples to theorem 3.2.1; a program of its own.
$(B)/tests/search: tests/bound/search.c
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $< -lm
# Tries to violate the theorem's bounds, and decides in Arb's balls what doubles cannot.
VIOLATIONS  = $(patsubst %,$(B)/tests/bound/%.o,violations claims decide tightness)
$(B)/tests/violations: $(VIOLATIONS) $(B)/libbound.a $(B)/libref.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(EXTERNAL) -lm
$(B)/tests/kill_write: tests/faults/kill_write.c $(UNDER_TEST)
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $< $(filter %.o %.a,$^) $(EXTERNAL) -lpthread -ldl -lm

test:
	@sh tests/deps.sh test $(B)
	@$(MAKE) --no-print-directory -s -j $(JOBS) unit
	@sh tests/run.sh $(B)
unit: $(B)/eer $(UNIT) $(B)/tests/kill_write $(B)/tests/search $(CUDA_QUICK) $(if $(ARB),$(B)/tests/violations)

# --- verify --------------------------------------------------------------------------------------------
verify:
	@sh tests/deps.sh verify $(B)
	@$(MAKE) --no-print-directory -s -j $(JOBS) unit
	@NVCC=$(HAVE_NVCC) sh tests/verify.sh $(B)

# The reference proved (proofs/SOUNDNESS.md): Coq's theorems first, since WP's axioms have to be among them.
prove prove-cold:
	@sh tests/deps.sh prove $(B)
	@sh proofs/coq/run.sh $(B)
	@sh proofs/gappa/run.sh $(B)
	@sh proofs/eva/run.sh $(B)
	@sh proofs/eacsl/run.sh $(B)
	@sh proofs/prove.sh $(B) $(if $(filter prove-cold,$@),cold)

# Planted bugs: does a test catch each? MUTANT=words for some of them; LIST=reference: those that proofs have to catch;
# LIST=cuda: those of cuda/, and which executor sees each.
LIST ?= bugs
mutants:
	@sh tests/deps.sh $(if $(filter cuda,$(LIST)),test-cuda,test) $(B)
	@$(MAKE) --no-print-directory -s -j $(JOBS) unit
	@sh tests/$(if $(filter cuda,$(LIST)),cuda/mutants.sh,mutants/run.sh) $(B) "$(MUTANT)" $(LIST)

# Fuzzers, and the program and its tests under AddressSanitizer and UndefinedBehaviorSanitizer.
FUZZ     = $(patsubst fuzz/%.c,$(B)/fuzz/%,$(filter-out $(if $(ARB),,fuzz/fuzz_instance.c),$(wildcard fuzz/fuzz_*.c)))
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# Kernels without optimisation: with it, compiling them takes a sanitizer minutes.
fuzzers sanitized threads: export KERNELS = -O0
fuzzers:
	@$(MAKE) --no-print-directory -s -j $(JOBS) B=$(B)/fuzzing CC=clang CFLAGS="-O1 -g -DFAST_SMALL -fsanitize=fuzzer-no-link,address,undefined \
	    -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION \
	    -fno-sanitize-recover=all" FUZZING=1 harnesses
harnesses: $(FUZZ)
$(B)/fuzz/%: fuzz/%.c $(filter-out %/main.o,$(PROGRAM)) $(GRADCHECK) $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(BASE) -Ifast/program/gradcheck $(CFLAGS) -fsanitize=fuzzer -o $@ $< $(filter %.o %.a,$^) $(EXTERNAL) -lpthread -ldl -lm
sanitized:
	@$(MAKE) --no-print-directory -s -j $(JOBS) B=$(B)/sanitized CC=clang CFLAGS="-O1 -g -DFAST_SMALL $(SANITIZE)" $(B)/sanitized/eer
threads:
	@$(MAKE) --no-print-directory -s -j $(JOBS) B=$(B)/threads CFLAGS="-O1 -g -DFAST_SMALL -fsanitize=thread" $(B)/threads/tsan
$(B)/tsan: tests/tsan/tsan.c $(LIBS)
	$(CC) $(BASE) $(CFLAGS) -o $@ $< $(filter %.o %.a,$^) -lpthread -lm

# --- bench, install, clean -----------------------------------------------------------------------------
bench:
	@sh tests/deps.sh bench $(B)
	@$(MAKE) --no-print-directory -s -j $(JOBS) $(B)/eer
	@python3 tests/bench/bench.py $(B)

deps:
	@sh tests/deps.sh all $(B)

install: $(B)/eer
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/eer
	install $(B)/eer $(DESTDIR)$(PREFIX)/bin/eer
	install -m 644 fast/program/eer.1 $(DESTDIR)$(PREFIX)/share/man/man1/eer.1
	for library in cuda cublas; do [ ! -f $(B)/eer-$$library.so ] || \
	    install -D $(B)/eer-$$library.so $(DESTDIR)$(PREFIX)/lib/eer/eer-$$library.so || exit 1; done
	if [ -f $(B)/verify.json ]; then install -m 644 $(B)/verify.json $(DESTDIR)$(PREFIX)/share/eer/verify.json; fi
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/eer $(DESTDIR)$(PREFIX)/share/man/man1/eer.1
	rm -rf $(DESTDIR)$(PREFIX)/share/eer $(DESTDIR)$(PREFIX)/lib/eer

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.SECONDARY:
FORCE:
.PHONY: all cuda train test test-cuda test-emulation cuda-programs unit verify prove prove-cold fuzzers harnesses sanitized threads bench mutants deps install uninstall clean FORCE
.DELETE_ON_ERROR:
