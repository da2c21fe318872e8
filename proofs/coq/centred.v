(* centred.v - a sharper bound for the theorem's map F = S^T Y W_V: as the rows of S sum to 1, the sum of F's rows is that of
   Y W_V, and only the deviation from the mean row goes through S. Notation as in jacobian.v. *)
Require Import Reals Lra Lia Psatz FunctionalExtensionality.
From eer Require Import facts derivatives backward matrices jacobian contraction uniform.
Open Scope R_scope.

Notation matrix := (nat -> nat -> R) (only parsing).

Definition column_sum (a : matrix) (n j : nat) : R := sum (fun i => a i j) n.

(* The rows less their mean. *)
Definition deviations (a : matrix) (n i j : nat) : R := a i j - column_sum a n j / INR n.

(* ||A||_F^2 = ||A - mean||_F^2 + n |mean|^2 *)
Theorem pythagoras : forall a n d, (1 <= n)%nat ->
  frobenius a n d * frobenius a n d
  = frobenius (deviations a n) n d * frobenius (deviations a n) n d
    + sum (fun j => column_sum a n j * column_sum a n j / INR n) d.
Proof.
  intros a n d some. assert (0 < INR n) as many by (apply lt_0_INR; lia).
  rewrite 2 frobenius_squared. unfold inner. rewrite 2 (sum_swapped _ n d), <- sum_added. apply sum_equal. intros j _.
  unfold deviations. set (total := column_sum a n j).
  rewrite (sum_equal (fun i => (a i j - _) * _)
    (fun i => a i j * a i j + (-2 * (total / INR n)) * a i j + total / INR n * (total / INR n))) by (intros; ring).
  rewrite 2 sum_added, sum_scaled, sum_constant. fold (column_sum a n j). fold total. field. lra.
Qed.

Lemma column_sums_nonnegative : forall a n d, (1 <= n)%nat ->
  0 <= sum (fun j => column_sum a n j * column_sum a n j / INR n) d.
Proof.
  intros a n d some. apply sum_nonnegative. intros j _. apply Rmult_le_pos; [ apply Rle_0_sqr | ].
  left. apply Rinv_0_lt_compat, lt_0_INR. lia.
Qed.

Lemma deviations_below : forall a n d, (1 <= n)%nat -> frobenius (deviations a n) n d <= frobenius a n d.
Proof.
  intros a n d some. pose proof (pythagoras a n d some). pose proof (column_sums_nonnegative a n d some).
  apply Rsqr_incr_0_var; [ unfold Rsqr; lra | apply frobenius_nonnegative ].
Qed.

Lemma column_sum_of_product : forall a b k n j, column_sum (product a b k) n j = sum (fun l => column_sum a n l * b l j) k.
Proof.
  intros a b k n j. unfold column_sum, product. rewrite sum_swapped. apply sum_equal. intros l _. apply sum_scaled_right.
Qed.

Lemma deviations_of_product : forall a b k n, deviations (product a b k) n = product (deviations a n) b k.
Proof.
  intros a b k n. extensionality i. extensionality j. unfold deviations. rewrite column_sum_of_product.
  unfold product, Rdiv. rewrite <- sum_scaled_right, <- sum_subtracted. apply sum_equal. intros l _. ring.
Qed.

Lemma deviations_of_sum : forall a b n, deviations (added a b) n = added (deviations a n) (deviations b n).
Proof.
  intros a b n. extensionality i. extensionality j. unfold deviations, added, column_sum. rewrite sum_added.
  unfold Rdiv. ring.
Qed.

Lemma column_sum_of_rows : forall S n j, stochastic S n -> (j < n)%nat -> column_sum (transposed S) n j = 1.
Proof. intros S n j rows row. exact (proj2 (rows j row)). Qed.

Lemma softmax_velocity_sum : forall r a n, simplex r n -> sum (softmax_velocity r a n) n = 0.
Proof.
  intros r a n [_ total]. unfold softmax_velocity. set (mean := sum (fun k => r k * a k) n).
  rewrite (sum_equal _ (fun j => r j * a j - r j * mean)) by (intros; ring).
  rewrite sum_subtracted, sum_scaled_right, total. fold mean. ring.
Qed.

(* Theorem A', the theorem's map, with p at least the spectral norm of the matrix of r_ij - 1/n:
   ||DF[v]||_F <= sqrt(1 + (||Y||_2^2 ||W_Q W_K^T||_2 + p)^2) ||W_V||_2 ||v||_F. *)
Theorem jacobian_bound_centred : forall W_Q W_K W_V n d Y v m y w p,
  let S := attention W_Q W_K n d Y in
  bounded (product_nt W_Q W_K d) d d m -> bounded Y n d y -> bounded W_V d d w ->
  bounded (fun i j => S i j - / INR n) n n p ->
  frobenius (DF_ST W_Q W_K W_V n d Y v) n d <= sqrt (1 + (y * y * m + p) * (y * y * m + p)) * w * frobenius v n d.
Proof.
  intros W_Q W_K W_V n d Y v m y w p S bound_m bound_y bound_w bound_p.
  assert (stochastic S n) as rows by apply attention_stochastic.
  set (b := y * y * m + p). set (A := DF_ST W_Q W_K W_V n d Y v).
  destruct (bound_w) as [positive_w _]. pose proof (frobenius_nonnegative v n d) as positive_v.
  pose proof (sqrt_pos (1 + b * b)) as positive_root.
  assert (0 <= 1 + b * b) as positive by (pose proof (Rle_0_sqr b) as square; unfold Rsqr in square; lra).
  destruct (Nat.eq_dec n 0) as [empty | some].
  { apply Rle_trans with 0; [ | repeat apply Rmult_le_pos; auto ].
    right. rewrite empty. unfold frobenius, inner. simpl. apply sqrt_0. }
  assert (1 <= n)%nat as many by lia.
  assert (frobenius (deviations A n) n d <= b * w * frobenius v n d) as centred.
  { unfold A, DF_ST. rewrite deviations_of_product, deviations_of_sum.
    change (product_tn (attention_velocity W_Q W_K n d Y v) Y n)
      with (product (transposed (attention_velocity W_Q W_K n d Y v)) Y n).
    change (product_tn (attention W_Q W_K n d Y) v n) with (product (transposed S) v n).
    rewrite 2 deviations_of_product. replace b with (m * y * y + p) by (unfold b; ring).
    apply map_velocity_bound; auto.
    - apply bounded_equal with (transposed (fun i j => S i j - / INR n)); [ | now apply bounded_transposed ].
      intros i j row column. unfold deviations, transposed. rewrite (column_sum_of_rows S) by assumption.
      unfold Rdiv. ring.
    - apply Rle_trans with (1 := deviations_below _ n n many). rewrite frobenius_transposed.
      replace (m * y) with (2 * (1 / 2) * (m * y)) by field.
      apply attention_velocity_bound; auto using softmax_sensitivity. lra. }
  set (B := product v W_V d).
  assert (forall j, column_sum A n j = column_sum B n j) as mean.
  { intros j. unfold A, B, DF_ST. rewrite 2 column_sum_of_product. apply sum_equal. intros l _. f_equal.
    unfold column_sum at 1, added. rewrite sum_added.
    change (sum (fun i => product_tn (attention_velocity W_Q W_K n d Y v) Y n i l) n)
      with (column_sum (product (transposed (attention_velocity W_Q W_K n d Y v)) Y n) n l).
    change (sum (fun i => product_tn (attention W_Q W_K n d Y) v n i l) n)
      with (column_sum (product (transposed S) v n) n l).
    rewrite 2 column_sum_of_product, sum_zero.
    - rewrite (sum_equal _ (fun k => v k l)); [ unfold column_sum; ring | ].
      intros k row. rewrite column_sum_of_rows by assumption. ring.
    - intros k row. unfold column_sum, transposed, attention_velocity.
      rewrite softmax_velocity_sum by now apply attention_stochastic. ring. }
  assert (frobenius B n d <= w * frobenius v n d) as size_B
    by (rewrite Rmult_comm; now apply frobenius_product_right).
  pose proof (frobenius_nonnegative B n d). pose proof (frobenius_nonnegative (deviations A n) n d).
  pose proof (Rmult_le_pos _ _ positive_w positive_v) as size.
  pose proof (pythagoras A n d many) as whole. pose proof (pythagoras B n d many) as part.
  rewrite (sum_equal _ (fun j => column_sum B n j * column_sum B n j / INR n)) in whole by (intros; now rewrite mean).
  apply Rsqr_incr_0_var; [ | repeat apply Rmult_le_pos; auto ]. unfold Rsqr.
  replace (sqrt (1 + b * b) * w * frobenius v n d * (sqrt (1 + b * b) * w * frobenius v n d))
    with (sqrt (1 + b * b) * sqrt (1 + b * b) * (w * frobenius v n d * (w * frobenius v n d))) by ring.
  rewrite sqrt_sqrt, whole by assumption.
  assert (frobenius B n d * frobenius B n d <= w * frobenius v n d * (w * frobenius v n d))
    by (apply Rmult_le_compat; auto).
  assert (frobenius (deviations A n) n d * frobenius (deviations A n) n d
          <= b * w * frobenius v n d * (b * w * frobenius v n d))
    by (apply Rmult_le_compat; auto).
  pose proof (Rle_0_sqr (frobenius (deviations B n) n d)) as rest. unfold Rsqr in rest. lra.
Qed.

(* ||S - 1/n||_F <= sinh(delta/2), with delta the spread of the logits. *)
Theorem attention_deviation : forall W_Q W_K Y n d m rho, bounded (product_nt W_Q W_K d) d d m -> frobenius Y n d <= rho ->
  frobenius (fun i j => attention W_Q W_K n d Y i j - / INR n) n n <= sinh ((1 + sqrt 2) / 2 * m * (rho * rho) / 2).
Proof.
  intros W_Q W_K Y n d m rho bound size. set (delta := (1 + sqrt 2) / 2 * m * (rho * rho)).
  set (S := attention W_Q W_K n d Y).
  pose proof (attention_spread W_Q W_K Y n d m rho bound size) as spread. fold delta S in spread.
  assert (0 <= delta / 2) as nonnegative.
  { destruct bound as [positive _]. pose proof (sqrt_pos 2). pose proof (Rle_0_sqr rho).
    apply Rmult_le_pos; [ | lra ]. apply Rmult_le_pos; [ apply Rmult_le_pos; lra | assumption ]. }
  assert (0 <= sinh (delta / 2)) as positive.
  { unfold sinh. pose proof (exp_increasing (- (delta / 2)) (delta / 2)). lra. }
  apply square_root_below; auto. destruct (Nat.eq_dec n 0) as [-> | some]; [ unfold inner; simpl; nra | ].
  assert (0 < INR n) as many by (apply lt_0_INR; lia).
  assert (inner (fun i j => S i j - / INR n) (fun i j => S i j - / INR n) n n = frobenius S n n * frobenius S n n - 1) as ->.
  { rewrite frobenius_squared. replace 1 with (sum (fun _ => / INR n) n) by (rewrite sum_constant; field; lra).
    unfold inner. rewrite <- sum_subtracted. apply sum_equal. intros i row.
    destruct (attention_stochastic W_Q W_K n d Y i row) as [_ total].
    rewrite (sum_equal _ (fun j => S i j * S i j + (-2 / INR n) * S i j + / INR n * / INR n)) by (intros; field; lra).
    rewrite 2 sum_added, sum_scaled, sum_constant. unfold S at 3. rewrite total. field. lra. }
  assert (cosh (delta / 2) * cosh (delta / 2) - 1 = sinh (delta / 2) * sinh (delta / 2)) as <-.
  { assert (exp (delta / 2) * exp (- (delta / 2)) = 1) as inverse by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
    unfold cosh, sinh. set (e := exp (delta / 2)) in *. set (f := exp (- (delta / 2))) in *.
    replace ((e + f) / 2 * ((e + f) / 2)) with ((e - f) / 2 * ((e - f) / 2) + e * f) by field. rewrite inverse. ring. }
  pose proof (frobenius_nonnegative S n n).
  assert (frobenius S n n * frobenius S n n <= cosh (delta / 2) * cosh (delta / 2)) by (apply Rmult_le_compat; auto). lra.
Qed.

(* Theorem C, the theorem's map for any n: delta is the spread of the logits on the ball of radius r, rho bounds ||X + Z||_F
   there. *)
Theorem centred_contraction : forall X W_Q W_K W_V n d m w r rho,
  bounded (product_nt W_Q W_K d) d d m -> bounded W_V d d w -> 0 <= r -> frobenius X n d + r <= rho ->
  let delta := (1 + sqrt 2) / 2 * m * (rho * rho) in
  let b := rho * rho * m + sinh (delta / 2) in
  cosh (delta / 2) * rho * w <= r -> sqrt (1 + b * b) * w < 1 ->
  converges (fun Z => frobenius Z n d) n d r (sqrt (1 + b * b) * w)
    (fun Z => map_ST W_Q W_K W_V n d (added X Z)).
Proof.
  intros X W_Q W_K W_V n d m w r rho bound_m bound_w radius size_X delta b stays condition.
  destruct (bound_w) as [positive_w _]. pose proof (frobenius_nonnegative X n d) as positive_X.
  pose proof (cosh_positive (delta / 2)) as positive.
  assert (forall Z, frobenius Z n d <= r -> frobenius (added X Z) n d <= rho) as size_Y
    by (intros Z within; apply Rle_trans with (1 := frobenius_of_sum X Z n d); lra).
  apply contraction with (DF_ST W_Q W_K W_V n d); auto using frobenius_is_norm, frobenius_mean_value.
  - intros y t v along. now apply map_ST_derivative.
  - split; auto. apply Rmult_le_pos; auto using sqrt_pos.
  - intros Z within. apply Rle_trans with (2 := stays). specialize (size_Y Z within).
    apply Rle_trans with (cosh (delta / 2) * frobenius (added X Z) n d * w).
    + apply (attention_map_size (map_ST W_Q W_K W_V n d) W_Q W_K W_V); [ now left | | assumption ].
      apply bounded_weakened with (1 := bounded_frobenius _ n n). now apply attention_spread.
    + apply Rmult_le_compat_r; auto. apply Rmult_le_compat_l; lra.
  - intros Z v within. apply jacobian_bound_centred; auto.
    + apply bounded_weakened with (1 := bounded_frobenius _ n d). auto.
    + apply bounded_weakened with (1 := bounded_frobenius _ n n). now apply attention_deviation; auto.
Qed.
