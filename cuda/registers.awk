# registers.awk - what ptxas said of each kernel, from the files of its -v output: a line a kernel and architecture.
function name(mangled,    length_, rest, tf32) {
    sub(/^_Z/, "", mangled)
    match(mangled, /^[0-9]+/)
    length_ = substr(mangled, 1, RLENGTH) + 0
    rest = substr(mangled, RLENGTH + 1 + length_)
    mangled = substr(mangled, RLENGTH + 1, length_)
    tf32 = rest ~ /^I(Li[0-9]+E)?Lb1E/ ? " tf32" : ""
    return mangled (match(rest, /^ILi[0-9]+E/) ? "<" substr(rest, 4, RLENGTH - 4) ">" : "") tf32
}
BEGIN {
    printf "%-32s %-7s %9s %13s %9s\n", "kernel", "", "registers", "static shared", "spilled"
    fflush() # before what sort prints
}
/Compiling entry function/ { split($0, part, "'"); kernel = name(part[2]); architecture = part[4]; spilled = 0 }
/bytes stack frame/ { spilled += $5 + $9 }
/Used [0-9]+ registers/ {
    shared = 0
    for (i = 1; i <= NF; i++) {
        if ($i == "Used") registers = $(i + 1)
        if ($i ~ /^smem/) shared = $(i - 2) " B"
    }
    printf "%-32s %-7s %9d %13s %9d\n", kernel, architecture, registers, shared ? shared : "-", spilled | "sort -V"
}
