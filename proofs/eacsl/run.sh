#!/bin/sh
# run.sh BUILD [update] - the contracts of ref/ and spec/ checked while the unit tests of ref run, by Frama-C's
# E-ACSL: a line a test program, then "N tests, N failed" and how many annotations that were. Logs: BUILD/eacsl/.
# Exit 0: all hold; 1: not, or not_checked.txt is no longer what is left out (update writes it); 77: a tool is missing.
#
# E-ACSL turns annotations into C that evaluates them wherever they stand, and follows which memory is valid. What a
# test then shows: in these runs, no precondition, postcondition, loop invariant, variant or assertion that is
# checked was false, in C that a compiler compiled, with its libm and its memory. It is no proof of other runs.
# The tests that hold fast/ against ref/ are not among them: what they hand to ref is not instrumented.
#
# Statements about real numbers, REAL(...), are left out: they are false of floats. not_checked.txt has the others.
# Whether the C itself reads outside an array is checked only where a contract says what is valid: the sanitizers of
# make verify do the rest. inline.awk makes the sources fit for E-ACSL 25; the tests and ref/engine.c, which
# allocates, are instrumented too, so that E-ACSL knows all memory that a test hands to ref.
set -u
export LC_ALL=C
build=$1 mode=${2:-} here=proofs/eacsl
out=$build/eacsl
programs='test_ref_pieces test_ref_random test_ref_engine'
# A loss takes about 10 ms here: its slope in every 199th parameter only.
fewer='/i < layout.size; i++)$/ { N; s/i++)\(\n *expect_slope\)/i += 199)\1/ }'

missing() { echo "skipped: $1"; exit 77; }
command -v frama-c >/dev/null || missing 'no frama-c (Debian: frama-c-base)'
share=$(frama-c -print-share-path)/e-acsl
dlmalloc=$(frama-c -print-lib-path)/e-acsl/libeacsl-dlmalloc.a
[ -f "$share/e_acsl_rtl.c" ] && [ -f "$dlmalloc" ] || missing 'a Frama-C without the run-time library of E-ACSL'
echo '#include <gmp.h>' | ${CC:-cc} -E - >/dev/null 2>&1 || missing 'no gmp.h (Debian: libgmp-dev)'

failures=0
fail() {
    echo "      failed: $*"
    failures=$((failures + 1))
}
seconds() { echo "$1 $(date +%s%N)" | awk '{ printf "%.1f", ($2 - $1) / 1e9 }'; }
tests() { sed -n 's/^Test([a-z_]*, \([a-z_0-9]*\)).*/\1/p' "tests/unit/$1.c"; }

# copy TREE: the sources as E-ACSL takes them
copy() {
    mkdir -p "$1/ref" "$1/spec" "$1/tests/unit"
    for file in ref/*.[ch] spec/*.h; do
        case $file in
        ref/lemmas_*) : >"$1/$file" ;; # for proofs only
        *) awk -v hidden="$1/hidden.$(basename "$file")" -f $here/inline.awk "$file" >"$1/$file" || return 1 ;;
        esac
        [ "$(wc -l <"$1/$file")" = "$(wc -l <"$file")" ] || case $file in ref/lemmas_*) ;; *) return 1 ;; esac
    done
    sed -i 's,#include <stdint.h>,#include "vocabulary.h",' "$1/spec/config.h"
    grep -q '"vocabulary.h"' "$1/spec/config.h" || return 1
    for name in $programs; do
        sed "$fewer" "tests/unit/$name.c" >"$1/tests/unit/$name.c"
    done
    grep -q 'i += 199' "$1/tests/unit/test_ref_engine.c" || return 1
    cp $here/engine.c $here/numbers.h "$1"
    cp -R $here/include "$1"
}

# main_of PROGRAM SUITE: all of ref, the test, and a main that runs the one test that it is told
main_of() {
    echo '#include "engine.c"'
    for file in ref/*.c; do [ "$file" = ref/engine.c ] || echo "#include \"$file\""; done
    echo "#include \"tests/unit/$1.c\""
    printf '\nint main(int argc, char **argv)\n{\n    if (argc != 3)\n        return 2;\n    note_reached_in(argv[2]);\n'
    for name in $(tests "$1"); do
        printf '    if (strcmp(argv[1], "%s") == 0) {\n' "$name"
        begin='' end=''
        if grep -q '^TestSuite' "tests/unit/$1.c"; then begin="$2_suite.init(); " end=" $2_suite.fini();"; fi
        printf '        %s%s__%s();%s\n        return 0;\n    }\n' "$begin" "$2" "$name" "$end"
    done
    printf '    return 2;\n}\n'
}

# instrument TREE PROGRAM LEVEL: TREE/PROGRAM
instrument() {
    suite=$(sed -n 's/^Test(\([a-z_]*\),.*/\1/p;T;q' "tests/unit/$2.c")
    main_of "$2" "$suite" >"$1/main_$2.c"
    (cd "$1" && nice -n 10 frama-c -no-frama-c-stdlib -variadic-no-translation -machdep gcc_x86_64 \
        -cpp-extra-args='-std=c11 -Iinclude -I. -DREF_WITHOUT_REALS' \
        -e-acsl-builtins number_of,philox_word -e-acsl-no-assert-print-data -e-acsl-full-mtracking -e-acsl "main_$2.c" \
        -then-last -print -ocode "$2.out.c" >"$2.log" 2>&1) || return 1
    grep -q 'translation done' "$1/$2.log" || return 1
    nice -n 10 ${CC:-cc} -std=gnu11 "$3" -ffp-contract=off -c -o "$1/$2.o" "$1/$2.out.c" 2>"$1/$2.warnings" || return 1
    # A number of GMP taken for an address, or the other way round: a fault of E-ACSL.
    ! grep -m 1 'Wint-conversion' "$1/$2.warnings" || return 1
    ${CC:-cc} -o "$1/$2" "$1/$2.o" "$out/rtl.o" "$out/runtime.o" "$dlmalloc" -lgmp -lm -lpthread
}

rm -rf "$out"
mkdir -p "$out/tree" "$out/planted"
started=$(date +%s%N)
${CC:-cc} -std=gnu11 -O2 -w -DE_ACSL_SEGMENT_MMODEL -DE_ACSL_IDENTIFY -DE_ACSL_EXTERNAL_ASSERT -I"$share" -c \
    -o "$out/rtl.o" "$share/e_acsl_rtl.c" &&
    ${CC:-cc} -std=gnu11 -O2 -Wall -Wno-attributes -I"$share" -c -o "$out/runtime.o" $here/runtime.c || exit 1
copy "$out/tree" || { echo 'inline.awk does not take the sources'; exit 1; }

# --- the tests
: >"$out/reached"
passed=0 failed=0
for program in $programs; do
    begun=$(date +%s%N)
    instrument "$out/tree" "$program" -O1 || { fail "$program cannot be instrumented, see $out/tree/$program.log"; continue; }
    built=$(seconds "$begun")
    begun=$(date +%s%N) good=0 bad=0
    mkdir -p "$out/log/$program"
    for name in $(tests "$program"); do
        log=$out/log/$program/$name
        if timeout 300 "$out/tree/$program" "$name" "$out/reached" >"$log" 2>&1; then
            good=$((good + 1))
        else
            bad=$((bad + 1))
            fail "$name: $(grep -m 1 FAIL "$log" || tail -n 1 "$log"), see $log"
        fi
    done
    printf '%-20s %3d tests, %d failed  %6s s, built in %s s\n' "$program" $((good + bad)) $bad "$(seconds "$begun")" "$built"
    passed=$((passed + good)) failed=$((failed + bad))
done

# --- that it can fail: three faults in a copy, each with the test that meets it and what is false then
# plant FILE OLD NEW TEST KIND: in the first line that has OLD
faults=$out/faults
plant() {
    sed "0,/$2/s//$3/" "$out/planted/$1" >"$out/planted.c"
    ! cmp -s "$out/planted.c" "$out/planted/$1" || fail "$1: nothing to plant where \"$2\" stands"
    mv "$out/planted.c" "$out/planted/$1"
    echo "$4 $5" >>"$faults"
}
: >"$faults"
begun=$(date +%s%N) caught=0
copy "$out/planted"
plant ref/softmax.c 'ref_sum(pq, n)' 'ref_sum(pq, n + 1)' entropy_of_index_2_is_the_gini_index Precondition
plant ref/vector.c 'return top;' 'return n;' the_first_of_equal_maxima_is_taken Postcondition
plant ref/attention.c 'j < n' 'j <= n' slope_counts_the_distance_on_both_sides Invariant
if instrument "$out/planted" test_ref_pieces -O0; then
    while read -r name kind; do
        if timeout 60 "$out/planted/test_ref_pieces" "$name" "$out/planted/reached" >"$out/log/planted.$name" 2>&1; then
            fail "a planted fault passes: $name"
        elif grep -q "FAIL: $kind of ref_" "$out/log/planted.$name"; then
            caught=$((caught + 1))
        else
            fail "a planted fault is not caught by a $kind, see $out/log/planted.$name"
        fi
    done <"$faults"
else
    fail "with planted faults it cannot be instrumented, see $out/planted/test_ref_pieces.log"
fi
printf '%-20s %3d of %d caught     %6s s\n' 'planted faults' $caught "$(wc -l <"$faults")" "$(seconds "$begun")"

# --- what was checked: "kind file line function" of each annotation that E-ACSL translated, and of those reached
translated() {
    awk '
        /^ *__gen_e_acsl_assert_data[_0-9]*\.[a-z_]+ = / {
            field = value = $1
            sub(/.*\./, "", field)
            value = $0
            sub(/^[^=]*= "?/, "", value)
            sub(/"?;$/, "", value)
            datum[field] = value
            if (field == "line" && datum["kind"] != "RTE" && datum["file"] ~ /^(ref|spec)\//)
                print datum["kind"], datum["file"], value, datum["fct"], datum["pred_txt"] == "\\\\true" ? "real" : "-"
        }' "$out"/tree/*.out.c | sort -u
}
translated >"$out/translated"
awk '$5 == "-" { print $1, $2, $3, $4 }' "$out/translated" | sort -u >"$out/checked"
awk '$5 == "real" { print $1, $2, $3, $4 }' "$out/translated" | sort -u >"$out/real"
sort -u "$out/reached" | comm -12 - "$out/checked" >"$out/checked.reached"

# --- what was not: E-ACSL's warnings, and what inline.awk hides because E-ACSL would translate it wrongly
{
    awk '
        / Warning: *$/ && $1 == "[e-acsl]" { where = $2; sub(/:$/, "", where); text = ""; next }
        where != "" { text = text " " $0 }
        where != "" && /Ignoring annotation/ {
            sub(/^.*construct `/, "", text)
            sub(/\x27.*/, "", text)
            gsub(/ +/, " ", text)
            if (text ~ /^assigns/) text = "assigns"
            print where, text
            where = ""
        }' "$out"/tree/*.log
    cat "$out"/tree/hidden.*
} | sort -u | awk -v real="$(wc -l <"$out/real")" '
    { file = $1; sub(/:[0-9]+$/, "", file); $1 = "" }
    / (terminates clause|assigns)$/ { file = "(all)" }
    { n[file $0]++ }
    END {
        printf "%4d (all) over the reals\n", real
        for (what in n) printf "%4d %s\n", n[what], what
    }' | sort -k 2 >"$out/not_checked"
[ "$mode" != update ] || { sed -n '/^#/p' $here/not_checked.txt; cat "$out/not_checked"; } >"$out/not_checked.new"
[ "$mode" != update ] || mv "$out/not_checked.new" $here/not_checked.txt
sed '/^#/d' $here/not_checked.txt | diff - "$out/not_checked" >"$out/not_checked.diff" ||
    { fail "$here/not_checked.txt is not what is left out now (run.sh BUILD update writes it):"; head -n 12 "$out/not_checked.diff"; }

printf '%d annotations checked, %d of them reached by the tests; %d left out, of these %d over the reals: %s\n' \
    "$(wc -l <"$out/checked")" "$(wc -l <"$out/checked.reached")" "$(awk '{ n += $1 } END { print n }' "$out/not_checked")" \
    "$(wc -l <"$out/real")" $here/not_checked.txt
echo "$(seconds "$started") s"
echo "$passed tests, $failed failed"
[ $failures = 0 ] && [ $passed -gt 0 ]
