#!/bin/sh
# deps.sh WHAT BUILD - what a target needs, installed through apt where that is allowed. WHAT: train, test,
# prove, verify, bench, test-cuda, all. Says what is missing and exits 3 where it cannot be had; gnuplot and, to train, Arb are never a must.
set -u
what=$1 build=$2

header() { echo "#include <$1>" | ${CC:-cc} -E - >/dev/null 2>&1; }
i18n() { [ -f "/usr/share/i18n/locales/$1" ]; }
has() { command -v "$1" >/dev/null 2>&1; }

# missing: the packages for what is not there, from lines "test:argument:package".
missing() {
    while IFS=: read -r kind name package; do
        [ -n "$kind" ] || continue
        $kind "$name" || printf '%s ' "$package"
    done
}

must='header:jansson.h:libjansson-dev
header:zlib.h:zlib1g-dev'
may='has:gnuplot:gnuplot-nox
header:arb.h:libflint-arb-dev'
case $what in
train | prove) ;;
test | test-cuda | verify | bench | all)
    must="$must
header:criterion/criterion.h:libcriterion-dev
header:mpfr.h:libmpfr-dev
header:arb.h:libflint-arb-dev
has:objcopy:binutils
has:jq:jq
has:python3:python3
has:g++:g++
i18n:de_DE:locales"
    ;;
*) echo "deps.sh: $what: expected train, test, test-cuda, prove, verify, bench or all" >&2; exit 2 ;;
esac
case $what in
bench | verify | all) must="$must
has:python3:python3-venv" ;;
esac
case $what in
verify | test-cuda | all) must="$must
has:clang:clang
has:llvm-config-14:libclang-rt-14-dev
has:mandoc:mandoc" ;;
esac

case $what in
prove | verify | all) must="$must
has:frama-c:frama-c-base
has:why3:why3
has:z3:z3
has:cvc4:cvc4
has:cvc5:cvc5
has:gappa:gappa
has:coqc:coq
header:gmp.h:libgmp-dev" ;;
esac

has "${CC:-cc}" || { echo "make: no C compiler (${CC:-cc}): install gcc or clang" >&2; exit 3; }
[ -f "$build/deps/usr/include/zlib.h" ] && must=$(printf '%s\n' "$must" | grep -v -e jansson -e zlib)
wanted=$(printf '%s\n' "$must" | missing)
wished=$(printf '%s\n' "$may" | missing)
[ -z "$wanted$wished" ] && exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root='sudo -n'
if has apt-get && { [ -z "$as_root" ] || $as_root true 2>/dev/null; }; then
    echo "setting up: apt-get install $wanted$wished"
    mkdir -p "$build"
    # shellcheck disable=SC2086 # a list of words
    { $as_root apt-get update -q && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q --no-install-recommends \
        $wanted $wished; } >"$build/apt.log" 2>&1 ||
        echo "apt-get failed; see $build/apt.log" >&2
fi
# Not allowed to install: jansson and zlib can still be unpacked into the build directory.
if ! { header jansson.h && header zlib.h; } && has apt-get && has dpkg-deb; then
    mkdir -p "$build/deps"
    (cd "$build/deps" && apt-get download -q libjansson-dev zlib1g-dev >apt.log 2>&1 &&
        for package in *.deb; do dpkg-deb -x "$package" . || exit 1; done) &&
        echo "setting up: jansson and zlib unpacked into $build/deps"
fi

[ -f "$build/deps/usr/include/zlib.h" ] && must=$(printf '%s\n' "$must" | grep -v -e jansson -e zlib)
wanted=$(printf '%s\n' "$must" | missing)
wished=$(printf '%s\n' "$may" | missing)
[ -z "$wished" ] || echo "going on without $wished(pictures need gnuplot-nox; eer theorem and certify libflint-arb-dev)"
[ -z "$wanted" ] && exit 0
echo "make $what: missing: $wanted(names of Debian's packages); install them and call make again" >&2
exit 3
