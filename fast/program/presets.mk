# The presets of spec/presets, compiled in: a table of name and text. Comments are left out, lines are
# kept, so that a message's line number is the file's.
PRESETS = $(sort $(wildcard spec/presets/*.conf))

$(B)/presets.c: $(PRESETS) fast/program/presets.awk
	@mkdir -p $(@D)
	awk -f fast/program/presets.awk $(PRESETS) > $@.new
	mv $@.new $@
$(B)/presets.o: $(B)/presets.c
	$(CC) $(BASE) $(CFLAGS) -c -o $@ $<
