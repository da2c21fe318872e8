# registers.awk - what ptxas said of each kernel, from the files of its -v output: a line a kernel, its registers on each
# architecture.
function name(mangled,    length_, rest, tf32) {
    sub(/^_Z/, "", mangled)
    match(mangled, /^[0-9]+/)
    length_ = substr(mangled, 1, RLENGTH) + 0
    rest = substr(mangled, RLENGTH + 1 + length_)
    mangled = substr(mangled, RLENGTH + 1, length_)
    tf32 = rest ~ /^I(Li[0-9]+E)?Lb1E/ ? " tf32" : ""
    return mangled (match(rest, /^ILi[0-9]+E/) ? "<" substr(rest, 4, RLENGTH - 4) ">" : "") tf32
}
/Compiling entry function/ { split($0, part, "'"); kernel = name(part[2]); sm = substr(part[4], 4); all[sm]; spilled[kernel] += 0 }
/bytes stack frame/ { spilled[kernel] += $5 + $9 }
/Used [0-9]+ registers/ {
    for (i = 1; i <= NF; i++) {
        if ($i == "Used") registers[kernel, sm] = $(i + 1)
        if ($i ~ /^smem/ && $(i - 2) > shared[kernel]) shared[kernel] = $(i - 2)
    }
}
END {
    printf "%-34s", "registers of kernels"
    for (sm = 50; sm < 1000; sm++) if (sm in all) printf " %6s", "sm_" sm
    printf "  shared  spilled\n"
    fflush() # before what sort prints
    for (kernel in spilled) {
        line = sprintf("%-34s", kernel)
        for (sm = 50; sm < 1000; sm++) if (sm in all) line = line sprintf(" %6s", registers[kernel, sm])
        printf "%s %7s %8d\n", line, shared[kernel] ? shared[kernel] : "-", spilled[kernel] | "sort -V"
    }
    close("sort -V")
    print "shared: bytes of static shared memory; what cuda_train_kernel takes besides is the shape's: spec/cuda.md"
}
