# inline.awk -v hidden=LIST FILE - a source of ref/ or spec/ as E-ACSL takes it: predicates and logic functions become macros.
#
# E-ACSL 25 translates none that reads memory ("with labels"), but it translates what they stand for, and Frama-C
# runs the preprocessor over annotations. So each definition becomes a #define of the same name; its parameters get
# parentheses and its bound variables a name of their own. Lines keep their numbers.
#
# Labels: P{A, B}(x) becomes P(A, B, x), and f{A}(x) becomes f(x): read at the present state. Where a contract says
# f{Pre}(c), the configuration c is not assigned, so that it is the same. Left out: lemmas, axiomatic blocks, what
# is over the reals, and what recurses: vocabulary.h says those anew.

# s with every name NAME{...}( of a predicate as a macro takes it
function unlabelled(s,    done, labels, name) {
    # \old(philox_of(...)) and philox_of{Pre}(...) are philox_of_old(...)
    gsub(/\\old\(philox_of\(|philox_of\{Pre\}\(/, "&old_", s)
    # \old(philox_of(...)) and philox_of{Pre}(...) are philox_of_old(...)
    gsub(/\\old\(philox_of\(old_/, "(philox_of_old(", s)
    gsub(/philox_of\{Pre\}\(old_/, "philox_of_old(", s)
    # the bounds, which stand inside of it, where E-ACSL looks for them
    gsub(/integer j; is_last_match\(tokens, i, j\)/, "integer j; 0 <= j < i ==> is_last_match(tokens, i, j)", s)
    done = ""
    while (match(s, /[A-Za-z_0-9]+\{[A-Za-z0-9_, ]+\}\(/)) {
        name = labels = substr(s, RSTART, RLENGTH)
        sub(/\{.*/, "", name)
        sub(/^[^{]*\{/, "", labels)
        sub(/\}\($/, "", labels)
        gsub(/Post/, "Here", labels)
        done = done substr(s, 1, RSTART - 1) name "(" (labels ~ /,/ ? labels ", " : "")
        s = substr(s, RSTART + RLENGTH)
    }
    return done s
}

# s with each name of the table `instead` replaced, but not members and not \keywords
function replaced(s, instead,    done, before, name) {
    done = ""
    while (match(s, /[A-Za-z_][A-Za-z_0-9]*/)) {
        before = substr(s, 1, RSTART - 1)
        name = substr(s, RSTART, RLENGTH)
        done = done before ((name in instead) && (done before) !~ /(->|\.|\\|[0-9])$/ ? instead[name] : name)
        s = substr(s, RSTART + RLENGTH)
    }
    return done s
}

# "#define ..." for one definition, or "" if it is left out
function macro(s,    name, kind, labels, parameters, body, list, n, i, instead, rest, bound) {
    if (s !~ /^(predicate|logic) / || s ~ /^logic real /) return ""
    match(s, /[A-Za-z_0-9]+(\{[^}]*\})?\(/)
    name = labels = substr(s, RSTART, RLENGTH - 1)
    rest = substr(s, RSTART + RLENGTH)
    sub(/\{.*/, "", name)
    if (labels !~ /,/) labels = ""
    gsub(/^[^{]*\{|\}$/, "", labels)
    parameters = rest
    sub(/\) *=.*/, "", parameters)
    body = substr(rest, length(parameters) + 1)
    sub(/^\) *= */, "", body)
    sub(/; *$/, "", body)
    if (name ~ /^(counted|eer_offset|philox|philox_of)$/) return "" # recursive: vocabulary.h
    n = split(parameters, list, / *, */)
    parameters = labels
    for (i = 1; i <= n; i++) {
        sub(/.*[ *]/, "", list[i])
        parameters = parameters (parameters == "" ? "" : ", ") list[i]
        instead[list[i]] = "(" list[i] ")"
    }
    rest = body
    while (match(rest, /\\(forall|exists) [a-z]+ [^;]*;/)) {
        bound = substr(rest, RSTART, RLENGTH - 1)
        rest = substr(rest, RSTART + RLENGTH)
        sub(/^[^ ]* [a-z]+ /, "", bound)
        n = split(bound, list, / *, */)
        for (i = 1; i <= n; i++) instead[list[i]] = list[i] "_in_" name
    }
    return "#define " name "(" parameters ") (" replaced(unlabelled(body), instead) ")"
}

function definitions(s,    lines, n, i, list, text, one, k) {
    lines = gsub(/\n/, "\n", s)
    gsub(/\/\/[^\n]*/, "", s)
    gsub(/[ \n]+/, " ", s)
    sub(/^\/\*@ /, "", s)
    sub(/ *\*\/$/, "", s)
    gsub(/; (predicate|logic|lemma|axiomatic) /, "\n&", s)
    gsub(/\} (predicate|logic|lemma|axiomatic) /, "\n&", s)
    gsub(/\n[;}] /, ";\n", s)
    n = split(s, list, "\n")
    text = ""
    k = 0
    for (i = 1; i <= n; i++) {
        one = macro(list[i])
        if (one == "") continue
        text = text (k++ ? "\n" : "") one
    }
    for (; k <= lines; k++) text = text (k ? "\n" : "")
    return text
}

# s with each range (0 .. n - 1) as (0 .. (long)(n - 1)): of a bound that may not fit into long, as by its type a
# product of two ints and a third may not, E-ACSL takes the address of the number for the number.
function bounded(s,    done, at, depth) {
    done = ""
    while (match(s, /\(0 \.\. /)) {
        done = done substr(s, 1, RSTART - 1) "(0 .. (long)("
        s = substr(s, RSTART + RLENGTH)
        for (at = depth = 1; depth > 0; at++) {
            if (substr(s, at, 1) == "(") depth++
            if (substr(s, at, 1) == ")") depth--
        }
        done = done substr(s, 1, at - 2) "))"
        s = substr(s, at)
    }
    return done s
}

function blank(s) {
    gsub(/[^\n]/, "", s)
    return s
}

function newlines(s) { return gsub(/\n/, "", s) }

# The annotation s, which begins at a line, without what E-ACSL translates to something else without an error: it
# reads 0 at the label LoopCurrent, and the present state at any label in a loop invariant. Only those invariants
# are left out that would say nothing then, or what is false.
function without(s, line,    done, clause) {
    if (s ~ /LoopCurrent/ && s !~ /REAL\(/) {
        print FILENAME ":" line " label LoopCurrent" >hidden
        return blank(s)
    }
    if (s !~ /loop invariant/ || s !~ old_state) return s
    done = ""
    while (match(s, /loop (invariant|assigns|variant)/)) {
        done = done substr(s, 1, RSTART - 1)
        s = substr(s, RSTART)
        clause = match(substr(s, 2), /loop (invariant|assigns|variant)/) ? substr(s, 1, RSTART) : s
        s = substr(s, length(clause) + 1)
        if (clause ~ /^loop invariant/ && clause ~ old_state && clause !~ /REAL\(/) {
            print FILENAME ":" line + newlines(done) " label Pre in a loop invariant" >hidden
            clause = blank(clause)
        }
        done = done clause
    }
    return done s
}

BEGIN { old_state = "philox_of_old|same_[a-z]+[(](Here, Pre|Pre, Here)" }

{ file = file $0 "\n" }

END {
    line = 1
    while (match(file, /\/\*@[^@]*\*\/|\/\/@[^\n]*/)) {
        # the first end of the comment, not the last
        comment = substr(file, RSTART, RLENGTH)
        if (comment ~ /^\/\*/) comment = substr(comment, 1, index(comment, "*/") + 1)
        before = substr(file, 1, RSTART - 1)
        file = substr(file, RSTART + length(comment))
        line += newlines(before)
        count = newlines(comment)
        if (sub(/^\/\/@/, "/*@", comment)) comment = comment " */"
        if (comment ~ /^\/\*@[ \n]+(predicate|logic|lemma|axiomatic) /) comment = definitions(comment)
        else comment = without(unlabelled(comment), line)
        printf "%s%s", before, bounded(comment)
        line += count
    }
    printf "%s", file
}
