#!/bin/sh
# prove.sh BUILD [cold | update] [FILE...] - proves ref/ and spec/'s inline functions with Frama-C's WP.
#
# PROVE_TIMEOUT: seconds a prover (10); PROVE_SMOKE=no: contradictory contracts are not looked for.
#
# Without a word the committed session (proofs/session.txt: which prover proved what) answers what it knows;
# cold asks every prover anew; update writes ledger.txt and session.txt. FILE: these files only.
# Exit 0: everything is proved, and as the ledger says; 1: not; 3: a tool is missing.
#
# What fails: an obligation or a lemma that no prover proves; another contract, formula or number of obligations than
# the ledger has (a weakened contract is proved as well as a strong one: `update` writes the new one, and the diff
# shows it); a function of the sources without contract or line in the ledger; an axiom, `admit` or unproved contract
# that trusted.txt does not name; a warning that weakens a proof; a contract that contradicts itself.
set -u
build=$1 mode=warm
shift
case ${1:-} in cold | update) mode=$1; shift ;; esac
here=$(dirname "$0") out=$build/prove
jobs=$(nproc 2>/dev/null || echo 2) timeout=${PROVE_TIMEOUT:-10} begun=$(date +%s)
for tool in frama-c why3 z3 cvc4 cvc5; do
    command -v $tool >/dev/null 2>&1 || { echo "prove: no $tool: make prove installs it where apt may" >&2; exit 3; }
done
rm -rf "$out/session" "$out/used"
mkdir -p "$out/session/cache" "$out/session/script" "$out/log" "$out/known" "$out/used"
failures=0
fail() { echo "      FAIL: $*"; failures=$((failures + 1)); }

# --- provers: Why3's own description of cvc5 is missing, and of cvc4's logics this one finds most.
drivers=$(why3 --print-datadir)/drivers
printf 'prelude "(set-logic AUFDTNIRA)"\nimport "%s/cvc4_16.gen"\n' "$drivers" >"$out/cvc5.drv"
prover() { # ALTERNATIVE OPTION
    printf '\n[prover]\nname = "CVC5"\nversion = "1.0.3"\n'
    [ -z "$1" ] || printf 'alternative = "%s"\n' "$1"
    printf 'command = "cvc5 %s --tlimit=%%t000 --lang=smt2 %%f"\n' "$2"
    printf 'command_steps = "cvc5 %s --rlimit=%%S --lang=smt2 %%f"\n' "$2"
    printf 'driver = "%s"\neditor = ""\nin_place = false\ninteractive = false\n' "$(cd "$out" && pwd)/cvc5.drv"
}
{
    printf '[main]\nmagic = 14\nmemlimit = 3000\nrunning_provers_max = %s\ntimelimit = 10\n' "$jobs"
    printf '\n[partial_prover]\nname = "Z3"\npath = "%s"\nversion = "4.8.12"\n' "$(command -v z3)"
    printf '\n[partial_prover]\nname = "CVC4"\npath = "%s"\nversion = "1.8"\n' "$(command -v cvc4)"
    prover '' ''
    prover linear --nl-ext=none
} >"$out/why3.conf"
WHY3CONFIG=$(cd "$out" && pwd)/why3.conf
export WHY3CONFIG
for wanted in 'CVC5 1.0.3' 'CVC4 1.8' 'Z3 4.8.12'; do
    why3 config list-provers 2>/dev/null | grep -qx "$wanted" || { echo "prove: Why3 does not find $wanted" >&2; exit 3; }
done

# --- the session: scripts as they are, the cache one line an entry
cp "$here"/session/*.json "$out/session/script/"
case $mode in cold) cache=none ;; warm) cache=update ;; update) cache=cleanup ;; esac # cleanup: only what was used stays
awk -v to="$out/known/" '!/^#/ { file = to $1 ".json"; $1 = ""; print substr($0, 2) >file; close(file) }' \
    "$here/session.txt" 2>/dev/null
[ $mode != warm ] || cp -r "$out/known/." "$out/session/cache"

# --- which functions there are
defined() { awk '/^[a-z].*[(]/ && !/;$/ && !/^typedef|^extern/ { sub(/ *[(].*/, ""); sub(/.*[ *]/, ""); print }' "$1"; }
trusted() { awk -v kind="$1" '!/^#/ && $1 == kind { print $2 }' "$here/trusted.txt"; }
trusted function >"$out/trusted.functions"
trusted axiom >"$out/trusted.axioms"

frama() { # LOG ARGUMENTS...
    log=$out/log/$1
    shift
    [ $mode != update ] || { rm -rf "$out/session/cache" && cp -r "$out/known" "$out/session/cache"; }
    frama-c -kernel-warn-key annot:missing-spec=inactive -warn-special-float none -wp -wp-rte -wp-model Typed+Real \
        -wp-no-warn-memory-model -wp-frama-c-stdlib-terminate -wp-par "$jobs" -wp-timeout "$timeout" -wp-cache $cache \
        -wp-session "$out/session" -wp-prover "$provers" "$@" >"$log" 2>&1
    status=$?
    [ $mode != update ] || cp "$out"/session/cache/*.json "$out/used"
    # These lose or weaken a proof and leave the exit status at 0.
    grep -E 'Missing assigns|Degenerated|\(Stronger\)|[Nn]ot yet implemented|No .assigns. specification|annot-error|[Uu]ser [Ee]rror' \
        "$log" | grep -vE "specification for function '(erf|__)" | sort -u >"$log.weak"
    [ $status = 0 ] || fail "$log: frama-c ended with $status"
    [ ! -s "$log.weak" ] || fail "$log: $(head -n 1 "$log.weak")"
}

# goals LOG: "goal state prover seconds", one line each
goals() {
    awk '/^\[wp\] \[.*\] Goal / {
            line = $0; sub(/^\[wp\] \[/, "", line); who = line; sub(/\].*/, "", who)
            name = line; sub(/.*Goal (typed_real_)?/, "", name); state = name; sub(/ .*/, "", name)
            gsub(/ /, "_", who)
            t = 0
            if (match(state, /\([0-9.]+m?s\)( \([0-9]+\))?( \(cached\))?$/)) { t = substr(state, RSTART + 1); t = (t ~ /^[0-9.]+ms/) ? t / 1000 : t + 0 }
            print name, (state ~ / : Valid/ ? "proved" : "open"), who, t }' "$1" | sed 's/Failed/-/;s/Unknown/-/;s/Timeout/-/'
}

# --- the files
smoke='-wp-smoke-tests -wp-smoke-timeout 1 -wp-no-smoke-dead-code -wp-no-smoke-dead-call -wp-no-smoke-dead-loop'
[ "${PROVE_SMOKE:-yes}" = yes ] || smoke=''
# In the order of ref/ref.h; all of ref/ but engine.c, which allocates.
order='libm vector matmul rng task tensors init position softmax layer_norm attention mlp block read_out loss adamw
    matrix_norm bound loop backward gradient predict'
all=$(for name in $order; do echo "ref/$name.c"; done)
[ "$(echo "$all" | sort)" = "$(ls ref/*.c | grep -v ref/engine.c)" ] || fail 'a file of ref/ is not in the order of prove.sh'

files=${*:-$all}

# --- contracts, formulas, lemmas: as Frama-C understands them, so that no macro hides anything
parse() { frama-c -kernel-warn-key annot:missing-spec=inactive -print "$1" 2>/dev/null; }
hash() { sha256sum | cut -c1-8; }
: >"$out/lemmas" && : >"$out/formulas"
for file in $all; do
    name=$(basename "$file" .c)
    parse "$file" >"$out/normalised.$name" || fail "$file: frama-c does not parse it"
    grep -oE '\blemma [A-Za-z_0-9]+' "$out/normalised.$name" | awk -v file="$file" '{ print $2, file }' >>"$out/lemmas"
    # what the contracts are written in: predicates, logic functions, axioms, lemmas
    awk '/^\/\*@/ { block = ""; on = 1 }
         on { block = block " " $0 }
         on && /\*\// { on = 0; gsub(/[ \t]+/, " ", block); if (block ~ /^ ?\/\*@ *(predicate|logic|axiomatic|lemma) /) print block }' \
        "$out/normalised.$name" >>"$out/formulas"
done
# A lemma that several files include is proved in the first of them, with the lemmas before it.
awk '!($1 in seen) { seen[$1]; print }' "$out/lemmas" >"$out/lemmas.first" && mv "$out/lemmas.first" "$out/lemmas"
contract() { # FUNCTION FILE: the hash of its contract
    awk -v name="$1" '
        /^\/\*@/ { block = ""; on = 1 }
        on { block = block " " $0; if (/\*\//) on = 0; next }
        /^[a-z]/ && index($0, name "(") { gsub(/[ \t]+/, " ", block); last = block; block = "" }
        /^}/ { block = "" }
        END { print last }' "$out/normalised.$(basename "$2" .c)" | hash
}

# --- each file
: >"$out/ledger" && : >"$out/open" && : >"$out/functions"
number=0 total=$(echo "$files" | wc -w)
for file in $files; do
    number=$((number + 1)) name=$(basename "$file" .c) since=$(date +%s)
    list=$(defined "$file")
    [ "$name" = tensors ] && list="$list $(for header in spec/*.h; do defined "$header"; done)"
    proved=$(echo "$list" | tr ' ' '\n' | grep -vxFf "$out/trusted.functions" | sort -u)
    echo "$list" | tr ' ' '\n' | sed "s|\$| $file|" >>"$out/functions"
    : >"$out/goals.$name"
    if [ -n "$proved" ]; then
        provers=CVC5:1.0.3,CVC5:1.0.3:linear,CVC4,Z3
        # shellcheck disable=SC2086 # several options
        frama "$name" $smoke -wp-fct "$(echo "$proved" | paste -sd,)" "$file"
        goals "$out/log/$name" >"$out/goals.$name"
        # A contract that contradicts itself proves anything: no solver may find a precondition to be false.
        tried=$(grep -c 'Smoke-test' "$out/log/$name")
        grep '\[Failed\] Smoke-test' "$out/log/$name" >"$out/doomed"
        [ ! -s "$out/doomed" ] || fail "$file: a contradiction: $(sed 's/.*typed_real_//; 1q' "$out/doomed")"
        [ -z "$smoke" ] || [ "$tried" -gt 0 ] || fail "$file: no precondition was tried for a contradiction"
    fi
    lemmas=$(awk -v file="$file" '$2 == file { print $1 }' "$out/lemmas")
    if [ -n "$lemmas" ]; then
        provers=script,CVC5:1.0.3,CVC5:1.0.3:linear,CVC4,Z3
        frama "lemmas.$name" -wp-prop="$(echo "$lemmas" | paste -sd,)" "$file"
        goals "$out/log/lemmas.$name" | grep '^lemma_' >"$out/goals.lemmas"
        awk -v file="$file" -v open="$out/open" -v all="$(echo "$lemmas" | wc -w)" -v hash="$(echo "$lemmas" | hash)" '
            $2 == "proved" { p++ } $2 != "proved" { print $1 >>open } { n++ }
            END { if (n != all) print "a lemma without an obligation" >>open
                  printf "%-32s %-20s %5d %5d  Typed+Real  %s  %-40s\n", "(lemmas)", file, n, p, hash, "several" }' \
            "$out/goals.lemmas" >>"$out/ledger"
    fi
    # the function of a goal is the longest name that its own begins with
    for function in $proved; do echo "$function $(contract "$function" "$file")"; done |
        awk -v file="$file" -v open="$out/open" '
        NR == FNR { if ($1 != "") f[$1] = $2; next }
        { best = ""
          for (g in f) if (index($1, g "_") == 1 && length(g) > length(best)) best = g
          n[best]++; s[best] += $4
          if ($2 == "proved") { p[best]++; if (!index(w[best], $3)) w[best] = w[best] (w[best] ? "," : "") $3 }
          else print $1 >>open }
        END { for (g in f) printf "%-32s %-20s %5d %5d  Typed+Real  %s  %-40s %.1f\n", g, file, n[g], p[g], f[g], w[g], s[g] }' - \
        "$out/goals.$name" | sort >"$out/part"
    cat "$out/part" >>"$out/ledger"
    cat "$out/part" "$out/ledger" | awk -v file="$file" -v n="$number" -v total="$total" -v s="$(($(date +%s) - since))" \
        '$2 == file && !seen[$1]++ { o += $3; p += $4 }
         END { printf "%2d/%d  %-20s %5d of %5d proved  %4d s\n", n, total, file, p, o, s }'
done

# --- trusted functions, axioms
for name in $(cat "$out/trusted.functions"); do
    file=$(awk -v f="$name" '$1 == f { print $2 }' "$out/functions")
    [ -n "$file" ] || { [ $# -gt 0 ] || fail "trusted.txt names $name, which is not there"; continue; }
    printf '%-32s %-20s %5d %5d  trusted     %s\n' "$name" "$file" 0 0 "$(contract "$name" "$file")" >>"$out/ledger"
done
grep -ohE '\baxiom [A-Za-z_0-9]+' "$out"/normalised.* | awk '{ print $2 }' | sort -u >"$out/axioms"
for axiom in $(cat "$out/axioms"); do
    grep -qx "$axiom" "$out/trusted.axioms" || fail "axiom $axiom is not in trusted.txt"
    [ ! -f "$build/prove/coq/theorems" ] || grep -qx "$axiom" "$build/prove/coq/theorems" || fail "axiom $axiom has no theorem in Coq"
done
for axiom in $(cat "$out/trusted.axioms"); do
    grep -qx "$axiom" "$out/axioms" || fail "trusted.txt names the axiom $axiom, which is not there"
done
grep -rnE '@.*\badmit\b|^ *admit\b|\badmit +(requires|ensures|invariant|\\false)' ref spec --include=*.[ch] >"$out/admits"
[ ! -s "$out/admits" ] || fail "admit: $(head -n 1 "$out/admits")"
printf '%-32s %-20s %5d %5d  definitions %s\n' '(formulas)' ref 0 0 "$(sort -u "$out/formulas" | hash)" >>"$out/ledger"

# --- compare: all columns but provers and seconds, of the files that were proved
sort -o "$out/ledger" "$out/ledger" && sort -u -o "$out/open" "$out/open"
if [ $mode = update ]; then # the files that were proved anew; the rest stays
    awk -v files="$(echo $files)" 'BEGIN { n = split(files, f, " "); for (i = 1; i <= n; i++) anew[f[i]] }
        /^#/ || (!($2 in anew) && $1 != "(formulas)")' "$here/ledger.txt" | cat - "$out/ledger" | LC_ALL=C sort -s -k 1,2 >"$out/ledger.new"
    grep '^#' "$here/ledger.txt" >"$out/ledger.all" && grep -v '^#' "$out/ledger.new" >>"$out/ledger.all"
    mv "$out/ledger.all" "$here/ledger.txt"
    { grep '^#' "$here/session.txt"
      { [ $# = 0 ] || grep -v '^#' "$here/session.txt"
        for entry in "$out"/used/*.json; do
            echo "$(basename "$entry" .json) $(tr '\n' ' ' <"$entry")"
        done; } | LC_ALL=C sort -u -k 1,1; } >"$out/session.new" && mv "$out/session.new" "$here/session.txt"
    cp "$out"/session/script/*.json "$here/session/"
else
    columns() { awk '!/^#/ { print $1 "@" $2, $3, $4, $5, $6 }' "$1"; }
    columns "$here/ledger.txt" >"$out/old" && columns "$out/ledger" >"$out/new"
    awk -v whole=$# '
        NR == FNR { was[$1] = $0; next }
        !($1 in was) { print $1 ": not in the ledger"; next }
        { split(was[$1], w, " ")
          if (w[5] != $5) print $1 ": another contract or formula than the ledger has"
          else if (w[2] != $2 || w[4] != $4) print "was: " was[$1] "\nnow: " $0
          else if ($3 < w[3]) print $1 ": " $3 " proved, were " w[3]
          delete was[$1] }
        END { if (whole == 0) for (f in was) print f ": in the ledger, but gone" }' "$out/old" "$out/new" >"$out/ledger.diff"
    [ ! -s "$out/ledger.diff" ] || { fail 'the ledger is another:'; head -n 20 "$out/ledger.diff"; }
fi
[ ! -s "$out/open" ] || { fail "not proved: $(wc -l <"$out/open")"; head -n 12 "$out/open"; }
awk -v s="$(($(date +%s) - begun))" -v f="$failures" -v axioms="$(wc -l <"$out/trusted.axioms")" '
    { n += $3; p += $4; if ($5 == "trusted") t++; else if ($1 !~ /^[(]/) functions++; else lemmas += $3 }
    END { printf "%d functions, %d more trusted, %d lemmas, %d axioms: %d of %d obligations proved; %d failures; %d s\n",
          functions, t, lemmas, axioms, p, n, f, s }' "$out/ledger"
[ $failures = 0 ]
