(* frechet.v - the derivatives of jacobian.v are Frechet derivatives, and theorem 3.2.1's inequality in those words: for the
   operator norm of the Frechet derivative, induced by the Frobenius norm. *)
Require Import Reals Lra Lia Psatz FunctionalExtensionality.
From eer Require Import facts derivatives backward matrices jacobian contraction.
Open Scope R_scope.

Notation D := derivable_pt_lim (only parsing).
Notation matrix := (nat -> nat -> R) (only parsing).

Definition linear (L : matrix -> matrix) : Prop :=
  (forall a b, L (added a b) = added (L a) (L b)) /\ (forall c a, L (scaled c a) = scaled c (L a)).

(* L is the Frechet derivative of F at Y: F(Y + H) = F(Y) + L H + o(||H||_F). *)
Definition frechet (F L : matrix -> matrix) (Y : matrix) (n d : nat) : Prop :=
  linear L /\ forall eps, 0 < eps -> exists delta, 0 < delta /\ forall H, frobenius H n d <= delta ->
  frobenius (subtracted (subtracted (F (added Y H)) (F Y)) (L H)) n d <= eps * frobenius H n d.

(* --- linear maps ----------------------------------------------------------------------------------- *)

Lemma linear_product_left : forall b k, linear (fun v => product v b k).
Proof.
  intros b k. split.
  - intros v w. extensionality i. extensionality j. unfold product, added. rewrite <- sum_added.
    apply sum_equal. intros; ring.
  - intros c v. extensionality i. extensionality j. unfold product, scaled. rewrite <- sum_scaled.
    apply sum_equal. intros; ring.
Qed.

Lemma linear_product_right : forall a k, linear (fun v => product a v k).
Proof.
  intros a k. split.
  - intros v w. extensionality i. extensionality j. unfold product, added. rewrite <- sum_added.
    apply sum_equal. intros; ring.
  - intros c v. extensionality i. extensionality j. unfold product, scaled. rewrite <- sum_scaled.
    apply sum_equal. intros; ring.
Qed.

Lemma linear_identity : linear (fun v => v).
Proof. split; reflexivity. Qed.

Lemma linear_transposed : linear transposed.
Proof. split; reflexivity. Qed.

Lemma linear_composed : forall K L, linear K -> linear L -> linear (fun v => L (K v)).
Proof.
  intros K L [sum_K scaled_K] [sum_L scaled_L]. split; intros; [ rewrite sum_K | rewrite scaled_K ]; auto.
Qed.

Lemma linear_added : forall K L, linear K -> linear L -> linear (fun v => added (K v) (L v)).
Proof.
  intros K L [sum_K scaled_K] [sum_L scaled_L].
  split; intros; extensionality i; extensionality j; [ rewrite sum_K, sum_L | rewrite scaled_K, scaled_L ];
    unfold added, scaled; ring.
Qed.

Lemma linear_softmax : forall S n, linear (fun a i => softmax_velocity (S i) (a i) n).
Proof.
  intros S n. split.
  - intros a b. extensionality i. extensionality j. unfold softmax_velocity, added.
    rewrite (sum_equal (fun k => S i k * (a i k + b i k)) (fun k => S i k * a i k + S i k * b i k)) by (intros; ring).
    rewrite sum_added. ring.
  - intros c a. extensionality i. extensionality j. unfold softmax_velocity, scaled.
    rewrite (sum_equal (fun k => S i k * (c * a i k)) (fun k => c * (S i k * a i k))) by (intros; ring).
    rewrite sum_scaled. ring.
Qed.

Lemma linear_attention_velocity : forall W_Q W_K n d Y, linear (attention_velocity W_Q W_K n d Y).
Proof.
  intros W_Q W_K n d Y.
  apply (linear_composed (logits_velocity W_Q W_K d Y) (fun a i => softmax_velocity (attention W_Q W_K n d Y i) (a i) n));
    [ | apply linear_softmax ].
  apply linear_added.
  - apply (linear_composed (fun v => product v W_Q d) (fun v => product v (transposed (product Y W_K d)) d));
      apply linear_product_left.
  - apply (linear_composed (fun v => transposed (product v W_K d)) (fun v => product (product Y W_Q d) v d)).
    + apply (linear_composed (fun v => product v W_K d) transposed); [ apply linear_product_left | apply linear_transposed ].
    + apply linear_product_right.
Qed.

Lemma linear_DF_ST : forall W_Q W_K W_V n d Y, linear (DF_ST W_Q W_K W_V n d Y).
Proof.
  intros W_Q W_K W_V n d Y.
  apply (linear_composed _ (fun v => product v W_V d)); [ | apply linear_product_left ]. apply linear_added.
  - apply (linear_composed (fun v => transposed (attention_velocity W_Q W_K n d Y v)) (fun v => product v Y n)).
    + apply (linear_composed (attention_velocity W_Q W_K n d Y) transposed);
        [ apply linear_attention_velocity | apply linear_transposed ].
    + apply linear_product_left.
  - apply linear_product_right.
Qed.

Lemma linear_DF_S : forall W_Q W_K W_V n d Y, linear (DF_S W_Q W_K W_V n d Y).
Proof.
  intros W_Q W_K W_V n d Y.
  apply (linear_composed _ (fun v => product v W_V d)); [ | apply linear_product_left ]. apply linear_added.
  - apply (linear_composed (attention_velocity W_Q W_K n d Y) (fun v => product v Y n));
      [ apply linear_attention_velocity | apply linear_product_left ].
  - apply linear_product_right.
Qed.

(* --- continuity ------------------------------------------------------------------------------------ *)

Definition continuous_at (f : matrix -> R) (Y : matrix) (n d : nat) : Prop :=
  forall eps, 0 < eps -> exists delta, 0 < delta /\ forall H, frobenius H n d <= delta -> Rabs (f (added Y H) - f Y) < eps.

Lemma C_constant : forall c Y n d, continuous_at (fun _ => c) Y n d.
Proof.
  intros c Y n d eps positive. exists 1. split; [ lra | ]. intros H _. now rewrite Rminus_diag_eq, Rabs_R0.
Qed.

Lemma C_entry : forall Y n d i j, (i < n)%nat -> (j < d)%nat -> continuous_at (fun y => y i j) Y n d.
Proof.
  intros Y n d i j row column eps positive. exists (eps / 2). split; [ lra | ]. intros H small.
  replace (added Y H i j - Y i j) with (H i j) by (unfold added; ring).
  destruct (frobenius_is_norm n d) as [_ [_ [entry _]]]. specialize (entry H i j row column). cbv beta in entry. lra.
Qed.

Lemma C_plus : forall f g Y n d, continuous_at f Y n d -> continuous_at g Y n d ->
  continuous_at (fun y => f y + g y) Y n d.
Proof.
  intros f g Y n d near_f near_g eps positive.
  destruct (near_f (eps / 2)) as [delta_f [small_f close_f]]; [ lra | ].
  destruct (near_g (eps / 2)) as [delta_g [small_g close_g]]; [ lra | ].
  exists (Rmin delta_f delta_g). split; [ now apply Rmin_glb_lt | ]. intros H within.
  pose proof (Rmin_l delta_f delta_g). pose proof (Rmin_r delta_f delta_g).
  replace (f (added Y H) + g (added Y H) - (f Y + g Y)) with (f (added Y H) - f Y + (g (added Y H) - g Y)) by ring.
  apply Rle_lt_trans with (1 := Rabs_triang _ _).
  assert (Rabs (f (added Y H) - f Y) < eps / 2) by (apply close_f; lra).
  assert (Rabs (g (added Y H) - g Y) < eps / 2) by (apply close_g; lra). lra.
Qed.

Lemma C_composed : forall f g a Y n d, continuous_at f Y n d -> D g (f Y) a -> continuous_at (fun y => g (f y)) Y n d.
Proof.
  intros f g a Y n d near derivative eps positive. destruct (D_close g (f Y) a eps derivative positive) as [r [small close]].
  destruct (near r small) as [delta [small_delta close_f]]. exists delta. split; auto.
Qed.

Lemma C_scaled : forall c f Y n d, continuous_at f Y n d -> continuous_at (fun y => c * f y) Y n d.
Proof.
  intros c f Y n d near. apply (C_composed f (fun x => c * x) (c * 1)); auto. apply D_scaled, D_identity.
Qed.

Lemma C_minus : forall f g Y n d, continuous_at f Y n d -> continuous_at g Y n d ->
  continuous_at (fun y => f y - g y) Y n d.
Proof.
  intros f g Y n d near_f near_g. replace (fun y => f y - g y) with (fun y => f y + -1 * g y) by (extensionality y; ring).
  apply C_plus; auto. now apply C_scaled.
Qed.

Lemma C_times : forall f g Y n d, continuous_at f Y n d -> continuous_at g Y n d ->
  continuous_at (fun y => f y * g y) Y n d.
Proof.
  intros f g Y n d near_f near_g.
  assert (forall h, continuous_at h Y n d -> continuous_at (fun y => h y * h y) Y n d) as square.
  { intros h near. apply (C_composed h (fun x => x * x) (1 * h Y + h Y * 1)); auto. apply D_times; apply D_identity. }
  replace (fun y => f y * g y)
    with (fun y => 1 / 4 * ((f y + g y) * (f y + g y)) + -1 / 4 * ((f y - g y) * (f y - g y)))
    by (extensionality y; field).
  apply C_plus; apply C_scaled; [ apply (square (fun y => f y + g y)) | apply (square (fun y => f y - g y)) ];
    auto using C_plus, C_minus.
Qed.

Lemma C_sum : forall (f : matrix -> nat -> R) m Y n d,
  (forall k, (k < m)%nat -> continuous_at (fun y => f y k) Y n d) -> continuous_at (fun y => sum (f y) m) Y n d.
Proof.
  intros f m Y n d each. induction m as [| m step]; simpl; [ apply C_constant | ]. apply C_plus; auto.
Qed.

Definition continuous_matrix (f : matrix -> matrix) (Y : matrix) (n d k l : nat) : Prop :=
  forall i j, (i < k)%nat -> (j < l)%nat -> continuous_at (fun y => f y i j) Y n d.

Lemma C_product : forall f g Y n d k p l, continuous_matrix f Y n d k p -> continuous_matrix g Y n d p l ->
  continuous_matrix (fun y => product (f y) (g y) p) Y n d k l.
Proof.
  intros f g Y n d k p l near_f near_g i j row column. apply (C_sum (fun y q => f y i q * g y q j)). intros q inside.
  apply C_times; auto.
Qed.

Lemma C_transposed : forall f Y n d k l, continuous_matrix f Y n d k l ->
  continuous_matrix (fun y => transposed (f y)) Y n d l k.
Proof. intros f Y n d k l near i j row column. now apply near. Qed.

Lemma C_added : forall f g Y n d k l, continuous_matrix f Y n d k l -> continuous_matrix g Y n d k l ->
  continuous_matrix (fun y => added (f y) (g y)) Y n d k l.
Proof. intros f g Y n d k l near_f near_g i j row column. apply C_plus; auto. Qed.

Lemma C_fixed : forall a Y n d k l, continuous_matrix (fun _ => a) Y n d k l.
Proof. intros a Y n d k l i j _ _. apply C_constant. Qed.

Lemma C_argument : forall Y n d, continuous_matrix (fun y => y) Y n d n d.
Proof. intros Y n d i j row column. now apply C_entry. Qed.

Lemma C_attention : forall W_Q W_K Y n d, continuous_matrix (attention W_Q W_K n d) Y n d n n.
Proof.
  intros W_Q W_K Y n d i j row column.
  assert (continuous_matrix (logits W_Q W_K d) Y n d n n) as logits_near.
  { apply (C_product (fun y => product y W_Q d) (fun y => transposed (product y W_K d))); [ | apply C_transposed ];
      apply (C_product (fun y => y)); auto using C_argument, C_fixed. }
  assert (forall k, (k < n)%nat -> continuous_at (fun y => exp (logits W_Q W_K d y i k)) Y n d) as exponential.
  { intros k inside. apply (C_composed (fun y => logits W_Q W_K d y i k) exp (exp (logits W_Q W_K d Y i k)));
      [ now apply logits_near | apply derivable_pt_lim_exp ]. }
  apply C_times; [ now apply exponential | ].
  set (total := fun y => sum (fun k => exp (logits W_Q W_K d y i k)) n).
  assert (0 < total Y) as positive by (apply softmax_denominator_positive; lia).
  apply (C_composed total Rinv (- 1 / (total Y * total Y))).
  - now apply (C_sum (fun y k => exp (logits W_Q W_K d y i k))).
  - apply D_same with (fun u => 1 / u); [ intros u; unfold Rdiv; ring | ].
    apply D_value with (0 / total Y - 1 / total Y * (1 / total Y)); [ | field; lra ].
    apply (D_divided (fun _ => 1) (fun u => u)); [ apply D_constant | apply D_identity | lra ].
Qed.

Lemma C_attention_velocity : forall W_Q W_K v Y n d,
  continuous_matrix (fun y => attention_velocity W_Q W_K n d y v) Y n d n n.
Proof.
  intros W_Q W_K v Y n d i j row column.
  assert (continuous_matrix (fun y => logits_velocity W_Q W_K d y v) Y n d n n) as velocity.
  { apply C_added.
    - apply (C_product (fun _ => product v W_Q d) (fun y => transposed (product y W_K d))); [ apply C_fixed | ].
      apply C_transposed, (C_product (fun y => y)); auto using C_argument, C_fixed.
    - apply (C_product (fun y => product y W_Q d) (fun _ => transposed (product v W_K d))); [ | apply C_fixed ].
      apply (C_product (fun y => y)); auto using C_argument, C_fixed. }
  apply C_times; [ now apply C_attention | ]. apply C_minus; [ now apply velocity | ].
  apply (C_sum (fun y k => attention W_Q W_K n d y i k * logits_velocity W_Q W_K d y v i k)). intros k inside.
  apply C_times; [ now apply C_attention | now apply velocity ].
Qed.

Lemma C_DF_ST : forall W_Q W_K W_V v Y n d, continuous_matrix (fun y => DF_ST W_Q W_K W_V n d y v) Y n d n d.
Proof.
  intros W_Q W_K W_V v Y n d. apply (C_product _ (fun _ => W_V)); [ | apply C_fixed ]. apply C_added.
  - apply (C_product (fun y => transposed (attention_velocity W_Q W_K n d y v)) (fun y => y)); [ | apply C_argument ].
    apply C_transposed, C_attention_velocity.
  - apply (C_product (fun y => transposed (attention W_Q W_K n d y)) (fun _ => v)); [ | apply C_fixed ].
    apply C_transposed, C_attention.
Qed.

Lemma C_DF_S : forall W_Q W_K W_V v Y n d, continuous_matrix (fun y => DF_S W_Q W_K W_V n d y v) Y n d n d.
Proof.
  intros W_Q W_K W_V v Y n d. apply (C_product _ (fun _ => W_V)); [ | apply C_fixed ]. apply C_added.
  - apply (C_product (fun y => attention_velocity W_Q W_K n d y v) (fun y => y)); [ | apply C_argument ].
    apply C_attention_velocity.
  - apply (C_product (fun y => attention W_Q W_K n d y) (fun _ => v)); [ | apply C_fixed ]. apply C_attention.
Qed.

(* --- from directions to the Frechet derivative ------------------------------------------------------ *)

(* The matrix whose entry (p, q) is 1, the others 0. *)
Definition unit_matrix (p q i j : nat) : R := delta i p * delta j q.

Lemma linear_of_sum : forall L (f : nat -> matrix) n, linear L ->
  L (fun i j => sum (fun k => f k i j) n) = fun i j => sum (fun k => L (f k) i j) n.
Proof.
  intros L f n [sum_L scaled_L]. induction n as [| n step].
  - change (fun i j => sum (fun k => f k i j) 0) with (fun i j : nat => 0).
    replace (fun _ _ : nat => 0) with (scaled 0 (fun _ _ => 0)) at 1
      by (extensionality i; extensionality j; unfold scaled; ring).
    rewrite scaled_L. extensionality i. extensionality j. unfold scaled. simpl. ring.
  - change (fun i j => sum (fun k => f k i j) (S n)) with (added (fun i j => sum (fun k => f k i j) n) (f n)).
    rewrite sum_L, step. reflexivity.
Qed.

(* A bounded linear map, by what it does to the unit matrices. *)
Lemma linear_by_units : forall L n d c, linear L -> (forall v, frobenius (L v) n d <= c * frobenius v n d) ->
  forall v i j, (i < n)%nat -> (j < d)%nat ->
  L v i j = sum (fun p => sum (fun q => v p q * L (unit_matrix p q) i j) d) n.
Proof.
  intros L n d c linear_L bound v i j row column. destruct (linear_L) as [sum_L scaled_L].
  set (w := fun i j => sum (fun p => sum (fun q => scaled (v p q) (unit_matrix p q) i j) d) n).
  assert (L w i j = sum (fun p => sum (fun q => v p q * L (unit_matrix p q) i j) d) n) as <-.
  { unfold w. rewrite (linear_of_sum L (fun p i j => sum (fun q => scaled (v p q) (unit_matrix p q) i j) d)) by assumption.
    apply sum_equal. intros p _. rewrite (linear_of_sum L (fun q => scaled (v p q) (unit_matrix p q))) by assumption.
    apply sum_equal. intros q _. now rewrite scaled_L. }
  assert (same v w n d) as equal.
  { intros a b row_a column_b. unfold w, scaled, unit_matrix.
    rewrite (sum_equal _ (fun p => v p b * delta a p)).
    - now rewrite (sum_of_delta (fun p => v p b)).
    - intros p _. rewrite (sum_equal _ (fun q => v p q * delta a p * delta b q)) by (intros; ring).
      now rewrite (sum_of_delta (fun q => v p q * delta a p)). }
  assert (subtracted (L v) (L w) = L (subtracted v w)) as difference.
  { replace (subtracted v w) with (added v (scaled (-1) w))
      by (extensionality a; extensionality b; unfold added, scaled, subtracted; ring).
    rewrite sum_L, scaled_L. extensionality a. extensionality b. unfold added, scaled, subtracted. ring. }
  apply (same_of_norm_zero _ n d (L v) (L w) (frobenius_is_norm n d)); auto.
  rewrite difference. apply Rle_trans with (1 := bound (subtracted v w)).
  rewrite (norm_zero_of_same _ n d v w (frobenius_is_norm n d) equal). lra.
Qed.

Lemma inner_below_squared : forall a b m n, inner a b m n * inner a b m n <= inner a a m n * inner b b m n.
Proof.
  intros a b m n. rewrite <- 2 frobenius_squared. pose proof (inner_below a b m n) as above.
  assert (- inner a b m n <= frobenius a m n * frobenius b m n) as below.
  { destruct (frobenius_is_norm m n) as [_ [homogeneous _]]. specialize (homogeneous (-1) a). cbv beta in homogeneous.
    replace (frobenius a m n) with (frobenius (scaled (-1) a) m n) by (rewrite homogeneous, Rabs_left; lra).
    apply Rle_trans with (2 := inner_below (scaled (-1) a) b m n). right. unfold inner, scaled.
    transitivity (-1 * sum (fun i => sum (fun j => a i j * b i j) n) m); [ ring | ].
    rewrite <- sum_scaled. apply sum_equal. intros i _. rewrite <- sum_scaled. apply sum_equal. intros j _. ring. }
  nra.
Qed.

(* A derivative along every curve, linear in the direction and continuous in the state, is the Frechet derivative. *)
Theorem frechet_from_curves : forall F DF Y n d, derivative_of F DF n d ->
  (forall y, linear (DF y)) -> (forall y, exists c, forall v, frobenius (DF y v) n d <= c * frobenius v n d) ->
  (forall v, continuous_matrix (fun y => DF y v) Y n d n d) -> frechet F (DF Y) Y n d.
Proof.
  intros F DF Y n d derivative lin bound near. split; auto. intros eps positive.
  set (change := fun y p q => subtracted (DF y (unit_matrix p q)) (DF Y (unit_matrix p q))).
  set (gap := fun y => sum (fun p => sum (fun q => inner (change y p q) (change y p q) n d) d) n).
  assert (continuous_at gap Y n d) as continuous.
  { apply (C_sum (fun y p => sum (fun q => inner (change y p q) (change y p q) n d) d)). intros p row_p.
    apply (C_sum (fun y q => inner (change y p q) (change y p q) n d)). intros q column_q.
    apply (C_sum (fun y i => sum (fun j => change y p q i j * change y p q i j) d)). intros i row.
    apply (C_sum (fun y j => change y p q i j * change y p q i j)). intros j column.
    assert (continuous_at (fun y => change y p q i j) Y n d) by (apply C_minus; [ now apply near | apply C_constant ]).
    now apply C_times. }
  assert (gap Y = 0) as start.
  { apply sum_zero. intros p _. apply sum_zero. intros q _. apply sum_zero. intros i _. apply sum_zero. intros j _.
    unfold change, subtracted. ring. }
  destruct (continuous (eps * eps)) as [delta [small close]]; [ now apply Rmult_lt_0_compat | ].
  exists delta. split; auto. intros H within.
  assert (forall h, frobenius h n d <= delta ->
    frobenius (subtracted (DF (added Y h) H) (DF Y H)) n d <= eps * frobenius H n d) as steady.
  { intros h inside. specialize (close h inside). rewrite start, Rminus_0_r in close. apply Rabs_def2 in close.
    pose proof (frobenius_nonnegative H n d). apply square_root_below; [ apply Rmult_le_pos; lra | ].
    replace (eps * frobenius H n d * (eps * frobenius H n d)) with (frobenius H n d * frobenius H n d * (eps * eps)) by ring.
    apply Rle_trans with (frobenius H n d * frobenius H n d * gap (added Y h));
      [ | apply Rmult_le_compat_l; [ now apply Rmult_le_pos | lra ] ].
    rewrite frobenius_squared. set (y := added Y h).
    assert (gap y = sum (fun i => sum (fun j =>
      inner (fun p q => change y p q i j) (fun p q => change y p q i j) n d) d) n) as ->.
    { unfold gap, inner.
      transitivity (sum (fun p => sum (fun i => sum (fun q => sum (fun j => change y p q i j * change y p q i j) d) d) n) n).
      - apply sum_equal. intros p _. apply sum_swapped.
      - rewrite sum_swapped. apply sum_equal. intros i _.
        transitivity (sum (fun p => sum (fun j => sum (fun q => change y p q i j * change y p q i j) d) d) n).
        + apply sum_equal. intros p _. apply sum_swapped.
        + apply sum_swapped. }
    unfold inner at 1. rewrite <- sum_scaled. apply sum_increasing. intros i row.
    rewrite <- sum_scaled. apply sum_increasing. intros j column.
    destruct (bound y) as [c_y bound_y]. destruct (bound Y) as [c_Y bound_Y].
    assert (subtracted (DF y H) (DF Y H) i j = inner H (fun p q => change y p q i j) n d) as ->.
    { unfold subtracted at 1. rewrite (linear_by_units (DF y) n d c_y), (linear_by_units (DF Y) n d c_Y) by auto.
      unfold inner. rewrite <- sum_subtracted. apply sum_equal. intros p _. rewrite <- sum_subtracted.
      apply sum_equal. intros q _. unfold change, subtracted. ring. }
    apply inner_below_squared. }
  set (f := fun t => subtracted (F (added Y (scaled t H))) (scaled t (DF Y H))).
  replace (subtracted (subtracted (F (added Y H)) (F Y)) (DF Y H)) with (subtracted (f 1) (f 0)).
  - apply (frobenius_mean_value n d f (fun t => subtracted (DF (added Y (scaled t H)) H) (DF Y H))). intros t time. split.
    + intros i j row column. apply D_minus.
      * apply (derivative (fun u => added Y (scaled u H)) t H); auto. apply line_along.
      * apply D_value with (1 * DF Y H i j + t * 0); [ | ring ].
        apply (D_times (fun u => u) (fun _ => DF Y H i j)); [ apply D_identity | apply D_constant ].
    + apply steady. destruct (frobenius_is_norm n d) as [_ [homogeneous _]]. cbv beta in homogeneous.
      rewrite homogeneous, Rabs_right by lra. pose proof (frobenius_nonnegative H n d). nra.
  - assert (added Y (scaled 1 H) = added Y H) as one by (extensionality i; extensionality j; unfold added, scaled; ring).
    assert (added Y (scaled 0 H) = Y) as zero by (extensionality i; extensionality j; unfold added, scaled; ring).
    unfold f. rewrite one, zero. extensionality i. extensionality j. unfold subtracted, scaled. ring.
Qed.

Theorem map_ST_frechet : forall W_Q W_K W_V n d Y, frechet (map_ST W_Q W_K W_V n d) (DF_ST W_Q W_K W_V n d Y) Y n d.
Proof.
  intros W_Q W_K W_V n d Y. apply frechet_from_curves; auto using linear_DF_ST, C_DF_ST.
  - intros y t v along. now apply map_ST_derivative.
  - intros y. eexists. intros v. exact (proj1 (jacobian_bound_frobenius W_Q W_K W_V n d y v)).
Qed.

Theorem map_S_frechet : forall W_Q W_K W_V n d Y, frechet (map_S W_Q W_K W_V n d) (DF_S W_Q W_K W_V n d Y) Y n d.
Proof.
  intros W_Q W_K W_V n d Y. apply frechet_from_curves; auto using linear_DF_S, C_DF_S.
  - intros y t v along. now apply map_S_derivative.
  - intros y. eexists. intros v. exact (proj2 (jacobian_bound_frobenius W_Q W_K W_V n d y v)).
Qed.

(* --- theorem 3.2.1's inequality in the paper's words ------------------------------------------------ *)

Lemma frechet_shifted : forall F L X Z n d, frechet F L (added X Z) n d -> frechet (fun z => F (added X z)) L Z n d.
Proof.
  intros F L X Z n d [lin near]. split; auto. intros eps positive.
  destruct (near eps positive) as [delta [small close]]. exists delta. split; auto. intros H within.
  replace (added X (added Z H)) with (added (added X Z) H); auto.
  extensionality i. extensionality j. unfold added. ring.
Qed.

(* There is but one: DF[v] is the velocity along Z + t v. *)
Theorem frechet_direction : forall F L Y n d v, frechet F L Y n d ->
  moves_matrix (fun t => F (added Y (scaled t v))) 0 (L v) n d.
Proof.
  intros F L Y n d v [[_ scaled_L] near] i j row column eps positive.
  destruct (frobenius_is_norm n d) as [_ [homogeneous [entry _]]]. cbv beta in homogeneous, entry.
  pose proof (frobenius_nonnegative v n d) as size. set (K := frobenius v n d + 1).
  destruct (near (eps / K)) as [delta [small close]]; [ apply Rdiv_lt_0_compat; unfold K; lra | ].
  assert (0 < delta / K) as radius by (apply Rdiv_lt_0_compat; unfold K; lra).
  exists (mkposreal _ radius). intros h nonzero within. simpl in within.
  assert (frobenius (scaled h v) n d = Rabs h * frobenius v n d) as length by apply homogeneous.
  assert (Rabs h * K < delta) as short.
  { apply Rlt_le_trans with (delta / K * K); [ apply Rmult_lt_compat_r; unfold K in *; lra | ].
    right. field. unfold K. lra. }
  pose proof (Rabs_pos_lt h nonzero) as positive_h.
  assert (frobenius (scaled h v) n d <= delta) as inside by (rewrite length; unfold K in short; lra).
  specialize (close _ inside).
  pose proof (entry (subtracted (subtracted (F (added Y (scaled h v))) (F Y)) (L (scaled h v))) i j row column) as below.
  rewrite scaled_L in *. rewrite length in close. rewrite Rplus_0_l.
  replace (added Y (scaled 0 v)) with Y by (extensionality a; extensionality b; unfold added, scaled; ring).
  set (y := added Y (scaled h v)) in *.
  replace ((F y i j - F Y i j) / h - L v i j) with (subtracted (subtracted (F y) (F Y)) (scaled h (L v)) i j / h)
    by (unfold subtracted, scaled; field; assumption).
  unfold Rdiv at 1. rewrite Rabs_mult, Rabs_inv.
  apply Rmult_lt_reg_r with (Rabs h); [ assumption | ]. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  apply Rle_lt_trans with (1 := below). apply Rle_lt_trans with (1 := close).
  apply Rlt_le_trans with (eps / K * (Rabs h * K)).
  - apply Rmult_lt_compat_l; [ apply Rdiv_lt_0_compat; unfold K; lra | ]. apply Rmult_lt_compat_l; unfold K; lra.
  - right. field. unfold K. lra.
Qed.

(* b is ||L||_op, induced by the Frobenius norm. *)
Definition map_norm (L : matrix -> matrix) (n d : nat) (b : R) : Prop :=
  is_lub (fun r => exists v, frobenius v n d <= 1 /\ r = frobenius (L v) n d) b.

(* Theorem 3.2.1's bound of ||D_Z F(X + Z)||_op, with c for the static constant, which is 2. *)
Definition frechet_inequality (c q : R) : Prop :=
  forall n d X Z W_Q W_K W_V w_Q w_K L b,
  frobenius X n d <= 1 -> frobenius Z n d <= 1 -> frobenius W_V d d <= 1 / 2 ->
  operator_norm W_Q d d w_Q -> operator_norm W_K d d w_K ->
  frechet (fun z => map_ST W_Q W_K W_V n d (added X z)) L Z n d -> map_norm L n d b ->
  b <= (c * w_Q * w_K + dynamic (attention W_Q W_K n d (added X Z)) q n) * frobenius W_V d d.

Lemma map_norm_exists : forall L n d c, linear L -> (forall v, frobenius (L v) n d <= c * frobenius v n d) ->
  exists b, map_norm L n d b /\ forall v, frobenius (L v) n d <= b * frobenius v n d.
Proof.
  intros L n d c [_ scaled_L] bound.
  destruct (frobenius_is_norm n d) as [_ [homogeneous _]]. cbv beta in homogeneous.
  destruct (completeness (fun r => exists v, frobenius v n d <= 1 /\ r = frobenius (L v) n d)) as [b least].
  - exists (Rabs c). intros r [v [unit ->]]. apply Rle_trans with (1 := bound v).
    pose proof (frobenius_nonnegative v n d). pose proof (Rle_abs c). pose proof (Rabs_pos c). nra.
  - exists (frobenius (L (scaled 0 (fun _ _ => 0))) n d). eexists. split; [ | reflexivity ].
    rewrite homogeneous, Rabs_R0. lra.
  - exists b. split; auto. intros v. destruct (Req_dec (frobenius v n d) 0) as [zero | nonzero].
    + pose proof (bound v) as below. rewrite zero in *. lra.
    + pose proof (frobenius_nonnegative v n d) as size. assert (0 < / frobenius v n d) by (apply Rinv_0_lt_compat; lra).
      assert (frobenius (L (scaled (/ frobenius v n d) v)) n d <= b) as unit.
      { apply least. eexists. split; [ | reflexivity ]. rewrite homogeneous, Rabs_right by lra. right. now apply Rinv_l. }
      rewrite scaled_L, homogeneous, Rabs_right in unit by lra.
      apply Rmult_le_reg_l with (/ frobenius v n d); [ assumption | ].
      replace (/ frobenius v n d * (b * frobenius v n d)) with b by (field; assumption). exact unit.
Qed.

(* ||W||_op of the theorem, the norm of Y -> Y W, is the spectral norm. *)
Theorem operator_norm_of_map : forall W n d w, (1 <= n)%nat -> operator_norm W d d w ->
  map_norm (fun Y => product Y W d) n d w.
Proof.
  intros W n d w some norm_W. pose proof (operator_norm_bounded W d d w norm_W) as bound.
  assert (forall Y, frobenius (product Y W d) n d <= w * frobenius Y n d) as below
    by (intros Y; rewrite Rmult_comm; now apply frobenius_product_right).
  destruct (map_norm_exists (fun Y => product Y W d) n d w (linear_product_left W d) below) as [b [least attained]].
  replace w with b; auto. apply Rle_antisym.
  - apply least. intros r [Y [unit ->]]. apply Rle_trans with (1 := below Y). destruct bound as [nonnegative _].
    pose proof (Rmult_le_compat_l w _ _ nonnegative unit). lra.
  - apply (operator_norm_least W d d w b norm_W). apply (bounded_transposed (transposed W) d d b). split.
    + apply least. exists (fun _ _ => 0). rewrite (frobenius_value _ n d 0), (frobenius_value _ n d 0); try lra;
        rewrite Rmult_0_l; apply sum_zero; intros i _; apply sum_zero; intros j _; try ring.
      unfold product. rewrite sum_zero by (intros; ring). ring.
    + intros x. set (Y := fun i j => delta 0 i * x j).
      replace (norm x d) with (frobenius Y n d).
      * apply Rle_trans with (2 := attained Y). rewrite frobenius_rows.
        apply Rle_trans with (2 := norm_above_entry (fun i => norm (product Y W d i) d) n O some).
        rewrite Rabs_right by apply Rle_ge, norm_nonnegative. right. apply norm_equal. intros j _.
        apply sum_equal. intros l _. unfold Y, transposed, delta. simpl. ring.
      * apply frobenius_value; [ apply norm_nonnegative | ]. rewrite norm_squared. unfold inner, Y.
        rewrite (sum_equal _ (fun i => delta 0 i * sum (fun j => x j * x j) d * delta 0 i)).
        -- rewrite (sum_of_delta (fun i => delta 0 i * _)) by assumption. unfold delta. simpl. ring.
        -- intros i _. rewrite <- sum_scaled, <- sum_scaled_right. apply sum_equal. intros j _. ring.
Qed.

Theorem frechet_inequality_equivalent : forall c q, 0 <= c -> (frechet_inequality c q <-> jacobian_inequality c q).
Proof.
  intros c q nonnegative. split.
  - intros claim n d X Z W_Q W_K W_V w_Q w_K size_X size_Z size_W norm_Q norm_K v V derivative.
    destruct (map_norm_exists (DF_ST W_Q W_K W_V n d (added X Z)) n d
      ((frobenius (added X Z) n d * frobenius (added X Z) n d * (frobenius W_Q d d * frobenius W_K d d)
        + frobenius (attention W_Q W_K n d (added X Z)) n n) * frobenius W_V d d)) as [b [least below]].
    + apply linear_DF_ST.
    + intros w. exact (proj1 (jacobian_bound_frobenius W_Q W_K W_V n d (added X Z) w)).
    + rewrite (frobenius_equal V (DF_ST W_Q W_K W_V n d (added X Z) v)).
      * apply Rle_trans with (1 := below v). apply Rmult_le_compat_r; [ apply frobenius_nonnegative | ].
        apply (claim n d X Z W_Q W_K W_V w_Q w_K (DF_ST W_Q W_K W_V n d (added X Z))); auto.
        apply frechet_shifted, map_ST_frechet.
      * intros i j row column. apply (uniqueness_limite _ 0 _ _ (derivative i j row column)).
        now apply derivative_ST_formula.
  - intros claim n d X Z W_Q W_K W_V w_Q w_K L b size_X size_Z size_W norm_Q norm_K derivative [_ least].
    apply least. intros r [v [unit ->]].
    pose proof (claim n d X Z W_Q W_K W_V w_Q w_K size_X size_Z size_W norm_Q norm_K v (L v)
      (frechet_direction _ _ _ _ _ v derivative)) as below.
    apply Rle_trans with (1 := below).
    destruct (operator_norm_bounded _ _ _ _ norm_Q) as [positive_Q _].
    destruct (operator_norm_bounded _ _ _ _ norm_K) as [positive_K _].
    assert (0 <= c * w_Q * w_K) by (repeat apply Rmult_le_pos; auto).
    assert (0 <= dynamic (attention W_Q W_K n d (added X Z)) q n) by apply sqrt_pos.
    rewrite <- Rmult_1_r. apply Rmult_le_compat_l; [ | assumption ].
    apply Rmult_le_pos; [ lra | apply frobenius_nonnegative ].
Qed.

(* Theorem 3.2.1's inequality is false for every entropy index; with a static constant c it holds if and only if c is at
   least 4. *)
Theorem theorem_3_2_1_inequality_false : forall q, 1 < q <= 2 -> ~ frechet_inequality 2 q.
Proof.
  intros q index claim. apply (printed_jacobian_inequality_false q index).
  apply frechet_inequality_equivalent; [ lra | assumption ].
Qed.

Theorem theorem_3_2_1_inequality_repaired : forall c q, 0 <= c -> 1 < q <= 2 -> (frechet_inequality c q <-> 4 <= c).
Proof.
  intros c q nonnegative index. rewrite frechet_inequality_equivalent by assumption. now apply static_constant_four.
Qed.
