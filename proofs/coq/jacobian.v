(* jacobian.v - the Jacobian of attention: lemma B.1, corollary B.2 and the inequality of theorem 3.2.1; what holds of
   them and what does not.

   Notation as there: Y = X + Z, n x d; S the softmax of the rows of the logits Y W_Q (Y W_K)^T, r_i its rows;
   F(Y) = S^T Y W_V. The S map is F(Y) = S Y W_V, which section 5 trains. DF[v] is the velocity of F along every curve that
   passes Y with velocity v; frechet.v proves that it is the Frechet derivative. *)
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

(* The dynamic term falls as q rises: q = 2, where it is ||S||_F, is the tightest. *)
Theorem dynamic_decreasing : forall S p q n, stochastic S n -> 1 < q <= p -> dynamic S p n <= dynamic S q n.
Proof.
  intros S p q n rows order. apply sqrt_le_1_alt. apply sum_increasing. intros i row.
  destruct (rows i row) as [nonnegative _]. rewrite 2 entropy_inverted by lra.
  set (total := sum (fun j => power (S i j) q) n).
  assert (0 <= total) by (apply sum_nonnegative; intros j column; apply power_nonnegative; auto).
  assert (sum (fun j => power (S i j) p) n <= power total (p / q)) as below.
  { rewrite (sum_equal _ (fun j => power (power (S i j) q) (p / q))).
    - apply sum_of_powers; [ intros j column; apply power_nonnegative; auto | ].
      apply Rmult_le_reg_r with q; [ lra | ]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra.
    - intros j column. assert (0 < p / q) by (apply Rdiv_lt_0_compat; lra).
      rewrite power_of_power by (auto; lra). f_equal. field. lra. }
  assert (0 < 2 / p) by (apply Rdiv_lt_0_compat; lra). assert (0 < p / q) by (apply Rdiv_lt_0_compat; lra).
  replace (2 / q) with (p / q * (2 / p)) by (field; lra). rewrite <- power_of_power by assumption.
  apply power_increasing; auto. split; auto. apply sum_nonnegative. intros j column. apply power_nonnegative. auto.
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

(* --- the attention maps and their derivatives ------------------------------------------------------ *)

Definition logits (W_Q W_K : matrix) (d : nat) (Y : matrix) : matrix :=
  product_nt (product Y W_Q d) (product Y W_K d) d.

(* S *)
Definition attention (W_Q W_K : matrix) (n d : nat) (Y : matrix) : matrix :=
  fun i => softmax (logits W_Q W_K d Y i) n.

(* F of the theorem, and the S map. *)
Definition map_ST (W_Q W_K W_V : matrix) (n d : nat) (Y : matrix) : matrix :=
  product (product_tn (attention W_Q W_K n d Y) Y n) W_V d.
Definition map_S (W_Q W_K W_V : matrix) (n d : nat) (Y : matrix) : matrix :=
  product (product (attention W_Q W_K n d Y) Y n) W_V d.

(* Their derivatives at Y in direction v. *)
Definition logits_velocity (W_Q W_K : matrix) (d : nat) (Y v : matrix) : matrix :=
  added (product_nt (product v W_Q d) (product Y W_K d) d) (product_nt (product Y W_Q d) (product v W_K d) d).
Definition attention_velocity (W_Q W_K : matrix) (n d : nat) (Y v : matrix) : matrix :=
  fun i => softmax_velocity (attention W_Q W_K n d Y i) (logits_velocity W_Q W_K d Y v i) n.
Definition DF_ST (W_Q W_K W_V : matrix) (n d : nat) (Y v : matrix) : matrix :=
  product (added (product_tn (attention_velocity W_Q W_K n d Y v) Y n) (product_tn (attention W_Q W_K n d Y) v n)) W_V d.
Definition DF_S (W_Q W_K W_V : matrix) (n d : nat) (Y v : matrix) : matrix :=
  product (added (product (attention_velocity W_Q W_K n d Y v) Y n) (product (attention W_Q W_K n d Y) v n)) W_V d.

Lemma attention_stochastic : forall W_Q W_K n d Y, stochastic (attention W_Q W_K n d Y) n.
Proof. intros W_Q W_K n d Y i row. apply softmax_simplex. lia. Qed.

Lemma product_constant_along : forall a b t v k m n, moves_matrix a t v m k ->
  moves_matrix (fun u => product (a u) b k) t (product v b k) m n.
Proof.
  intros a b t v k m n along i j row column. apply D_sum. intros l inside. eapply D_value.
  - apply (D_times (fun u => a u i l) (fun _ => b l j)); [ auto | apply D_constant ].
  - ring.
Qed.

Lemma logits_along : forall W_Q W_K y t v n d, moves_matrix y t v n d ->
  moves_matrix (fun u => logits W_Q W_K d (y u)) t (logits_velocity W_Q W_K d (y t) v) n n.
Proof.
  intros W_Q W_K y t v n d along.
  apply (product_along (fun u => product (y u) W_Q d) (fun u => transposed (product (y u) W_K d))).
  - now apply product_constant_along.
  - intros i j row column. now apply (product_constant_along y W_K t v d n d).
Qed.

Lemma attention_along : forall W_Q W_K y t v n d, moves_matrix y t v n d ->
  moves_matrix (fun u => attention W_Q W_K n d (y u)) t (attention_velocity W_Q W_K n d (y t) v) n n.
Proof.
  intros W_Q W_K y t v n d along i j row column.
  apply (softmax_along (fun u => logits W_Q W_K d (y u) i)); auto.
  intros k below. now apply (logits_along W_Q W_K y t v n d along).
Qed.

Theorem map_ST_derivative : forall W_Q W_K W_V y t v n d, moves_matrix y t v n d ->
  moves_matrix (fun u => map_ST W_Q W_K W_V n d (y u)) t (DF_ST W_Q W_K W_V n d (y t) v) n d.
Proof.
  intros W_Q W_K W_V y t v n d along.
  apply (product_constant_along (fun u => product_tn (attention W_Q W_K n d (y u)) (y u) n)).
  apply (product_along (fun u => transposed (attention W_Q W_K n d (y u))) y
    t (transposed (attention_velocity W_Q W_K n d (y t) v)) v n n d); auto.
  intros i j row column. now apply (attention_along W_Q W_K y t v n d along).
Qed.

Theorem map_S_derivative : forall W_Q W_K W_V y t v n d, moves_matrix y t v n d ->
  moves_matrix (fun u => map_S W_Q W_K W_V n d (y u)) t (DF_S W_Q W_K W_V n d (y t) v) n d.
Proof.
  intros W_Q W_K W_V y t v n d along.
  apply (product_constant_along (fun u => product (attention W_Q W_K n d (y u)) (y u) n)).
  apply (product_along (fun u => attention W_Q W_K n d (y u)) y); auto.
  now apply attention_along.
Qed.

(* --- theorem A: the right bound of the Jacobian ---------------------------------------------------- *)

(* lambda is at least ||J_i||_2 for each row i of S. *)
Definition sensitivity (S : matrix) (n : nat) (lambda : R) : Prop :=
  forall i a, (i < n)%nat -> norm (softmax_velocity (S i) a n) n <= lambda * norm a n.

Lemma logits_velocity_bound : forall W_Q W_K n d Y v m y,
  bounded (product_nt W_Q W_K d) d d m -> bounded Y n d y ->
  frobenius (logits_velocity W_Q W_K d Y v) n n <= 2 * (m * y) * frobenius v n d.
Proof.
  intros W_Q W_K n d Y v m y bound_m bound_y.
  apply Rle_trans with (1 := frobenius_of_sum _ _ n n). rewrite 2 product_of_products.
  pose proof (frobenius_nonnegative v n d).
  assert (frobenius (product (product v (product_nt W_Q W_K d) d) (transposed Y) d) n n <= frobenius v n d * m * y).
  { apply Rle_trans with (frobenius (product v (product_nt W_Q W_K d) d) n d * y).
    - apply frobenius_product_right. now apply bounded_transposed.
    - apply Rmult_le_compat_r; [ apply bound_y | ]. now apply frobenius_product_right. }
  assert (frobenius (product (product Y (product_nt W_Q W_K d) d) (transposed v) d) n n <= y * m * frobenius v n d).
  { rewrite <- (frobenius_transposed v). apply frobenius_product_left. now apply bounded_product with (k := d). }
  lra.
Qed.

Lemma attention_velocity_bound : forall W_Q W_K n d Y v m y lambda,
  bounded (product_nt W_Q W_K d) d d m -> bounded Y n d y ->
  0 <= lambda -> sensitivity (attention W_Q W_K n d Y) n lambda ->
  frobenius (attention_velocity W_Q W_K n d Y v) n n <= 2 * lambda * (m * y) * frobenius v n d.
Proof.
  intros W_Q W_K n d Y v m y lambda bound_m bound_y nonnegative sensitive.
  apply Rle_trans with (lambda * frobenius (logits_velocity W_Q W_K d Y v) n n).
  - apply frobenius_by_rows; auto. intros i row. now apply sensitive.
  - pose proof (logits_velocity_bound W_Q W_K n d Y v m y bound_m bound_y). nra.
Qed.

(* Both maps, given S and its velocity or both transposed. *)
Lemma map_velocity_bound : forall S dS Y v W_V n d y s t w,
  bounded S n n s -> bounded Y n d y -> bounded W_V d d w -> frobenius dS n n <= t * frobenius v n d ->
  frobenius (product (added (product dS Y n) (product S v n)) W_V d) n d <= (t * y + s) * w * frobenius v n d.
Proof.
  intros S dS Y v W_V n d y s t w bound_s bound_y bound_w moved.
  apply Rle_trans with (frobenius (added (product dS Y n) (product S v n)) n d * w);
    [ now apply frobenius_product_right | ].
  replace ((t * y + s) * w * frobenius v n d) with ((t * frobenius v n d * y + s * frobenius v n d) * w) by ring.
  apply Rmult_le_compat_r; [ apply bound_w | ].
  apply Rle_trans with (1 := frobenius_of_sum _ _ n d). apply Rplus_le_compat.
  - apply Rle_trans with (frobenius dS n n * y); [ now apply frobenius_product_right | ].
    apply Rmult_le_compat_r; [ apply bound_y | assumption ].
  - now apply frobenius_product_left.
Qed.

(* ||DF[v]||_F <= (2 lambda ||Y||_2^2 ||W_Q W_K^T||_2 + ||S||_2) ||W_V||_2 ||v||_F, lambda at least every ||J_i||_2. *)
Theorem jacobian_bound_sensitivity : forall W_Q W_K W_V n d Y v m y s w lambda,
  let S := attention W_Q W_K n d Y in
  bounded (product_nt W_Q W_K d) d d m -> bounded Y n d y -> bounded S n n s -> bounded W_V d d w ->
  0 <= lambda -> sensitivity S n lambda ->
  frobenius (DF_ST W_Q W_K W_V n d Y v) n d <= (2 * lambda * (y * y) * m + s) * w * frobenius v n d
  /\ frobenius (DF_S W_Q W_K W_V n d Y v) n d <= (2 * lambda * (y * y) * m + s) * w * frobenius v n d.
Proof.
  intros W_Q W_K W_V n d Y v m y s w lambda S bound_m bound_y bound_s bound_w nonnegative sensitive.
  pose proof (attention_velocity_bound W_Q W_K n d Y v m y lambda bound_m bound_y nonnegative sensitive) as moved.
  replace (2 * lambda * (y * y) * m + s) with (2 * lambda * (m * y) * y + s) by ring. split.
  - apply (map_velocity_bound (transposed S) (transposed (attention_velocity W_Q W_K n d Y v)));
      auto using bounded_transposed. now rewrite frobenius_transposed.
  - now apply map_velocity_bound.
Qed.

Lemma softmax_sensitivity : forall W_Q W_K n d Y, sensitivity (attention W_Q W_K n d Y) n (1 / 2).
Proof. intros W_Q W_K n d Y i a row. apply softmax_half. now apply attention_stochastic. Qed.

(* Theorem A, both maps: ||DF[v]||_F <= (||Y||_2^2 ||W_Q W_K^T||_2 + ||S||_2) ||W_V||_2 ||v||_F. *)
Theorem jacobian_bound_spectral : forall W_Q W_K W_V n d Y v m y s w,
  bounded (product_nt W_Q W_K d) d d m -> bounded Y n d y ->
  bounded (attention W_Q W_K n d Y) n n s -> bounded W_V d d w ->
  frobenius (DF_ST W_Q W_K W_V n d Y v) n d <= (y * y * m + s) * w * frobenius v n d
  /\ frobenius (DF_S W_Q W_K W_V n d Y v) n d <= (y * y * m + s) * w * frobenius v n d.
Proof.
  intros W_Q W_K W_V n d Y v m y s w bound_m bound_y bound_s bound_w.
  replace (y * y * m + s) with (2 * (1 / 2) * (y * y) * m + s) by field.
  apply jacobian_bound_sensitivity; auto using softmax_sensitivity. lra.
Qed.

(* The same in Frobenius norms: ||DF[v]||_F <= (||Y||_F^2 ||W_Q||_F ||W_K||_F + ||S||_F) ||W_V||_F ||v||_F. *)
Theorem jacobian_bound_frobenius : forall W_Q W_K W_V n d Y v,
  let y := frobenius Y n d in
  let b := (y * y * (frobenius W_Q d d * frobenius W_K d d) + frobenius (attention W_Q W_K n d Y) n n)
           * frobenius W_V d d * frobenius v n d in
  frobenius (DF_ST W_Q W_K W_V n d Y v) n d <= b /\ frobenius (DF_S W_Q W_K W_V n d Y v) n d <= b.
Proof.
  intros W_Q W_K W_V n d Y v y b. unfold b, y. apply jacobian_bound_spectral; auto using bounded_frobenius.
  apply (bounded_product W_Q (transposed W_K)); auto using bounded_frobenius, bounded_transposed.
Qed.

Lemma frobenius_attention : forall W_Q W_K n d Y q, 1 < q <= 2 ->
  frobenius (attention W_Q W_K n d Y) n n <= dynamic (attention W_Q W_K n d Y) q n.
Proof.
  intros W_Q W_K n d Y q index. apply sqrt_le_1_alt.
  now apply (frobenius_from_entropy (attention W_Q W_K n d Y)); [ apply attention_stochastic | ].
Qed.

(* What theorem 3.2.1 should print, on its own domain: the static constant is 4, not 2. (No bound of ||W_V||_F is needed.) *)
Theorem jacobian_bound_domain : forall X Z W_Q W_K W_V n d w_Q w_K q v,
  frobenius X n d <= 1 -> frobenius Z n d <= 1 -> 1 < q <= 2 ->
  operator_norm W_Q d d w_Q -> operator_norm W_K d d w_K ->
  let Y := added X Z in
  let b := (4 * (w_Q * w_K) + dynamic (attention W_Q W_K n d Y) q n) * frobenius W_V d d * frobenius v n d in
  frobenius (DF_ST W_Q W_K W_V n d Y v) n d <= b /\ frobenius (DF_S W_Q W_K W_V n d Y v) n d <= b.
Proof.
  intros X Z W_Q W_K W_V n d w_Q w_K q v size_X size_Z index norm_Q norm_K Y b.
  pose proof (operator_norm_bounded _ _ _ _ norm_Q) as bound_Q.
  pose proof (operator_norm_bounded _ _ _ _ norm_K) as bound_K.
  pose proof (frobenius_of_sum X Z n d) as size_Y. fold Y in size_Y.
  assert (bounded Y n d 2) as bound_Y by (apply bounded_weakened with (1 := bounded_frobenius Y n d); lra).
  unfold b. replace 4 with (2 * 2) by ring.
  assert (forall e s, e <= (2 * 2 * (w_Q * w_K) + s) * frobenius W_V d d * frobenius v n d ->
    s <= dynamic (attention W_Q W_K n d Y) q n ->
    e <= (2 * 2 * (w_Q * w_K) + dynamic (attention W_Q W_K n d Y) q n) * frobenius W_V d d * frobenius v n d) as weaken.
  { intros e s below less. apply Rle_trans with (1 := below).
    apply Rmult_le_compat_r; [ apply frobenius_nonnegative | ].
    apply Rmult_le_compat_r; [ apply frobenius_nonnegative | ]. lra. }
  destruct (jacobian_bound_spectral W_Q W_K W_V n d Y v (w_Q * w_K) 2
    (frobenius (attention W_Q W_K n d Y) n n) (frobenius W_V d d)) as [below_ST below_S];
    auto using bounded_frobenius.
  - apply (bounded_product W_Q (transposed W_K)); auto using bounded_transposed.
  - split; eapply weaken; eauto using frobenius_attention.
Qed.

(* --- the printed inequality ------------------------------------------------------------------------ *)

(* V = DF(X + Z)[v], by t -> F(X + Z + t v). *)
Definition derivative_ST (W_Q W_K W_V : matrix) (n d : nat) (X Z v V : matrix) : Prop :=
  moves_matrix (fun t => map_ST W_Q W_K W_V n d (added X (fun i j => Z i j + t * v i j))) 0 V n d.

Theorem derivative_ST_formula : forall W_Q W_K W_V n d X Z v,
  derivative_ST W_Q W_K W_V n d X Z v (DF_ST W_Q W_K W_V n d (added X Z) v).
Proof.
  intros W_Q W_K W_V n d X Z v.
  replace (added X Z) with (added X (fun i j => Z i j + 0 * v i j)).
  - apply (map_ST_derivative W_Q W_K W_V (fun t => added X (fun i j => Z i j + t * v i j)) 0 v n d).
    intros i j row column. unfold added. apply D_value with (0 + (0 + (1 * v i j + 0 * 0))); [ | ring ].
    apply D_plus; [ apply D_constant | ]. apply D_plus; [ apply D_constant | ].
    apply (D_times (fun t => t) (fun _ => v i j)); [ apply D_identity | apply D_constant ].
  - extensionality i. extensionality j. unfold added. ring.
Qed.

(* The Jacobian inequality of theorem 3.2.1 for the entropy index q, with c for its static constant, which is 2: whatever
   the data that meet the hypotheses, in every direction v
   ||DF[v]||_F <= (c ||W_Q||_op ||W_K||_op + dynamic term) ||W_V||_F ||v||_F,
   which is what the printed bound of the operator norm of DF says. *)
Definition jacobian_inequality (c q : R) : Prop :=
  forall n d X Z W_Q W_K W_V w_Q w_K,
  frobenius X n d <= 1 -> frobenius Z n d <= 1 -> frobenius W_V d d <= 1 / 2 ->
  operator_norm W_Q d d w_Q -> operator_norm W_K d d w_K ->
  forall v V, derivative_ST W_Q W_K W_V n d X Z v V ->
  frobenius V n d <= (c * w_Q * w_K + dynamic (attention W_Q W_K n d (added X Z)) q n)
                     * frobenius W_V d d * frobenius v n d.

(* The instance: n = d = 2, Y = y [[1,1],[-1,-1]], W_Q = I, W_K = diag(m,-m), W_V = w [[1,1],[1,1]],
   v = 1/2 [[1,-1],[-1,1]]. There all logits are 0, and DF[v] = 4 m y^2 w [[1,1],[-1,-1]]. *)
Definition witness_Y (y : R) (i j : nat) : R := match i with O => y | _ => - y end.
Definition witness_diagonal (a b : R) (i j : nat) : R :=
  match i, j with O, O => a | 1%nat, 1%nat => b | _, _ => 0 end.
Definition witness_W (w : R) (i j : nat) : R := w.
Definition witness_v (i j : nat) : R := match i, j with O, O => 1 / 2 | 1%nat, 1%nat => 1 / 2 | _, _ => - 1 / 2 end.

Lemma frobenius_value : forall a m n b, 0 <= b -> inner a a m n = b * b -> frobenius a m n = b.
Proof. intros a m n b nonnegative value. unfold frobenius. rewrite value. now apply sqrt_square. Qed.

(* diag(a, b) with |a| = |b| = w stretches every x by w. *)
Lemma witness_diagonal_norm : forall a b w, 0 <= w -> a * a = w * w -> b * b = w * w ->
  operator_norm (witness_diagonal a b) 2 2 w.
Proof.
  intros a b w nonnegative first second.
  assert (forall x, norm (applied (witness_diagonal a b) x 2) 2 = w * norm x 2) as stretched.
  { intros x. rewrite <- norm_scaled by assumption. unfold norm, applied. f_equal. cbn.
    transitivity (0 + a * a * (x 0%nat * x 0%nat) + b * b * (x 1%nat * x 1%nat)); [ ring | ].
    rewrite first, second. ring. }
  split.
  - intros r [x [unit ->]]. rewrite stretched. nra.
  - intros upper above. apply above. exists (fun j => match j with O => 1 | _ => 0 end). rewrite stretched.
    assert (norm (fun j => match j with O => 1 | _ => 0 end) 2 = 1) as ->; [ | lra ].
    transitivity (sqrt 1); [ | exact sqrt_1 ]. unfold norm. f_equal. cbn. ring.
Qed.

Lemma witness_attention : forall m y i j, (i < 2)%nat -> (j < 2)%nat ->
  attention (witness_diagonal 1 1) (witness_diagonal m (- m)) 2 2 (witness_Y y) i j = 1 / 2.
Proof.
  intros m y i j row column.
  assert (forall k, (k < 2)%nat -> logits (witness_diagonal 1 1) (witness_diagonal m (- m)) 2 (witness_Y y) i k = 0) as zero.
  { intros k below. unfold logits, product_nt, product, witness_Y.
    destruct i as [| [|]], k as [| [|]]; try lia; cbn; ring. }
  unfold attention, softmax. cbn [sum]. rewrite !zero, exp_0 by lia. field.
Qed.

Lemma witness_derivative : forall m y w i j, (i < 2)%nat -> (j < 2)%nat ->
  DF_ST (witness_diagonal 1 1) (witness_diagonal m (- m)) (witness_W w) 2 2 (witness_Y y) witness_v i j
  = witness_Y (4 * m * (y * y) * w) i j.
Proof.
  intros m y w i j row column. pose proof (witness_attention m y) as half.
  unfold DF_ST, product at 1, added at 1, product_tn, attention_velocity, softmax_velocity. cbn [sum].
  rewrite !half by lia. clear half.
  unfold logits_velocity, added, product_nt, product, witness_Y, witness_W, witness_v.
  destruct i as [| [|]], j as [| [|]]; try lia; cbn; field.
Qed.

Lemma frobenius_witness_Y : forall y, 0 <= y -> frobenius (witness_Y y) 2 2 = 2 * y.
Proof. intros y nonnegative. apply frobenius_value; [ lra | unfold inner; cbn; ring ]. Qed.

Lemma frobenius_witness_W : forall w, 0 <= w -> frobenius (witness_W w) 2 2 = 2 * w.
Proof. intros w nonnegative. apply frobenius_value; [ lra | unfold inner, witness_W; cbn; ring ]. Qed.

Lemma frobenius_witness_v : frobenius witness_v 2 2 = 1.
Proof. apply frobenius_value; [ lra | unfold inner; cbn; field ]. Qed.

Lemma witness_sum : forall x z, added (witness_Y x) (witness_Y z) = witness_Y (x + z).
Proof. intros x z. extensionality i. extensionality j. unfold added, witness_Y. destruct i; ring. Qed.

Lemma dynamic_at_most : forall S q n, stochastic S n -> 1 < q <= 2 -> dynamic S q n <= sqrt (INR n).
Proof.
  intros S q n rows index. apply sqrt_le_1_alt. rewrite <- (Rmult_1_r (INR n)), <- sum_constant.
  apply sum_increasing. intros i row. destruct (rows i row) as [nonnegative total].
  rewrite entropy_inverted by lra. apply power_at_most_one; [ split | apply Rdiv_lt_0_compat; lra ].
  - apply sum_nonnegative. intros j column. apply power_nonnegative. auto.
  - rewrite <- total. apply sum_increasing. intros j column. apply power_below; [ split | ]; [ auto | | lra ].
    rewrite <- total. now apply sum_above_term.
Qed.

Lemma witness_dynamic : forall m y q, 1 < q <= 2 ->
  dynamic (attention (witness_diagonal 1 1) (witness_diagonal m (- m)) 2 2 y) q 2 <= sqrt 2.
Proof.
  intros m y q index. replace 2 with (INR 2) at 3 by (cbn; ring). apply dynamic_at_most; auto. apply attention_stochastic.
Qed.

(* X = Z = 1/2 [[1,1],[-1,-1]], w = 1/4: all hypotheses hold with equality, and ||DF[v]||_F = 2 m. *)
Lemma jacobian_inequality_instance : forall c q m, 1 < q <= 2 -> 0 <= m -> jacobian_inequality c q ->
  2 * m <= (c * m + sqrt 2) / 2.
Proof.
  intros c q m index nonnegative claim.
  assert (frobenius (witness_Y (1 / 2)) 2 2 <= 1) as size_X by (rewrite frobenius_witness_Y; lra).
  assert (frobenius (witness_W (1 / 4)) 2 2 = 1 / 2) as size_W by (rewrite frobenius_witness_W; lra).
  specialize (claim 2%nat 2%nat (witness_Y (1 / 2)) (witness_Y (1 / 2))
    (witness_diagonal 1 1) (witness_diagonal m (- m)) (witness_W (1 / 4)) 1 m).
  rewrite size_W in claim. specialize (claim size_X size_X (Rle_refl (1 / 2))).
  specialize (claim ltac:(apply witness_diagonal_norm; lra) ltac:(apply witness_diagonal_norm; lra) witness_v _
    (derivative_ST_formula _ _ _ _ _ _ _ _)).
  rewrite witness_sum, (frobenius_equal _ _ _ _ (witness_derivative m _ _)) in claim.
  rewrite frobenius_witness_Y, frobenius_witness_v in claim by nra.
  pose proof (witness_dynamic m (witness_Y (1 / 2 + 1 / 2)) q index). lra.
Qed.

Lemma root_two : sqrt 2 < 2.
Proof. pose proof Rlt_sqrt2_0. pose proof (sqrt_sqrt 2). nra. Qed.

(* Theorem 3.2.1's Jacobian inequality is false, for every entropy index, q = 2 among them; m = 1 is enough. *)
Theorem printed_jacobian_inequality_false : forall q, 1 < q <= 2 -> ~ jacobian_inequality 2 q.
Proof.
  intros q index claim. pose proof (jacobian_inequality_instance 2 q 1 index Rle_0_1 claim). pose proof root_two. lra.
Qed.

(* The static constant 4 makes it true, and nothing less does. *)
Theorem static_constant_four : forall c q, 1 < q <= 2 -> (jacobian_inequality c q <-> 4 <= c).
Proof.
  intros c q index. split.
  - intros claim. destruct (Rle_lt_dec 4 c) as [| less]; [ assumption | exfalso ].
    assert (0 < 2 / (4 - c)) as positive by (apply Rdiv_lt_0_compat; lra).
    pose proof (jacobian_inequality_instance c q (2 / (4 - c)) index (Rlt_le _ _ positive) claim).
    assert ((4 - c) * (2 / (4 - c)) = 2) by (field; lra). pose proof root_two. lra.
  - intros enough n d X Z W_Q W_K W_V w_Q w_K size_X size_Z _ norm_Q norm_K v V derivative.
    destruct (operator_norm_bounded _ _ _ _ norm_Q) as [positive_Q _].
    destruct (operator_norm_bounded _ _ _ _ norm_K) as [positive_K _].
    rewrite (frobenius_equal V (DF_ST W_Q W_K W_V n d (added X Z) v)).
    + destruct (jacobian_bound_domain X Z W_Q W_K W_V n d w_Q w_K q v) as [below _]; auto.
      apply Rle_trans with (1 := below). apply Rmult_le_compat_r; [ apply frobenius_nonnegative | ].
      apply Rmult_le_compat_r; [ apply frobenius_nonnegative | ]. apply Rplus_le_compat_r.
      rewrite Rmult_assoc. apply Rmult_le_compat_r; auto. now apply Rmult_le_pos.
    + intros i j row column. apply (uniqueness_limite _ 0 _ _ (derivative i j row column)).
      now apply derivative_ST_formula.
Qed.
