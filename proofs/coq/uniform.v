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

(* --- theorem B: the S map in the greatest norm of a row -------------------------------------------- *)

(* The standard deviation of a under the probabilities r. *)
Definition deviation (r a : nat -> R) (n : nat) : R :=
  norm (fun j => sqrt (r j) * (a j - sum (fun k => r k * a k) n)) n.

Lemma weighted_square : forall r x n, simplex r n ->
  sum (fun j => sqrt (r j) * x j * (sqrt (r j) * x j)) n = sum (fun j => r j * (x j * x j)) n.
Proof.
  intros r x n [nonnegative _]. apply sum_equal. intros j inside.
  rewrite <- (sqrt_sqrt (r j)) at 3 by auto. ring.
Qed.

Lemma deviation_below : forall r a n b, simplex r n -> 0 <= b -> (forall j, (j < n)%nat -> a j * a j <= b * b) ->
  deviation r a n <= b.
Proof.
  intros r a n b inside positive below. apply norm_below; auto. set (mean := sum (fun k => r k * a k) n).
  rewrite (weighted_square r (fun j => a j - mean)) by assumption. destruct inside as [nonnegative total].
  rewrite (sum_equal _ (fun j => r j * (a j * a j) + (-2 * mean) * (r j * a j) + (mean * mean) * r j)) by (intros; ring).
  rewrite 2 sum_added, 2 sum_scaled, total. fold mean.
  assert (sum (fun j => r j * (a j * a j)) n <= sum (fun j => b * b * r j) n) as squares.
  { apply sum_increasing. intros j row. rewrite Rmult_comm. apply Rmult_le_compat_r; auto. }
  rewrite sum_scaled, total in squares. pose proof (Rle_0_sqr mean) as square. unfold Rsqr in square. lra.
Qed.

Lemma deviation_of_sum : forall r a b n, deviation r (fun j => a j + b j) n <= deviation r a n + deviation r b n.
Proof.
  intros r a b n. unfold deviation. eapply Rle_trans; [ right | apply norm_of_sum ]. apply norm_equal. intros j _.
  rewrite (sum_equal (fun k => r k * (a k + b k)) (fun k => r k * a k + r k * b k)) by (intros; ring).
  rewrite sum_added. ring.
Qed.

(* The covariance of a and b. *)
Lemma covariance : forall r a b n, simplex r n ->
  sum (fun j => softmax_velocity r a n j * b j) n <= deviation r a n * deviation r b n.
Proof.
  intros r a b n [nonnegative total]. unfold deviation, softmax_velocity.
  set (mean_a := sum (fun k => r k * a k) n). set (mean_b := sum (fun k => r k * b k) n).
  eapply Rle_trans; [ | apply cauchy_schwarz ]. right.
  rewrite (sum_equal (fun j => sqrt (r j) * _ * _)
    (fun j => r j * (a j - mean_a) * b j + (- mean_b) * (r j * a j) + mean_b * mean_a * r j)).
  - rewrite 2 sum_added, 2 sum_scaled, total. fold mean_a. ring.
  - intros j inside. rewrite <- (sqrt_sqrt (r j)) at 3 4 5 by auto. ring.
Qed.

(* The mean of the rows of Y, and how far <u, y_j> deviates where |y_j| <= R. *)
Definition mean_row (r : nat -> R) (Y : matrix) (n l : nat) : R := sum (fun k => r k * Y k l) n.

Lemma variance_of_rows : forall r Y n d, simplex r n ->
  sum (fun j => r j * sum (fun l => (Y j l - mean_row r Y n l) * (Y j l - mean_row r Y n l)) d) n
  = sum (fun j => r j * (norm (Y j) d * norm (Y j) d)) n - norm (mean_row r Y n) d * norm (mean_row r Y n) d.
Proof.
  intros r Y n d [_ total]. set (mu := mean_row r Y n).
  rewrite (norm_squared mu).
  rewrite (sum_equal _ (fun j => sum (fun l => r j * ((Y j l - mu l) * (Y j l - mu l))) d))
    by (intros; now rewrite sum_scaled).
  rewrite (sum_equal (fun j => r j * (norm (Y j) d * _)) (fun j => sum (fun l => r j * (Y j l * Y j l)) d))
    by (intros; now rewrite norm_squared, sum_scaled).
  rewrite 2 (sum_swapped _ n d), <- sum_subtracted. apply sum_equal. intros l _.
  rewrite (sum_equal _ (fun j => r j * (Y j l * Y j l) + (-2 * mu l) * (r j * Y j l) + (mu l * mu l) * r j))
    by (intros; ring).
  rewrite 2 sum_added, 2 sum_scaled, total. unfold mu, mean_row. ring.
Qed.

Lemma gap_nonnegative : forall r Y n d R, simplex r n -> (forall j, (j < n)%nat -> norm (Y j) d <= R) ->
  sum (fun j => r j * sum (fun l => (Y j l - mean_row r Y n l) * (Y j l - mean_row r Y n l)) d) n
  <= R * R - norm (mean_row r Y n) d * norm (mean_row r Y n) d
  /\ 0 <= R * R - norm (mean_row r Y n) d * norm (mean_row r Y n) d.
Proof.
  intros r Y n d R inside below.
  assert (sum (fun j => r j * (norm (Y j) d * norm (Y j) d)) n <= R * R) as square.
  { destruct inside as [nonnegative total].
    apply Rle_trans with (sum (fun j => R * R * r j) n); [ | rewrite sum_scaled, total; lra ].
    apply sum_increasing. intros j row. rewrite Rmult_comm. apply Rmult_le_compat_r; auto.
    pose proof (norm_nonnegative (Y j) d). apply Rmult_le_compat; auto. }
  pose proof (variance_of_rows r Y n d inside) as variance.
  assert (0 <= sum (fun j => r j * sum (fun l => (Y j l - mean_row r Y n l) * (Y j l - mean_row r Y n l)) d) n).
  { apply sum_nonnegative. intros j row. apply Rmult_le_pos; [ now apply inside | ].
    apply (sum_of_squares_nonnegative (fun l => Y j l - mean_row r Y n l)). }
  lra.
Qed.

Lemma deviation_of_rows : forall r Y u n d R, simplex r n -> (forall j, (j < n)%nat -> norm (Y j) d <= R) ->
  deviation r (fun j => sum (fun l => u l * Y j l) d) n
  <= norm u d * sqrt (R * R - norm (mean_row r Y n) d * norm (mean_row r Y n) d).
Proof.
  intros r Y u n d R inside below. set (mu := mean_row r Y n).
  destruct (gap_nonnegative r Y n d R inside below) as [variance gap]. fold mu in variance, gap.
  set (g := R * R - norm mu d * norm mu d) in *.
  pose proof (norm_nonnegative u d). pose proof (sqrt_pos g).
  apply norm_below; [ now apply Rmult_le_pos | ].
  replace (norm u d * sqrt g * (norm u d * sqrt g)) with (norm u d * norm u d * (sqrt g * sqrt g)) by ring.
  rewrite sqrt_sqrt by assumption.
  assert (forall j, sum (fun l => u l * Y j l) d - sum (fun k => r k * sum (fun l => u l * Y k l) d) n
                    = sum (fun l => u l * (Y j l - mu l)) d) as centred.
  { intros j. rewrite (sum_equal (fun l => u l * (Y j l - mu l)) (fun l => u l * Y j l - u l * mu l)) by (intros; ring).
    rewrite sum_subtracted. f_equal. unfold mu, mean_row.
    rewrite (sum_equal (fun k => r k * _) (fun k => sum (fun l => u l * (r k * Y k l)) d)).
    - rewrite sum_swapped. apply sum_equal. intros l _. now rewrite sum_scaled.
    - intros k _. rewrite <- sum_scaled. apply sum_equal. intros l _. ring. }
  rewrite (weighted_square r (fun j => sum (fun l => u l * Y j l) d - _)) by assumption.
  apply Rle_trans with (norm u d * norm u d * sum (fun j => r j * sum (fun l => (Y j l - mu l) * (Y j l - mu l)) d) n).
  - rewrite <- sum_scaled. apply sum_increasing. intros j row. rewrite centred.
    pose proof (cauchy_schwarz_squared u (fun l => Y j l - mu l) d) as product. rewrite <- norm_squared in product.
    pose proof (Rmult_le_compat_l (r j) _ _ (proj1 inside j row) product). lra.
  - apply Rmult_le_compat_l; [ now apply Rmult_le_pos | assumption ].
Qed.

(* How the row mean of Y moves with the probabilities. *)
Lemma row_velocity : forall r a Y n d R, simplex r n -> (forall j, (j < n)%nat -> norm (Y j) d <= R) ->
  norm (fun l => sum (fun j => softmax_velocity r a n j * Y j l) n) d
  <= deviation r a n * sqrt (R * R - norm (mean_row r Y n) d * norm (mean_row r Y n) d).
Proof.
  intros r a Y n d R inside below. set (x := fun l => sum (fun j => softmax_velocity r a n j * Y j l) n).
  pose proof (deviation_of_rows r Y x n d R inside below) as spread.
  set (g := sqrt (R * R - norm (mean_row r Y n) d * norm (mean_row r Y n) d)) in *.
  assert (0 <= deviation r a n) as positive by apply norm_nonnegative.
  assert (0 <= g) as positive_g by apply sqrt_pos. pose proof (norm_nonnegative x d).
  assert (norm x d * norm x d <= deviation r a n * g * norm x d) as square.
  { rewrite norm_squared.
    replace (sum (fun j => x j * x j) d)
      with (sum (fun j => softmax_velocity r a n j * sum (fun l => x l * Y j l) d) n).
    - apply Rle_trans with (1 := covariance r a _ n inside).
      pose proof (Rmult_le_compat_l _ _ _ positive spread). lra.
    - rewrite (sum_equal (fun l => x l * x l) (fun l => sum (fun j => softmax_velocity r a n j * (x l * Y j l)) n)).
      + rewrite sum_swapped. apply sum_equal. intros j _. now rewrite sum_scaled.
      + intros l _. unfold x at 2. rewrite <- sum_scaled. apply sum_equal. intros j _. ring. }
  destruct (Req_dec (norm x d) 0) as [-> | nonzero]; [ now apply Rmult_le_pos | ].
  apply Rmult_le_reg_r with (norm x d); lra.
Qed.

Lemma norm_of_mean : forall r v n d b, simplex r n -> (forall j, (j < n)%nat -> norm (v j) d <= b) ->
  norm (fun l => sum (fun j => r j * v j l) n) d <= b.
Proof.
  intros r v n d b [nonnegative total] below.
  apply Rle_trans with (sum (fun j => r j * b) n); [ | rewrite sum_scaled_right, total; lra ].
  clear total. induction n as [| n step]; simpl.
  - rewrite norm_zero. lra.
  - apply Rle_trans with (1 := norm_of_sum (fun l => sum (fun j => r j * v j l) n) (fun l => r n * v n l) d).
    apply Rplus_le_compat; [ apply step; auto | ].
    rewrite norm_scaled by auto. apply Rmult_le_compat_l; auto.
Qed.

(* Theorem B: row i of DF[v], where |y_j| <= R and mu_i = sum_j r_ij y_j:
   |DF[v]_i| <= ||W_V||_2 (1 + m (R^2 - |mu_i|^2) + m R sqrt(R^2 - |mu_i|^2)) max_j |v_j|, m at least ||W_Q W_K^T||_2. *)
Theorem jacobian_bound_row : forall W_Q W_K W_V n d Y v m w R i, (i < n)%nat ->
  bounded (product_nt W_Q W_K d) d d m -> bounded W_V d d w -> rows_norm Y n d <= R ->
  let mu := mean_row (attention W_Q W_K n d Y i) Y n in
  let g := R * R - norm mu d * norm mu d in
  norm (DF_S W_Q W_K W_V n d Y v i) d <= w * (1 + m * g + m * R * sqrt g) * rows_norm v n d.
Proof.
  intros W_Q W_K W_V n d Y v m w R i row bound_m bound_w size mu g.
  destruct (bound_m) as [positive_m _]. destruct (bound_w) as [positive_w _].
  set (r := attention W_Q W_K n d Y i) in *. set (V := rows_norm v n d).
  assert (simplex r n) as inside by now apply attention_stochastic.
  assert (forall j, (j < n)%nat -> norm (Y j) d <= R) as below_Y
    by (intros j below; apply Rle_trans with (2 := size); now apply row_below).
  assert (forall j, (j < n)%nat -> norm (v j) d <= V) as below_v by (intros; now apply row_below).
  assert (0 <= V) as positive_V by apply greatest_nonnegative.
  assert (0 <= R) as positive_R by (apply Rle_trans with (2 := size); apply greatest_nonnegative).
  assert (0 <= g) as gap by now apply gap_nonnegative.
  pose proof (sqrt_pos g) as positive_g. assert (sqrt g * sqrt g = g) as root by now apply sqrt_sqrt.
  set (a := logits_velocity W_Q W_K d Y v i).
  assert (deviation r a n <= m * V * sqrt g + m * R * V) as logits.
  { set (p := product v (product_nt W_Q W_K d) d i). set (q := product Y (product_nt W_Q W_K d) d i).
    assert (a = fun j => sum (fun l => p l * Y j l) d + sum (fun l => q l * v j l) d) as ->.
    { extensionality j. unfold a, logits_velocity. rewrite 2 product_of_products. reflexivity. }
    pose proof (row_of_product v _ d d m i bound_m) as below_p. fold p in below_p.
    pose proof (row_of_product Y _ d d m i bound_m) as below_q. fold q in below_q.
    specialize (below_v i row) as below_vi. specialize (below_Y i row) as below_Yi.
    apply Rle_trans with (1 := deviation_of_sum r _ _ n). apply Rplus_le_compat.
    - apply Rle_trans with (1 := deviation_of_rows r Y p n d R inside below_Y). fold mu g.
      apply Rmult_le_compat_r; auto. apply Rle_trans with (1 := below_p). now apply Rmult_le_compat_l.
    - assert (0 <= m * R * V) as positive by (repeat apply Rmult_le_pos; auto).
      apply deviation_below; auto. intros j below. specialize (below_v j below).
      pose proof (cauchy_schwarz_squared q (v j) d) as product. rewrite <- 2 norm_squared in product.
      apply Rle_trans with (1 := product). pose proof (norm_nonnegative q d). pose proof (norm_nonnegative (v j) d).
      assert (norm q d <= m * R) as less
        by (apply Rle_trans with (1 := below_q); now apply Rmult_le_compat_l).
      assert (norm q d * norm (v j) d <= m * R * V) by (apply Rmult_le_compat; auto).
      replace (norm q d * norm q d * (norm (v j) d * norm (v j) d))
        with (norm q d * norm (v j) d * (norm q d * norm (v j) d)) by ring.
      assert (0 <= norm q d * norm (v j) d) by now apply Rmult_le_pos. now apply Rmult_le_compat. }
  unfold DF_S. apply Rle_trans with (1 := row_of_product _ W_V d d w i bound_w).
  rewrite (Rmult_assoc w). apply Rmult_le_compat_l; auto.
  pose proof (row_velocity r a Y n d R inside below_Y) as first. fold mu g in first.
  pose proof (norm_of_mean r v n d V inside below_v) as second.
  eapply Rle_trans; [ apply (norm_of_sum (fun l => sum (fun j => softmax_velocity r a n j * Y j l) n)) | ].
  apply Rle_trans with (deviation r a n * sqrt g + V); [ now apply Rplus_le_compat | ].
  pose proof (Rmult_le_compat_r (sqrt g) _ _ positive_g logits).
  replace ((1 + m * g + m * R * sqrt g) * V) with ((m * V * sqrt g + m * R * V) * sqrt g + V).
  - lra.
  - rewrite <- root at 3. ring.
Qed.

(* max_i |DF[v]_i| <= ||W_V||_2 (1 + 2 m R^2) max_i |v_i| *)
Theorem jacobian_bound_rows : forall W_Q W_K W_V n d Y v m w R,
  bounded (product_nt W_Q W_K d) d d m -> bounded W_V d d w -> rows_norm Y n d <= R ->
  rows_norm (DF_S W_Q W_K W_V n d Y v) n d <= w * (1 + 2 * m * (R * R)) * rows_norm v n d.
Proof.
  intros W_Q W_K W_V n d Y v m w R bound_m bound_w size.
  destruct (bound_m) as [positive_m _]. destruct (bound_w) as [positive_w _].
  assert (0 <= rows_norm v n d) as positive_v by apply greatest_nonnegative.
  assert (0 <= R) as positive_R by (apply Rle_trans with (2 := size); apply greatest_nonnegative).
  assert (0 <= m * (R * R)) as positive by (repeat apply Rmult_le_pos; auto).
  apply rows_below; [ repeat apply Rmult_le_pos; auto; lra | ]. intros i row.
  apply Rle_trans with (1 := jacobian_bound_row W_Q W_K W_V n d Y v m w R i row bound_m bound_w size).
  set (mu := mean_row _ Y n). set (g := R * R - norm mu d * norm mu d).
  apply Rmult_le_compat_r; auto. apply Rmult_le_compat_l; auto.
  assert (g <= R * R) as less by (unfold g; pose proof (Rle_0_sqr (norm mu d)) as square; unfold Rsqr in square; lra).
  assert (sqrt g <= R) as root by (apply square_root_below; auto).
  pose proof (Rmult_le_compat_l m _ _ positive_m less).
  assert (0 <= m * R) as mR by now apply Rmult_le_pos. pose proof (Rmult_le_compat_l (m * R) _ _ mR root). lra.
Qed.

(* Z <- S Y W_V converges, whatever n, where 2 m x^2 w < (1 - w)^3: x at least every |x_i|, w at least ||W_V||_2,
   m at least ||W_Q W_K^T||_2. *)
Theorem rows_contraction : forall X W_Q W_K W_V n d m w x,
  bounded (product_nt W_Q W_K d) d d m -> bounded W_V d d w -> rows_norm X n d <= x -> w < 1 ->
  2 * m * (x * x) * w < (1 - w) ^ 3 ->
  let rho := x / (1 - w) in
  converges (fun Z => rows_norm Z n d) n d (w * rho) (w * (1 + 2 * m * (rho * rho)))
    (fun Z => map_S W_Q W_K W_V n d (added X Z)).
Proof.
  intros X W_Q W_K W_V n d m w x bound_m bound_w size_X below_one condition rho.
  destruct (bound_m) as [positive_m _]. destruct (bound_w) as [positive_w _].
  assert (0 <= x) as positive_x by (apply Rle_trans with (2 := size_X); apply greatest_nonnegative).
  assert (x = (1 - w) * rho) as x_rho by (unfold rho; field; lra).
  assert (0 <= rho) as positive_rho
    by (apply Rmult_le_pos; [ assumption | left; apply Rinv_0_lt_compat; lra ]).
  clearbody rho.
  assert (forall Z, rows_norm Z n d <= w * rho -> rows_norm (added X Z) n d <= rho) as size_Y.
  { intros Z within. destruct (rows_norm_is_norm n d) as [sum_below _].
    apply Rle_trans with (1 := sum_below X Z). lra. }
  apply contraction with (DF_S W_Q W_K W_V n d); auto using rows_norm_is_norm, rows_norm_mean_value.
  - intros y t v along. now apply map_S_derivative.
  - now apply Rmult_le_pos.
  - assert (0 <= m * (rho * rho)) by (repeat apply Rmult_le_pos; auto). split.
    + apply Rmult_le_pos; lra.
    + assert (0 < (1 - w) * (1 - w)) as square by (apply Rmult_lt_0_compat; lra).
      apply Rmult_lt_reg_l with ((1 - w) * (1 - w)); [ assumption | ].
      rewrite x_rho in condition. simpl in condition. lra.
  - intros Z within. apply rows_below; [ now apply Rmult_le_pos | ]. intros i row.
    set (S := attention W_Q W_K n d (added X Z)).
    apply Rle_trans with (1 := row_of_product (product S (added X Z) n) W_V d d w i bound_w).
    apply Rmult_le_compat_l; auto. apply (norm_of_mean (S i) (added X Z)).
    + now apply attention_stochastic.
    + intros j below. apply Rle_trans with (2 := size_Y Z within). now apply row_below.
  - intros Z v within. now apply jacobian_bound_rows; auto.
Qed.

(* --- entropy in both terms ------------------------------------------------------------------------- *)

(* The mean of (a_j - a_k)^2 vanishes as the entropy S_2(r) = 1 - |r|^2 does. *)
Lemma variance_from_entropy : forall r a n, simplex r n ->
  deviation r a n * deviation r a n <= tsallis r 2 n * (norm a n * norm a n).
Proof.
  intros r a n inside. destruct (inside) as [nonnegative total].
  assert (tsallis r 2 n = 1 - sum (fun j => r j * r j) n) as entropy.
  { unfold tsallis. rewrite (sum_equal (fun j => power (r j) 2) (fun j => r j * r j)); [ field | ].
    intros j row. apply power_two. auto. }
  assert (deviation r a n * deviation r a n = sum (fun j => a j * softmax_velocity r a n j) n) as ->.
  { unfold deviation. rewrite norm_squared, (weighted_square r (fun j => a j - _)) by assumption. unfold softmax_velocity.
    set (mean := sum (fun k => r k * a k) n).
    rewrite (sum_equal _ (fun j => r j * (a j * a j) + (-2 * mean) * (r j * a j) + (mean * mean) * r j)) by (intros; ring).
    rewrite (sum_equal (fun j => a j * _) (fun j => r j * (a j * a j) + (- mean) * (r j * a j))) by (intros; ring).
    rewrite !sum_added, !sum_scaled, total. fold mean. ring. }
  apply Rmult_le_reg_l with 2; [ lra | ]. rewrite <- softmax_variance, norm_squared by assumption.
  set (square := sum (fun j => a j * a j) n).
  apply Rle_trans with (sum (fun j => 2 * square * (r j - r j * r j)) n);
    [ | rewrite sum_scaled, sum_subtracted, total, entropy; lra ].
  apply sum_increasing. intros j row.
  replace (2 * square * (r j - r j * r j)) with (r j * (2 * square * (1 - r j))) by ring.
  apply Rmult_le_compat_l; auto.
  apply Rle_trans with (sum (fun k => 2 * square * (r k - r k * delta j k)) n).
  - apply sum_increasing. intros k column. unfold delta. destruct (Nat.eq_dec k j) as [-> | other].
    + right. ring.
    + assert (a j * a j + a k * a k <= square) as two
        by (apply (sum_above_two (fun l => a l * a l)); auto; intros; apply Rle_0_sqr).
      assert (0 <= (a k + a j) * (a k + a j)) as product by apply Rle_0_sqr.
      replace (2 * square * (r k - r k * 0)) with (r k * (2 * square)) by ring.
      apply Rmult_le_compat_l; [ auto | lra ].
  - rewrite sum_scaled, sum_subtracted, sum_of_delta, total by assumption. lra.
Qed.

(* ||J||_2 <= S_2(r): sharp attention damps the derivative of softmax. *)
Theorem softmax_entropy : forall r a n, simplex r n -> norm (softmax_velocity r a n) n <= tsallis r 2 n * norm a n.
Proof.
  intros r a n inside. set (x := softmax_velocity r a n).
  assert (0 <= tsallis r 2 n) as positive.
  { destruct (inside) as [nonnegative total]. apply tsallis_nonnegative; auto; [ | lra ]. intros j row. split; auto.
    rewrite <- total. now apply sum_above_term. }
  pose proof (variance_from_entropy r a n inside) as first. pose proof (variance_from_entropy r x n inside) as second.
  pose proof (covariance r a x n inside) as product. fold x in product. rewrite <- norm_squared in product.
  pose proof (norm_nonnegative a n). pose proof (norm_nonnegative x n).
  assert (0 <= deviation r a n) by apply norm_nonnegative. assert (0 <= deviation r x n) by apply norm_nonnegative.
  assert (norm x n * norm x n <= tsallis r 2 n * norm a n * norm x n) as square.
  { apply Rle_trans with (1 := product).
    apply Rsqr_incr_0_var; [ | apply Rmult_le_pos; [ now apply Rmult_le_pos | assumption ] ]. unfold Rsqr.
    replace (deviation r a n * deviation r x n * (deviation r a n * deviation r x n))
      with (deviation r a n * deviation r a n * (deviation r x n * deviation r x n)) by ring.
    replace (tsallis r 2 n * norm a n * norm x n * (tsallis r 2 n * norm a n * norm x n))
      with (tsallis r 2 n * (norm a n * norm a n) * (tsallis r 2 n * (norm x n * norm x n))) by ring.
    apply Rmult_le_compat; auto using Rmult_le_pos. }
  destruct (Req_dec (norm x n) 0) as [zero | nonzero].
  - rewrite zero. now apply Rmult_le_pos.
  - apply Rmult_le_reg_r with (norm x n); lra.
Qed.

(* Theorem A with the entropy in both terms, both maps: sigma is at least every S_2(r_i).
   ||DF[v]||_F <= (2 sigma ||Y||_2^2 ||W_Q W_K^T||_2 + ||S||_2) ||W_V||_2 ||v||_F. *)
Theorem jacobian_bound_entropy : forall W_Q W_K W_V n d Y v m y s w sigma,
  let S := attention W_Q W_K n d Y in
  bounded (product_nt W_Q W_K d) d d m -> bounded Y n d y -> bounded S n n s -> bounded W_V d d w ->
  0 <= sigma -> (forall i, (i < n)%nat -> tsallis (S i) 2 n <= sigma) ->
  frobenius (DF_ST W_Q W_K W_V n d Y v) n d <= (2 * sigma * (y * y) * m + s) * w * frobenius v n d
  /\ frobenius (DF_S W_Q W_K W_V n d Y v) n d <= (2 * sigma * (y * y) * m + s) * w * frobenius v n d.
Proof.
  intros W_Q W_K W_V n d Y v m y s w sigma S bound_m bound_y bound_s bound_w nonnegative entropy.
  apply jacobian_bound_sensitivity; auto. intros i a row.
  apply Rle_trans with (tsallis (S i) 2 n * norm a n).
  - apply softmax_entropy. now apply attention_stochastic.
  - apply Rmult_le_compat_r; [ apply norm_nonnegative | auto ].
Qed.
