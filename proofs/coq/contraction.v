(* contraction.v - theorem 3.2.1 of the paper and its appendix B: what holds of it, what does not, and what holds instead.

   Notation as there: Y = X + Z, n x d; S the softmax of the rows of the logits Y W_Q (Y W_K)^T, r_i its rows; F(Y) = S^T Y W_V.
   The S map is F(Y) = S Y W_V, which section 5 trains. "The derivative in direction v": of F along every curve that passes
   Z with velocity v. In finitely many dimensions that is the Frechet derivative DF[v], which along Z + t v the curve is. *)
Require Import Reals Lra Lia Psatz FunctionalExtensionality.
From eer Require Import facts derivatives backward matrices.
Open Scope R_scope.

Notation D := derivable_pt_lim (only parsing).
Notation matrix := (nat -> nat -> R) (only parsing).

(* r lies in the simplex of n. *)
Definition simplex (r : nat -> R) (n : nat) : Prop := (forall j, (j < n)%nat -> 0 <= r j) /\ sum r n = 1.

(* --- entropy and norm (B.1, B.2) ------------------------------------------------------------------- *)

Lemma power_of_power : forall x y z, 0 <= x -> 0 < y -> 0 < z -> power (power x y) z = power x (y * z).
Proof.
  intros x y z [positive | <-] exponent_y exponent_z.
  - rewrite (power_is_Rpower (power x y)) by now apply power_positive.
    rewrite 2 power_is_Rpower by assumption. apply Rpower_mult.
  - rewrite !power_zero; auto. now apply Rmult_lt_0_compat.
Qed.

(* The sum of powers is at most the power of the sum. *)
Lemma sum_of_powers : forall p s n, (forall j, (j < n)%nat -> 0 <= p j) -> 1 <= s ->
  sum (fun j => power (p j) s) n <= power (sum p n) s.
Proof.
  intros p s n nonnegative exponent.
  assert (0 <= sum p n) as total by now apply sum_nonnegative.
  destruct exponent as [above | <-].
  - replace s with (1 + (s - 1)) by ring. rewrite power_of_sum, power_to_one by assumption.
    rewrite <- sum_scaled_right. apply sum_increasing. intros j inside. specialize (nonnegative j inside) as part.
    rewrite power_of_sum, power_to_one by assumption. apply Rmult_le_compat_l; auto.
    apply power_increasing; [ | lra ]. split; auto. now apply sum_above_term.
  - rewrite power_to_one by assumption. right. apply sum_equal. intros j inside. apply power_to_one. auto.
Qed.

Lemma entropy_inverted : forall r q n, 1 < q -> 1 - (q - 1) * tsallis r q n = sum (fun j => power (r j) q) n.
Proof. intros r q n index. unfold tsallis. field. lra. Qed.

(* Lemma B.1: |r|_2^2 <= (1 - (q-1) H_q(r))^(2/q), 1 < q <= 2. (The entries need not sum to 1.) *)
Theorem norm_from_entropy : forall r q n, (forall j, (j < n)%nat -> 0 <= r j) -> 1 < q <= 2 ->
  sum (fun j => r j * r j) n <= power (1 - (q - 1) * tsallis r q n) (2 / q).
Proof.
  intros r q n nonnegative index. rewrite entropy_inverted by lra.
  rewrite (sum_equal _ (fun j => power (power (r j) q) (2 / q))).
  - apply sum_of_powers.
    + intros j inside. apply power_nonnegative. auto.
    + apply Rmult_le_reg_r with q; [ lra | ]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra.
  - intros j inside. assert (0 < 2 / q) by (apply Rdiv_lt_0_compat; lra).
    rewrite power_of_power by (auto; lra). replace (q * (2 / q)) with 2 by (field; lra).
    symmetry. apply power_two. auto.
Qed.

(* The dynamic term of theorem 3.2.1, and its square. *)
Definition dynamic_squared (S : matrix) (q : R) (n : nat) : R :=
  sum (fun i => power (1 - (q - 1) * tsallis (S i) q n) (2 / q)) n.
Definition dynamic (S : matrix) (q : R) (n : nat) : R := sqrt (dynamic_squared S q n).

Definition stochastic (S : matrix) (n : nat) : Prop := forall i, (i < n)%nat -> simplex (S i) n.

(* Corollary B.2: ||S^T||_F^2 = sum_i |r_i|_2^2 <= sum_i (1 - (q-1) H_q(r_i))^(2/q). *)
Theorem frobenius_from_entropy : forall S q n, stochastic S n -> 1 < q <= 2 ->
  frobenius (transposed S) n n * frobenius (transposed S) n n = sum (fun i => sum (fun j => S i j * S i j) n) n
  /\ sum (fun i => sum (fun j => S i j * S i j) n) n <= dynamic_squared S q n.
Proof.
  intros S q n rows index. split.
  - rewrite frobenius_transposed. apply frobenius_squared.
  - apply sum_increasing. intros i row. apply norm_from_entropy; auto. now apply rows.
Qed.

(* At q = 2 it is an equality: ||S||_F^2 = n - sum_i S_2(r_i), the square of the dynamic term. *)
Theorem frobenius_from_entropy_two : forall S n, stochastic S n ->
  frobenius S n n * frobenius S n n = INR n - sum (fun i => tsallis (S i) 2 n) n
  /\ frobenius S n n * frobenius S n n = dynamic_squared S 2 n.
Proof.
  intros S n rows.
  assert (forall i, (i < n)%nat -> sum (fun j => S i j * S i j) n = 1 - tsallis (S i) 2 n) as each.
  { intros i row. transitivity (sum (fun j => power (S i j) 2) n).
    - apply sum_equal. intros j column. symmetry. apply power_two. now apply rows.
    - rewrite <- entropy_inverted by lra. ring. }
  rewrite frobenius_squared. unfold inner. split.
  - rewrite (sum_equal _ _ n each), sum_subtracted, sum_constant. ring.
  - apply sum_equal. intros i row. specialize (each i row).
    replace (2 / 2) with 1 by field. rewrite power_to_one; [ lra | ].
    rewrite entropy_inverted by lra. apply sum_nonnegative. intros j column. apply power_nonnegative. now apply rows.
Qed.

(* --- the derivative of softmax --------------------------------------------------------------------- *)

(* J a = (diag r - r r^T) a: how r = softmax moves when its logits move with velocity a. *)
Definition softmax_velocity (r a : nat -> R) (n j : nat) : R := r j * (a j - sum (fun k => r k * a k) n).

Lemma softmax_simplex : forall s n, (1 <= n)%nat -> simplex (softmax s n) n.
Proof.
  intros s n some. split; [ | now apply softmax_sum ]. intros j _. left. now apply softmax_positive.
Qed.

(* <a, J a>, twice: the mean of (a_j - a_k)^2. *)
Lemma softmax_variance : forall r a n, simplex r n ->
  sum (fun j => r j * sum (fun k => r k * ((a k - a j) * (a k - a j))) n) n
  = 2 * sum (fun j => a j * softmax_velocity r a n j) n.
Proof.
  intros r a n [_ total]. unfold softmax_velocity.
  set (mu := sum (fun k => r k * a k) n). set (square := sum (fun k => r k * (a k * a k)) n).
  rewrite (sum_equal _ (fun j => square * r j + (-2 * mu) * (r j * a j) + r j * (a j * a j))).
  - rewrite (sum_equal (fun j => a j * _) (fun j => r j * (a j * a j) - mu * (r j * a j))) by (intros; ring).
    rewrite sum_subtracted, 2 sum_added, 3 sum_scaled, total. fold mu square. ring.
  - intros j _.
    rewrite (sum_equal _ (fun k => r k * (a k * a k) + (-2 * a j) * (r k * a k) + (a j * a j) * r k)) by (intros; ring).
    rewrite 2 sum_added, 2 sum_scaled, total. fold mu square. ring.
Qed.

(* ||J||_2 <= 1/2 *)
Theorem softmax_half : forall r a n, simplex r n -> norm (softmax_velocity r a n) n <= 1 / 2 * norm a n.
Proof.
  intros r a n inside. destruct (inside) as [nonnegative total].
  set (mu := sum (fun k => r k * a k) n).
  assert (4 * (norm (softmax_velocity r a n) n * norm (softmax_velocity r a n) n)
          <= 2 * sum (fun j => a j * softmax_velocity r a n j) n) as variance.
  { rewrite <- softmax_variance, norm_squared, <- sum_scaled by assumption.
    apply sum_increasing. intros j below. unfold softmax_velocity. fold mu.
    replace (4 * _) with (r j * (4 * r j * ((a j - mu) * (a j - mu)))) by ring.
    apply Rmult_le_compat_l; auto.
    set (square := sum (fun k => r k * ((a k - a j) * (a k - a j))) n).
    (* The term j of the mean of (a_k - a_j - c)^2 is at most the mean; c is chosen for the best of it. *)
    set (c := 4 * r j * (mu - a j)).
    assert (r j * ((a j - a j - c) * (a j - a j - c)) <= square - 2 * c * (mu - a j) + c * c) as term.
    { replace (square - 2 * c * (mu - a j) + c * c)
        with (sum (fun k => r k * ((a k - a j - c) * (a k - a j - c))) n).
      - apply (sum_above_term (fun k => r k * ((a k - a j - c) * (a k - a j - c)))); auto.
        intros k other. apply Rmult_le_pos; auto. apply Rle_0_sqr.
      - rewrite (sum_equal _ (fun k => r k * ((a k - a j) * (a k - a j)) + (-2 * c) * (r k * a k)
                                       + (2 * c * a j + c * c) * r k)) by (intros; ring).
        rewrite 2 sum_added, 2 sum_scaled, total. fold square mu. ring. }
    assert (0 <= r j * ((mu - a j) * (mu - a j)) * ((2 * r j - 1) * (2 * r j - 1))) as rest.
    { apply Rmult_le_pos; [ apply Rmult_le_pos; [ auto | ] | ]; apply Rle_0_sqr. }
    unfold c in term. nra. }
  pose proof (cauchy_schwarz a (softmax_velocity r a n) n).
  pose proof (norm_nonnegative a n). pose proof (norm_nonnegative (softmax_velocity r a n) n). nra.
Qed.
