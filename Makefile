# eer: make (build), make train, make test, make verify, make bench, make install. See README.md.
CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
WARN     = -Wall -Wextra -Wpedantic -Werror
BASE     = -std=c11 -D_GNU_SOURCE -ffp-contract=off $(WARN) -MMD -MP
B        = build

REF      = $(patsubst %.c,$(B)/%.o,$(wildcard ref/*.c))
FAST     = $(patsubst %.c,$(B)/%.o,$(wildcard fast/*.c))
PROGRAM  = $(patsubst %.c,$(B)/%.o,$(wildcard fast/program/*.c))

all: $(B)/eer

$(B)/eer: $(PROGRAM) $(B)/libref.a $(B)/libfast.a
	$(CC) $(CFLAGS) -o $@ $^ -ljansson -lpthread -lm

$(B)/libref.a: $(REF)
	rm -f $@; ar rcs $@ $^
$(B)/libfast.a: $(FAST)
	rm -f $@; ar rcs $@ $^

# The same kernels for each instruction set; fast/dispatch.c chooses when it runs.
ARCH := $(shell uname -m)
ifeq ($(ARCH),x86_64)
$(B)/fast/kernels_avx512.o: private ISA = -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma
$(B)/fast/kernels_avx2.o:   private ISA = -mavx2 -mfma
endif
$(B)/fast/kernels_%.o: private CFLAGS += -O3

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) $(ISA) -c -o $@ $<

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all clean
