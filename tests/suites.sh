# suites.sh - for scripts that run suites: a line a suite, then "N passed, N failed, N skipped". To be sourced; $logs is a
# folder for what the suites print, $total their number. Suites may run side by side, in subshells.
started=$(date +%s)
: >"$logs/counts"

# A file's "Tested: .. Passing: .. Failing: .. Crashing: ..", "N passed, N failed" (and "N skipped") or lines "ok: .." and
# "not ok: .."; and lines "skipped: .."; as "passed failed skipped".
count() {
    sed -e 's/\x1b\[[0-9;]*m//g' "$1" | awk '
        /Synthesis: Tested/ { gsub(/[^0-9 ]/, " "); p += $2; f += $3 + $4; summary = 1 }
        /^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3; s += $6 == "skipped" ? $5 : 0; summary = 1 }
        /^skipped/ { s++ }
        /^ok: / { good++ }
        /^not ok: / { bad++ }
        END { print (summary ? p : good) + 0, (summary ? f : bad) + 0, s + 0 }'
}

suite() { # NAME COMMAND..
    name=$1 log=$logs/$1.log begun=$(date +%s)
    shift
    "$@" >"$log" 2>&1
    status=$?
    # shellcheck disable=SC2046 # three numbers
    set -- $(count "$log")
    skips=$3
    # A program that ends badly, or that tested nothing, failed.
    [ "$2" -gt 0 ] || { [ "$status" = 77 ] && [ "$skips" -gt 0 ]; } ||
        { [ "$status" = 0 ] && [ $(($1 + skips)) -gt 0 ]; } || set -- "$1" 1
    echo "$1 $2 $skips" >>"$logs/counts"
    number=$(wc -l <"$logs/counts")
    printf '%2d/%d  %-24s %4d passed %3d failed %3d skipped  %3d s\n' "$number" "$total" "$name" "$1" "$2" \
        "$skips" "$(($(date +%s) - begun))"
    [ "$2" = 0 ] || { echo "      see $log"; grep -aE 'FAIL|not ok|error|Unexpected|emulation:' "$log" | head -12; }
    grep -a '^share' "$log" | sed 's/^/         /'
}

# The last two lines; fails if something did, if nothing was tested, or if a suite is missing.
suites_end() {
    echo "$(($(date +%s) - started)) s"
    awk -v total="$total" '{ passed += $1; failed += $2; skipped += $3 }
        END {
            printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
            exit !(passed > 0 && failed == 0 && NR == total)
        }' "$logs/counts"
}
