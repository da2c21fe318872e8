(* matrices.v - norms of vectors and matrices: Cauchy-Schwarz, the Frobenius norm, bounds of the spectral norm and the
   spectral norm itself. What jacobian.v and contraction.v need of them, and no more. *)
Require Import Reals Lra Lia Psatz FunctionalExtensionality.
From eer Require Import facts derivatives backward.
Open Scope R_scope.

Notation matrix := (nat -> nat -> R) (only parsing).

(* A x, of n columns. *)
Definition applied (a : matrix) (x : nat -> R) (n i : nat) : R := sum (fun j => a i j * x j) n.

(* ||A||_F over m x n. *)
Definition frobenius (a : matrix) (m n : nat) : R := sqrt (inner a a m n).

(* w is at least ||A||_2, the spectral norm, of A m x n. *)
Definition bounded (a : matrix) (m n : nat) (w : R) : Prop :=
  0 <= w /\ forall x, norm (applied a x n) m <= w * norm x n.

(* w is ||A||_2: the least upper bound of ||A x|| over the unit ball. *)
Definition operator_norm (a : matrix) (m n : nat) (w : R) : Prop :=
  is_lub (fun r => exists x, norm x n <= 1 /\ r = norm (applied a x n) m) w.

(* --- vectors --------------------------------------------------------------------------------------- *)

Lemma discriminant : forall a b c, 0 <= c -> (forall t, 0 <= a - 2 * t * b + t * t * c) -> b * b <= a * c.
Proof.
  intros a b c [positive | <-] above.
  - specialize (above (b / c)).
    replace (a - 2 * (b / c) * b + b / c * (b / c) * c) with (a - b * b / c) in above by (field; lra).
    apply Rmult_le_reg_r with (/ c); [ now apply Rinv_0_lt_compat | ].
    replace (a * c * / c) with a by (field; lra). unfold Rdiv in above. lra.
  - destruct (Req_dec b 0) as [-> | nonzero]; [ lra | ].
    specialize (above ((a + 1) / (2 * b))).
    replace (2 * ((a + 1) / (2 * b)) * b) with (a + 1) in above by (field; lra). lra.
Qed.

Lemma sum_of_squares_nonnegative : forall x n, 0 <= sum (fun j => x j * x j) n.
Proof. intros x n. apply sum_nonnegative. intros j _. apply Rle_0_sqr. Qed.

Theorem cauchy_schwarz_squared : forall x y n,
  sum (fun j => x j * y j) n * sum (fun j => x j * y j) n
  <= sum (fun j => x j * x j) n * sum (fun j => y j * y j) n.
Proof.
  intros x y n. apply discriminant; [ apply sum_of_squares_nonnegative | ]. intros t.
  replace (_ - _ + _) with (sum (fun j => (x j - t * y j) * (x j - t * y j)) n).
  - apply (sum_of_squares_nonnegative (fun j => x j - t * y j)).
  - rewrite (sum_equal _ (fun j => x j * x j - 2 * t * (x j * y j) + t * t * (y j * y j))) by (intros; ring).
    now rewrite sum_added, sum_subtracted, 2 sum_scaled.
Qed.

Lemma norm_nonnegative : forall x n, 0 <= norm x n.
Proof. intros x n. apply sqrt_pos. Qed.

Lemma norm_squared : forall x n, norm x n * norm x n = sum (fun j => x j * x j) n.
Proof. intros x n. apply sqrt_sqrt. apply sum_of_squares_nonnegative. Qed.

Lemma square_root_below : forall a b, 0 <= b -> a <= b * b -> sqrt a <= b.
Proof. intros a b nonnegative below. rewrite <- (sqrt_square b) by assumption. now apply sqrt_le_1_alt. Qed.

Lemma norm_below : forall x n b, 0 <= b -> sum (fun j => x j * x j) n <= b * b -> norm x n <= b.
Proof. intros x n b. apply square_root_below. Qed.

Lemma norm_equal : forall x y n, (forall j, (j < n)%nat -> x j = y j) -> norm x n = norm y n.
Proof. intros x y n equal. unfold norm. f_equal. apply sum_equal. intros j inside. now rewrite equal. Qed.

Lemma norm_increasing : forall x y n, (forall j, (j < n)%nat -> 0 <= x j <= y j) -> norm x n <= norm y n.
Proof.
  intros x y n less. apply sqrt_le_1_alt. apply sum_increasing. intros j inside.
  specialize (less j inside). apply Rmult_le_compat; lra.
Qed.

Theorem cauchy_schwarz : forall x y n, sum (fun j => x j * y j) n <= norm x n * norm y n.
Proof.
  intros x y n. pose proof (norm_nonnegative x n). pose proof (norm_nonnegative y n).
  apply Rsqr_incr_0_var; [ | now apply Rmult_le_pos ]. unfold Rsqr.
  replace (norm x n * norm y n * (norm x n * norm y n)) with ((norm x n * norm x n) * (norm y n * norm y n)) by ring.
  rewrite 2 norm_squared. apply cauchy_schwarz_squared.
Qed.

Theorem norm_of_sum : forall x y n, norm (fun j => x j + y j) n <= norm x n + norm y n.
Proof.
  intros x y n. pose proof (norm_nonnegative x n). pose proof (norm_nonnegative y n).
  apply norm_below; [ lra | ].
  rewrite (sum_equal _ (fun j => x j * x j + 2 * (x j * y j) + y j * y j)) by (intros; ring).
  rewrite 2 sum_added, sum_scaled, <- 2 norm_squared. pose proof (cauchy_schwarz x y n). nra.
Qed.

Theorem norm_homogeneous : forall c x n, norm (fun j => c * x j) n = Rabs c * norm x n.
Proof.
  intros c x n. unfold norm. rewrite (sum_equal _ (fun j => c * c * (x j * x j))) by (intros; ring).
  rewrite sum_scaled, sqrt_mult; auto using sum_of_squares_nonnegative; [ | apply Rle_0_sqr ].
  f_equal. apply sqrt_Rsqr_abs.
Qed.

Lemma norm_scaled : forall c x n, 0 <= c -> norm (fun j => c * x j) n = c * norm x n.
Proof. intros c x n nonnegative. rewrite norm_homogeneous, Rabs_right; lra. Qed.

Lemma norm_zero : forall n, norm (fun _ => 0) n = 0.
Proof. intros n. unfold norm. rewrite sum_zero by (intros; ring). apply sqrt_0. Qed.

Lemma norm_above_entry : forall x n j, (j < n)%nat -> Rabs (x j) <= norm x n.
Proof.
  intros x n j inside. rewrite <- sqrt_Rsqr_abs. apply sqrt_le_1_alt.
  now apply (sum_above_term (fun j => x j * x j)); [ intros; apply Rle_0_sqr | ].
Qed.

(* --- products -------------------------------------------------------------------------------------- *)

Lemma product_associative : forall a b c k l, product (product a b k) c l = product a (product b c l) k.
Proof.
  intros a b c k l. extensionality i. extensionality j. unfold product.
  transitivity (sum (fun q => sum (fun p => a i p * b p q * c q j) k) l).
  - apply sum_equal. intros q _. now rewrite sum_scaled_right.
  - rewrite sum_swapped. apply sum_equal. intros p _. rewrite <- sum_scaled. apply sum_equal. intros q _. ring.
Qed.

Lemma transposed_product : forall a b k, transposed (product a b k) = product (transposed b) (transposed a) k.
Proof.
  intros a b k. extensionality i. extensionality j. unfold transposed, product. apply sum_equal. intros l _. ring.
Qed.

(* (A V) (B W)^T = A (V W^T) B^T *)
Lemma product_of_products : forall a b v w k l,
  product_nt (product a v k) (product b w k) l = product (product a (product_nt v w l) k) (transposed b) k.
Proof.
  intros a b v w k l. change (product_nt (product a v k) (product b w k) l)
    with (product (product a v k) (transposed (product b w k)) l).
  rewrite transposed_product, <- product_associative, (product_associative a v). reflexivity.
Qed.

(* --- the Frobenius norm ---------------------------------------------------------------------------- *)

Lemma frobenius_rows : forall a m n, frobenius a m n = norm (fun i => norm (a i) n) m.
Proof.
  intros a m n. unfold frobenius, norm at 1. f_equal. apply sum_equal. intros i _. now rewrite norm_squared.
Qed.

Lemma frobenius_nonnegative : forall a m n, 0 <= frobenius a m n.
Proof. intros a m n. apply sqrt_pos. Qed.

Lemma frobenius_squared : forall a m n, frobenius a m n * frobenius a m n = inner a a m n.
Proof.
  intros a m n. apply sqrt_sqrt. apply sum_nonnegative. intros i _. apply sum_of_squares_nonnegative.
Qed.

(* Cauchy-Schwarz of matrices *)
Theorem inner_below : forall a b m n, inner a b m n <= frobenius a m n * frobenius b m n.
Proof.
  intros a b m n. rewrite 2 frobenius_rows. eapply Rle_trans; [ | apply cauchy_schwarz ].
  apply sum_increasing. intros i _. apply cauchy_schwarz.
Qed.

Lemma frobenius_equal : forall a b m n,
  (forall i j, (i < m)%nat -> (j < n)%nat -> a i j = b i j) -> frobenius a m n = frobenius b m n.
Proof.
  intros a b m n equal. unfold frobenius. f_equal. apply inner_equal. intros i j row column. now rewrite equal.
Qed.

Lemma frobenius_transposed : forall a m n, frobenius (transposed a) n m = frobenius a m n.
Proof. intros a m n. unfold frobenius. now rewrite inner_transposed. Qed.

Theorem frobenius_of_sum : forall a b m n, frobenius (added a b) m n <= frobenius a m n + frobenius b m n.
Proof.
  intros a b m n. rewrite 3 frobenius_rows.
  apply Rle_trans with (norm (fun i => norm (a i) n + norm (b i) n) m); [ | apply norm_of_sum ].
  apply norm_increasing. intros i _. split; [ apply norm_nonnegative | apply (norm_of_sum (a i) (b i)) ].
Qed.

(* What holds of each row holds of the matrix. *)
Lemma frobenius_by_rows : forall a b m n k c, 0 <= c -> (forall i, (i < m)%nat -> norm (a i) n <= c * norm (b i) k) ->
  frobenius a m n <= c * frobenius b m k.
Proof.
  intros a b m n k c nonnegative below. rewrite 2 frobenius_rows, <- norm_scaled by assumption.
  apply norm_increasing. intros i row. split; [ apply norm_nonnegative | auto ].
Qed.

(* --- the spectral norm ----------------------------------------------------------------------------- *)

(* <A^T x, y> = <x, A y> *)
Lemma applied_transposed : forall a x y m n,
  sum (fun j => applied (transposed a) x m j * y j) n = sum (fun i => x i * applied a y n i) m.
Proof.
  intros a x y m n. unfold applied, transposed.
  transitivity (sum (fun j => sum (fun i => a i j * x i * y j) m) n).
  - apply sum_equal. intros j _. now rewrite sum_scaled_right.
  - rewrite sum_swapped. apply sum_equal. intros i _. rewrite <- sum_scaled. apply sum_equal. intros j _. ring.
Qed.

Theorem bounded_transposed : forall a m n w, bounded a m n w -> bounded (transposed a) n m w.
Proof.
  intros a m n w [nonnegative below]. split; auto. intros x. set (y := applied (transposed a) x m).
  pose proof (norm_nonnegative x m). pose proof (norm_nonnegative y n).
  assert (norm y n * norm y n <= w * norm x m * norm y n) as product.
  { rewrite norm_squared. unfold y at 1. rewrite applied_transposed.
    apply Rle_trans with (norm x m * norm (applied a y n) m); [ apply cauchy_schwarz | ].
    specialize (below y). nra. }
  destruct (Req_dec (norm y n) 0) as [zero | nonzero].
  - rewrite zero. now apply Rmult_le_pos.
  - apply Rmult_le_reg_r with (norm y n); lra.
Qed.

Theorem bounded_frobenius : forall a m n, bounded a m n (frobenius a m n).
Proof.
  intros a m n. split; [ apply frobenius_nonnegative | ]. intros x.
  pose proof (norm_nonnegative x n).
  apply norm_below; [ apply Rmult_le_pos; auto using frobenius_nonnegative | ].
  replace (frobenius a m n * norm x n * (frobenius a m n * norm x n))
    with (frobenius a m n * frobenius a m n * (norm x n * norm x n)) by ring.
  rewrite frobenius_squared. unfold inner. rewrite <- sum_scaled_right.
  apply sum_increasing. intros i _. rewrite norm_squared. apply cauchy_schwarz_squared.
Qed.

Theorem bounded_product : forall a b m k n v w, bounded a m k v -> bounded b k n w ->
  bounded (product a b k) m n (v * w).
Proof.
  intros a b m k n v w [nonnegative_v below_v] [nonnegative_w below_w].
  split; [ now apply Rmult_le_pos | ]. intros x.
  rewrite (norm_equal _ (applied a (applied b x n) k)).
  - apply Rle_trans with (v * norm (applied b x n) k); auto. rewrite Rmult_assoc. now apply Rmult_le_compat_l.
  - intros i _. unfold applied, product.
    transitivity (sum (fun j => sum (fun l => a i l * b l j * x j) k) n).
    + apply sum_equal. intros j _. now rewrite sum_scaled_right.
    + rewrite sum_swapped. apply sum_equal. intros l _. rewrite <- sum_scaled. apply sum_equal. intros j _. ring.
Qed.

(* Row i of A B. *)
Lemma row_of_product : forall a b k n w i, bounded b k n w -> norm (product a b k i) n <= w * norm (a i) k.
Proof.
  intros a b k n w i bound. destruct (bounded_transposed b k n w bound) as [_ below].
  rewrite (norm_equal _ (applied (transposed b) (a i) k)); auto.
  intros j _. unfold product, applied, transposed. apply sum_equal. intros l _. ring.
Qed.

Lemma bounded_weakened : forall a m n v w, bounded a m n v -> v <= w -> bounded a m n w.
Proof.
  intros a m n v w [nonnegative below] less. split; [ lra | ]. intros x. apply Rle_trans with (1 := below x).
  apply Rmult_le_compat_r; [ apply norm_nonnegative | assumption ].
Qed.

Lemma bounded_equal : forall a b m n w, (forall i j, (i < m)%nat -> (j < n)%nat -> a i j = b i j) ->
  bounded a m n w -> bounded b m n w.
Proof.
  intros a b m n w equal [nonnegative below]. split; auto. intros x. rewrite (norm_equal _ (applied a x n)); auto.
  intros i row. apply sum_equal. intros j column. now rewrite equal.
Qed.

(* ||A B||_F <= ||A||_F ||B||_2 *)
Theorem frobenius_product_right : forall a b m k n w, bounded b k n w ->
  frobenius (product a b k) m n <= frobenius a m k * w.
Proof.
  intros a b m k n w bound. rewrite Rmult_comm. apply frobenius_by_rows; [ apply bound | ].
  intros i _. now apply row_of_product.
Qed.

(* ||A B||_F <= ||A||_2 ||B||_F *)
Theorem frobenius_product_left : forall a b m k n w, bounded a m k w ->
  frobenius (product a b k) m n <= w * frobenius b k n.
Proof.
  intros a b m k n w bound. rewrite <- (frobenius_transposed (product a b k)), <- (frobenius_transposed b).
  rewrite Rmult_comm, (frobenius_equal _ (product (transposed b) (transposed a) k)).
  - apply frobenius_product_right. now apply bounded_transposed.
  - intros i j _ _. unfold product, transposed. apply sum_equal. intros l _. ring.
Qed.

Theorem operator_norm_bounded : forall a m n w, operator_norm a m n w -> bounded a m n w.
Proof.
  intros a m n w [upper _].
  assert (0 <= w) as nonnegative.
  { apply upper. exists (fun _ => 0). rewrite norm_zero. split; [ lra | ].
    rewrite (norm_equal _ (fun _ => 0)); [ now rewrite norm_zero | ].
    intros i _. apply sum_zero. intros. ring. }
  split; auto. intros x. destruct (Req_dec (norm x n) 0) as [zero | nonzero].
  - destruct (bounded_frobenius a m n) as [_ below]. specialize (below x).
    rewrite zero, Rmult_0_r in *. exact below.
  - pose proof (norm_nonnegative x n). assert (0 < / norm x n) by (apply Rinv_0_lt_compat; lra).
    assert (norm (applied a (fun j => / norm x n * x j) n) m <= w) as unit.
    { apply upper. eexists. split; [ | reflexivity ]. rewrite norm_scaled by lra. right. now apply Rinv_l. }
    rewrite (norm_equal _ (fun i => / norm x n * applied a x n i)), norm_scaled in unit by
      (lra || (intros i _; unfold applied; rewrite <- sum_scaled; apply sum_equal; intros; ring)).
    apply Rmult_le_reg_l with (/ norm x n); [ assumption | ].
    replace (/ norm x n * (w * norm x n)) with w by (field; assumption). exact unit.
Qed.

Theorem operator_norm_least : forall a m n w v, operator_norm a m n w -> bounded a m n v -> w <= v.
Proof.
  intros a m n w v [_ least] [nonnegative below]. apply least. intros r [x [unit ->]].
  specialize (below x). pose proof (Rmult_le_compat_l v _ _ nonnegative unit). lra.
Qed.
