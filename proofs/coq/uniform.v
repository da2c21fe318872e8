(* uniform.v - bounds of attention and its Jacobian that hold for any number n of tokens, and the contraction that follows.
   Notation as in jacobian.v. *)
Require Import Reals Lra Lia Psatz FunctionalExtensionality.
From eer Require Import facts derivatives backward matrices jacobian contraction.
Open Scope R_scope.

Notation matrix := (nat -> nat -> R) (only parsing).

(* --- the spread of the logits ---------------------------------------------------------------------- *)

Lemma sum_without : forall f n i, (i < n)%nat ->
  sum f n = f i + sum (fun j => if Nat.eq_dec j i then 0 else f j) n.
Proof.
  intros f n i inside. rewrite <- (sum_of_delta f n i inside). rewrite <- sum_added. apply sum_equal.
  intros j _. unfold delta. destruct (Nat.eq_dec j i); ring.
Qed.

Lemma sum_above_two : forall f n i j, (forall k, (k < n)%nat -> 0 <= f k) -> (i < n)%nat -> (j < n)%nat -> j <> i ->
  f i + f j <= sum f n.
Proof.
  intros f n i j nonnegative inside_i inside_j other. rewrite (sum_without f n i) by assumption.
  apply Rplus_le_compat_l. set (g := fun k => if Nat.eq_dec k i then 0 else f k).
  replace (f j) with (g j) by (unfold g; destruct (Nat.eq_dec j i); lia || reflexivity).
  apply sum_above_term; auto. intros k below. unfold g. destruct (Nat.eq_dec k i); [ lra | auto ].
Qed.

Lemma sum_above_three : forall f n i j k, (forall l, (l < n)%nat -> 0 <= f l) ->
  (i < n)%nat -> (j < n)%nat -> (k < n)%nat -> j <> i -> k <> i -> k <> j -> f i + (f j + f k) <= sum f n.
Proof.
  intros f n i j k nonnegative inside_i inside_j inside_k other_j other_k different.
  rewrite (sum_without f n i) by assumption.
  apply Rplus_le_compat_l. set (g := fun l => if Nat.eq_dec l i then 0 else f l).
  replace (f j) with (g j) by (unfold g; destruct (Nat.eq_dec j i); lia || reflexivity).
  replace (f k) with (g k) by (unfold g; destruct (Nat.eq_dec k i); lia || reflexivity).
  apply sum_above_two; auto. intros l below. unfold g. destruct (Nat.eq_dec l i); [ lra | auto ].
Qed.

Lemma norm_of_difference : forall x y n, norm (fun j => x j - y j) n <= norm x n + norm y n.
Proof.
  intros x y n. replace (norm y n) with (norm (fun j => -1 * y j) n).
  - rewrite (norm_equal _ (fun j => x j + -1 * y j)) by (intros; ring). apply norm_of_sum.
  - rewrite norm_homogeneous, Rabs_left; lra.
Qed.

(* |x - y|^2 <= 2 (|x|^2 + |y|^2) *)
Lemma norm_of_difference_squared : forall x y n,
  norm (fun j => x j - y j) n * norm (fun j => x j - y j) n <= 2 * (norm x n * norm x n + norm y n * norm y n).
Proof.
  intros x y n. rewrite 3 norm_squared, <- sum_added, <- sum_scaled. apply sum_increasing. intros j _.
  pose proof (Rle_0_sqr (x j + y j)) as square. unfold Rsqr in square. lra.
Qed.

(* |y_i| |y_j - y_k| <= (1 + sqrt 2)/2 ||Y||_F^2 *)
Lemma row_times_difference : forall Y n d i j k, (i < n)%nat -> (j < n)%nat -> (k < n)%nat ->
  norm (Y i) d * norm (fun l => Y j l - Y k l) d <= (1 + sqrt 2) / 2 * (frobenius Y n d * frobenius Y n d).
Proof.
  intros Y n d i j k inside_i inside_j inside_k.
  assert (frobenius Y n d * frobenius Y n d = sum (fun l => norm (Y l) d * norm (Y l) d) n) as total.
  { rewrite frobenius_rows, norm_squared. reflexivity. }
  set (f := fun l => norm (Y l) d * norm (Y l) d) in total.
  assert (forall l, (l < n)%nat -> 0 <= f l) as nonnegative by (intros; apply Rle_0_sqr).
  pose proof (sqrt_pos 2). assert (sqrt 2 * sqrt 2 = 2) as root by (apply sqrt_sqrt; lra).
  assert (1 < sqrt 2) as above by nra.
  assert (0 <= sum f n) as positive by now apply sum_nonnegative.
  assert (forall a b, 0 <= a -> 0 <= b -> a * a + b * b <= sum f n -> a * (a + b) <= (1 + sqrt 2) / 2 * sum f n) as pair.
  { intros a b _ _ below.
    assert (0 <= (sqrt 2 - 1) / 2 * ((a - (sqrt 2 + 1) * b) * (a - (sqrt 2 + 1) * b))) as square
      by (apply Rmult_le_pos; [ lra | apply Rle_0_sqr ]).
    replace ((sqrt 2 - 1) / 2 * ((a - (sqrt 2 + 1) * b) * (a - (sqrt 2 + 1) * b)))
      with ((sqrt 2 - 1) / 2 * (a * a) - (sqrt 2 * sqrt 2 - 1) * (a * b)
            + (sqrt 2 * sqrt 2 - 1) * (sqrt 2 + 1) / 2 * (b * b)) in square by field.
    rewrite root in square. nra. }
  pose proof (norm_nonnegative (Y i) d). pose proof (norm_nonnegative (Y j) d). pose proof (norm_nonnegative (Y k) d).
  pose proof (norm_of_difference (Y j) (Y k) d) as triangle.
  rewrite total. destruct (Nat.eq_dec j k) as [<- | different].
  - rewrite (norm_equal (fun l => Y j l - Y j l) (fun _ => 0)) by (intros; ring). rewrite norm_zero. nra.
  - destruct (Nat.eq_dec j i) as [-> | other_j]; [ | destruct (Nat.eq_dec k i) as [-> | other_k] ].
    + apply Rle_trans with (norm (Y i) d * (norm (Y i) d + norm (Y k) d)); [ nra | ]. apply pair; auto.
      apply (sum_above_two f); auto.
    + apply Rle_trans with (norm (Y i) d * (norm (Y i) d + norm (Y j) d)); [ nra | ]. apply pair; auto.
      apply (sum_above_two f); auto.
    + pose proof (norm_of_difference_squared (Y j) (Y k) d) as square.
      set (e := norm (fun l => Y j l - Y k l) d) in *.
      assert (f i + (f j + f k) <= sum f n) as three by (apply sum_above_three; auto). unfold f in three at 1 2 3.
      assert (0 <= (norm (Y i) d * sqrt 2 - e) * (norm (Y i) d * sqrt 2 - e)) as product by apply Rle_0_sqr.
      replace ((norm (Y i) d * sqrt 2 - e) * (norm (Y i) d * sqrt 2 - e))
        with (norm (Y i) d * norm (Y i) d * (sqrt 2 * sqrt 2) - 2 * sqrt 2 * (norm (Y i) d * e) + e * e) in product by ring.
      rewrite root in product.
      assert (sqrt 2 * (norm (Y i) d * e) <= sum f n) as below by lra.
      assert (sqrt 2 * (sqrt 2 * (norm (Y i) d * e)) <= sqrt 2 * sum f n) as twice by (apply Rmult_le_compat_l; lra).
      replace (sqrt 2 * (sqrt 2 * (norm (Y i) d * e))) with (2 * (norm (Y i) d * e)) in twice
        by (rewrite <- root at 1; ring).
      lra.
Qed.

(* a_ij - a_ik <= (1 + sqrt 2)/2 ||W_Q W_K^T||_2 ||Y||_F^2 *)
Theorem logits_spread : forall W_Q W_K Y n d m i j k, bounded (product_nt W_Q W_K d) d d m ->
  (i < n)%nat -> (j < n)%nat -> (k < n)%nat ->
  logits W_Q W_K d Y i j - logits W_Q W_K d Y i k
  <= (1 + sqrt 2) / 2 * m * (frobenius Y n d * frobenius Y n d).
Proof.
  intros W_Q W_K Y n d m i j k bound inside_i inside_j inside_k.
  unfold logits. rewrite product_of_products. set (a := product Y (product_nt W_Q W_K d) d).
  unfold product, transposed. rewrite <- sum_subtracted.
  rewrite (sum_equal _ (fun l => a i l * (Y j l - Y k l))) by (intros; ring).
  apply Rle_trans with (1 := cauchy_schwarz (a i) (fun l => Y j l - Y k l) d).
  pose proof (row_of_product Y _ d d m i bound) as row. fold a in row.
  pose proof (row_times_difference Y n d i j k inside_i inside_j inside_k) as product.
  apply Rle_trans with (m * norm (Y i) d * norm (fun l => Y j l - Y k l) d).
  - apply Rmult_le_compat_r; [ apply norm_nonnegative | assumption ].
  - destruct bound as [nonnegative _]. pose proof (Rmult_le_compat_l m _ _ nonnegative product). lra.
Qed.

(* --- the norm of S --------------------------------------------------------------------------------- *)

Lemma least_index : forall (s : nat -> R) n, (1 <= n)%nat -> exists k, (k < n)%nat /\ forall j, (j < n)%nat -> s k <= s j.
Proof.
  intros s n. induction n as [| n step]; intros some; [ lia | ].
  destruct (Nat.eq_dec n 0) as [-> | more].
  - exists O. split; [ lia | ]. intros j only. replace j with O by lia. lra.
  - destruct step as [k [inside least]]; [ lia | ]. destruct (Rle_lt_dec (s k) (s n)) as [below | above].
    + exists k. split; [ lia | ]. intros j within. destruct (Nat.eq_dec j n) as [-> |]; [ assumption | apply least; lia ].
    + exists n. split; [ lia | ]. intros j within. destruct (Nat.eq_dec j n) as [-> |]; [ lra | ].
      assert (s k <= s j) by (apply least; lia). lra.
Qed.

(* Logits that differ by at most delta make probabilities nearly uniform (Kantorovich): n |r|_2^2 <= cosh(delta/2)^2. *)
Theorem softmax_spread : forall s n delta, (1 <= n)%nat ->
  (forall j k, (j < n)%nat -> (k < n)%nat -> s j - s k <= delta) ->
  INR n * sum (fun j => softmax s n j * softmax s n j) n <= cosh (delta / 2) * cosh (delta / 2).
Proof.
  intros s n delta some spread. destruct (least_index s n some) as [k [inside least]].
  set (h := exp (delta / 2)). set (g := exp (- (delta / 2))).
  assert (h * g = 1) as inverse by (unfold h, g; rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
  set (a := softmax s n k). assert (0 < a) as positive by now apply softmax_positive.
  assert (0 < h) as positive_h by apply exp_pos.
  assert (forall j, (j < n)%nat -> a <= softmax s n j <= a * (h * h)) as between.
  { intros j below. split; [ apply softmax_increasing; auto | ].
    replace (softmax s n j) with (a * exp (s j - s k)).
    - apply Rmult_le_compat_l; [ lra | ]. unfold h. rewrite <- exp_plus. apply exp_increasing.
      specialize (spread j k below inside). lra.
    - unfold a, softmax. rewrite exp_of_difference. pose proof (softmax_denominator_positive s n some).
      pose proof (exp_pos (s k)). field. lra. }
  assert (sum (fun j => softmax s n j * softmax s n j) n <= a * (1 + h * h) - INR n * (a * a * (h * h))) as below.
  { replace (a * (1 + h * h) - INR n * (a * a * (h * h)))
      with (sum (fun j => a * (1 + h * h) * softmax s n j - a * a * (h * h)) n).
    - apply sum_increasing. intros j within. destruct (between j within).
      assert (0 <= (softmax s n j - a) * (a * (h * h) - softmax s n j)) by (apply Rmult_le_pos; lra). lra.
    - rewrite sum_subtracted, sum_scaled, sum_constant, softmax_sum by assumption. ring. }
  pose proof (pos_INR n) as size. pose proof (Rmult_le_compat_l (INR n) _ _ size below) as whole.
  apply Rle_trans with (1 := whole). unfold cosh. fold h g.
  assert (0 <= ((h + g) / 2 - INR n * a * h) * ((h + g) / 2 - INR n * a * h)) as square by apply Rle_0_sqr.
  replace (((h + g) / 2 - INR n * a * h) * ((h + g) / 2 - INR n * a * h))
    with ((h + g) / 2 * ((h + g) / 2) - INR n * a * (h * h + h * g) + INR n * INR n * (a * a) * (h * h)) in square by field.
  rewrite inverse in square. lra.
Qed.

Lemma cosh_positive : forall x, 0 < cosh x.
Proof. intros x. unfold cosh. pose proof (exp_pos x). pose proof (exp_pos (- x)). lra. Qed.

(* ||S||_F <= cosh(delta/2), with delta the spread of the logits. *)
Theorem attention_spread : forall W_Q W_K Y n d m rho, bounded (product_nt W_Q W_K d) d d m -> frobenius Y n d <= rho ->
  frobenius (attention W_Q W_K n d Y) n n <= cosh ((1 + sqrt 2) / 2 * m * (rho * rho) / 2).
Proof.
  intros W_Q W_K Y n d m rho bound size. set (delta := (1 + sqrt 2) / 2 * m * (rho * rho)).
  pose proof (cosh_positive (delta / 2)). apply square_root_below; [ lra | ].
  destruct (Nat.eq_dec n 0) as [-> | some]; [ unfold inner; simpl; nra | ].
  assert (0 < INR n) as many by (apply lt_0_INR; lia).
  apply Rle_trans with (sum (fun _ => / INR n * (cosh (delta / 2) * cosh (delta / 2))) n).
  - apply sum_increasing. intros i row. apply Rmult_le_reg_l with (INR n); [ assumption | ].
    rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra. apply softmax_spread; [ lia | ]. intros j k inside_j inside_k.
    apply Rle_trans with (1 := logits_spread W_Q W_K Y n d m i j k bound row inside_j inside_k).
    pose proof (frobenius_nonnegative Y n d). destruct bound as [nonnegative _]. pose proof (sqrt_pos 2).
    apply Rmult_le_compat_l; [ apply Rmult_le_pos; lra | now apply Rmult_le_compat ].
  - rewrite sum_constant. right. field. lra.
Qed.

(* Z <- F(X + Z) for any n, both maps: delta is the spread of the logits on the ball, rho bounds ||X + Z||_F there. *)
Theorem spread_contraction : forall F X W_Q W_K W_V n d m w r rho, attention_map F W_Q W_K W_V n d ->
  bounded (product_nt W_Q W_K d) d d m -> bounded W_V d d w -> 0 <= r -> frobenius X n d + r <= rho ->
  let s := cosh ((1 + sqrt 2) / 2 * m * (rho * rho) / 2) in
  s * rho * w <= r -> (rho * rho * m + s) * w < 1 ->
  converges (fun Z => frobenius Z n d) n d r ((rho * rho * m + s) * w) (fun Z => F (added X Z)).
Proof.
  intros F X W_Q W_K W_V n d m w r rho form bound_m bound_w radius size_X s stays condition.
  apply spectral_contraction with (W_Q := W_Q) (W_K := W_K) (W_V := W_V); auto. intros Z within.
  assert (frobenius (added X Z) n d <= rho) as size by (apply Rle_trans with (1 := frobenius_of_sum X Z n d); lra).
  apply bounded_weakened with (1 := bounded_frobenius _ n n). now apply attention_spread.
Qed.
