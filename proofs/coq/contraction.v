(* contraction.v - Banach's fixed point theorem for matrices, and what it gives for Z <- F(X + Z): the last claim of theorem
   3.2.1 under conditions that suffice for it. Notation as in jacobian.v. *)
Require Import Reals Lra Lia Psatz FunctionalExtensionality.
From eer Require Import facts derivatives backward matrices jacobian.
Open Scope R_scope.

Notation D := derivable_pt_lim (only parsing).
Notation matrix := (nat -> nat -> R) (only parsing).

Definition subtracted (a b : matrix) (i j : nat) : R := a i j - b i j.
Definition same (a b : matrix) (m n : nat) : Prop := forall i j, (i < m)%nat -> (j < n)%nat -> a i j = b i j.

Definition scaled (c : R) (a : matrix) (i j : nat) : R := c * a i j.

(* --- norms of matrices ----------------------------------------------------------------------------- *)

(* A norm of m x n that the entries bound, and that bounds them; the Frobenius norm, and the greatest norm of a row. *)
Definition matrix_norm (size : matrix -> R) (m n : nat) : Prop :=
  (forall a b, size (added a b) <= size a + size b)
  /\ (forall c a, size (scaled c a) = Rabs c * size a)
  /\ (forall a i j, (i < m)%nat -> (j < n)%nat -> Rabs (a i j) <= size a)
  /\ (forall a, 0 <= size a <= frobenius a m n).

Definition rows_norm (a : matrix) (m n : nat) : R := greatest (fun i => norm (a i) n) m.

Theorem frobenius_is_norm : forall m n, matrix_norm (fun a => frobenius a m n) m n.
Proof.
  intros m n. repeat split; cbv beta.
  - intros a b. apply frobenius_of_sum.
  - intros c a. rewrite 2 frobenius_rows, <- (Rabs_Rabsolu c), <- norm_homogeneous.
    apply norm_equal. intros i _. apply norm_homogeneous.
  - intros a i j row column. rewrite frobenius_rows. apply Rle_trans with (norm (a i) n); [ now apply norm_above_entry | ].
    rewrite <- (Rabs_right (norm (a i) n)) by apply Rle_ge, norm_nonnegative.
    now apply (norm_above_entry (fun k => norm (a k) n)).
  - apply frobenius_nonnegative.
  - apply Rle_refl.
Qed.

Lemma greatest_nonnegative : forall f n, 0 <= greatest f n.
Proof. intros f n. induction n as [| n step]; simpl; [ lra | ]. apply Rle_trans with (1 := step). apply Rmax_l. Qed.

Lemma row_below : forall a m n i, (i < m)%nat -> norm (a i) n <= rows_norm a m n.
Proof. intros a m n i row. now apply (greatest_above (fun k => norm (a k) n)). Qed.

Lemma rows_below : forall a m n c, 0 <= c -> (forall i, (i < m)%nat -> norm (a i) n <= c) -> rows_norm a m n <= c.
Proof. intros a m n c. apply greatest_below. Qed.

Theorem rows_norm_is_norm : forall m n, matrix_norm (fun a => rows_norm a m n) m n.
Proof.
  intros m n.
  assert (forall a, 0 <= rows_norm a m n) as nonnegative by (intros; apply greatest_nonnegative).
  repeat split; cbv beta; auto.
  - intros a b. pose proof (nonnegative a). pose proof (nonnegative b). apply rows_below; [ lra | ]. intros i row.
    apply Rle_trans with (1 := norm_of_sum (a i) (b i) n). apply Rplus_le_compat; now apply row_below.
  - intros c a. unfold rows_norm. induction m as [| m step]; simpl; [ ring | ].
    rewrite step by (intros; apply greatest_nonnegative). rewrite <- RmaxRmult by apply Rabs_pos.
    f_equal. apply norm_homogeneous.
  - intros a i j row column. apply Rle_trans with (norm (a i) n); [ now apply norm_above_entry | now apply row_below ].
  - apply rows_below; [ apply frobenius_nonnegative | ]. intros i row. rewrite frobenius_rows.
    rewrite <- (Rabs_right (norm (a i) n)) by apply Rle_ge, norm_nonnegative.
    now apply (norm_above_entry (fun k => norm (a k) n)).
Qed.

Lemma norm_triangle : forall size m n a b c, matrix_norm size m n ->
  size (subtracted a c) <= size (subtracted a b) + size (subtracted b c).
Proof.
  intros size m n a b c [sum_below _]. replace (subtracted a c) with (added (subtracted a b) (subtracted b c)); auto.
  extensionality i. extensionality j. unfold added, subtracted. ring.
Qed.

Lemma norm_symmetric : forall size m n a b, matrix_norm size m n -> size (subtracted a b) = size (subtracted b a).
Proof.
  intros size m n a b [_ [homogeneous _]]. replace (subtracted a b) with (scaled (-1) (subtracted b a)).
  - rewrite homogeneous, Rabs_left; lra.
  - extensionality i. extensionality j. unfold scaled, subtracted. ring.
Qed.

(* --- the mean value inequality --------------------------------------------------------------------- *)

(* The norm of a change is at most the time, 1, times the greatest norm of the velocity. *)
Definition mean_value (size : matrix -> R) (m n : nat) : Prop := forall f V c,
  (forall t, 0 <= t <= 1 -> moves_matrix f t (V t) m n /\ size (V t) <= c) -> size (subtracted (f 1) (f 0)) <= c.

Theorem frobenius_mean_value : forall m n, mean_value (fun a => frobenius a m n) m n.
Proof.
  intros m n f V c speed. set (g := subtracted (f 1) (f 0)).
  destruct (MVT_cor2 (fun t => inner g (f t) m n) (fun t => inner g (V t) m n) 0 1)
    as [t [mean [after before]]]; [ lra | | ].
  - intros t within. apply (D_sum (fun u i => sum (fun j => g i j * f u i j) n)). intros i row.
    apply D_weighted. intros j column. now apply speed.
  - destruct (speed t) as [_ below]; [ lra | ].
    assert (inner g (f 1) m n - inner g (f 0) m n = inner g g m n) as change.
    { unfold inner. rewrite <- sum_subtracted. apply sum_equal. intros i _. rewrite <- sum_subtracted.
      apply sum_equal. intros j _. unfold g, subtracted. ring. }
    pose proof (inner_below g (V t) m n) as product.
    pose proof (frobenius_nonnegative g m n). pose proof (frobenius_nonnegative (V t) m n).
    rewrite <- frobenius_squared in change. nra.
Qed.

Theorem rows_norm_mean_value : forall m n, mean_value (fun a => rows_norm a m n) m n.
Proof.
  intros m n f V c speed.
  assert (forall a, frobenius a 1 n = norm (a O) n) as single.
  { intros a. unfold frobenius, inner, norm. f_equal. simpl. ring. }
  apply rows_below.
  - destruct (speed 0) as [_ below]; [ lra | ]. apply Rle_trans with (2 := below). apply greatest_nonnegative.
  - intros i row. rewrite <- (single (fun _ => subtracted (f 1) (f 0) i)).
    apply (frobenius_mean_value 1 n (fun t _ => f t i) (fun t _ => V t i)). intros t within.
    destruct (speed t within) as [along below]. split.
    + intros k j _ column. now apply along.
    + rewrite single. apply Rle_trans with (2 := below). now apply row_below.
Qed.

(* --- Banach's fixed point theorem ------------------------------------------------------------------ *)

Fixpoint iterated (G : matrix -> matrix) (k : nat) (Z : matrix) : matrix :=
  match k with
  | O => Z
  | S l => G (iterated G l Z)
  end.

(* G maps the ball of radius r into itself and shrinks distances there by c. *)
Definition contracts (size : matrix -> R) (r c : R) (G : matrix -> matrix) : Prop :=
  (forall a, size a <= r -> size (G a) <= r)
  /\ (forall a b, size a <= r -> size b <= r -> size (subtracted (G a) (G b)) <= c * size (subtracted a b)).

Lemma iterated_inside : forall size r c G k a, contracts size r c G -> size a <= r -> size (iterated G k a) <= r.
Proof. intros size r c G k a [inside _] start. induction k as [| k step]; simpl; auto. Qed.

Lemma iterated_contracts : forall size r c G k a b, contracts size r c G -> 0 <= c -> size a <= r -> size b <= r ->
  size (subtracted (iterated G k a) (iterated G k b)) <= c ^ k * size (subtracted a b).
Proof.
  intros size r c G k a b contraction positive inside_a inside_b. induction k as [| k step]; simpl; [ lra | ].
  rewrite Rmult_assoc. eapply Rle_trans; [ apply contraction; eapply iterated_inside; eauto | ].
  now apply Rmult_le_compat_l.
Qed.

Lemma iterated_added : forall G k l a, iterated G (k + l) a = iterated G k (iterated G l a).
Proof. intros G k l a. induction k as [| k step]; simpl; congruence. Qed.

Lemma limit_of_sum : forall (f : nat -> nat -> R) l n,
  (forall j, (j < n)%nat -> Un_cv (fun k => f k j) (l j)) -> Un_cv (fun k => sum (f k) n) (sum l n).
Proof.
  intros f l n. induction n as [| n step]; intros each; simpl.
  - intros eps positive. exists O. intros k _. unfold R_dist. now rewrite Rminus_diag_eq, Rabs_R0.
  - apply CV_plus; [ apply step; intros j inside | ]; apply each; lia.
Qed.

(* Where the entries converge, the norm does. *)
Lemma limit_in_norm : forall size m n z P eps, matrix_norm size m n ->
  (forall i j, (i < m)%nat -> (j < n)%nat -> Un_cv (fun k => z k i j) (P i j)) -> 0 < eps ->
  exists N, forall k, (N <= k)%nat -> size (subtracted (z k) P) <= eps.
Proof.
  intros size m n z P eps [_ [_ [_ small]]] entries positive.
  assert (Un_cv (fun k => inner (subtracted (z k) P) (subtracted (z k) P) m n) 0) as limit.
  { replace 0 with (sum (fun i => sum (fun j => (P i j - P i j) * (P i j - P i j)) n) m).
    - apply (limit_of_sum (fun k i => sum (fun j => subtracted (z k) P i j * subtracted (z k) P i j) n)).
      intros i row. apply (limit_of_sum (fun k j => subtracted (z k) P i j * subtracted (z k) P i j)). intros j column.
      assert (Un_cv (fun k => z k i j - P i j) (P i j - P i j)) as difference.
      { apply CV_minus; auto. intros e e_positive. exists O. intros k _. unfold R_dist.
        now rewrite Rminus_diag_eq, Rabs_R0. }
      now apply CV_mult.
    - apply sum_zero. intros i _. apply sum_zero. intros j _. ring. }
  destruct (limit (eps * eps)) as [N close]; [ now apply Rmult_lt_0_compat | ]. exists N. intros k after.
  apply Rle_trans with (frobenius (subtracted (z k) P) m n); [ apply small | ].
  apply square_root_below; [ lra | ]. specialize (close k after). unfold R_dist in close.
  apply Rabs_def2 in close. lra.
Qed.

Lemma norm_zero_of_same : forall size m n a b, matrix_norm size m n -> same a b m n -> size (subtracted a b) = 0.
Proof.
  intros size m n a b [_ [_ [_ small]]] equal. apply Rle_antisym; [ | apply small ].
  apply Rle_trans with (1 := proj2 (small (subtracted a b))). right. apply frobenius_value; [ lra | ].
  unfold inner. rewrite Rmult_0_l. apply sum_zero. intros i row. apply sum_zero. intros j column.
  unfold subtracted. rewrite equal by assumption. ring.
Qed.

Lemma same_of_norm_zero : forall size m n a b, matrix_norm size m n -> size (subtracted a b) <= 0 -> same a b m n.
Proof.
  intros size m n a b [_ [_ [entry _]]] zero i j row column.
  assert (Rabs (a i j - b i j) <= 0) as none by exact (Rle_trans _ _ _ (entry _ i j row column) zero).
  unfold Rabs in none. destruct (Rcase_abs _); lra.
Qed.

(* One fixed point P in the ball, and from wherever in it the iteration starts the distance to P falls as c^k. *)
Definition converges (size : matrix -> R) (m n : nat) (r c : R) (G : matrix -> matrix) : Prop :=
  exists P, size P <= r /\ same (G P) P m n
    /\ (forall A, size A <= r -> same (G A) A m n -> same A P m n)
    /\ forall Z k, size Z <= r -> size (subtracted (iterated G k Z) P) <= c ^ k * size (subtracted Z P).

Theorem banach : forall size m n r c G, matrix_norm size m n -> 0 <= r -> 0 <= c < 1 -> contracts size r c G ->
  converges size m n r c G.
Proof.
  intros size m n r c G axioms radius [c_positive c_less] contraction.
  destruct (axioms) as [_ [_ [entry small]]].
  assert (forall a b c, size (subtracted a c) <= size (subtracted a b) + size (subtracted b c)) as triangle
    by (intros; now apply norm_triangle with m n).
  assert (forall a b, size (subtracted a b) = size (subtracted b a)) as symmetric
    by (intros; now apply norm_symmetric with m n).
  set (zero := fun _ _ : nat => 0). set (z := fun k => iterated G k zero).
  assert (forall a, subtracted a zero = a) as minus_zero
    by (intros a; extensionality i; extensionality j; unfold subtracted, zero; ring).
  assert (size zero <= r) as start.
  { apply Rle_trans with (frobenius zero m n); [ apply small | ]. apply square_root_below; [ assumption | ].
    unfold inner. rewrite sum_zero; [ nra | ]. intros i _. apply sum_zero. intros j _. unfold zero. ring. }
  assert (forall k, size (z k) <= r) as inside by (intros k; eapply iterated_inside; eauto).
  assert (forall k l, z (k + l)%nat = iterated G k (z l)) as shift by (intros; apply iterated_added).
  assert (forall i j, (i < m)%nat -> (j < n)%nat -> Cauchy_crit (fun k => z k i j)) as cauchy.
  { intros i j row column eps positive.
    destruct (pow_lt_1_zero c) with (y := eps / (2 * r + 1)) as [N late]; [ rewrite Rabs_right; lra | | ].
    { apply Rdiv_lt_0_compat; lra. }
    exists N. intros k l after_k after_l. unfold R_dist.
    replace k with (N + (k - N))%nat by lia. replace l with (N + (l - N))%nat by lia.
    set (a := z (k - N)%nat). set (b := z (l - N)%nat).
    eapply Rle_lt_trans; [ apply (entry (subtracted (z (N + (k - N))%nat) (z (N + (l - N))%nat)) i j row column) | ].
    rewrite 2 shift. fold a b.
    eapply Rle_lt_trans; [ eapply iterated_contracts; eauto; apply inside | ].
    assert (size (subtracted a b) <= 2 * r) as apart.
    { apply Rle_trans with (1 := triangle a zero b). rewrite (symmetric zero b), 2 minus_zero.
      pose proof (inside (k - N)%nat). pose proof (inside (l - N)%nat). unfold a, b. lra. }
    pose proof (pow_le c N c_positive). specialize (late N (le_n N)). rewrite Rabs_right in late by lra.
    apply Rle_lt_trans with (c ^ N * (2 * r + 1)); [ apply Rmult_le_compat_l; lra | ].
    apply Rlt_le_trans with (eps / (2 * r + 1) * (2 * r + 1)); [ apply Rmult_lt_compat_r; lra | ].
    right. field. lra. }
  assert (forall i j, {l | (i < m)%nat -> (j < n)%nat -> Un_cv (fun k => z k i j) l}) as limits.
  { intros i j. destruct (lt_dec i m) as [row |], (lt_dec j n) as [column |]; try (exists 0; lia).
    destruct (R_complete _ (cauchy i j row column)) as [l limit]. now exists l. }
  set (P := fun i j => proj1_sig (limits i j)).
  assert (forall eps, 0 < eps -> exists k, size (subtracted (z k) P) <= eps /\ size (subtracted (z (S k)) P) <= eps) as near.
  { intros eps positive. destruct (limit_in_norm size m n z P eps axioms) as [N close]; [ | assumption | ].
    - intros i j. exact (proj2_sig (limits i j)).
    - exists N. split; apply close; lia. }
  assert (size P <= r) as inside_P.
  { apply le_epsilon. intros eps positive. destruct (near eps positive) as [k [close _]].
    rewrite <- (minus_zero P). apply Rle_trans with (1 := triangle P (z k) zero).
    rewrite (symmetric P), minus_zero. specialize (inside k). lra. }
  assert (same (G P) P m n) as fixed.
  { apply same_of_norm_zero with size; auto. apply le_epsilon. intros eps positive.
    destruct (near (eps / 2)) as [k [close close_next]]; [ lra | ].
    apply Rle_trans with (1 := triangle (G P) (z (S k)) P).
    assert (size (subtracted (G P) (z (S k))) <= c * size (subtracted P (z k))) as next by now apply contraction.
    rewrite (symmetric P) in next. pose proof (proj1 (small (subtracted (z k) P))). nra. }
  assert (size (subtracted (G P) P) = 0) as still by now apply norm_zero_of_same with m n.
  exists P. split; [ assumption | split; [ assumption | split ] ].
  - intros A inside_A fixed_A. apply same_of_norm_zero with size; auto.
    pose proof (norm_zero_of_same size m n (G A) A axioms fixed_A) as still_A.
    pose proof (triangle A (G A) P) as first. pose proof (triangle (G A) (G P) P).
    rewrite (symmetric A (G A)) in first. pose proof (proj2 contraction A P inside_A inside_P).
    pose proof (proj1 (small (subtracted A P))). nra.
  - intros Z k inside_Z. induction k as [| k step]; simpl; [ lra | ].
    apply Rle_trans with (1 := triangle (G (iterated G k Z)) (G P) P). rewrite still.
    assert (size (iterated G k Z) <= r) as inside_k by (eapply iterated_inside; eauto).
    pose proof (proj2 contraction (iterated G k Z) P inside_k inside_P). nra.
Qed.

(* --- contraction of Z <- F(X + Z) ------------------------------------------------------------------ *)

(* DF y v is the derivative of F at y in direction v. *)
Definition derivative_of (F : matrix -> matrix) (DF : matrix -> matrix -> matrix) (n d : nat) : Prop :=
  forall y t v, moves_matrix y t v n d -> moves_matrix (fun u => F (y u)) t (DF (y t) v) n d.

Lemma line_along : forall a v t n d, moves_matrix (fun u => added a (scaled u v)) t v n d.
Proof.
  intros a v t n d i j row column. apply D_value with (0 + (1 * v i j + t * 0)); [ | ring ].
  apply D_plus; [ apply D_constant | ].
  apply (D_times (fun u => u) (fun _ => v i j)); [ apply D_identity | apply D_constant ].
Qed.

(* A derivative of norm at most c all over the ball, which F does not leave: one fixed point, and rate c^k. *)
Theorem contraction : forall size n d F DF X r c, matrix_norm size n d -> mean_value size n d ->
  derivative_of F DF n d -> 0 <= r -> 0 <= c < 1 ->
  (forall Z, size Z <= r -> size (F (added X Z)) <= r) ->
  (forall Z v, size Z <= r -> size (DF (added X Z) v) <= c * size v) ->
  converges size n d r c (fun Z => F (added X Z)).
Proof.
  intros size n d F DF X r c axioms mean derivative radius rate inside bound. apply banach; auto. split; auto.
  intros a b inside_a inside_b. destruct (axioms) as [sum_below [homogeneous _]].
  set (z := fun t => added b (scaled t (subtracted a b))).
  assert (forall t, 0 <= t <= 1 -> size (z t) <= r) as inside_z.
  { intros t within. replace (z t) with (added (scaled (1 - t) b) (scaled t a)).
    - eapply Rle_trans; [ apply sum_below | ]. rewrite 2 homogeneous, 2 Rabs_right by lra.
      pose proof (Rmult_le_compat_l t _ _ (proj1 within) inside_a).
      assert (0 <= 1 - t) as rest by lra. pose proof (Rmult_le_compat_l (1 - t) _ _ rest inside_b). lra.
    - extensionality i. extensionality j. unfold z, added, scaled, subtracted. ring. }
  replace (F (added X a)) with (F (added X (z 1))); [ replace (F (added X b)) with (F (added X (z 0))) | ].
  - apply (mean (fun t => F (added X (z t))) (fun t => DF (added X (z t)) (subtracted a b))). intros t within. split.
    + apply (derivative (fun u => added X (z u))). intros i j row column.
      apply D_value with (0 + subtracted a b i j); [ | ring ].
      apply D_plus; [ apply D_constant | now apply (line_along b (subtracted a b) t n d) ].
    + apply bound. now apply inside_z.
  - do 2 f_equal. extensionality i. extensionality j. unfold z, added, scaled. ring.
  - do 2 f_equal. extensionality i. extensionality j. unfold z, added, scaled, subtracted. ring.
Qed.

(* F is the theorem's map or the S map. *)
Definition attention_map (F : matrix -> matrix) (W_Q W_K W_V : matrix) (n d : nat) : Prop :=
  F = map_ST W_Q W_K W_V n d \/ F = map_S W_Q W_K W_V n d.

Lemma attention_map_derivative : forall F W_Q W_K W_V n d, attention_map F W_Q W_K W_V n d ->
  exists DF, (DF = DF_ST W_Q W_K W_V n d \/ DF = DF_S W_Q W_K W_V n d) /\ derivative_of F DF n d.
Proof.
  intros F W_Q W_K W_V n d [-> | ->]; eexists; (split; [ | intros y t v along ]).
  - left. reflexivity.
  - now apply map_ST_derivative.
  - right. reflexivity.
  - now apply map_S_derivative.
Qed.

(* Theorem 3.2.1 with what it lacks: the static constant is 4, the condition holds at every state of the unit ball, and F
   does not leave the ball. *)
Theorem entropy_contraction : forall F X W_Q W_K W_V n d w_Q w_K q c, attention_map F W_Q W_K W_V n d ->
  frobenius X n d <= 1 -> 1 < q <= 2 -> operator_norm W_Q d d w_Q -> operator_norm W_K d d w_K -> 0 <= c < 1 ->
  (forall Z, frobenius Z n d <= 1 -> frobenius (F (added X Z)) n d <= 1) ->
  (forall Z, frobenius Z n d <= 1 ->
     (4 * (w_Q * w_K) + dynamic (attention W_Q W_K n d (added X Z)) q n) * frobenius W_V d d <= c) ->
  converges (fun Z => frobenius Z n d) n d 1 c (fun Z => F (added X Z)).
Proof.
  intros F X W_Q W_K W_V n d w_Q w_K q c form size_X index norm_Q norm_K rate inside condition.
  destruct (attention_map_derivative _ _ _ _ _ _ form) as [DF [form_DF derivative]].
  apply contraction with DF; auto using frobenius_is_norm, frobenius_mean_value; [ lra | ].
  intros Z v within.
  set (entropy := dynamic (attention W_Q W_K n d (added X Z)) q n).
  apply Rle_trans with ((4 * (w_Q * w_K) + entropy) * frobenius W_V d d * frobenius v n d).
  - destruct (jacobian_bound_domain X Z W_Q W_K W_V n d w_Q w_K q v) as [below_ST below_S]; auto.
    destruct form_DF as [-> | ->]; assumption.
  - apply Rmult_le_compat_r; [ apply frobenius_nonnegative | now apply condition ].
Qed.

Lemma attention_map_size : forall F W_Q W_K W_V n d Y s w, attention_map F W_Q W_K W_V n d ->
  bounded (attention W_Q W_K n d Y) n n s -> bounded W_V d d w -> frobenius (F Y) n d <= s * frobenius Y n d * w.
Proof.
  intros F W_Q W_K W_V n d Y s w form bound_s bound_w.
  assert (forall S, bounded S n n s -> frobenius (product (product S Y n) W_V d) n d <= s * frobenius Y n d * w) as below.
  { intros S bound. apply Rle_trans with (frobenius (product S Y n) n d * w); [ now apply frobenius_product_right | ].
    apply Rmult_le_compat_r; [ apply bound_w | now apply frobenius_product_left ]. }
  destruct form as [-> | ->]; [ | now apply below ].
  apply (below (transposed (attention W_Q W_K n d Y))). now apply bounded_transposed.
Qed.

(* The same from the weights and a bound s of ||S||_2 over the ball, of radius r; rho bounds ||X + Z||_F there. *)
Theorem spectral_contraction : forall F X W_Q W_K W_V n d m w s r rho, attention_map F W_Q W_K W_V n d ->
  bounded (product_nt W_Q W_K d) d d m -> bounded W_V d d w -> 0 <= r -> frobenius X n d + r <= rho ->
  (forall Z, frobenius Z n d <= r -> bounded (attention W_Q W_K n d (added X Z)) n n s) ->
  s * rho * w <= r -> (rho * rho * m + s) * w < 1 ->
  converges (fun Z => frobenius Z n d) n d r ((rho * rho * m + s) * w) (fun Z => F (added X Z)).
Proof.
  intros F X W_Q W_K W_V n d m w s r rho form bound_m bound_w radius size_X bound_s stays condition.
  destruct (attention_map_derivative _ _ _ _ _ _ form) as [DF [form_DF derivative]].
  pose proof (frobenius_nonnegative X n d) as positive_X.
  assert (forall Z, frobenius Z n d <= r -> frobenius (added X Z) n d <= rho) as size_Y
    by (intros Z within; apply Rle_trans with (1 := frobenius_of_sum X Z n d); lra).
  assert (0 <= s) as positive_s.
  { apply (bound_s (fun _ _ => 0)). apply square_root_below; [ assumption | ].
    unfold inner. rewrite sum_zero; [ nra | ]. intros i _. apply sum_zero. intros j _. ring. }
  apply contraction with DF; auto using frobenius_is_norm, frobenius_mean_value.
  - split; auto. apply Rmult_le_pos; [ | apply bound_w ]. apply Rplus_le_le_0_compat; auto.
    apply Rmult_le_pos; [ apply Rle_0_sqr | apply bound_m ].
  - intros Z within. apply Rle_trans with (2 := stays). specialize (size_Y Z within).
    apply Rle_trans with (1 := attention_map_size _ _ _ _ _ _ _ _ _ form (bound_s Z within) bound_w).
    apply Rmult_le_compat_r; [ apply bound_w | now apply Rmult_le_compat_l ].
  - intros Z v within.
    assert (bounded (added X Z) n d rho) as bound_Y by (apply bounded_weakened with (1 := bounded_frobenius _ n d); auto).
    destruct (jacobian_bound_spectral W_Q W_K W_V n d (added X Z) v m rho s w) as [below_ST below_S]; auto.
    destruct form_DF as [-> | ->]; assumption.
Qed.

Lemma attention_bounded : forall W_Q W_K n d Y, bounded (attention W_Q W_K n d Y) n n (sqrt (INR n)).
Proof.
  intros W_Q W_K n d Y. apply bounded_weakened with (1 := bounded_frobenius _ n n).
  assert (1 < 2 <= 2) as index by lra. apply Rle_trans with (1 := frobenius_attention W_Q W_K n d Y 2 index).
  apply dynamic_at_most; [ apply attention_stochastic | assumption ].
Qed.

(* On the paper's domain, from the weights alone: ||W_V|| <= 1 / (2 sqrt n) and (4 ||W_Q W_K^T|| + sqrt n) ||W_V|| < 1. *)
Theorem weights_contraction : forall F X W_Q W_K W_V n d m w, attention_map F W_Q W_K W_V n d ->
  bounded (product_nt W_Q W_K d) d d m -> bounded W_V d d w -> frobenius X n d <= 1 ->
  2 * sqrt (INR n) * w <= 1 -> (4 * m + sqrt (INR n)) * w < 1 ->
  converges (fun Z => frobenius Z n d) n d 1 ((4 * m + sqrt (INR n)) * w) (fun Z => F (added X Z)).
Proof.
  intros F X W_Q W_K W_V n d m w form bound_m bound_w size_X stays condition.
  replace (4 * m) with (2 * 2 * m) in * by ring.
  apply spectral_contraction with (W_Q := W_Q) (W_K := W_K) (W_V := W_V); auto using attention_bounded; lra.
Qed.

(* --- the printed condition ------------------------------------------------------------------------- *)

(* A map that stretches distances by at most c has no derivative that stretches more. *)
Theorem derivative_below : forall F Z v V r c n d,
  moves_matrix (fun t => F (added Z (scaled t v))) 0 V n d ->
  frobenius Z n d < r ->
  (forall a b, frobenius a n d <= r -> frobenius b n d <= r ->
     frobenius (subtracted (F a) (F b)) n d <= c * frobenius (subtracted a b) n d) ->
  frobenius V n d <= c * frobenius v n d.
Proof.
  intros F Z v V r c n d along inside stretch.
  destruct (frobenius_is_norm n d) as [sum_below [homogeneous _]]. cbv beta in sum_below, homogeneous.
  pose proof (frobenius_nonnegative V n d) as positive_V. pose proof (frobenius_nonnegative v n d) as positive_v.
  assert (added Z (scaled 0 v) = Z) as at_zero by (extensionality i; extensionality j; unfold added, scaled; ring).
  set (near := (r - frobenius Z n d) / (frobenius v n d + 1)).
  assert (0 < near) as near_positive by (apply Rdiv_lt_0_compat; lra).
  assert (forall h, 0 < h < near ->
    frobenius (subtracted (F (added Z (scaled h v))) (F Z)) n d <= c * (h * frobenius v n d)) as step.
  { intros h small. replace (h * frobenius v n d) with (frobenius (subtracted (added Z (scaled h v)) Z) n d).
    - apply stretch; [ | lra ]. apply Rle_trans with (1 := sum_below _ _). rewrite homogeneous, Rabs_right by lra.
      assert (near * (frobenius v n d + 1) = r - frobenius Z n d) by (unfold near; field; lra). nra.
    - replace (subtracted (added Z (scaled h v)) Z) with (scaled h v).
      + rewrite homogeneous, Rabs_right; lra.
      + extensionality i. extensionality j. unfold subtracted, added. ring. }
  assert (D (fun t => inner V (F (added Z (scaled t v))) n d) 0 (inner V V n d)) as derivative.
  { apply (D_sum (fun t i => sum (fun j => V i j * F (added Z (scaled t v)) i j) d)). intros i row.
    apply D_weighted. intros j column. now apply along. }
  assert (frobenius V n d * frobenius V n d <= frobenius V n d * (c * frobenius v n d)) as product.
  { rewrite frobenius_squared. apply le_epsilon. intros eps positive.
    destruct (derivative eps positive) as [delta close].
    set (h := Rmin near delta / 2).
    assert (0 < h < near /\ h < delta) as [small less].
    { pose proof (Rmin_l near delta). pose proof (Rmin_r near delta). pose proof (cond_pos delta).
      assert (0 < Rmin near delta) by now apply Rmin_glb_lt. unfold h. lra. }
    assert (h <> 0) as nonzero by lra. specialize (close h nonzero).
    rewrite Rabs_right in close by lra. specialize (close less). apply Rabs_def2 in close. destruct close as [_ close].
    rewrite Rplus_0_l, at_zero in close. specialize (step h small).
    set (change := subtracted (F (added Z (scaled h v))) (F Z)) in *.
    assert (inner V (F (added Z (scaled h v))) n d - inner V (F Z) n d = inner V change n d) as difference.
    { unfold inner. rewrite <- sum_subtracted. apply sum_equal. intros i _. rewrite <- sum_subtracted.
      apply sum_equal. intros j _. unfold change, subtracted. ring. }
    rewrite difference in close. pose proof (inner_below V change n d) as below.
    assert (inner V change n d / h <= frobenius V n d * (c * frobenius v n d)); [ | lra ].
    apply Rmult_le_reg_r with h; [ lra | ]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. nra. }
  destruct positive_V as [positive_V | <-]; [ nra | ].
  assert (0 < near / 2 < near) as half by lra. specialize (step (near / 2) half).
  pose proof (frobenius_nonnegative (subtracted (F (added Z (scaled (near / 2) v))) (F Z)) n d). nra.
Qed.

(* The printed condition does not make F a contraction: here the printed bound is below 1 all over the unit ball, and still
   F stretches distances there, by more than 6/5. *)
Theorem printed_condition_not_contraction : forall q, 1 < q <= 2 ->
  exists X W_Q W_K W_V w_Q w_K,
  let F Z := map_ST W_Q W_K W_V 2 2 (added X Z) in
  frobenius X 2 2 <= 1 /\ frobenius W_V 2 2 <= 1 / 2 /\ operator_norm W_Q 2 2 w_Q /\ operator_norm W_K 2 2 w_K
  /\ (forall Z, (2 * w_Q * w_K + dynamic (attention W_Q W_K 2 2 (added X Z)) q 2) * frobenius W_V 2 2 <= (8 + sqrt 2) / 10)
  /\ (8 + sqrt 2) / 10 < 1
  /\ forall c, (forall a b, frobenius a 2 2 <= 1 -> frobenius b 2 2 <= 1 ->
       frobenius (subtracted (F a) (F b)) 2 2 <= c * frobenius (subtracted a b) 2 2) -> 6 / 5 < c.
Proof.
  intros q index.
  exists (witness_Y (1 / 2)), (witness_diagonal 1 1), (witness_diagonal 4 (- (4))), (witness_W (1 / 20)), 1, 4. intros F.
  assert (frobenius (witness_W (1 / 20)) 2 2 = 1 / 10) as size_W by (rewrite frobenius_witness_W; lra).
  rewrite size_W, frobenius_witness_Y by lra. repeat split; try lra; try (apply witness_diagonal_norm; lra).
  - intros Z. pose proof (witness_dynamic 4 (added (witness_Y (1 / 2)) Z) q index). lra.
  - pose proof root_two. lra.
  - intros c stretch.
    pose proof (derivative_below F (witness_Y (2 / 5)) witness_v
      (witness_Y (4 * 4 * (9 / 10 * (9 / 10)) * (1 / 20))) 1 c 2 2) as below.
    rewrite 2 frobenius_witness_Y, frobenius_witness_v in below by lra.
    enough (2 * (4 * 4 * (9 / 10 * (9 / 10)) * (1 / 20)) <= c * 1) by lra. apply below; auto; [ | lra ].
    pose proof (derivative_ST_formula (witness_diagonal 1 1) (witness_diagonal 4 (- (4))) (witness_W (1 / 20)) 2 2
      (witness_Y (1 / 2)) (witness_Y (2 / 5)) witness_v) as derivative.
    intros i j row column. specialize (derivative i j row column). rewrite witness_sum in derivative.
    replace (1 / 2 + 2 / 5) with (9 / 10) in derivative by field.
    rewrite witness_derivative in derivative by assumption. exact derivative.
Qed.

(* Eq. 14 is false: F leaves the unit ball, although ||W_V||_F <= 1/2. Here n = 2, d = 1, and both rows attend to the first
   token. *)
Theorem unit_ball_left : exists X Z W_Q W_K W_V,
  frobenius X 2 1 <= 1 /\ frobenius Z 2 1 <= 1 /\ frobenius W_V 1 1 <= 1 / 2
  /\ 1 < frobenius (map_ST W_Q W_K W_V 2 1 (added X Z)) 2 1.
Proof.
  set (x := fun i _ : nat => match i with O => 4 / 5 | _ => 3 / 5 end).
  exists x, x, (fun _ _ => 1), (fun _ _ => 10), (fun _ _ => 1 / 2).
  assert (frobenius x 2 1 <= 1) as size by (apply square_root_below; [ lra | unfold inner, x; cbn; lra ]).
  repeat split; auto; [ apply square_root_below; [ lra | unfold inner; cbn; lra ] | ].
  set (S := attention (fun _ _ => 1) (fun _ _ => 10) 2 1 (added x x)).
  assert (forall i, (i < 2)%nat -> 5 / 6 <= S i O) as attends.
  { intros i row. unfold S, attention, softmax. cbn [sum].
    set (s := logits (fun _ _ => 1) (fun _ _ => 10) 1 (added x x) i).
    assert (24 / 5 <= s O - s 1%nat) as gap.
    { unfold s, logits, product_nt, product, added, x. destruct i as [| [|]]; [ | | lia ]; cbn; lra. }
    pose proof (exp_pos (s O)). pose proof (exp_pos (s 1%nat)).
    assert (5 * exp (s 1%nat) <= exp (s O)) as less.
    { replace (s O) with (s O - s 1%nat + s 1%nat) by ring. rewrite exp_plus.
      apply Rmult_le_compat_r; [ lra | ]. pose proof (exp_ineq1_le (s O - s 1%nat)). lra. }
    apply Rmult_le_reg_r with (0 + exp (s O) + exp (s 1%nat)); [ lra | ].
    unfold Rdiv at 2. rewrite Rmult_assoc, Rinv_l; lra. }
  destruct (frobenius_is_norm 2 1) as [_ [_ [entry _]]]. cbv beta in entry.
  apply Rlt_le_trans with (2 := entry (map_ST (fun _ _ => 1) (fun _ _ => 10) (fun _ _ => 1 / 2) 2 1 (added x x)) O O
    ltac:(lia) ltac:(lia)).
  apply Rlt_le_trans with (2 := Rle_abs _). unfold map_ST, product at 1, product_tn. fold S. cbn [sum].
  unfold added, x. pose proof (attends O ltac:(lia)). pose proof (attends 1%nat ltac:(lia)). lra.
Qed.

(* The iteration of section 5, Z <- Z + F(X + Z) with the S map, is a contraction of no ball that holds a state whose tokens
   are all alike, as X + Z = 0, inside: there F does not change in any direction whose columns sum to 0. *)
Theorem residual_not_contraction : forall X Z W_Q W_K W_V n d v r c,
  (forall i j, (i < n)%nat -> (j < d)%nat -> added X Z i j = added X Z O j) ->
  (forall j, (j < d)%nat -> sum (fun i => v i j) n = 0) ->
  frobenius Z n d < r -> 0 < frobenius v n d ->
  let G z := added z (map_S W_Q W_K W_V n d (added X z)) in
  (forall a b, frobenius a n d <= r -> frobenius b n d <= r ->
     frobenius (subtracted (G a) (G b)) n d <= c * frobenius (subtracted a b) n d) -> 1 <= c.
Proof.
  intros X Z W_Q W_K W_V n d v r c alike centred inside moved G stretch.
  apply Rmult_le_reg_r with (frobenius v n d); [ assumption | ]. rewrite Rmult_1_l.
  apply derivative_below with (F := G) (Z := Z) (r := r); auto. set (Y := added X Z) in *.
  assert (same (DF_S W_Q W_K W_V n d Y v) (fun _ _ => 0) n d) as still.
  { intros i l row _. apply sum_zero. intros j column.
    assert (forall a b, (a < n)%nat -> (b < n)%nat -> attention W_Q W_K n d Y a b = / INR n) as uniform.
    { intros a b row_a row_b. unfold attention, softmax.
      assert (forall k, (k < n)%nat -> logits W_Q W_K d Y a k = logits W_Q W_K d Y a O) as equal.
      { intros k below. apply sum_equal. intros e _. f_equal. apply sum_equal. intros p within. now rewrite alike. }
      rewrite (sum_equal _ (fun _ => exp (logits W_Q W_K d Y a O))) by (intros; now rewrite equal).
      rewrite equal, sum_constant by assumption. pose proof (exp_pos (logits W_Q W_K d Y a O)).
      assert (0 < INR n) by (apply lt_0_INR; lia). field. lra. }
    assert (added (product (attention_velocity W_Q W_K n d Y v) Y n) (product (attention W_Q W_K n d Y) v n) i j = 0) as ->;
      [ | ring ].
    unfold added, product.
    rewrite (sum_equal (fun k => attention W_Q W_K n d Y i k * v k j) (fun k => / INR n * v k j))
      by (intros; now rewrite uniform).
    rewrite sum_scaled, centred by assumption.
    rewrite (sum_equal (fun k => attention_velocity W_Q W_K n d Y v i k * Y k j)
      (fun k => attention_velocity W_Q W_K n d Y v i k * Y O j)) by (intros; now rewrite alike).
    rewrite sum_scaled_right. unfold attention_velocity, softmax_velocity.
    destruct (attention_stochastic W_Q W_K n d Y i row) as [_ total].
    set (mean := sum (fun k => attention W_Q W_K n d Y i k * logits_velocity W_Q W_K d Y v i k) n).
    rewrite (sum_equal _ (fun k => attention W_Q W_K n d Y i k * logits_velocity W_Q W_K d Y v i k
                                   - attention W_Q W_K n d Y i k * mean)) by (intros; ring).
    rewrite sum_subtracted, sum_scaled_right, total. fold mean. ring. }
  intros i j row column. unfold G.
  apply D_value with (v i j + DF_S W_Q W_K W_V n d Y v i j); [ | rewrite still by assumption; ring ].
  apply D_plus; [ now apply (line_along Z v 0 n d) | ].
  replace Y with (added X (added Z (scaled 0 v)))
    by (unfold Y; extensionality a; extensionality b; unfold added, scaled; ring).
  apply (map_S_derivative W_Q W_K W_V (fun t => added X (added Z (scaled t v))) 0 v n d); auto.
  intros a b row_a column_b. apply D_value with (0 + v a b); [ | ring ].
  apply D_plus; [ apply D_constant | now apply (line_along Z v 0 n d) ].
Qed.
