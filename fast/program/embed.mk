# The presets and the counterexamples of spec/, compiled in: tables of name and text. Lines are kept, so that
# a message's line number is the file's.
PRESETS         = $(sort $(wildcard spec/presets/*.conf))
COUNTEREXAMPLES = $(sort $(wildcard spec/counterexamples/*.json))

$(B)/presets.c: $(PRESETS) fast/program/embed.awk
$(B)/counterexamples.c: $(COUNTEREXAMPLES) fast/program/embed.awk
$(B)/presets.c $(B)/counterexamples.c:
	@mkdir -p $(@D)
	awk -v table=eer_$(basename $(@F)) -f fast/program/embed.awk $(filter spec/%,$^) > $@.new
	mv $@.new $@
$(B)/presets.o $(B)/counterexamples.o: $(B)/%.o: $(B)/%.c
	$(CC) $(BASE) -Wno-overlength-strings $(CFLAGS) -c -o $@ $<
