#!/bin/sh
# cli_test.sh EER LIBRARY - the program with --backend cuda, LIBRARY being cuda/ under the emulation. Prints "ok: .." and
# "not ok: .." lines, then "N passed, N failed".
set -u
eer=$1
EER_CUDA_LIBRARY=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
export EER_CUDA_LIBRARY
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

is() { # WHAT CONDITION..
    what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "not ok: $what"; cat "$work/out"; fi
}
run() { # STATUS ARGUMENT..: its output, both, in out
    wanted=$1
    shift
    "$eer" "$@" >"$work/out" 2>&1
    status=$?
    is "eer $*: status $status, $wanted expected" [ "$status" = "$wanted" ]
}
says() { is "\"$1\" is missing" grep -qF "$1" "$work/out"; }
one_line() { is "more than one line" [ "$(wc -l <"$work/out")" = 1 ]; }
same() { is "$1 and $2 differ" cmp -s "$1" "$2"; }

small='--set batch=3 --set length_min=4 --set length_max=9 --set loops=3 --set eval_sequences=1 --set eval_every=6 --quiet'
train() { # STATUS OUT ARGUMENT..
    wanted=$1 out=$2
    shift 2
    # shellcheck disable=SC2086 # a list of words
    run "$wanted" train $small --backend cuda --out "$work/$out" "$@"
}

# A run, and with all its steps one by one.
train 0 whole --steps 12
train 0 half --steps 12 --checkpoint-every 1
same "$work/whole/last.safetensors" "$work/half/last.safetensors"
for run in whole half; do # but for the clock
    jq -cS 'del(.seconds, .steps_per_second)' "$work/$run/metrics.jsonl" >"$work/$run.rows"
done
same "$work/whole.rows" "$work/half.rows"
is "three rows" [ "$(wc -l <"$work/whole.rows")" = 3 ]
run 0 info "$work/whole/last.safetensors"
says cuda
# The same checkpoint read by the other backends.
run 0 eval "$work/whole/last.safetensors" --backend cuda --lengths 10,40 --sequences 2 --json
cp "$work/out" "$work/cuda.json"
run 0 eval "$work/whole/last.safetensors" --backend cpu --lengths 10,40 --sequences 2 --json
is "cpu and cuda find other answers right" [ "$(jq -c '[.lengths[]? | .positions_right, .sequences_right]' "$work/cuda.json")" = \
    "$(jq -c '[.lengths[]? | .positions_right, .sequences_right]' "$work/out")" ]
# A run goes on with the backend it was started with.
# shellcheck disable=SC2086
run 2 train $small --steps 12 --backend cpu --resume --out "$work/whole"
says 'started with --backend cuda'
# A loss that is not finite: the step is named, and the last good checkpoint stays.
# The decay makes the parameters 99 times as large in every step.
train 1 wild --steps 40 --set lr=10 --set weight_decay=10 --set norm=none --checkpoint-every 4
says 'not finite'
one_line
step=$(sed -n 's/.*step \([0-9]*\): .*not finite.*/\1/p' "$work/out")
says "(step $(((step - 1) / 4 * 4)))"
# The same step by step: the first that fails, and the state before it.
train 1 slow --steps 40 --set lr=10 --set weight_decay=10 --set norm=none --checkpoint-every 1
says "step $step:"
says "(step $((step - 1)))"
# What is not there.
EMULATION_DEVICES=0 train 3 none --steps 12
says 'no device that CUDA can use'
one_line
# What is verified has been verified on CPUs.
mkdir "$work/verified" && cp "$eer" "$work/verified/eer"
cat >"$work/verified/verify.json" <<END
{"source": "$("$eer" --version | sed -n 's/^source //p')", "result": "passed", "time": "2026-01-01T00:00:00Z",
 "checks": [{"name": "all", "result": "passed", "seconds": 1}]}
END
ours=$eer eer=$work/verified/eer
for backend in cpu cuda; do
    only=''
    [ $backend = cuda ] && only='cuda on CPUs only'
    # shellcheck disable=SC2086 # a list of words
    run 0 train $small --backend $backend --steps 1 --out "$work/verified/$backend"
    run 0 info "$work/verified/$backend/last.safetensors"
    says 'verified: yes, 2026'
    is "$backend, \"verified\": $only" [ "$(sed -n 's/^verified: .*; //p' "$work/out")" = "$only" ]
done
eer=$ours
NVIDIA_TF32_OVERRIDE=1 train 3 other --steps 12 --set d=40
says 'NVIDIA_TF32_OVERRIDE=1 in the environment takes FP32 from cuBLAS'
EMULATION_MEMORY=10000 train 1 none --steps 12
says 'MiB of device memory'
one_line
EER_CUDA_LIBRARY=$work/nothing.so train 3 none --steps 12
says 'nothing.so'
one_line
(unset EER_CUDA_LIBRARY; cp "$eer" "$work/eer"; "$work/eer" train --backend cuda --out "$work/none" --quiet >"$work/out" 2>&1)
says 'make cuda'
one_line
printf 'const char cuda_source[] = "other"; const int cuda_backend = 0;\n' | ${CC:-cc} -shared -fPIC -x c -o "$work/old.so" -
EER_CUDA_LIBRARY=$work/old.so train 3 none --steps 12
says 'call make cuda again'
one_line
is "a run that could not begin left a folder" [ ! -e "$work/none/last.safetensors" ]

# Many models at once: each the same run as alone.
rows() { sed 's/, "seconds".*//' "$work/$1/metrics.jsonl"; }
sweep() { # STATUS SEEDS OUT ARGUMENT..
    wanted=$1 seeds=$2 out=$3
    shift 3
    # shellcheck disable=SC2086 # a list of words
    run "$wanted" sweep $small --backend cuda --seeds "$seeds" --out "$work/$out" "$@"
}
as_alone() { # SWEPT ALONE
    same "$work/$1/last.safetensors" "$work/$2/last.safetensors"
    is "$1 and $2 have other rows" [ "$(rows "$1")" = "$(rows "$2")" ]
}
sweep 0 1-3 many --steps 14
for seed in 1 2 3; do
    train 0 alone-$seed --steps 14 --seed $seed
    as_alone many/seed-$seed alone-$seed
done
is "three models in sweep.txt" [ "$(grep -cE '^ +[123] +14 ' "$work/many/sweep.txt")" = 3 ]
# Those at different steps end together: 1 at the end, 2 at step 6, 3 not begun.
mkdir "$work/uneven"
cp -r "$work/alone-1" "$work/uneven/seed-1"
EMULATION_FAIL=160 train 1 uneven/seed-2 --steps 14 --seed 2
run 0 info "$work/uneven/seed-2/last.safetensors"
says 'step 6 of 14'
# shellcheck disable=SC2086 # a list of words
run 0 sweep --seeds 1-3 --resume $small --steps 14 --out "$work/uneven"
for seed in 1 2 3; do as_alone uneven/seed-$seed alone-$seed; done
# One that is not finite (its parameters grow by half in each step) stops, the other goes on.
wild='--set lr=1 --set weight_decay=2.5 --set lr_schedule=constant --set warmup=0 --steps 32'
# shellcheck disable=SC2086
sweep 1 3,1 apart $wild
says 'seed 3: step 31: '
one_line
# shellcheck disable=SC2086
train 1 alone-wild $wild --seed 3
# shellcheck disable=SC2086
train 0 alone-tame $wild --seed 1
as_alone apart/seed-3 alone-wild
as_alone apart/seed-1 alone-tame
# More than the device has memory for: nothing is replaced.
EMULATION_MEMORY=107100000 sweep 1 1-3 many --steps 14 --force
says 'only 2 of the 3 models fit'
one_line
for seed in 1 2 3; do as_alone many/seed-$seed alone-$seed; done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
