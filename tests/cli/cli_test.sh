#!/bin/sh
# cli_test.sh EER [KILLS] - the program as a person meets it: help, messages, exit statuses, files, and
# runs that are stopped, killed and resumed. One line a check; the last says how many passed.
# KILLS: rounds of SIGKILL at a random moment (default 5).

EER=$(realpath "${1:?usage: cli_test.sh EER [KILLS]}") || exit 2
KILLS=${2:-5}
MANUAL=$(realpath "$(dirname "$0")/../../fast/program/eer.1")
W=$(mktemp -d) || exit 2
trap 'rm -rf "$W"' EXIT
cd "$W" || exit 2
passed=0
failed=0

pass() {
    passed=$((passed + 1))
    echo "ok    $1"
}
fail() {
    failed=$((failed + 1))
    echo "FAIL  $1"
    sed 's/^/      | /' out err 2>/dev/null | tail -12
}
check() { # NAME COMMAND...: the command succeeds
    name=$1
    shift
    if "$@"; then pass "$name"; else fail "$name"; fi
}
eer() { "$EER" "$@" >out 2>err </dev/null; }
# gives STATUS PATTERN ARGUMENT...: exit status, and a pattern in what was said, in one line on stderr
gives() {
    expected=$1 pattern=$2
    shift 2
    eer "$@"
    status=$?
    name="exit $expected: eer $*"
    if [ $status -ne "$expected" ]; then
        fail "$name (was $status)"
    elif ! cat out err | grep -Eq -e "$pattern"; then
        fail "$name (expected /$pattern/)"
    elif [ "$expected" -ne 0 ] && [ "$(grep -c '^eer: ' err)" -ne 1 ]; then
        fail "$name (expected one sentence)"
    else
        pass "$name"
    fi
}
is_json() { jq -es 'length == 1' "$1" >/dev/null; }
lines_are_json() { jq -es "length == $(wc -l <"$1")" "$1" >/dev/null; }
# The rows without what the clock says.
rows() { sed 's/, "seconds".*//' "$1/metrics.jsonl"; }
same_run() { cmp -s "$1/last.safetensors" "$2/last.safetensors" && [ "$(rows "$1")" = "$(rows "$2")" ]; }
now() { date +%s.%N; }

# A model that steps fast: what matters here is the program around it.
SMALL="--set batch=8 --set d=4 --set mlp=8 --set loops=5 --set length_min=8 --set length_max=16
       --set warmup=0 --set eval_sequences=2 --set eval_every=100 --threads 2 --quiet"
small() { eer train $SMALL "$@"; }

# --- help -------------------------------------------------------------------------------------------
gives 0 'usage: eer COMMAND' help
gives 0 'usage: eer COMMAND' --help
gives 0 '^eer ' --version
gives 2 'a command is missing'
gives 2 'unknown command "trian"; did you mean train' trian
gives 2 'unknown command "xyzzy"' help xyzzy
COMMANDS=$("$EER" help | awk '/^  [a-z]/ && $1 != "help" { print $1 }')
check "help lists train, eval, info, report" \
    test "$(echo "$COMMANDS" | grep -Ecx 'train|eval|info|report')" -eq 4
for command in $COMMANDS; do
    gives 0 "usage: eer $command" "$command" --help
    gives 0 "usage: eer $command" help "$command"
    grep -q 'no Arb' out || gives 2 'unknown option --no-such-thing' "$command" --no-such-thing
    for option in $("$EER" help "$command" | sed -n 's/^  --\([a-z0-9-]*\).*/\1/p'); do
        grep -q -e "^\.It Fl Fl $option\( \|\$\)" "$MANUAL" || echo "$command --$option" >>missing
    done
done
"$EER" train --print-config >default.conf
sed 's/ =.*//' default.conf | while read -r key; do
    grep -q -e "^\.It Cm $key\( \|\$\)" "$MANUAL" || echo "$key" >>missing
done
check "the manual has every command's options and every key" test ! -e missing
[ -e missing ] && sed 's/^/      | not in the manual: /' missing

# --- wrong usage ------------------------------------------------------------------------------------
gives 2 'unknown option --thread5; did you mean --threads' train --thread5 3
gives 2 'option --set needs a value: KEY=VALUE' train --set
gives 2 'option --quiet takes no value' train --quiet=1
gives 2 'could mean' train --pre eer
gives 2 'unknown option -x' train -x
gives 2 '"stray"' train stray
gives 2 'expected KEY=VALUE' train --set lr
gives 2 'lamda_P.*lambda_P' train --set lamda_P=1
gives 2 'tau.*expected a number from' train --set tau=0
gives 2 'd = 6: expected a multiple of 4' train --set d=6
gives 2 'steps' train --steps 1.5
gives 2 'seed' train --seed -1
gives 2 'preset' train --preset none
gives 2 '"0" is not a whole number from 1 to 64' train --threads 0
gives 2 'none of cpu.ref' train --backend gpu
gives 2 'none of fp64.fp32.tf32' train --precision fp16
gives 2 'none of' train --isa sse
gives 2 'none of' train --tf32-rounding up
gives 2 'checkpoint-every' train --checkpoint-every 0
gives 1 'missing.conf' train --config missing.conf
printf 'd = 8\nwidth = 3\n' >wrong.conf
gives 2 'wrong.conf:2: .*width' train --config wrong.conf
gives 2 'eval takes one checkpoint' eval
gives 2 'info takes one checkpoint, but 2 are given' info a b
gives 2 'report takes one directory' report
gives 1 'nothing.safetensors' eval nothing.safetensors
gives 1 'nothing/metrics.jsonl' report nothing

# --- configuration ----------------------------------------------------------------------------------
"$EER" train --preset reproduction --set lr=0.1 --set slope=0.30000000000000004 --seed 7 \
    --print-config >a.conf
"$EER" train --config a.conf --print-config >b.conf
check "--print-config | --config gives the same" cmp -s a.conf b.conf
gives 0 'seed = 9 ' train --config a.conf --seed 9 --print-config

# --- a run ------------------------------------------------------------------------------------------
small --steps 400 --out straight
check "a small run succeeds" test $? -eq 0
check "--quiet is quiet" test ! -s out -a ! -s err
check "the directory holds config, metrics and checkpoint, nothing else" \
    test "$(ls -A straight | tr '\n' ' ')" = "config.conf last.safetensors metrics.jsonl "
check "metrics at steps 0, 100, ... 400" \
    test "$(sed 's/.*"step": \([0-9]*\).*/\1/' straight/metrics.jsonl | tr '\n' ' ')" = "0 100 200 300 400 "
check "every line of metrics is JSON" lines_are_json straight/metrics.jsonl
gives 0 'step 400 of 400' info straight/last.safetensors
eer info straight/last.safetensors --json
check "info --json is JSON" is_json out
gives 0 '1000  *3 ' eval straight/last.safetensors --sequences 3
eer eval straight/last.safetensors --lengths 10,20 --sequences 2 --loops 3 --json
check "eval --json is JSON" is_json out
cp out first.json
eer eval straight/last.safetensors --lengths 20,10 --sequences 2 --loops 3 --threads 1 --json
check "eval gives the same at any number of threads and in any order" \
    test "$(grep -A3 '"length": 20' out)" = "$(grep -A3 '"length": 20' first.json)"
gives 2 '"0" is not a whole number' eval straight/last.safetensors --lengths 10,0
gives 2 '"" is not a whole number' eval straight/last.safetensors --lengths 10,
gives 2 'lengths' eval straight/last.safetensors --lengths 10x
gives 2 'sequences' eval straight/last.safetensors --sequences 0
gives 2 'loops' eval straight/last.safetensors --loops 0
gives 2 'seed' eval straight/last.safetensors --seed x
gives 0 "Table 2" report straight
if command -v gnuplot >/dev/null; then
    check "report draws both pictures" test -s straight/report.svg -a -s straight/report.png
fi
mkdir nopath
env PATH="$W/nopath" "$EER" report straight >out 2>err
check "without gnuplot: exit 0 and a line" \
    test $? -eq 0 -a "$(grep -c 'gnuplot is not installed' out)" -eq 1
small --steps 400 --out one --threads 1
check "one thread gives the same bits" same_run straight one
for isa in plain avx2 avx512; do
    small --steps 400 --out $isa --isa $isa
    case $? in
    0) check "$isa gives the same bits" same_run straight $isa ;;
    3) check "$isa is not for this machine: a sentence" grep -q '^eer: .' err ;;
    *) fail "$isa" ;;
    esac
done
small --steps 100 --set eval_every=20 --precision tf32 --out tf32
gives 2 'was started with --precision tf32 and cannot' train --resume tf32 --precision fp32
gives 0 'precision tf32' info tf32/last.safetensors
small --steps 10 --set eval_every=5 --backend ref --out ref
gives 0 'ref: fp64' eval ref/last.safetensors --lengths 10 --sequences 2
gives 0 'cpu: fp32' eval ref/last.safetensors --lengths 10 --sequences 2 --backend cpu
gives 0 'ref: fp64' eval one/last.safetensors --lengths 10 --sequences 2 --backend ref

# --- theorem ------------------------------------------------------------------------------------------
if eer theorem --help && grep -q 'no Arb' out; then
    echo "skipped  theorem: this eer was built without Arb"
else
    gives 0 'two_rows_every_q .* the inequality, for every q' theorem
    eer theorem --json
    check "theorem --json is JSON with twelve instances, each with its verdict" \
        jq -e 'length == 12 and all(.[]; .verdict["every q"] and .hypotheses.met and .refutes != "nothing")' out
    echo '{"X": [["0.1"]], "Z": [[0]], "W_Q": [[1]], "W_K": [[1]], "W_V": [["1/2"]]}' >small.json
    gives 0 'does not violate' theorem --instance small.json
    eer theorem --instance small.json --json
    check "an instance's JSON has a verdict" jq -e '.verdict["2"] == "does not violate"' out
    echo '{"X": [["1/3"]], "Z": [["5/3"]], "W_Q": [[1]], "W_K": [[1]], "W_V": [["2/3"]]}' >thirds.json
    gives 0 'X.._F <= 0.333334 <= 1  ..Z.._F >= 1.66666, ABOVE 1  ..W_V.._F >= 0.666666, ABOVE 1/2: NOT met' \
        theorem --instance thirds.json
    { # weights of 110 x 110 doubles, X = Z = 0
        row() { yes "$1" | head -110 | paste -sd, | sed 's/.*/[&]/'; }
        weights=$(row "$(row 0.1)")
        echo "{\"X\": [$(row 0)], \"Z\": [$(row 0)], \"W_Q\": $weights, \"W_K\": $weights, \"W_V\": $weights}"
    } >large.json
    gives 0 'not checked in rationals: d = 110 > [6-9][0-9], ' theorem --instance large.json
    eer theorem --instance large.json --json
    check "JSON says what was not checked" \
        jq -e '.rational.not_checked | test("^not checked in rationals: d = 110 > [6-9][0-9]$")' out
    gives 1 'no-such.json: cannot open' theorem --instance no-such.json
    printf '{"X": [["1\033[2J"]], "Z": [[0]], "W_Q": [[1]], "W_K": [[1]], "W_V": [[1]]}' >bad.json
    gives 1 'bad.json' theorem --instance bad.json
    echo '{"X": [["1/0"]], "Z": [[0]], "W_Q": [[1]], "W_K": [[1]], "W_V": [[1]]}' >bad.json
    gives 1 'bad.json: X.0..0.: "1/0" is not a finite number' theorem --instance bad.json
    gives 2 'takes no operand' theorem small.json
    gives 2 'no-such-thing' theorem --no-such-thing
fi

# --- certify ------------------------------------------------------------------------------------------
if eer certify --help && grep -q 'no Arb' out; then
    echo "skipped  certify: this eer was built without Arb"
else
    gives 0 'L = 6, sequence 2: ' certify straight/last.safetensors --lengths 5,6 --sequences 2 --loops 2
    gives 0 'fixed point' certify straight/last.safetensors --tokens 0,1,2,1 --update gated --every 2
    eer certify straight/last.safetensors --lengths 5 --loops 9
    awk '/J.*>=/ { on = 1; next } !NF { on = 0 } on { print $2, $3 }' out >table
    eer certify straight/last.safetensors --lengths 5 --loops 9 --json
    jq -r '.sequences[0].states[].jacobian.norm | "\(.[0]) \(.[1])"' out >exact
    check "the table's numbers are rounded outwards" \
        test "$(paste -d' ' table exact | awk '$1 <= $3 && $2 >= $4 && $2 < $4 + 1e-3 * $4' | wc -l)" = 10
    eer certify straight/last.safetensors --lengths 5 --loops 3 --json --picture bounds.svg
    check "certify --json is JSON with a state an iteration" \
        jq -e '.sequences[0].states | length == 4 and all(.jacobian.norm | .[0] <= .[1])' out
    check "the picture's script is there" grep -q 'not a bound' bounds.svg.gp
    if command -v gnuplot >/dev/null; then check "the picture is drawn" grep -q '<svg' bounds.svg; fi
    printf '\223NUMPY\1\0\75\0%s\n\0\0\0\0\0\0\360\77' \
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}   " >x.npy
    tensor() { printf '"%s":{"dtype":"F64","shape":[1,1],"data_offsets":[%d,%d]}' "$@"; }
    weights() { # of one number each: W_Q = W_K, W_V, as the bytes of doubles; a header of 176 bytes
        printf '\260\0\0\0\0\0\0\0'
        printf '%-176s' "{$(tensor W_Q 0 8),$(tensor W_K 0 8),$(tensor W_V 8 16)}"
        # shellcheck disable=SC2059 # octal bytes
        printf "$1$2"
    }
    weights '\0\0\0\0\0\0\340\77' '\0\0\0\0\0\0\320\77' >w.safetensors # 1/2, 1/4
    weights '\125\125\125\125\125\125\325\77' '\0\0\0\0\0\0\320\77' >third.safetensors # 1/3, 1/4
    gives 0 'Q.. 0.33334, ..W_K.. 0.33334, ..W_V.. 0.25(001)?, ..W_V.._F 0.25, ..M.. 0.11112, ..X.. 1(.0001)?, ..X.._F 1$' \
        certify --attention third.safetensors --input x.npy --loops 2
    number=' +[0-9.e+-]+'
    proved="proved, exactly one within$number of a point at distance$number from Z_2"
    proved="fixed point: $proved .\|C f\| <=$number, \|\|I - C f'\|\| <=$number.; rho there"
    gives 0 "$proved +0\\.2(4999|5) to +0\\.25(001)?: it attracts\$" \
        certify --attention w.safetensors --input x.npy --map ST --loops 2
    gives 0 "$proved +1\\.2(499|5) to +1\\.25(01)?: an eigenvalue above 1 in modulus\$" \
        certify --attention w.safetensors --input x.npy --residual --loops 2
    head -c 70 x.npy >cut.npy
    gives 1 'cut.npy: .*expected' certify --attention w.safetensors --input cut.npy
    gives 1 'no-such.npy: cannot open' certify --attention w.safetensors --input no-such.npy
    gives 1 'x.npy: .*expected' certify --attention x.npy --input x.npy
    gives 2 'needs --input' certify --attention w.safetensors
    gives 2 'go with --attention' certify straight/last.safetensors --residual
    gives 2 'is none of S' certify --attention w.safetensors --input x.npy --map T
    gives 2 'is not a number' certify --attention w.safetensors --input x.npy --scale much
    gives 2 'whole number from 1 to 1000' certify straight/last.safetensors --lengths 1001
    gives 2 'whole number from 0 to 2' certify straight/last.safetensors --tokens 0,3
    gives 2 'one checkpoint, but 0' certify
fi

# --- nothing of the user's is lost ------------------------------------------------------------------
cp straight/last.safetensors kept
gives 2 'straight holds a run: --resume .*--force' train $SMALL --out straight
mkdir foreign && echo thesis >foreign/thesis.tex
gives 2 'foreign holds other files' train $SMALL --out foreign
gives 2 'foreign holds other files' train $SMALL --out foreign --resume
gives 2 'foreign: this directory holds no run' train --resume foreign
gives 1 'nowhere' train --resume nowhere
gives 1 'Not a directory' train $SMALL --out kept/run
gives 1 'cannot make this directory' train $SMALL --out /proc/eer
gives 2 'leave out --out' train --resume straight --out other
check "the run and the stranger's file are as they were" \
    test "$(cat foreign/thesis.tex)" = thesis -a "$(cmp straight/last.safetensors kept)" = ""
small --steps 100 --out straight --force
check "--force replaces a run" test $? -eq 0 -a "$(wc -l <straight/metrics.jsonl)" -eq 2
small --steps 400 --out straight --force

# --- resume -----------------------------------------------------------------------------------------
gives 2 'was started with lr = .* and cannot continue with lr = 0.5' \
    train --resume straight --set lr=0.5
gives 2 'was started with steps = 400 and cannot' train --resume straight --steps 500
gives 2 'was started with --backend cpu and cannot continue with ref' \
    train --resume straight --backend ref
gives 2 'was started with --precision fp32 and cannot' train --resume straight --precision tf32
eer train --resume straight --quiet
check "a finished run resumed stays the same" test $? -eq 0 -a "$(same_run straight one && echo yes)"
cp straight/last.safetensors straight/mine.safetensors
gives 2 'would replace last.safetensors' train --resume straight/mine.safetensors
head -c 700 one/last.safetensors >straight/last.safetensors
gives 1 'straight/last.safetensors: ' train --resume straight
gives 1 'last.safetensors: ' eval straight/last.safetensors
cp one/last.safetensors straight/last.safetensors
small --steps 400 --out fresh --resume
check "--resume of nothing starts from step 0" same_run fresh one

begin=$(now)
small --steps 4000 --out long
total=$(echo "$begin $(now)" | awk '{ print $2 - $1 }')
moment() { awk -v seed="$1$$" -v total="$total" 'BEGIN { srand(seed); print rand() * total }'; }

"$EER" train $SMALL --steps 4000 --out stopped >out 2>err &
sleep "$(echo "$total" | awk '{ print $1 / 3 }')"
kill -INT $!
wait $!
check "SIGINT: exit 0" test $? -eq 0
eer info stopped/last.safetensors
step=$(sed -n '1s/.*step \([0-9]*\) of.*/\1/p' out)
check "SIGINT: a checkpoint of a step on the way ($step)" test "${step:-0}" -gt 0 -a "${step:-0}" -lt 4000
eer train --resume=stopped --quiet
check "SIGINT, then --resume: the same bits" same_run stopped long
"$EER" train --steps 1000000 --set eval_sequences=1 --out term >out 2>err &
sleep 0.5
kill -TERM $!
wait $!
check "SIGTERM: exit 0, and how to continue" \
    test $? -eq 0 -a "$(grep -c 'to continue: eer train --resume term' out)" -eq 1
"$EER" train --resume term >out 2>err &
sleep 0.3
gives 1 'another process is training there' train --resume term
kill -TERM $!
wait $!

round=0
while [ $round -lt "$KILLS" ]; do
    round=$((round + 1))
    at=$(moment $round)
    "$EER" train $SMALL --steps 4000 --checkpoint-every 70 --out killed$round >out 2>err &
    sleep "$at"
    kill -KILL $! 2>/dev/null
    wait $! 2>/dev/null
    printf '{"step": 1, "len' >>killed$round/metrics.jsonl
    small --steps 4000 --checkpoint-every 70 --out killed$round --resume
    check "SIGKILL after $at s, then --resume: the same bits" same_run killed$round long
    check "and no temporary file stays" test -z "$(ls killed$round | grep tmp)"
done

# --- sweep ------------------------------------------------------------------------------------------
gives 2 'sweep needs .*--seeds' sweep
gives 2 '"stray"' sweep --seeds 1 stray
gives 2 'the range 3-1 is empty' sweep --seeds 3-1
gives 2 '2 is there twice' sweep --seeds 1-3,2
gives 2 'more than 1024' sweep --seeds 1-1025
gives 2 'more than 1024' sweep --seeds 7,0-18446744073709551615
gives 2 '"" is not a whole number' sweep --seeds 1,
gives 2 '"" is not a whole number' sweep --seeds -1
gives 2 '"2-3" is not a whole number' sweep --seeds 1-2-3
gives 2 '^eer: --seeds 4,1-: "" is not a whole number' sweep --seeds 4,1-
gives 2 '--seeds 1-2 and --seeds 3' sweep --seeds 1-2 --seed 3
gives 2 '--out: ""' sweep --seeds 1 --out ''
gives 2 '--out: ""' train --out ''
gives 2 'take one of them' sweep --seeds 1 --resume --force
gives 2 'take one of them' train --force --resume
gives 2 'those of --seeds' sweep --seeds 1-2 --set seed=1 --out many
eer sweep $SMALL --steps 20 --seeds 18446744073709551614-18446744073709551615 --out large
check "sweep: the largest seeds" test -s large/seed-18446744073709551615/last.safetensors
for seed in 2 3 11; do small --steps 400 --seed $seed --out alone-$seed; done
eer sweep $SMALL --steps 400 --seeds 2-3,11 --out many
check "a sweep succeeds, and is quiet" test $? -eq 0 -a ! -s out -a ! -s err
for seed in 2 3 11; do
    check "sweep: seed $seed is the same run as train's" same_run many/seed-$seed alone-$seed
    check "and nothing else is in its folder" test "$(ls -A many/seed-$seed)" = "$(ls -A alone-$seed)" \
        -a "$(cmp many/seed-$seed/config.conf alone-$seed/config.conf)" = ""
done
last() { tail -n 1 "many/seed-$1/metrics.jsonl" | jq .accuracy_1000; }
check "sweep.txt has each model's last row, and their median" test \
    "$(awk '$1 ~ /^(2|3|11)$/ { print $2, $6 + 0 } $1 == "median" { print $5 + 0 }' many/sweep.txt)" = "$(
        for seed in 2 3 11; do echo "400 $(last $seed | awk '{ printf "%.3f", $1 }' | awk '{ print $1 + 0 }')"; done
        for seed in 2 3 11; do last $seed; done | sort -g | awk 'NR == 2 { printf "%.3f\n", $1 }' | awk '{ print $1 + 0 }'
    )"
(ulimit -n 100 && "$EER" sweep $SMALL --seeds 1-30 --out open >out 2>err)
check "sweep: more files than are allowed: exit 1, a sentence, nothing begun" \
    test $? -eq 1 -a "$(grep -c '^eer: 30 models need 124 open files, but only 100' err)" -eq 1 -a ! -e open
cp many/seed-2/last.safetensors kept
gives 2 'many holds a sweep: --resume .*--force' sweep $SMALL --seeds 2-4 --out many
rm many/sweep.txt
gives 2 'seed 3: many/seed-3 holds a run' sweep $SMALL --seeds 4,3 --out many
export EER_CUDA_LIBRARY=./none.so
gives 3 'EER_CUDA_LIBRARY: ./none.so' sweep --seeds 30-31 --out many --backend cuda
unset EER_CUDA_LIBRARY
check "sweep: no folders of runs that could not begin" test ! -e many/seed-30 -a ! -e many/seed-31
gives 2 'runs of other seeds only' sweep --seeds 20-21 --resume --out many
check "sweep: nothing begun beside other seeds" test ! -e many/seed-20
gives 2 'seed 11: the run was started with lr = .* and cannot' sweep --seeds 11,12 --set lr=0.5 --resume --out many
gives 2 '^eer: d = 6' sweep $SMALL --set d=6 --seeds 1-2 --out many
check "nothing was replaced" cmp -s many/seed-2/last.safetensors kept
gives 0 'where 3 of them are' sweep --seeds 2,3,5,11 --resume --out many --threads 2
small --steps 400 --seed 5 --out alone-5
check "--resume begins what is missing as the others were" same_run many/seed-5 alone-5
mkdir mixed && cp -r alone-2 mixed/seed-2 && small --steps 20 --seed 3 --out mixed/seed-3
gives 2 'seed 3: its run was started with another configuration' sweep --seeds 2-3 --resume --out mixed
gives 0 'median' sweep --seeds 2-3 --resume --out many
check "sweep.txt says what it leaves out" grep -q '^Not in this table: 2 runs of other seeds' many/sweep.txt
"$EER" sweep $SMALL --steps 4000 --seeds 1-3 --out swept >out 2>err &
sleep "$(echo "$total" | awk '{ print 1.4 * $1 }')"
kill -INT $!
wait $!
check "sweep, SIGINT: exit 0, on the way" test $? -eq 0 -a -e swept/seed-1/last.safetensors -a ! -e swept/sweep.txt
eer sweep --resume --seeds 1-3 --out swept --quiet
for seed in 2 3; do small --steps 4000 --seed $seed --out long-$seed; done
check "then --resume: the same bits" eval "same_run swept/seed-1 long && same_run swept/seed-2 long-2 &&
    same_run swept/seed-3 long-3 && test -s swept/sweep.txt"
# The decay makes the parameters half as large again in every step; which model is the first not to be finite, its seed says.
WILD="--set lr=1 --set weight_decay=2.5 --set lr_schedule=constant --set warmup=0 --set batch=3 --set length_min=4
      --set length_max=9 --set loops=3 --set eval_sequences=1 --set eval_every=6 --steps 29 --quiet"
gives 1 '^eer: 1 of 2 models stopped; seed 8: step 26: .*not finite.*the last good checkpoint is apart/seed-8/last.safetensors \(step 24\)' \
    sweep $WILD --seeds 8,4 --out apart
eer train $WILD --seed 8 --out alone-wild
eer train $WILD --seed 4 --out alone-tame
check "sweep: a model that is not finite stops as alone, and the other goes on" \
    eval "same_run apart/seed-8 alone-wild && same_run apart/seed-4 alone-tame && grep -q '^1 of 2 models stopped' apart/sweep.txt"
gives 0 'step 29 of 29' info apart/seed-4/last.safetensors

# --- what goes wrong while it runs ------------------------------------------------------------------
gives 1 'step [0-9]*: .*not finite.*the last good checkpoint is wild/last.safetensors \(step [0-9]*\)' \
    train $SMALL --set lr=10 --set weight_decay=10 --set lr_schedule=constant --set warmup=0 \
    --steps 4000 --out wild
gives 0 'step [0-9]* of 4000' info wild/last.safetensors
cp -r one full && cp full/last.safetensors kept
(
    trap '' XFSZ
    ulimit -f 1
    "$EER" train --resume full --quiet --force >/dev/null 2>err.full
    "$EER" train $SMALL --steps 400 --out small >/dev/null 2>err.small
    echo $? >status.small
)
mv err.small err
check "a file too large: exit 1, path and reason" \
    test "$(cat status.small)" = 1 -a "$(grep -c '^eer: .*small/.*: .*File too large' err)" -eq 1
check "a file too large: the last good checkpoint is kept" cmp -s full/last.safetensors kept
if unshare -rm true 2>/dev/null; then
    mkdir disk
    unshare -rm sh -c 'mount -t tmpfs -o size=96k none disk && mkdir disk/run &&
        cp one/* disk/run && cp disk/run/last.safetensors kept &&
        head -c 1000000 /dev/zero >disk/filler; "$0" train "$@" --out disk/new; echo $? >status;
        cmp disk/run/last.safetensors kept && echo kept >>status' "$EER" $SMALL --steps 400 \
        >out 2>err
    check "a full disk: exit 1, path and reason, other files untouched" \
        test "$(tr '\n' ' ' <status)" = "1 kept " -a "$(grep -c 'disk/new.*No space left' err)" -ge 1
else
    echo "skipped  a full disk: no right to mount a small file system"
fi
"$EER" help >/dev/full 2>err
check "a full standard output: exit 1" test $? -eq 1
if command -v script >/dev/null; then
    script -qc "$EER train --steps 300 --set warmup=0 --set eval_sequences=1 --out tty" typescript \
        >/dev/null 2>&1 </dev/null
    check "a terminal gets a live line" \
        test "$(tr '\r' '\n' <typescript | grep -c 'steps/s.*left')" -ge 2
else
    echo "skipped  a terminal gets a live line: no script(1)"
fi

echo "$passed passed, $failed failed"
test $failed -eq 0
