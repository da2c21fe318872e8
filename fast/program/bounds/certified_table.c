/* certified_table.c - the table of certified.h. Its numbers are rounded outwards, as enclosures
 * are. */
#include "certified.h"

#include <math.h>
#include <stdio.h>

#include "ends.h"

enum { WIDTH = 10, DIGITS = 5 };

static void low(double x)
{
    char text[EER_END];
    printf(" %*s", WIDTH, eer_low(text, x, DIGITS));
}

static void high(double x)
{
    char text[EER_END];
    printf(" %*s", WIDTH, eer_high(text, x, DIGITS));
}

static void plain(double x)
{
    if (isfinite(x))
        printf(" %*.*g", WIDTH, DIGITS, x);
    else
        printf(" %*s", WIDTH, "-");
}

static const char *word(enum bound_answer answer)
{
    return answer == BOUND_YES ? "yes" : answer == BOUND_NO ? "no" : "undecided";
}

static void print_weights(const struct bound_attention_values *v)
{
    const struct {
        const char *name;
        double above;
    } norms[] = {
        {"||W_Q||", v->W_Q.hi},
        {"||W_K||", v->W_K.hi},
        {"||W_V||", v->W_V.hi},
        {"||W_V||_F", v->W_V_frobenius.hi},
        {"||M||", v->M.hi},
        {"||X||", v->X.hi},
        {"||X||_F", v->X_frobenius.hi},
    };
    for (size_t k = 0; k < sizeof norms / sizeof norms[0]; k++) {
        char text[EER_END];
        printf("%s%s %s", k > 0 ? ", " : "", norms[k].name, eer_high(text, norms[k].above, DIGITS));
    }
    printf("\n");
}

/* The theorem's hypotheses, of Z at which states. */
static void print_domain(const struct eer_certified *c)
{
    int inside = 0, undecided = 0;
    const struct bound_attention_values *v = &c->state[0].certificate.attention;
    for (int k = 0; k < c->count; k++) {
        enum bound_answer in = c->state[k].certificate.attention.Z_in;
        inside += in == BOUND_YES;
        undecided += in == BOUND_UNDECIDED;
    }
    printf(
        "theorem 3.2.1 assumes ||X||_F <= 1: %s; ||W_V||_F <= 1/2: %s; ||Z||_F <= 1: at %d of %d "
        "states",
        word(v->X_in), word(v->W_V_in), inside, c->count);
    if (undecided > 0)
        printf(", %d undecided", undecided);
    printf("\n");
}

static void print_states(const struct eer_certified *c)
{
    printf(
        "\n  t      ||Z||    ||Z||_F      ||Y||    ||Y||_F      S_1.5      least        S_2      "
        "least   max p >=   max p <=     lambda\n");
    for (int k = 0; k < c->count; k++) {
        const struct bound_attention_values *v = &c->state[k].certificate.attention;
        printf("%3d", c->state[k].t);
        high(v->Z.hi);
        high(v->Z_frobenius.hi);
        high(v->Y.hi);
        high(v->Y_frobenius.hi);
        for (int q = 0; q < 2; q++) {
            low(v->entropy[q].lo);
            low(v->entropy_least[q].lo);
        }
        low(v->row_max_least.lo);
        high(v->row_max_most.hi);
        high(v->lambda.hi);
        printf("\n");
    }
}

static void print_bounds(const struct eer_certified *c)
{
    int transposed = isfinite(c->state[0].certificate.attention.A_prime.hi);
    printf("\n  t  [printed,  [printed,          A   A_lambda%s     blocks  ||DF|| >=  ||DF|| <=  "
           "tightness\n         q=1.5]       q=2]\n",
           transposed ? "    A_prime" : "");
    for (int k = 0; k < c->count; k++) {
        const struct bound_attention_values *v = &c->state[k].certificate.attention;
        printf("%3d", c->state[k].t);
        high(v->printed[0].hi);
        high(v->printed[1].hi);
        high(v->A.hi);
        high(v->A_lambda.hi);
        if (transposed)
            high(v->A_prime.hi);
        high(v->blocks.hi);
        low(v->norm.lo);
        high(v->norm.hi);
        low(v->tightness.lo);
        printf("\n");
    }
}

static void print_iteration(const struct eer_certified *c)
{
    int quotient = c->state[0].certificate.has_quotient;
    printf(
        "\n  t   ||J|| >=   ||J|| <=  rho(J) >=  rho(J) <=%s       step%s       turn      alpha\n",
        quotient ? "  ||J'|| >=  ||J'|| <= rho(J') >= rho(J') <=" : "",
        quotient ? "      step'" : "");
    for (int k = 0; k < c->count; k++) {
        const struct eer_certified_state *s = &c->state[k];
        const struct bound_certificate *b = &s->certificate;
        printf("%3d", s->t);
        low(b->jacobian.norm.lo);
        high(b->jacobian.norm.hi);
        low(b->jacobian.radius.lo);
        high(b->jacobian.radius.hi);
        if (quotient) {
            low(b->quotient.norm.lo);
            high(b->quotient.norm.hi);
            low(b->quotient.radius.lo);
            high(b->quotient.radius.hi);
        }
        plain(s->step);
        if (quotient)
            plain(s->step_modulo);
        plain(s->turn);
        plain(s->alpha);
        if (b->kinks > 0)
            printf("  %d rows with a ReLU at 0", b->kinks);
        printf("\n");
    }
}

/* What the spectral radius at a proved fixed point says of it. */
static const char *stability(const struct bound_fixed_point *f)
{
    if (f->kinks > 0)
        return ": a ReLU may be at 0 there, where rho decides nothing";
    if (f->spectral_radius.hi < 1.0)
        return ": it attracts";
    return f->spectral_radius.lo > 1.0 ? ": an eigenvalue above 1 in modulus" : "";
}

static void print_fixed_point(const struct eer_certified *c)
{
    const struct bound_fixed_point *f = &c->fixed;
    const char *kind = c->state[0].certificate.has_quotient ? " modulo row means" : "";
    printf("\nfixed point%s: ", kind);
    if (!f->tried && c->n * c->d <= BOUND_MOST_FIXED) {
        printf("not looked for: no memory for n d = %d\n", c->n * c->d);
        return;
    }
    if (!f->tried) {
        printf("not looked for: n d = %d is above %d\n", c->n * c->d, BOUND_MOST_FIXED);
        return;
    }
    if (f->rows == 0 && f->diverged) {
        printf("none found near Z_%d: Newton's method diverged (|z| = %.3g after %d steps), and "
               "the states "
               "move on, by %.3g at t = %d and %.3g at t = %d\n",
               c->loops, f->size, f->steps, c->state[0].step_modulo, c->state[0].t,
               c->state[c->count - 1].step_modulo, c->state[c->count - 1].t);
        return;
    }
    if (f->rows == 0) {
        printf("none found near Z_%d: Newton's method gets no further than |z - Phi(z)| = %.3g in "
               "%d steps "
               "(|Z - Phi(Z)| = %.3g)\n",
               c->loops, f->residual, f->steps, f->start);
        return;
    }
    if (f->rows < c->n)
        printf("(first %d of %d rows; found for no more) ", f->rows, c->n);
    char step[EER_END], contraction[EER_END];
    const char *step_text = eer_high(step, f->step, 3);
    const char *contraction_text = eer_high(contraction, f->contraction, 3);
    if (!f->proved) {
        printf("not proved: |z - Phi(z)| = %.3g at distance %.3g, but |C f| <= %s and ||I - C "
               "f'|| <= "
               "%s do not suffice\n",
               f->residual, f->distance, step_text, contraction_text);
        return;
    }
    printf("proved, exactly one within %.17g of a point at distance %.3g from Z_%d (|C f| <= %s, "
           "||I - C "
           "f'|| <= %s); rho there",
           f->radius, f->distance, c->loops, step_text, contraction_text);
    low(f->spectral_radius.lo);
    printf(" to");
    high(f->spectral_radius.hi);
    printf("%s\n", stability(f));
}

static void print_settling(const struct eer_certified *c)
{
    static const char *const name[2] = {"plain", "gated"};
    printf("\niterations until the relative residual is at most");
    for (int k = 0; k < EER_RESIDUALS; k++)
        printf(" %7.0e", eer_residual[k]);
    printf("   after them\n");
    for (int u = 0; u < 2; u++) {
        const struct eer_settling *s = &c->settling[u];
        printf("%49s", name[u]);
        for (int k = 0; k < EER_RESIDUALS; k++)
            if (s->iterations[k] >= 0)
                printf(" %7d", s->iterations[k]);
            else
                printf(" %7s", "-");
        printf("   %.3g after %d", s->last, s->done);
        if (c->counted > 0)
            printf("; %d of %d classes right after %d", c->right[u], c->counted, c->loops);
        printf("\n");
    }
}

void eer_certified_print(const struct eer_certified *c, const struct eer_certified_head *head)
{
    if (head->config)
        printf("\nL = %d, sequence %d: %d rows, d = %d, T = %d, %s update, %.1f s\n", c->length,
               c->sequence, c->n, c->d, c->loops, c->update == EER_UPDATE_PLAIN ? "plain" : "gated",
               c->seconds);
    else
        printf("\n%s: %d rows, d = %d, T = %d, %s update, %.1f s\n", head->input, c->n, c->d,
               c->loops, c->update == EER_UPDATE_PLAIN ? "plain" : "gated", c->seconds);
    print_weights(&c->state[0].certificate.attention);
    print_domain(c);
    print_states(c);
    print_bounds(c);
    print_iteration(c);
    print_fixed_point(c);
    print_settling(c);
}

void eer_certified_legend(const struct eer_certified_head *head)
{
    int pre = head->config && head->config->norm == EER_NORM_PRE;
    printf("\nNumbers with >= and <= are proved, rounded outwards; norms, entropies and bounds "
           "beside them are "
           "enclosed too\n(their upper ends; entropies and max p >= their lower ends). Not proved: "
           "step, turn, "
           "alpha, residuals.\n");
    printf("Y = %s is what attention sees; S_q: mean and least entropy of its rows; max p: the "
           "rows' largest "
           "entries.\n",
           pre ? "LN1(Z + X)" : "Z + X");
    printf("[printed]: the formula of theorem 3.2.1, which is not a bound. A, A_lambda: theorem A "
           "with "
           "lambda = 1/2 and with\nthis state's lambda; blocks: the norm of the matrix of the "
           "blocks' norms; "
           "DF: the attention map alone;\ntightness: ||DF|| >= over A_lambda.\n");
    printf("J: the Jacobian of one iteration Phi as it is run (spec/model.md, 3.3), rho its "
           "spectral radius; "
           "step: ||Phi(Z) - Z||_F.\n");
    if (pre)
        printf("Primed: modulo row means, since layer norm does not see them: Phi(Z + c 1^T) = "
               "Phi(Z) + c "
               "1^T, and J has the eigenvalue 1.\n");
    printf("turn: how far the direction of the state%s turns. Gated (appendix B.4): Z + alpha "
           "(Phi(Z) - Z), "
           "alpha = (1 + s) / 2,\ns the mean entropy over the largest possible. If Phi has the "
           "factor beta and "
           "alpha is constant, the gated step's factor\nis 1 - alpha + alpha beta, below 1 only if "
           "beta < 1; "
           "an alpha that depends on Z adds ||Phi(Z) - Z|| ||d alpha||.\n",
           pre ? " modulo row means" : "");
}
