#!/bin/sh
# run.sh BUILD [coq] - proves every bound of spec/rounding.h with Gappa; a line a kernel, then "N bounds
# proved". Exit 1 if one is not proved, is more than 0.2 % above what Gappa can prove, or is not the number
# that spec/rounding.h and spec/tolerances.md print, or if a line of code that a proof quotes has gone.
# With coq, coqc checks Gappa's proofs too. Exit 77: no Gappa, or no Coq where it was asked for.
set -u
export LC_ALL=C
build=$1 coq=${2:-} here=$(dirname "$0")
work=$build/gappa failed=0 proved=0
command -v gappa >/dev/null || { echo 'no gappa here (Debian: gappa)'; exit 77; }
mkdir -p "$work"
if [ "$coq" = coq ]; then
    echo 'From Gappa Require Import Gappa_library. From Interval Require Import Tactic.' >"$work/probe.v"
    (cd "$work" && coqc -q probe.v >probe.log 2>&1) || {
        echo 'no coqc with the libraries of Gappa and Interval here (Debian: coq, libcoq-gappa, libcoq-interval)'
        exit 77
    }
fi

complain() {
    echo "      $1" >&2
    wrong=1
}

# Is each line that FILE quotes still in the function it is quoted from, as it stands?
check_code() {
    sed -n 's/^# Code: \([^ ]*\) \([^:]*\): /\1 \2 /p' "$1" | while read -r source function line; do
        awk -v name="$function(" '/^[a-zA-Z]/ { inside = index($0, name) && !/;$/ } inside' "$here/../../$source" |
            grep -qF -- "$line" || echo "$source, $function: no longer says: $line"
    done
}

# The last number in braces of Gappa's answer to "in ?": the best bound it finds.
best() {
    sed -e 's/|\([^|]*-\/[^|]*\)| <= 0x[^ ]* }/\1 in ? }/' -e 's/ <= 0x[^ ]* }/ in ? }/' "$1" >"$work/best.gappa"
    gappa "$work/best.gappa" 2>&1 | sed -n 's/.*{\([^,]*\),[^{]*$/\1/p' | tail -1
}

# In Gappa's script for Coq a file's rewriting rules are hypotheses. They are identities of polynomials:
# let Coq prove them too.
check_coq() {
    script=$(basename "$1" .gappa)
    { echo 'From Coq Require Import Reals.'; gappa -Bcoq "$1" 2>/dev/null; } |
        sed -e '/^Hypothesis a[0-9]* /d' -e 's/^ apply a[0-9]*\.$/ unfold Float1; field./' >"$work/$script.v"
    if grep -qE '^ *(Axiom|Hypothesis|Parameter|Admitted)' "$work/$script.v"; then return 1; fi
    (cd "$work" && coqc -q "$script.v" >"$script.log" 2>&1)
}

if [ "$coq" = coq ]; then
    cp "$here/fast_exp2_rest.v" "$work"
    (cd "$work" && coqc -q fast_exp2_rest.v >rest.log 2>&1) || { echo "fast_exp2_rest.v: not proved; see $work/rest.log"; failed=1; }
fi
for file in "$here"/*.gappa; do
    wrong='' begun=$(date +%s%N)
    name=$(sed -n '1s/^# \(EER_ROUNDING_[A-Z0-9_]*\): .*/\1/p' "$file")
    bound=$(sed -n 's/.* <= \(0x[^ ]*\) }$/\1/p' "$file")
    gappa "$file" >"$work/log" 2>&1 || complain "$file: not proved: $(tail -n 2 "$work/log")"
    # It only warns where it cannot see that the two sides of a rewriting rule are equal.
    if grep -q Warning "$work/log"; then complain "$file: $(grep Warning "$work/log")"; fi
    seconds=$(($(date +%s%N) - begun))
    limit=$(best "$file")
    printf '%g %g\n' "$bound" "${limit:-0}" | awk '!($2 > 0 && $1 <= $2 * 1.002) { exit 1 }' ||
        complain "$file: Gappa's best is ${limit:-none}, the bound $bound is more than 0.2 % above it"
    header=$(sed -n "s/^#define $name  *\(0x[^ ]*\).*/\1/p" "$here/../../spec/rounding.h")
    [ "$header" = "$bound" ] || complain "$name: $bound in $file, '$header' in spec/rounding.h"
    grep -qF "| \`$name\` | $bound = $(printf '%.3e' "$bound") |" "$here/../../spec/tolerances.md" ||
        complain "$name: spec/tolerances.md lacks \"| \`$name\` | $bound = $(printf '%.3e' "$bound") |\""
    gone=$(check_code "$file")
    [ -z "$gone" ] || complain "$file: $gone"
    checked=''
    if [ "$coq" = coq ]; then
        begun=$(date +%s%N)
        check_coq "$file" || complain "$file: Coq does not accept the proof; see $work"
        checked=$(echo "$(($(date +%s%N) - begun))" | awk '{ printf ", Coq %.1f s", $1 / 1e9 }')
    fi
    printf '%-29s %-15s = %.3e  %6.2f s%s%s\n' "$name" "$bound" "$bound" \
        "$(echo "$seconds" | awk '{ print $1 / 1e9 }')" "$checked" "${wrong:+  FAILED}"
    if [ -z "$wrong" ]; then proved=$((proved + 1)); else failed=1; fi
done
count=$(grep -c '^#define EER_ROUNDING_.* 0x' "$here/../../spec/rounding.h")
[ "$count" = "$proved" ] || { echo "spec/rounding.h has $count bounds"; failed=1; }
echo "$proved bounds proved"
[ "$failed" = 0 ]
