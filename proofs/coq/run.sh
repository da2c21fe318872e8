#!/bin/sh
# run.sh BUILD [THEOREM...] - checks the theorems of this folder: compiles a copy under BUILD/prove/coq, asks Coq what the theorems rest on, and
# compares their names with the ledger (file, theorem). A line a theorem, then "N theorems". Fails on an axiom that is not one of
# Coq's Reals, on an unfinished proof, on a theorem lost or not in the ledger. If all is well it leaves BUILD/prove/coq/theorems, a
# name a line. Of each THEOREM it prints at the end what it says and what it rests on. Exits 3 where there is no Coq.
set -u
[ $# -ge 1 ] || { echo "run.sh: expected the build folder, then names of theorems or none" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd) out=$1/prove/coq
shift
files="facts derivatives backward loop matrices jacobian contraction frechet uniform centred" # in the order in which they need each other

# Classical_Prop.classic is what Coq's own library takes for the mean value theorem; the others make its R.
allowed="ClassicalDedekindReals.sig_forall_dec ClassicalDedekindReals.sig_not_dec
    FunctionalExtensionality.functional_extensionality_dep Classical_Prop.classic"
# Words that assume instead of prove, or that switch off a check; none is needed here, whatever its place.
forbidden="Admitted admit give_up Abort Axiom Axioms Parameter Parameters Conjecture Conjectures Hypothesis Hypotheses
    Variable Variables Context Declare Primitive Register Unset bypass_check Load Redirect ML"

fail() { echo "run.sh: $*" >&2; exit 1; }
command -v coqc >/dev/null 2>&1 || { echo "run.sh: no coqc (Debian: coq)" >&2; exit 3; }
{ rm -rf "$out" && mkdir -p "$out"; } || fail "$out: cannot be written"
for source in "$here"/*.v; do
    case " $files " in *" $(basename "$source" .v) "*) ;; *) fail "$source: not in the list of files" ;; esac
done

# plain FILE: its lines without comments (which nest).
plain() {
    awk '{
        line = $0; kept = ""
        while (line != "") {
            two = substr(line, 1, 2)
            if (two == "(*") { depth++; line = substr(line, 3) }
            else if (two == "*)" && depth) { depth--; line = substr(line, 3) }
            else { if (!depth) kept = kept substr(line, 1, 1); line = substr(line, 2) }
        }
        print kept
    } END { if (depth) print "Admitted unclosed comment" }' "$1"
}

for file in $files; do
    cp "$here/$file.v" "$out/$file.v" || fail "$file.v: missing"
    plain "$out/$file.v" >"$out/$file.plain"
    awk -v words="$forbidden" -v file="$file.v" '
        BEGIN { n = split(words, list); for (i = 1; i <= n; i++) bad[list[i]] = 1 }
        { n = split($0, word, /[^A-Za-z0-9_\x27]+/)
          for (i = 1; i <= n; i++) if (word[i] in bad) { print file ":" NR ": " word[i]; found = 1 } }
        END { exit found }' "$out/$file.plain" >&2 || fail "$file.v: assumes what it should prove"
    coqc -q -noglob -Q "$out" eer "$out/$file.v" || fail "$file.v: does not compile"
    awk -v file="$file" '/^[ \t]*((Local|Global|Program|#\[.*\]) +)*(Theorem|Lemma|Corollary|Fact|Remark|Proposition|Property)[ \t]/ {
        sub(/.*(Theorem|Lemma|Corollary|Fact|Remark|Proposition|Property)[ \t]+/, ""); sub(/[^A-Za-z0-9_\x27].*/, "")
        print file, $0 }' "$out/$file.plain"
done >"$out/names" || exit 1

# ask: the axioms that Coq names for the questions in FILE.v, a name a line; it begins each in the first column.
ask() {
    coqc -q -noglob -Q "$out" eer "$out/$1.v" >"$out/$1.answer" || return 1
    grep -q -e '^Axioms:$' -e '^Closed under the global context$' "$out/$1.answer" || return 1
    awk '/^[^ ]/ && !/^Axioms:$/ && !/^Closed under the global context$/ { print $1 }' "$out/$1.answer" | LC_ALL=C sort -u
}

# All theorems in one question, which takes no longer than one of them: what all rest on, each rests on. Only if that is too much
# is one after another asked, for the first that does.
requires=$(for file in $files; do echo "Require eer.$file."; done)
{
    echo "$requires"
    echo "Definition everything : True :="
    awk '{ print "  let _ := @eer." $1 "." $2 " in" }' "$out/names"
    echo "  I."
    echo "Print Assumptions everything."
} >"$out/everything.v"
ask everything >"$out/axioms" || fail "a theorem cannot be found again"
foreign() { echo "$allowed" | awk 'NR == FNR { for (i = 1; i <= NF; i++) known[$i] = 1; next } !($1 in known)' - "$1"; }
[ -z "$(foreign "$out/axioms")" ] || while read -r file name; do
    printf '%s\nPrint Assumptions eer.%s.%s.\n' "$requires" "$file" "$name" >"$out/one.v"
    ask one >"$out/one.axioms" || fail "$name: no answer"
    [ -z "$(foreign "$out/one.axioms")" ] || fail "$name rests on $(foreign "$out/one.axioms" | tr '\n' ' ')"
done <"$out/names"
[ -z "$(foreign "$out/axioms")" ] || fail "axioms that are not of the reals:" $(foreign "$out/axioms")

rests=closed
[ ! -s "$out/axioms" ] || rests="axioms of the reals"
awk -v rests="$rests" '{ printf "%-36s%s\n", $2, rests }' "$out/names"
awk '{ print $2 }' "$out/names" | LC_ALL=C sort >"$out/sorted"
twice=$(uniq -d "$out/sorted" | tr '\n' ' ')
[ -z "$twice" ] || fail "two theorems of one name: $twice"
diff "$here/ledger" "$out/names" >"$out/difference" || {
    sed -n 's/^< /lost: /p; s/^> /not in the ledger: /p' "$out/difference" >&2
    fail "the ledger differs; if that is meant: cp $out/names $here/ledger"
}
mv "$out/sorted" "$out/theorems"
echo "$(wc -l <"$out/theorems" | tr -d ' ') theorems, all from:" $(cat "$out/axioms")
for name; do
    file=$(awk -v name="$name" '$2 == name { print $1 }' "$out/names")
    [ -n "$file" ] || fail "$name: no such theorem"
    printf 'Require Import Reals.\nOpen Scope R_scope.\n%s\nCheck eer.%s.%s.\nPrint Assumptions eer.%s.%s.\n' \
        "$(echo "$requires" | sed 's/Require/Require Import/')" "$file" "$name" "$file" "$name" >"$out/one.v"
    echo && coqc -q -noglob -Q "$out" eer "$out/one.v" || fail "$name: no answer"
done
