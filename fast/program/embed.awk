# Makes a C table of texts: awk -v table=eer_presets -f embed.awk spec/presets/*.conf > presets.c
# An entry is the file's name without its ending, and its text without comments (# to the line's end).
BEGIN {
    print "/* Made by fast/program/embed.awk. */"
    print "extern const char *const " table "[][2];"
    print "const char *const " table "[][2] = {"
}
FNR == 1 {
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.[a-z]*$/, "", name)
    printf "%s    {\"%s\",\n", open ? "},\n" : "", name
    open = 1
}
{
    sub(/[ \t]*(#.*)?$/, "")
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    printf "     \"%s\\n\"\n", $0
}
END {
    print "},"
    print "    {0, 0}};"
}
