(* fixed_point.v - Banach's fixed point theorem for matrices, and what it gives for Z <- F(X + Z): the last claim of theorem
   3.2.1 under conditions that suffice for it. Notation as in contraction.v. *)
Require Import Reals Lra Lia Psatz FunctionalExtensionality.
From eer Require Import facts derivatives backward matrices contraction.
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
  destruct (MVT_cor2 (fun t => inner g (f t) m n) (fun t => inner g (V t) m n) 0 1) as [t [mean [after before]]]; [ lra | | ].
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
      { apply CV_minus; auto. intros e e_positive. exists O. intros k _. unfold R_dist. now rewrite Rminus_diag_eq, Rabs_R0. }
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
  assert (Rabs (a i j - b i j) <= 0) as none by exact (Rle_trans _ _ _ (entry _ i j row column) zero). unfold Rabs in none. destruct (Rcase_abs _); lra.
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
