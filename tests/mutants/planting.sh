# planting.sh - to be sourced by what plants the bugs of a list; $log is a folder. The list's entries:
#
#   bug: what it is   file: where   old: a piece of one line there, found once   new: what takes its place   test: who has
#   to see it; and, if given after the name of the bug, after: a piece of a line found once, from which on the first `old`
#   is meant
number=0 caught=0 survived=0 broken=0

# plant FILE - the bug, in $after, $old and $new. Exit 1, and FILE as it was, unless the pieces stand there as they should.
plant() {
    AFTER=$after OLD=$old NEW=$new awk '
        BEGIN { after = ENVIRON["AFTER"]; found = after != "" }
        after != "" && index($0, after) { begun++ }
        { at = index($0, ENVIRON["OLD"])
          if (at && (after == "" || (begun && !planted++))) {
              rest = substr($0, at + length(ENVIRON["OLD"]))
              $0 = substr($0, 1, at - 1) ENVIRON["NEW"] rest
              found += after == "" ? 1 + (index(rest, ENVIRON["OLD"]) > 0) : 0 }
          print }
        END { exit found != 1 || (after != "" && (begun != 1 || !planted)) }' "$1" >"$log/planted" && cat "$log/planted" >"$1"
}

# judge_all LIST - judge for each entry, which counts; then the numbers. Exit 1 unless all were caught, and one at least.
judge_all() {
    while read -r key value || [ -n "$key" ]; do
        case $key in
        bug:) bug=$value after= ;;
        after:) after=$value ;;
        file:) file=$value ;;
        old:) old=$value ;;
        new:) new=$value ;;
        test:) test=$value && judge ;;
        esac
    done <"$1"
    echo "$number bugs planted: $caught caught, $survived survived, $broken not planted or not built"
    [ "$survived" = 0 ] && [ "$broken" = 0 ] && [ "$number" -gt 0 ]
}
