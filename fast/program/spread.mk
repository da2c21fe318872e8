# `eer gradcheck` (fast/program/gradcheck), and the variants of the reference that its spread.c samples: the
# sources of ref compiled again with a call at every function's entry and exit (where the rounding mode is
# drawn), in double and, by substitution, in float; both also with the products of matmul_tf32.c. Each
# variant becomes one object with one visible name, so that all of them and the reference fit into one program.
OBJCOPY ?= objcopy

GRADCHECK_DIR   = fast/program/gradcheck
SPREAD_VARIANTS = double float double_tf32 float_tf32
SPREAD          = $(SPREAD_VARIANTS:%=$(B)/spread/%.o)
# Without the command itself: what tests link.
JUDGE           = $(patsubst %,$(B)/$(GRADCHECK_DIR)/%.o,cases judge spread) $(SPREAD)
GRADCHECK       = $(B)/$(GRADCHECK_DIR)/gradcheck.o $(JUDGE)

SPREAD_ENTRY    = $(GRADCHECK_DIR)/variant.c $(GRADCHECK_DIR)/matmul_tf32.c
SPREAD_SOURCES  = $(wildcard ref/*.[ch] spec/*.h) $(SPREAD_ENTRY)
SPREAD_FLAGS    = -std=c11 -D_GNU_SOURCE -ffp-contract=off $(WARN) -O1 -g -frounding-math \
                  -finstrument-functions -I$(GRADCHECK_DIR)
SPREAD_WRAP     = ref_scores ref_mlp_backward ref_penalty ref_cross_entropy \
                  ref_softmax_backward ref_potential_backward ref_tsallis_backward

# double -> float: the type, the literals, the mathematical library.
SPREAD_EDIT_double = -e ''
SPREAD_EDIT_float  = -E -e 's/\bdouble\b/float/g' \
    -e 's/\b([0-9]+\.[0-9]*([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)\b/\1f/g' \
    -e 's/\b(exp|expm1|log|sqrt|pow|erf|sin|cos)\(/\1f(/g'
SPREAD_DEFINE_tf32 = -DSPREAD_TF32

$(B)/eer: $(GRADCHECK)

# The stem is TYPE or TYPE_tf32.
$(SPREAD): private type   = $(firstword $(subst _, ,$(*F)))
$(SPREAD): private kind   = $(lastword $(subst _, ,$(*F)))
$(SPREAD): private unused = $(if $(filter tf32,$(kind)),ref/matmul.c,$(GRADCHECK_DIR)/matmul_tf32.c)
$(SPREAD): $(B)/spread/%.o: $(SPREAD_SOURCES) $(GRADCHECK_DIR)/problem.h fast/program/spread.mk
	rm -rf $(B)/spread/$*
	mkdir -p $(B)/spread/$*/ref $(B)/spread/$*/spec $(B)/spread/$*/$(GRADCHECK_DIR)
	for f in $(filter-out $(unused),$(SPREAD_SOURCES)); do \
	    sed $(SPREAD_EDIT_$(type)) $$f > $(B)/spread/$*/$$f || exit 1; \
	done
	for f in $(filter-out $(unused),$(filter %.c,$(SPREAD_SOURCES))); do \
	    $(CC) $(SPREAD_FLAGS) $(SPREAD_DEFINE_$(kind)) -DSPREAD_VARIANT=spread_$* \
	        -c -o $(B)/spread/$*/$$f.o $(B)/spread/$*/$$f || exit 1; \
	done
	$(LD) -r $(SPREAD_WRAP:%=--wrap=%) -o $(B)/spread/$*/all.o $(B)/spread/$*/ref/*.o \
	    $(B)/spread/$*/$(GRADCHECK_DIR)/*.o
	$(OBJCOPY) --keep-global-symbol=spread_$* $(B)/spread/$*/all.o $@
