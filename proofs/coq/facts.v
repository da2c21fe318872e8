(* facts.v - what the prover of ref/ is told about exp, log and pow, and the facts of softmax and entropy
   that follow; over the reals, from Coq's own Reals alone.

   An axiom in ref/ carries the name of its theorem here. The theorems of one list hold of the same
   three functions (exp, ln, power), so the axioms cannot contradict each other.

   Names: s the scores (logits) of a row of n, p its weights, q the entropy index. *)
Require Import Reals Lra Lia Psatz.
Open Scope R_scope.

(* C's pow for x >= 0 and y > 0. Coq's Rpower x y is exp (y * ln x) with ln 0 = 0, so Rpower 0 y is 1. *)
Definition power (x y : R) : R := if Req_EM_T x 0 then 0 else Rpower x y.

Fixpoint sum (f : nat -> R) (n : nat) : R :=
  match n with
  | O => 0
  | S m => sum f m + f m
  end.

Definition softmax (s : nat -> R) (n j : nat) : R := exp (s j) / sum (fun i => exp (s i)) n.

(* --- exp ------------------------------------------------------------------------------------------- *)

Theorem exp_positive : forall x, 0 < exp x.
Proof. exact exp_pos. Qed.

Theorem exp_zero : exp 0 = 1.
Proof. exact exp_0. Qed.

Theorem exp_increasing : forall x y, x <= y -> exp x <= exp y.
Proof.
  intros x y [less | equal].
  - left. now apply Rpower.exp_increasing.
  - right. now rewrite equal.
Qed.

Theorem exp_of_sum : forall x y, exp (x + y) = exp x * exp y.
Proof. exact exp_plus. Qed.

Theorem exp_of_difference : forall x y, exp (x - y) = exp x / exp y.
Proof. intros x y. unfold Rminus, Rdiv. now rewrite exp_plus, exp_Ropp. Qed.

Theorem exp_above_tangent : forall x, 1 + x <= exp x.
Proof. exact exp_ineq1_le. Qed.

Theorem exp_at_most_one : forall x, x <= 0 -> exp x <= 1.
Proof. intros x below. rewrite <- exp_0. now apply exp_increasing. Qed.

(* --- log ------------------------------------------------------------------------------------------- *)

Theorem log_of_exp : forall x, ln (exp x) = x.
Proof. exact ln_exp. Qed.

Theorem exp_of_log : forall x, 0 < x -> exp (ln x) = x.
Proof. exact exp_ln. Qed.

Theorem log_one : ln 1 = 0.
Proof. exact ln_1. Qed.

Theorem log_increasing : forall x y, 0 < x <= y -> ln x <= ln y.
Proof.
  intros x y [positive [less | equal]].
  - left. now apply ln_increasing.
  - right. now rewrite equal.
Qed.

Theorem log_nonnegative : forall x, 1 <= x -> 0 <= ln x.
Proof. intros x above. rewrite <- ln_1. apply log_increasing. lra. Qed.

Theorem log_nonpositive : forall x, 0 < x <= 1 -> ln x <= 0.
Proof. intros x within. rewrite <- ln_1. apply log_increasing. lra. Qed.

Theorem log_of_product : forall x y, 0 < x -> 0 < y -> ln (x * y) = ln x + ln y.
Proof. exact ln_mult. Qed.

Theorem log_of_inverse : forall x, 0 < x -> ln (1 / x) = - ln x.
Proof. intros x positive. unfold Rdiv. rewrite Rmult_1_l. now apply ln_Rinv. Qed.

Theorem log_of_quotient : forall x y, 0 < x -> 0 < y -> ln (x / y) = ln x - ln y.
Proof.
  intros x y positive_x positive_y. unfold Rdiv, Rminus.
  rewrite ln_mult, ln_Rinv; auto. now apply Rinv_0_lt_compat.
Qed.

(* --- pow ------------------------------------------------------------------------------------------- *)

Lemma power_is_Rpower : forall x y, 0 < x -> power x y = Rpower x y.
Proof. intros x y positive. unfold power. destruct (Req_EM_T x 0); lra. Qed.

Theorem power_positive : forall x y, 0 < x -> 0 < power x y.
Proof. intros x y positive. rewrite power_is_Rpower by assumption. apply exp_pos. Qed.

Theorem power_zero : forall y, 0 < y -> power 0 y = 0.
Proof. intros y positive. unfold power. destruct (Req_EM_T 0 0); lra. Qed.

Theorem power_nonnegative : forall x y, 0 <= x -> 0 <= power x y.
Proof.
  intros x y [positive | zero].
  - left. now apply power_positive.
  - right. unfold power. destruct (Req_EM_T x 0); lra.
Qed.

Theorem power_by_exp : forall x q, 0 < x -> power x q = x * exp ((q - 1) * ln x).
Proof.
  intros x q positive. rewrite power_is_Rpower by assumption. unfold Rpower.
  rewrite <- (exp_ln x positive) at 2. rewrite <- exp_plus. f_equal. ring.
Qed.

Theorem power_one : forall y, power 1 y = 1.
Proof.
  intros y. rewrite power_is_Rpower by lra. unfold Rpower. now rewrite ln_1, Rmult_0_r, exp_0.
Qed.

Theorem power_to_one : forall x, 0 <= x -> power x 1 = x.
Proof.
  intros x [positive | zero].
  - rewrite power_is_Rpower by assumption. now apply Rpower_1.
  - rewrite <- zero. apply power_zero. lra.
Qed.

Theorem power_of_sum : forall x y z, 0 <= x -> power x (y + z) = power x y * power x z.
Proof.
  intros x y z _. unfold power. destruct (Req_EM_T x 0).
  - ring.
  - apply Rpower_plus.
Qed.

Theorem power_two : forall x, 0 <= x -> power x 2 = x * x.
Proof.
  intros x nonnegative. replace 2 with (1 + 1) by ring.
  now rewrite power_of_sum, power_to_one.
Qed.

Theorem power_half : forall x, 0 <= x -> power x (1 / 2) = sqrt x.
Proof.
  intros x [positive | zero].
  - rewrite power_is_Rpower by assumption. replace (1 / 2) with (/ 2) by field. now apply Rpower_sqrt.
  - rewrite <- zero, sqrt_0. apply power_zero. lra.
Qed.

Theorem power_three_halves : forall x, 0 <= x -> power x (3 / 2) = x * sqrt x.
Proof.
  intros x nonnegative. replace (3 / 2) with (1 + 1 / 2) by field.
  now rewrite power_of_sum, power_to_one, power_half.
Qed.

Theorem power_increasing : forall x y z, 0 <= x <= y -> 0 < z -> power x z <= power y z.
Proof.
  intros x y z [[positive | zero] less] exponent.
  - rewrite 2 power_is_Rpower by lra. apply Rle_Rpower_l; lra.
  - rewrite <- zero, power_zero by assumption. apply power_nonnegative. lra.
Qed.

Theorem power_at_most_one : forall x y, 0 <= x <= 1 -> 0 < y -> power x y <= 1.
Proof. intros x y within exponent. rewrite <- (power_one y). now apply power_increasing. Qed.

Theorem power_above_one : forall x y, 1 <= x -> 0 <= y -> 1 <= power x y.
Proof.
  intros x y above exponent. rewrite power_is_Rpower by lra. unfold Rpower.
  rewrite <- exp_0. apply exp_increasing. apply Rmult_le_pos; auto using log_nonnegative.
Qed.

Theorem power_below : forall x q, 0 <= x <= 1 -> 1 <= q -> power x q <= x.
Proof.
  intros x q [[positive | zero] below] index.
  - rewrite power_is_Rpower by assumption. rewrite <- (exp_ln x positive) at 2. apply exp_increasing.
    assert (ln x <= 0) by (apply log_nonpositive; lra). nra.
  - rewrite <- zero, power_zero by lra. lra.
Qed.

Theorem power_base_below_one : forall b s, 0 <= b < 1 -> 1 <= s -> power b s <= b.
Proof. intros b s base step. apply power_below; lra. Qed.

(* 1 - beta^s, by which Adam divides, is positive. *)
Theorem adam_correction : forall b s, 0 <= b < 1 -> 1 <= s -> power b s < 1.
Proof. intros b s base step. apply Rle_lt_trans with b; auto using power_base_below_one. lra. Qed.

(* exp is convex: at u it lies below the chord from 0 to q u. *)
Lemma exp_convex : forall u q, 1 <= q -> 1 + q * (exp u - 1) <= exp (q * u).
Proof.
  intros u q index.
  assert (exp (q * u) = exp u * exp (q * u - u)) as at_qu by (rewrite <- exp_plus; f_equal; ring).
  assert (1 = exp u * exp (- u)) as at_0 by (rewrite <- exp_plus, Rplus_opp_r; symmetry; apply exp_0).
  pose proof (exp_pos u). pose proof (exp_ineq1_le (q * u - u)). pose proof (exp_ineq1_le (- u)).
  assert (exp u * (1 + (q * u - u)) <= exp (q * u)) by (rewrite at_qu; apply Rmult_le_compat_l; lra).
  assert (exp u * (1 - u) <= 1) by (rewrite at_0 at 2; apply Rmult_le_compat_l; lra).
  assert (0 <= (q - 1) * (1 - exp u * (1 - u))) by (apply Rmult_le_pos; lra).
  lra.
Qed.

(* x^q is convex in x: it lies above its tangent at a. *)
Theorem power_tangent :
  forall x a q, 0 <= x -> 0 < a -> 1 <= q -> power x q >= power a q + q * power a (q - 1) * (x - a).
Proof.
  intros x a q [positive | zero] base index; apply Rle_ge.
  - assert (power a (q - 1) = power a q / a) as lower.
    { rewrite 2 power_is_Rpower by assumption. unfold Rminus.
      rewrite Rpower_plus, Rpower_Ropp, Rpower_1 by assumption. reflexivity. }
    assert (power x q = power a q * exp (q * ln (x / a))) as scaled.
    { rewrite 2 power_is_Rpower by assumption. rewrite log_of_quotient by assumption. unfold Rpower.
      rewrite <- exp_plus. f_equal. ring. }
    pose proof (exp_convex (ln (x / a)) q index) as convex.
    rewrite exp_ln in convex by now apply Rdiv_lt_0_compat.
    rewrite lower, scaled.
    replace (power a q + q * (power a q / a) * (x - a)) with (power a q * (1 + q * (x / a - 1))).
    + apply Rmult_le_compat_l; auto. left. now apply power_positive.
    + field. lra.
  - rewrite <- zero, power_zero by lra.
    assert (power a q = power a (q - 1) * a) as upper.
    { rewrite <- (power_to_one a) at 3 by lra. rewrite <- power_of_sum by lra. f_equal. ring. }
    assert (0 < power a q) by now apply power_positive.
    replace (power a q + q * power a (q - 1) * (0 - a)) with ((1 - q) * power a q) by (rewrite upper; ring).
    nra.
Qed.

(* --- sums ------------------------------------------------------------------------------------------ *)

Theorem sum_equal : forall f g n, (forall j, (j < n)%nat -> f j = g j) -> sum f n = sum g n.
Proof.
  intros f g n. induction n as [| n step]; intros equal; simpl; auto.
  rewrite step by auto. rewrite equal by auto. reflexivity.
Qed.

Theorem sum_increasing : forall f g n, (forall j, (j < n)%nat -> f j <= g j) -> sum f n <= sum g n.
Proof.
  intros f g n. induction n as [| n step]; intros less; simpl.
  - lra.
  - apply Rplus_le_compat; auto.
Qed.

Theorem sum_added : forall f g n, sum (fun j => f j + g j) n = sum f n + sum g n.
Proof. intros f g n. induction n as [| n step]; simpl; [ ring | rewrite step; ring ]. Qed.

Theorem sum_scaled : forall c f n, sum (fun j => c * f j) n = c * sum f n.
Proof. intros c f n. induction n as [| n step]; simpl; [ ring | rewrite step; ring ]. Qed.

(* The shares of a sum make one. *)
Theorem sum_of_shares (p : nat -> R) (n : nat) :
  sum p n <> 0 -> sum (fun j => p j / sum p n) n = 1.
Proof.
  intro H.
  replace (sum (fun j => p j / sum p n) n) with (/ sum p n * sum p n).
  - now apply Rinv_l.
  - rewrite <- sum_scaled. apply sum_equal. intros j _. unfold Rdiv. ring.
Qed.


Theorem sum_constant : forall c n, sum (fun _ => c) n = INR n * c.
Proof. intros c n. induction n as [| n step]; [ simpl; ring | rewrite S_INR; simpl; rewrite step; ring ]. Qed.

Theorem sum_nonnegative : forall f n, (forall j, (j < n)%nat -> 0 <= f j) -> 0 <= sum f n.
Proof.
  intros f n nonnegative. rewrite <- (Rmult_0_r (INR n)), <- sum_constant. now apply sum_increasing.
Qed.

Theorem sum_above_term :
  forall f n k, (forall j, (j < n)%nat -> 0 <= f j) -> (k < n)%nat -> f k <= sum f n.
Proof.
  intros f n k nonnegative. induction n as [| n step]; intros inside; [ lia | simpl ].
  assert (0 <= sum f n) by (apply sum_nonnegative; auto).
  assert (0 <= f n) by auto.
  destruct (Nat.eq_dec k n) as [-> | other].
  - lra.
  - assert (f k <= sum f n) by (apply step; auto; lia). lra.
Qed.

Theorem sum_positive : forall f n, (forall j, (j < n)%nat -> 0 < f j) -> (1 <= n)%nat -> 0 < sum f n.
Proof.
  intros f n positive some. apply Rlt_le_trans with (f 0%nat); auto.
  apply sum_above_term; auto. intros j inside. left. auto.
Qed.

(* --- softmax --------------------------------------------------------------------------------------- *)

Theorem softmax_denominator_positive : forall s n, (1 <= n)%nat -> 0 < sum (fun j => exp (s j)) n.
Proof. intros s n some. apply sum_positive; auto. intros. apply exp_pos. Qed.

Theorem softmax_shift :
  forall s m n, sum (fun j => exp (s j - m)) n = exp (- m) * sum (fun j => exp (s j)) n.
Proof.
  intros s m n. rewrite <- sum_scaled. apply sum_equal. intros j _. rewrite <- exp_plus. f_equal. ring.
Qed.

(* The maximum that the code subtracts leaves the weights as they are. *)
Theorem softmax_formula :
  forall s m n k, (1 <= n)%nat -> exp (s k - m) / sum (fun j => exp (s j - m)) n = softmax s n k.
Proof.
  intros s m n k some. unfold softmax. rewrite softmax_shift.
  replace (s k - m) with (- m + s k) by ring. rewrite exp_plus.
  pose proof (softmax_denominator_positive s n some). pose proof (exp_pos (- m)). field. lra.
Qed.

Theorem softmax_positive : forall s n k, (1 <= n)%nat -> 0 < softmax s n k.
Proof.
  intros s n k some. apply Rdiv_lt_0_compat; [ apply exp_pos | now apply softmax_denominator_positive ].
Qed.

Theorem softmax_sum : forall s n, (1 <= n)%nat -> sum (softmax s n) n = 1.
Proof.
  intros s n some. pose proof (softmax_denominator_positive s n some).
  rewrite (sum_equal _ (fun j => / sum (fun i => exp (s i)) n * exp (s j))).
  - rewrite sum_scaled. field. lra.
  - intros j _. unfold softmax. field. lra.
Qed.

Theorem softmax_at_most_one : forall s n k, (k < n)%nat -> softmax s n k <= 1.
Proof.
  intros s n k inside. rewrite <- (softmax_sum s n) by lia. apply sum_above_term; auto.
  intros j _. left. apply softmax_positive. lia.
Qed.

Theorem softmax_increasing : forall s n j k, (1 <= n)%nat -> s j <= s k -> softmax s n j <= softmax s n k.
Proof.
  intros s n j k some less. apply Rmult_le_compat_r.
  - left. apply Rinv_0_lt_compat. now apply softmax_denominator_positive.
  - now apply exp_increasing.
Qed.

(* -log of a weight, from the sum that softmax has already formed. *)
Theorem cross_entropy_formula :
  forall s m n k, (1 <= n)%nat -> - ln (softmax s n k) = m - s k + ln (sum (fun j => exp (s j - m)) n).
Proof.
  intros s m n k some. rewrite <- (softmax_formula s m) by assumption.
  rewrite log_of_quotient.
  - rewrite ln_exp. ring.
  - apply exp_pos.
  - now apply softmax_denominator_positive.
Qed.

Theorem cross_entropy_nonnegative : forall s n k, (k < n)%nat -> 0 <= - ln (softmax s n k).
Proof.
  intros s n k inside. assert (ln (softmax s n k) <= 0); [ | lra ].
  apply log_nonpositive. split; [ apply softmax_positive; lia | now apply softmax_at_most_one ].
Qed.

(* The potential: with m the greatest score, at k, log sum exp (s_j - m) is -log of the greatest weight. *)
Theorem potential_formula :
  forall s m n k, (k < n)%nat -> m = s k -> (forall j, (j < n)%nat -> s j <= m) ->
  (forall j, (j < n)%nat -> softmax s n j <= softmax s n k) /\
  ln (sum (fun j => exp (s j - m)) n) = - ln (softmax s n k).
Proof.
  intros s m n k inside maximum greatest. split.
  - intros j below. apply softmax_increasing; [ lia | ]. rewrite <- maximum. auto.
  - rewrite (cross_entropy_formula s m) by lia. rewrite maximum. ring.
Qed.

Theorem potential_nonnegative :
  forall s m n k, (k < n)%nat -> m = s k -> 0 <= ln (sum (fun j => exp (s j - m)) n).
Proof.
  intros s m n k inside maximum. apply log_nonnegative.
  rewrite <- exp_0. replace 0 with (s k - m) by lra.
  apply (sum_above_term (fun j => exp (s j - m))); auto. intros j _. left. apply exp_pos.
Qed.

Theorem potential_at_most_log :
  forall s m n, (1 <= n)%nat -> (forall j, (j < n)%nat -> s j <= m) ->
  ln (sum (fun j => exp (s j - m)) n) <= ln (INR n).
Proof.
  intros s m n some greatest. apply log_increasing. split.
  - now apply softmax_denominator_positive.
  - rewrite <- (Rmult_1_r (INR n)), <- sum_constant. apply sum_increasing.
    intros j inside. apply exp_at_most_one. specialize (greatest j inside). lra.
Qed.

(* --- Tsallis entropy ------------------------------------------------------------------------------- *)

Theorem tsallis_nonnegative :
  forall p q n, (forall j, (j < n)%nat -> 0 <= p j <= 1) -> sum p n = 1 -> 1 < q ->
  0 <= (1 - sum (fun j => power (p j) q) n) / (q - 1).
Proof.
  intros p q n within total index. apply Rmult_le_pos.
  - assert (sum (fun j => power (p j) q) n <= sum p n); [ | lra ].
    apply sum_increasing. intros j inside. apply power_below; auto. lra.
  - left. apply Rinv_0_lt_compat. lra.
Qed.

(* The entropy is greatest where the weights are all 1/n: each p_j^q lies above the tangent there. *)
Theorem tsallis_maximum :
  forall p q n, (1 <= n)%nat -> (forall j, (j < n)%nat -> 0 <= p j) -> sum p n = 1 -> 1 < q ->
  (1 - sum (fun j => power (p j) q) n) / (q - 1) <= (1 - Rpower (INR n) (1 - q)) / (q - 1).
Proof.
  intros p q n some nonnegative total index.
  assert (0 < INR n) as many by (apply lt_0_INR; lia).
  apply Rmult_le_compat_r; [ left; apply Rinv_0_lt_compat; lra | ].
  assert (Rpower (INR n) (1 - q) <= sum (fun j => power (p j) q) n); [ | lra ].
  set (a := / INR n). assert (0 < a) as base by now apply Rinv_0_lt_compat.
  set (slope := q * power a (q - 1)).
  apply Rle_trans with (sum (fun j => (power a q - slope * a) + slope * p j) n).
  - rewrite sum_added, sum_scaled, sum_constant, total. right.
    replace (Rpower (INR n) (1 - q)) with (INR n * power a q).
    + unfold slope, a. field. lra.
    + rewrite power_is_Rpower by assumption. unfold a, Rpower. rewrite ln_Rinv by assumption.
      rewrite <- (exp_ln (INR n)) at 1 by assumption. rewrite <- exp_plus. f_equal. ring.
  - apply sum_increasing. intros j inside.
    assert (power (p j) q >= power a q + slope * (p j - a)) as tangent.
    { unfold slope. apply power_tangent; auto. lra. }
    lra.
Qed.
