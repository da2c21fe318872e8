# who_saw.sh - to be sourced by what plants bugs: who saw one.

# A fixed address layout: some kernels' randomisation is too much for TSan and MSan.
steady=
setarch "$(uname -m)" -R true 2>/dev/null && steady="setarch $(uname -m) -R"

# who_saw STATUS - sets $seen from a program's exit status and what it printed, which is in $log: the emulation itself, a
# sanitizer, or the program's own check of results and error codes; "-" where nobody did.
who_saw() {
    if [ "$1" = 0 ]; then seen=-
    elif [ "$1" = 124 ]; then seen=hangs
    elif grep -q '^emulation:' "$log"; then seen=emulation
    elif grep -q 'runtime error:' "$log"; then seen=UBSan
    elif grep -q 'AddressSanitizer' "$log"; then seen=ASan
    elif grep -q 'MemorySanitizer' "$log"; then seen=MSan
    elif grep -q 'ThreadSanitizer' "$log"; then seen=TSan
    elif [ "$1" = 1 ]; then seen=result
    else seen=crash
    fi
}
