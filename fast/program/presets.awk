# Makes the C table of the presets: awk -f presets.awk spec/presets/*.conf > presets.c
BEGIN {
    print "/* Made by fast/program/presets.awk from spec/presets. */"
    print "extern const char *const eer_presets[][2];"
    print "const char *const eer_presets[][2] = {"
}
FNR == 1 {
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.conf$/, "", name)
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
