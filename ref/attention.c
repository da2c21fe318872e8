/* attention.c - attention of one row on the keys that it sees (spec/model.md, 3.3 and 5.4). */
#include "ref.h"
#include "lemmas_rows.h"
#include "lemmas_matrices.h"
#include "lemmas_sums.h"
#include "lemmas_blocks.h"

/* What the proofs of this file need: slopes and softmax follow from the same p. */
/*@ logic real entropy_slope(real q, real weight, real slope) = -weight * q / (q - 1) * slope;
    lemma softmax_slope_formula{L}: \forall double *p, *dp, integer n, j;
      softmax_slope(p, dp, n, j) == centred_share(p[j], dp[j], dot(p, dp, n));
    lemma tsallis_slope_formula{L}: \forall double *p, real q, weight, integer n, j;
      tsallis_slope(p, q, weight, n, j) == entropy_slope(q, weight, powers_slope(p, q, n, j));
    lemma softmax_slope_same{L1, L2}: \forall double *p, *dp, integer n, j; 0 <= j < n ==>
      same{L1, L2}(p, n) ==> same{L1, L2}(dp, n) ==>
      softmax_slope{L1}(p, dp, n, j) == softmax_slope{L2}(p, dp, n, j);
    lemma potential_slope_same{L1, L2}: \forall double *p, integer top, real weight,
      integer n, j; 0 <= j < n ==> same{L1, L2}(p, n) ==>
      potential_slope{L1}(p, top, weight, j) == potential_slope{L2}(p, top, weight, j);
    lemma scaled_same{L1, L2}: \forall double *x, real factor, integer n, j; 0 <= j < n ==>
      same{L1, L2}(x, n) ==> scaled{L1}(factor, x, j) == scaled{L2}(factor, x, j);
    lemma powers_slope_same{L1, L2}: \forall double *p, real q, integer n, j; 0 <= j < n ==>
      same{L1, L2}(p, n) ==> powers_slope{L1}(p, q, n, j) == powers_slope{L2}(p, q, n, j);
    lemma tsallis_slope_same{L1, L2}: \forall double *p, real q, weight, integer n, j;
      0 <= j < n ==> same{L1, L2}(p, n) ==>
      tsallis_slope{L1}(p, q, weight, n, j) == tsallis_slope{L2}(p, q, weight, n, j);
    lemma is_softmax_same{L1, L2, L3, L4}: \forall double *p, *s, real largest, integer n;
      0 <= n ==>
      same{L1, L3}(p, n) ==> same{L2, L4}(s, n) ==> is_softmax{L1, L2}(p, s, largest, n) ==>
      is_softmax{L3, L4}(p, s, largest, n); */

int ref_keys(enum eer_mask mask, int i, int N)
{
    return mask == EER_MASK_CAUSAL ? i + 1 : N;
}

double ref_scale(const struct eer_config *c)
{
    return c->tau * ref_sqrt(c->d);
}

void ref_subtract_slope(double *s, double slope, int i, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer m; 0 <= m < j ==>
          s[m] == \at(s[m], Pre) - away(slope, i, m));
        loop invariant REAL(\forall integer m; j <= m < n ==> s[m] == \at(s[m], Pre));
        loop assigns j, s[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        int distance = j < i ? i - j : j - i;
        //@ assert distance: distance == distance(i, j);
        //@ assert term: REAL(away(slope, i, j) == slope * distance);
        s[j] -= slope * distance;
    }
}

void ref_scores(double *s, const double *q_i, const double *k, const struct eer_config *c, int i,
                int n)
{
    //@ assert fits: product_fits(n, c->d);
    ref_row_nt(s, q_i, k, n, c->d);
    //@ assert same_d: c->d == \at(c->d, Pre);
    //@ assert same_tau: REAL(c->tau == \at(c->tau, Pre));
    //@ assert same_slope: REAL(c->slope == \at(c->slope, Pre));
    //@ assert same_c: REAL(scale(c) == scale{Pre}(c));
    /*@ assert dots: REAL(\forall integer j; 0 <= j < n ==>
          quotient(s, j, scale(c)) == scaled_dot{Pre}(q_i, k, c, j)); */
    ref_divide(s, ref_scale(c), n);
    /*@ assert scaled: REAL(\forall integer j; 0 <= j < n ==>
          s[j] == scaled_dot{Pre}(q_i, k, c, j)); */
    //@ assert same_slope_2: REAL(c->slope == \at(c->slope, Pre));
    ref_subtract_slope(s, c->slope, i, n);
}

double ref_attention(double *f, double *p, double *s, const double *q_i, const double *k,
                     const double *v, const struct eer_config *c, int i, int n)
{
    double potential;

    ref_scores(s, q_i, k, c, i, n);
    //@ assert fits: product_fits(n, c->d);
    /*@ assert scores: REAL(\forall integer j; 0 <= j < n ==>
          s[j] == score{Pre}(q_i, k, c, i, j)); */
    //@ ghost scored: ;
    potential = ref_softmax(p, s, n);
    //@ assert same_s: REAL(same{scored, Here}(s, n) && same{Here, Here}(p, n));
    /*@ assert top: REAL(\forall integer top; 0 <= top < n && is_first_largest(s, n, top) ==>
          is_first_largest{scored}(s, n, top) && s[top] == \at(s[top], scored)); */
    /*@ assert scores_2: REAL(\forall integer j; 0 <= j < n ==>
          s[j] == score{Pre}(q_i, k, c, i, j)); */
    //@ assert distribution: REAL(is_distribution(p, n));
    /*@ assert softmax: REAL(\forall integer top; 0 <= top < n && is_first_largest(s, n, top) ==>
          is_softmax{Here, Here}(p, s, s[top], n)); */
    /*@ assert potential: REAL(\forall integer top; 0 <= top < n && is_first_largest(s, n, top)
          ==> potential == \log(exponentials(s, s[top], n))); */
    //@ ghost weighted: ;
    ref_row(f, p, v, n, c->d);
    //@ assert row: REAL(is_row{Here, weighted}(f, p, v, n, c->d));
    //@ assert same_v: REAL(untouched{weighted, Here}(v));
    //@ assert same_s_2: REAL(same{weighted, Here}(s, n));
    //@ assert same_p: REAL(same{weighted, Here}(p, n));
    //@ assert total: REAL(sum(p, n) == 1);
    //@ assert same_d: c->d == \at(c->d, Pre);
    /*@ assert top_2: REAL(\forall integer top; 0 <= top < n && is_first_largest(s, n, top) ==>
          is_first_largest{weighted}(s, n, top) && s[top] == \at(s[top], weighted)); */
    /*@ assert softmax_2: REAL(\forall integer top; 0 <= top < n && is_first_largest(s, n, top)
          ==> is_softmax{Here, Here}(p, s, s[top], n)); */
    /*@ assert potential_2: REAL(\forall integer top; 0 <= top < n && is_first_largest(s, n, top)
          ==> potential == \log(exponentials(s, s[top], n))); */
    /*@ assert sums: REAL(\forall integer j; 0 <= j < c->d ==>
          row_column{weighted}(p, v, c->d, j, n) == row_column(p, v, c->d, j, n)); */
    /*@ assert values: REAL(is_row{Here, Here}(f, p, v, n, c->d)); */
    return potential;
}

void ref_attention_backward(double *dq_i, double *dk, double *dv, double *dp, double *ds,
                            double *pq, const double *df, const double *q_i, const double *k,
                            const double *v, const double *p, const struct eer_config *c, int top,
                            double weight_P, double weight_S, int n)
{
    //@ assert fits: product_fits(n, c->d);
    ref_row_nt(dp, df, v, n, c->d);
    //@ assert same_c: REAL(same_attention{Here, Pre}(c));
    //@ assert same_c_dk: REAL(untouched{Here, Pre}(dk));
    //@ assert same_c_q: REAL(untouched{Here, Pre}(q_i));
    //@ assert same_p: REAL(untouched{Here, Pre}(p));
    //@ assert same_df: REAL(untouched{Here, Pre}(df));
    //@ assert same_dv: REAL(untouched{Here, Pre}(dv));
    /*@ assert rows_dv: REAL(\forall integer j; 0 <= j < n ==>
          same{Here, Pre}(row_of(dv, c->d, j), c->d)); */
    /*@ assert terms_dv: REAL(\forall integer j, x; 0 <= j < n && 0 <= x < c->d ==>
          scaled(p[j], df, x) == scaled{Pre}(\at(p[j], Pre), df, x)); */
    ref_row_tn(dv, p, df, n, c->d);
    //@ assert same_c_2: REAL(same_attention{Here, Pre}(c));
    //@ assert same_c_2_dk: REAL(untouched{Here, Pre}(dk));
    //@ assert same_c_2_q: REAL(untouched{Here, Pre}(q_i));
    //@ assert dp: REAL(is_row_nt{Here, Pre}(dp, df, v, n, c->d));
    //@ assert same_p_2: REAL(untouched{Here, Pre}(p));
    /*@ assert dv: REAL(\forall integer j; 0 <= j < n ==>
          is_multiple_added{Here, Pre}(row_of(dv, c->d, j), \at(p[j], Pre), df, c->d)); */
    //@ ghost weighted: ;
    ref_softmax_backward(ds, p, dp, n);
    //@ assert same_c_3: REAL(same_attention{Here, Pre}(c));
    //@ assert same_c_3_dk: REAL(untouched{Here, Pre}(dk));
    //@ assert same_c_3_q: REAL(untouched{Here, Pre}(q_i));
    //@ assert same_p_3: REAL(untouched{weighted, Here}(p) && untouched{Here, Pre}(p));
    //@ assert same_dp: REAL(untouched{weighted, Here}(dp));
    //@ assert same_n: REAL(same{weighted, Here}(p, n) && same{weighted, Here}(dp, n));
    /*@ assert slope_1: REAL(\forall integer j; 0 <= j < n ==>
          ds[j] == softmax_slope{weighted}(p, dp, n, j)); */
    //@ assert same_dv_2: REAL(untouched{weighted, Here}(dv));
    ref_potential_backward(ds, p, top, weight_P, n);
    //@ assert same_c_4: REAL(same_attention{Here, Pre}(c));
    //@ assert same_c_4_dk: REAL(untouched{Here, Pre}(dk));
    //@ assert same_c_4_q: REAL(untouched{Here, Pre}(q_i));
    //@ assert same_p_4: REAL(untouched{weighted, Here}(p) && untouched{Here, Pre}(p));
    //@ assert same_dp_2: REAL(untouched{weighted, Here}(dp));
    //@ assert same_n_2: REAL(same{weighted, Here}(p, n) && same{weighted, Here}(dp, n));
    //@ assert same_dv_3: REAL(untouched{weighted, Here}(dv));
    /*@ assert slope: REAL(\forall integer j; 0 <= j < n ==>
          ds[j] == softmax_slope{weighted}(p, dp, n, j) +
                   potential_slope{weighted}(p, top, weight_P, j)); */
    //@ ghost summed: ;
    ref_tsallis_backward(ds, pq, p, c->q, weight_S, n);
    //@ assert kept_tau: REAL(c->tau == \at(c->tau, summed));
    //@ assert kept_slope: REAL(c->slope == \at(c->slope, summed));
    //@ assert kept_power: REAL(c->q == \at(c->q, summed));
    //@ assert kept_dk: REAL(untouched{summed, Here}(dk));
    //@ assert kept_q: REAL(untouched{summed, Here}(q_i));
    //@ assert same_c_5: REAL(same_attention{Here, Pre}(c));
    //@ assert same_c_5_dk: REAL(untouched{Here, Pre}(dk));
    //@ assert same_c_5_q: REAL(untouched{Here, Pre}(q_i));
    //@ assert same_p_5: REAL(untouched{weighted, Here}(p) && untouched{Here, Pre}(p));
    //@ assert same_dp_3: REAL(untouched{weighted, Here}(dp));
    //@ assert same_n_3: REAL(same{weighted, Here}(p, n) && same{weighted, Here}(dp, n));
    //@ assert same_dv_4: REAL(untouched{weighted, Here}(dv));
    /*@ assert ds: REAL(\forall integer j; 0 <= j < n ==>
          ds[j] == softmax_slope{weighted}(p, dp, n, j) +
                   potential_slope{weighted}(p, top, weight_P, j) +
                   tsallis_slope{weighted}(p, c->q, weight_S, n, j)); */
    //@ ghost sloped: ;
    ref_row(dq_i, ds, k, n, c->d);
    //@ assert same_c_6: REAL(same_attention{Here, Pre}(c));
    //@ assert same_c_6_dk: REAL(untouched{Here, Pre}(dk));
    //@ assert same_c_6_q: REAL(untouched{Here, Pre}(q_i));
    //@ assert same_p_6: REAL(untouched{weighted, Here}(p));
    //@ assert same_dp_4: REAL(untouched{weighted, Here}(dp));
    //@ assert same_ds: REAL(untouched{sloped, Here}(ds));
    //@ assert same_k: REAL(untouched{sloped, Here}(k));
    //@ assert same_dv_5: REAL(untouched{weighted, Here}(dv));
    //@ assert scale: REAL(scale(c) == scale{Pre}(c));
    /*@ assert row: REAL(\forall integer x; 0 <= x < c->d ==>
          quotient(dq_i, x, scale(c)) ==
            over(row_column{sloped}(ds, k, c->d, x, n), scale{Pre}(c))); */
    ref_divide(dq_i, ref_scale(c), c->d);
    //@ assert same_c_7: REAL(same_attention{Here, Pre}(c));
    //@ assert same_c_7_dk: REAL(untouched{Here, Pre}(dk));
    //@ assert same_c_7_q: REAL(untouched{Here, Pre}(q_i));
    //@ assert same_p_7: REAL(untouched{weighted, Here}(p));
    //@ assert same_dp_5: REAL(untouched{weighted, Here}(dp));
    //@ assert same_ds_2: REAL(untouched{sloped, Here}(ds));
    //@ assert same_k_2: REAL(untouched{sloped, Here}(k));
    //@ assert same_dv_6: REAL(untouched{weighted, Here}(dv));
    /*@ assert dq: REAL(\forall integer x; 0 <= x < c->d ==>
          dq_i[x] == over(row_column{sloped}(ds, k, c->d, x, n), scale{Pre}(c))); */
    /*@ assert rows_dk: REAL(\forall integer j; 0 <= j < n ==>
          same{Here, Pre}(row_of(dk, c->d, j), c->d)); */
    /*@ assert terms_dk: REAL(\forall integer j, x; 0 <= j < n && 0 <= x < c->d ==>
          scaled(ds[j], q_i, x) == scaled{Pre}(\at(ds[j], sloped), q_i, x)); */
    ref_row_tn(dk, ds, q_i, n, c->d);
    /*@ assert dk: REAL(\forall integer j; 0 <= j < n ==>
          is_multiple_added{Here, Pre}(row_of(dk, c->d, j), \at(ds[j], sloped), q_i, c->d)); */
    //@ assert same_c_8: REAL(same_attention{Here, Pre}(c));
    //@ assert same_c_8_q: REAL(untouched{Here, Pre}(q_i));
    //@ assert same_p_8: REAL(untouched{weighted, Here}(p));
    //@ assert same_dp_6: REAL(untouched{weighted, Here}(dp));
    //@ assert same_ds_3: REAL(untouched{sloped, Here}(ds));
    //@ assert same_k_3: REAL(untouched{sloped, Here}(k));
    //@ assert same_dv_7: REAL(untouched{weighted, Here}(dv));
    //@ assert same_n_4: REAL(same{sloped, Here}(ds, n));
    //@ assert same_n_5: REAL(same{weighted, Here}(p, n) && same{weighted, Here}(dp, n));
    /*@ assert sums: REAL(\forall integer x; 0 <= x < c->d ==>
          row_column{sloped}(ds, k, c->d, x, n) == row_column(ds, k, c->d, x, n)); */
    /*@ assert kept_dq: REAL(\forall integer x; 0 <= x < c->d ==>
          dq_i[x] == over(row_column{sloped}(ds, k, c->d, x, n), scale{Pre}(c))); */
    //@ assert scale_2: REAL(scale(c) == scale{Pre}(c));
    //@ assert q: REAL(c->q == \at(c->q, weighted));
    /*@ assert rows_dv_2: REAL(\forall integer j; 0 <= j < n ==>
          same{weighted, Here}(row_of(dv, c->d, j), c->d)); */
    //@ assert same_p_9: REAL(untouched{Here, Pre}(p));
    /*@ assert dv_2: REAL(\forall integer j; 0 <= j < n ==>
          is_multiple_added{Here, Pre}(row_of(dv, c->d, j), p[j], df, c->d)); */
    /*@ assert dk_2: REAL(\forall integer j; 0 <= j < n ==>
          is_multiple_added{Here, Pre}(row_of(dk, c->d, j), ds[j], q_i, c->d)); */
    /*@ assert slopes: REAL(\forall integer j; 0 <= j < n ==>
          softmax_slope{weighted}(p, dp, n, j) == softmax_slope(p, dp, n, j) &&
          potential_slope{weighted}(p, top, weight_P, j) ==
            potential_slope(p, top, weight_P, j) &&
          tsallis_slope{weighted}(p, c->q, weight_S, n, j) ==
            tsallis_slope(p, c->q, weight_S, n, j)); */
}
