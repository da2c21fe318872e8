(* backward.v - section 5 of spec/model.md for whole matrices: read-out, MLP, attention, an iteration, the loop.

   Everything moves along curves, parameters too. A theorem says: if the inputs move with these velocities, then the
   output moves with some velocity V, and for every gradient g of the output <g, V> is the sum of <gradient, velocity> over
   inputs and parameters, the gradients being those that the specification prints. *)
Require Import Reals Lra Lia Psatz FunctionalExtensionality.
From eer Require Import facts derivatives.
Open Scope R_scope.

Notation D := derivable_pt_lim (only parsing).
Notation matrix := (nat -> nat -> R) (only parsing).

Definition moves_matrix (x : R -> matrix) (t : R) (v : matrix) (m n : nat) : Prop :=
  forall i j, (i < m)%nat -> (j < n)%nat -> D (fun u => x u i j) t (v i j).

(* <a, b> over m x n *)
Definition inner (a b : matrix) (m n : nat) : R := sum (fun i => sum (fun j => a i j * b i j) n) m.

Definition added (a b : matrix) (i j : nat) : R := a i j + b i j.
Definition transposed (a : matrix) (i j : nat) : R := a j i.
(* a b over k; a b^T over k; a^T b over k *)
Definition product (a b : matrix) (k i j : nat) : R := sum (fun l => a i l * b l j) k.
Definition product_nt (a b : matrix) (k i j : nat) : R := sum (fun l => a i l * b j l) k.
Definition product_tn (a b : matrix) (k i j : nat) : R := sum (fun l => a l i * b l j) k.

(* --- inner products -------------------------------------------------------------------------------- *)

Lemma inner_equal : forall a b c d m n,
  (forall i j, (i < m)%nat -> (j < n)%nat -> a i j * b i j = c i j * d i j) -> inner a b m n = inner c d m n.
Proof. intros a b c d m n equal. apply sum_equal. intros i below. apply sum_equal. auto. Qed.

Lemma inner_added_right : forall g a b m n, inner g (added a b) m n = inner g a m n + inner g b m n.
Proof.
  intros g a b m n. unfold inner. rewrite <- sum_added. apply sum_equal. intros i _.
  rewrite <- sum_added. apply sum_equal. intros j _. unfold added. ring.
Qed.

Lemma inner_added_left : forall g h v m n, inner (added g h) v m n = inner g v m n + inner h v m n.
Proof.
  intros g h v m n. unfold inner. rewrite <- sum_added. apply sum_equal. intros i _.
  rewrite <- sum_added. apply sum_equal. intros j _. unfold added. ring.
Qed.

Lemma inner_transposed : forall a b m n, inner a (transposed b) m n = inner (transposed a) b n m.
Proof. intros a b m n. unfold inner. apply sum_swapped. Qed.

Lemma inner_product_left : forall g v w k m n,
  inner g (product v w k) m n = inner (product_nt g w n) v m k.
Proof.
  intros g v w k m n. unfold inner, product, product_nt. apply sum_equal. intros i _.
  transitivity (sum (fun j => sum (fun l => g i j * v i l * w l j) k) n).
  - apply sum_equal. intros j _. rewrite <- sum_scaled. apply sum_equal. intros l _. ring.
  - rewrite sum_swapped. apply sum_equal. intros l _. rewrite <- sum_scaled_right.
    apply sum_equal. intros j _. ring.
Qed.

Lemma inner_product_right : forall g a v k m n,
  inner g (product a v k) m n = inner (product_tn a g m) v k n.
Proof.
  intros g a v k m n. unfold inner, product, product_tn.
  transitivity (sum (fun i => sum (fun l => sum (fun j => a i l * g i j * v l j) n) k) m).
  - apply sum_equal. intros i _. rewrite sum_swapped. apply sum_equal. intros j _.
    rewrite <- sum_scaled. apply sum_equal. intros l _. ring.
  - rewrite sum_swapped. apply sum_equal. intros l _. rewrite sum_swapped. apply sum_equal. intros j _.
    now rewrite sum_scaled_right.
Qed.

(* What a velocity is worth to a gradient is the derivative of the weighted sum. *)
Lemma weighted_velocity : forall g x t v n a,
  moves x t v n -> D (fun u => sum (fun j => g j * x u j) n) t a -> sum (fun j => g j * v j) n = a.
Proof.
  intros g x t v n a along derivative.
  exact (uniqueness_limite _ _ _ _ (D_weighted g x t v n along) derivative).
Qed.

Lemma added_along : forall x y t v w m n,
  moves_matrix x t v m n -> moves_matrix y t w m n -> moves_matrix (fun u => added (x u) (y u)) t (added v w) m n.
Proof. intros x y t v w m n along_x along_y i j row column. apply D_plus; auto. Qed.

(* --- dot and matrix products ----------------------------------------------------------------------- *)

Theorem dot_along : forall x y t v w n, moves x t v n -> moves y t w n ->
  D (fun u => sum (fun j => x u j * y u j) n) t
    (sum (fun j => y t j * v j) n + sum (fun j => x t j * w j) n).
Proof.
  intros x y t v w n along_x along_y. rewrite <- sum_added. apply D_sum. intros j inside. eapply D_value.
  - apply (D_times (fun u => x u j) (fun u => y u j)); auto.
  - ring.
Qed.

Theorem dot_backward : forall x y n k, (k < n)%nat ->
  D (fun u => sum (fun j => set x k u j * y j) n) (x k) (y k).
Proof.
  intros x y n k inside. eapply D_value.
  - apply (dot_along (set x k) (fun _ => y) (x k) (delta k) (fun _ => 0)); [ apply moves_set | ].
    intros j _. apply D_constant.
  - rewrite (sum_zero (fun j => _ * 0)) by (intros; ring). rewrite sum_of_delta by assumption. ring.
Qed.

Lemma product_along : forall a b t v w k m n, moves_matrix a t v m k -> moves_matrix b t w k n ->
  moves_matrix (fun u => product (a u) (b u) k) t (added (product v (b t) k) (product (a t) w k)) m n.
Proof.
  intros a b t v w k m n along_a along_b i j row column. unfold added, product. rewrite <- sum_added.
  apply D_sum. intros l inside. apply (D_times (fun u => a u i l) (fun u => b u l j)); auto.
Qed.

(* dy of y w is g w^T, and dw is y^T g. *)
Theorem matrix_product_backward : forall y w t v_y v_w k m n,
  moves_matrix y t v_y m k -> moves_matrix w t v_w k n ->
  exists v, moves_matrix (fun u => product (y u) (w u) k) t v m n /\
  forall g, inner g v m n = inner (product_nt g (w t) n) v_y m k + inner (product_tn (y t) g m) v_w k n.
Proof.
  intros y w t v_y v_w k m n along_y along_w. eexists. split.
  - apply product_along; eassumption.
  - intros g. now rewrite inner_added_right, inner_product_left, inner_product_right.
Qed.

(* An affine map of rows, y w + b, as in read-out and MLP: db is the sum over rows. *)
Definition affine (y w : matrix) (b : nat -> R) (k i j : nat) : R := product y w k i j + b j.

Theorem affine_backward : forall y w b t v_y v_w v_b k m n,
  moves_matrix y t v_y m k -> moves_matrix w t v_w k n -> moves b t v_b n ->
  exists v, moves_matrix (fun u => affine (y u) (w u) (b u) k) t v m n /\
  forall g, inner g v m n = inner (product_nt g (w t) n) v_y m k + inner (product_tn (y t) g m) v_w k n
                            + sum (fun j => sum (fun i => g i j) m * v_b j) n.
Proof.
  intros y w b t v_y v_w v_b k m n along_y along_w along_b.
  destruct (matrix_product_backward y w t v_y v_w k m n along_y along_w) as [v [along gradient]].
  exists (added v (fun _ j => v_b j)). split.
  - intros i j row column. apply D_plus; auto.
  - intros g. rewrite inner_added_right, gradient. f_equal. unfold inner. rewrite sum_swapped.
    apply sum_equal. intros j _. apply sum_scaled_right.
Qed.

(* --- read-out (5.1) -------------------------------------------------------------------------------- *)

(* The task loss: share i is 1 / counted where position i counts, else 0. *)
Theorem read_out_backward : forall h w b share (label : nat -> nat) t v_h v_w v_b n d classes,
  moves_matrix h t v_h n d -> moves_matrix w t v_w d classes -> moves b t v_b classes ->
  (forall i, (i < n)%nat -> (label i < classes)%nat) ->
  let logits u := affine (h u) (w u) (b u) d in
  let dlogits i j := share i * (softmax (logits t i) classes j - delta (label i) j) in
  D (fun u => sum (fun i => share i * - ln (softmax (logits u i) classes (label i))) n) t
    (inner (product_nt dlogits (w t) classes) v_h n d + inner (product_tn (h t) dlogits n) v_w d classes
     + sum (fun j => sum (fun i => dlogits i j) n * v_b j) classes).
Proof.
  intros h w b share label t v_h v_w v_b n d classes along_h along_w along_b within logits dlogits.
  destruct (affine_backward h w b t v_h v_w v_b d n classes) as [v [along gradient]]; auto.
  rewrite <- gradient. apply (D_sum (fun u i => share i * _) t). intros i row. eapply D_value.
  - apply D_scaled. apply (cross_entropy_along (fun u => logits u i) t (v i)); auto. intros j column. now apply along.
  - rewrite <- sum_scaled. apply sum_equal. intros j _. unfold dlogits. ring.
Qed.

(* --- MLP (5.3) ------------------------------------------------------------------------------------- *)

Theorem relu_derivative : forall x, x <> 0 -> D (fun u => Rmax u 0) x (if Rlt_dec 0 x then 1 else 0).
Proof.
  intros x nonzero. destruct (Rlt_dec 0 x) as [positive | ].
  - apply D_near with (fun u => u) x; auto using D_identity.
    intros u near. symmetry. apply Rmax_left. unfold Rabs in near. destruct (Rcase_abs _); lra.
  - apply D_near with (fun _ => 0) (- x); auto using D_constant; [ lra | ].
    intros u near. symmetry. apply Rmax_right. unfold Rabs in near. destruct (Rcase_abs _); lra.
Qed.

(* x Phi(x), of any Phi whose derivative is phi. *)
Theorem gelu_derivative : forall Phi phi x, D Phi x (phi x) -> D (fun u => u * Phi u) x (Phi x + x * phi x).
Proof.
  intros Phi phi x derivative. eapply D_value.
  - apply (D_times (fun u => u) Phi); [ apply D_identity | eassumption ].
  - ring.
Qed.

Definition mapped (act : R -> R) (a : matrix) (i j : nat) : R := act (a i j).

Theorem mlp_backward : forall act slope y w_1 b_1 w_2 b_2 t v_y v_w1 v_b1 v_w2 v_b2 d h n,
  moves_matrix y t v_y n d -> moves_matrix w_1 t v_w1 d h -> moves b_1 t v_b1 h ->
  moves_matrix w_2 t v_w2 h d -> moves b_2 t v_b2 d ->
  let a u := affine (y u) (w_1 u) (b_1 u) d in
  (forall i j, (i < n)%nat -> (j < h)%nat -> D act (a t i j) (slope (a t i j))) ->
  exists v, moves_matrix (fun u => affine (mapped act (a u)) (w_2 u) (b_2 u) h) t v n d /\
  forall g, let da i j := product_nt g (w_2 t) d i j * slope (a t i j) in
    inner g v n d = inner (product_nt da (w_1 t) h) v_y n d
                    + inner (product_tn (y t) da n) v_w1 d h + sum (fun j => sum (fun i => da i j) n * v_b1 j) h
                    + inner (product_tn (mapped act (a t)) g n) v_w2 h d
                    + sum (fun j => sum (fun i => g i j) n * v_b2 j) d.
Proof.
  intros act slope y w_1 b_1 w_2 b_2 t v_y v_w1 v_b1 v_w2 v_b2 d h n
    along_y along_w1 along_b1 along_w2 along_b2 a smooth.
  destruct (affine_backward y w_1 b_1 t v_y v_w1 v_b1 d n h) as [v_a [along_a gradient_a]]; auto.
  fold a in along_a.
  assert (moves_matrix (fun u => mapped act (a u)) t (fun i j => slope (a t i j) * v_a i j) n h) as along_o.
  { intros i j row column. apply (D_composed (fun u => a u i j) act); auto. }
  destruct (affine_backward (fun u => mapped act (a u)) w_2 b_2 t _ v_w2 v_b2 h n d along_o along_w2 along_b2)
    as [v [along gradient]].
  exists v. split; auto. intros g da. rewrite gradient.
  replace (inner (product_nt g (w_2 t) d) (fun i j => slope (a t i j) * v_a i j) n h) with (inner da v_a n h).
  - rewrite gradient_a. ring.
  - apply inner_equal. intros i j _ _. unfold da. ring.
Qed.

(* --- attention (5.4) ------------------------------------------------------------------------------- *)

(* Row i sees the keys j < seen i, all (mask none) or i + 1 (causal); the weight of the others is 0. *)
Definition weights (s : matrix) (seen : nat -> nat) (i j : nat) : R :=
  if lt_dec j (seen i) then softmax (s i) (seen i) j else 0.

Lemma sum_extended : forall f w n, (w <= n)%nat -> (forall j, (w <= j)%nat -> (j < n)%nat -> f j = 0) ->
  sum f n = sum f w.
Proof.
  intros f w n. induction n as [| n step]; intros within zero.
  - now replace w with O by lia.
  - destruct (le_lt_eq_dec w (S n) within) as [less | ->]; [ | reflexivity ].
    simpl. rewrite step, zero by (auto; lia). ring.
Qed.

Lemma weights_sum : forall s seen v i n, (seen i <= n)%nat ->
  sum (fun j => softmax (s i) (seen i) j * v j) (seen i) = sum (fun j => weights s seen i j * v j) n.
Proof.
  intros s seen v i n within. rewrite (sum_extended (fun j => weights s seen i j * v j) (seen i)); auto.
  - apply sum_equal. intros j inside. unfold weights. destruct (lt_dec j (seen i)); [ reflexivity | lia ].
  - intros j above _. unfold weights. destruct (lt_dec j (seen i)); [ lia | ring ].
Qed.

Lemma weights_along : forall s t v seen m n, moves_matrix s t v m n -> (forall i, (i < m)%nat -> (seen i <= n)%nat) ->
  moves_matrix (fun u => weights (s u) seen) t
    (fun i j => weights (s t) seen i j * (v i j - sum (fun k => weights (s t) seen i k * v i k) n)) m n.
Proof.
  intros s t v seen m n along within i j row column. specialize (within i row).
  rewrite <- weights_sum by assumption. unfold weights. destruct (lt_dec j (seen i)) as [inside | outside].
  - apply (softmax_along (fun u => s u i) t (v i)); auto. intros k below. apply along; lia.
  - rewrite Rmult_0_l. apply D_constant.
Qed.

(* What a row's weights add to the loss apart from the output, times the constants of 4.3 and 4.4: its potential, and its
   entropy S times the derivative of the penalty |mean S - eta| (penalty_along), whose sign is sigma. The gradient is the
   second and the third term of 5.4. w is 1/(B N T); the greatest score of row i is at c i, alone. *)
Theorem scores_side_along : forall lambda_P lambda_S w q (sigma : nat -> R) (c seen : nat -> nat) s t v m n,
  1 < q ->
  (forall i, (i < m)%nat -> (seen i <= n)%nat /\ (c i < seen i)%nat /\
     forall j, (j < seen i)%nat -> j <> c i -> s t i j < s t i (c i)) ->
  moves_matrix s t v m n ->
  let p := weights (s t) seen in
  D (fun u => sum (fun i =>
       lambda_P * (w * - ln (greatest (softmax (s u i) (seen i)) (seen i)))
       + lambda_S * (w * sigma i * tsallis (softmax (s u i) (seen i)) q (seen i))) m) t
    (inner (fun i j => lambda_P * w * (p i j - delta (c i) j)
                       - lambda_S * w * sigma i * (q / (q - 1))
                         * (power (p i j) q - p i j * sum (fun k => power (p i k) q) n)) v m n).
Proof.
  intros lambda_P lambda_S w q sigma c seen s t v m n index rows along p.
  unfold inner. apply (D_sum (fun u i => _ + _) t). intros i row. destruct (rows i row) as [within [inside lone]].
  assert (moves (fun u => s u i) t (v i) (seen i)) as along_row by (intros j below; apply along; lia).
  assert (forall j, (j < seen i)%nat -> p i j = softmax (s t i) (seen i) j) as seen_weight.
  { intros j below. unfold p, weights. destruct (lt_dec j (seen i)); [ reflexivity | lia ]. }
  assert (forall j, (seen i <= j)%nat -> p i j = 0) as unseen_weight.
  { intros j above. unfold p, weights. destruct (lt_dec j (seen i)); [ lia | reflexivity ]. }
  assert (sum (fun k => power (p i k) q) n = sum (fun k => power (softmax (s t i) (seen i) k) q) (seen i)) as ->.
  { rewrite (sum_extended _ (seen i)); auto.
    - apply sum_equal. intros k below. now rewrite seen_weight.
    - intros k above _. rewrite unseen_weight by assumption. apply power_zero. lra. }
  eapply D_value.
  - apply D_plus; apply D_scaled, D_scaled.
    + now apply (potential_along (fun u => s u i) t (v i) (seen i) (c i)).
    + apply (tsallis_along (fun u => s u i) t (v i)); [ lia | assumption | assumption ].
  - symmetry. rewrite (sum_extended _ (seen i)); auto.
    + rewrite <- !sum_scaled, <- sum_added. apply sum_equal. intros j below. rewrite seen_weight by assumption. ring.
    + intros j above _. rewrite unseen_weight, power_zero by (assumption || lra).
      unfold delta. destruct (Nat.eq_dec j (c i)); [ lia | ring ].
Qed.

(* From queries, keys and values to the output. c is tau sqrt d; bias holds the slopes. side is what else depends on the scores
   (potential and entropy penalty, times their lambdas), e its gradient: scores_side_along has it. *)
Theorem attention_backward : forall c bias seen q k v t v_q v_k v_v m n d (side : R -> R) e,
  (forall i, (i < m)%nat -> (seen i <= n)%nat) ->
  moves_matrix q t v_q m d -> moves_matrix k t v_k n d -> moves_matrix v t v_v n d ->
  let s u i j := product_nt (q u) (k u) d i j / c - bias i j in
  let p u := weights (s u) seen in
  (forall v_s, moves_matrix s t v_s m n -> D side t (inner e v_s m n)) ->
  exists v_a l, moves_matrix (fun u => product (p u) (v u) n) t v_a m d /\ D side t l /\
  forall g,
    let dp := product_nt g (v t) d in
    let ds i j := p t i j * (dp i j - sum (fun k => p t i k * dp i k) n) + e i j in
    inner g v_a m d + l = inner (fun i l => product ds (k t) n i l / c) v_q m d
                          + inner (fun j l => product_tn ds (q t) m j l / c) v_k n d
                          + inner (product_tn (p t) g m) v_v n d.
Proof.
  intros c bias seen q k v t v_q v_k v_v m n d side e within along_q along_k along_v s p along_side.
  assert (moves_matrix (fun u => transposed (k u)) t (transposed v_k) d n) as along_kt.
  { intros i j row column. apply along_k; assumption. }
  pose (raw := added (product v_q (transposed (k t)) d) (product (q t) (transposed v_k) d)).
  assert (moves_matrix s t (fun i j => raw i j / c) m n) as along_s.
  { intros i j row column. eapply D_value.
    - apply D_minus; [ | apply D_constant ]. apply D_over.
      exact (product_along q (fun u => transposed (k u)) t v_q (transposed v_k) d m n along_q along_kt i j row column).
    - unfold raw, Rdiv. ring. }
  pose proof (weights_along s t _ seen m n along_s within) as along_p.
  pose proof (product_along p v t _ v_v n m d along_p along_v) as along_a.
  exists (added (product (fun i j => weights (s t) seen i j
             * (raw i j / c - sum (fun k => weights (s t) seen i k * (raw i k / c)) n)) (v t) n)
            (product (p t) v_v n)), (inner e (fun i j => raw i j / c) m n).
  split; [ exact along_a | split; [ now apply along_side | ] ].
  intros g dp ds. rewrite inner_added_right, inner_product_left, inner_product_right. fold dp.
  assert (inner dp (fun i j => weights (s t) seen i j
            * (raw i j / c - sum (fun k => weights (s t) seen i k * (raw i k / c)) n)) m n
          + inner e (fun i j => raw i j / c) m n
          = inner ds (fun i j => raw i j / c) m n) as through_softmax.
  { unfold inner. rewrite <- sum_added. apply sum_equal. intros i row.
    rewrite (softmax_symmetric (dp i) (weights (s t) seen i) (fun j => raw i j / c)), <- sum_added.
    apply sum_equal. intros j column. unfold ds, p. ring. }
  assert (inner ds (fun i j => raw i j / c) m n = inner (fun i j => ds i j / c) raw m n) as scaled.
  { apply inner_equal. intros i j _ _. unfold Rdiv. ring. }
  assert (inner (fun i j => ds i j / c) raw m n
          = inner (fun i l => product ds (k t) n i l / c) v_q m d
            + inner (fun j l => product_tn ds (q t) m j l / c) v_k n d) as through_scores.
  { unfold raw. rewrite inner_added_right, inner_product_left, inner_product_right, inner_transposed.
    f_equal; apply inner_equal; intros i l _ _; f_equal; unfold product_nt, product_tn, product, transposed, Rdiv;
      rewrite <- sum_scaled_right; apply sum_equal; intros j _; ring. }
  lra.
Qed.

(* With W_Q, W_K, W_V before it: dy = dq W_Q^T + dk W_K^T + dv W_V^T, dW_Q = y^T dq, ... *)
Theorem attention_layer_backward : forall c bias seen y w_q w_k w_v t v_y v_wq v_wk v_wv n d (side : R -> R) e,
  (forall i, (i < n)%nat -> (seen i <= n)%nat) -> moves_matrix y t v_y n d ->
  moves_matrix w_q t v_wq d d -> moves_matrix w_k t v_wk d d -> moves_matrix w_v t v_wv d d ->
  let q u := product (y u) (w_q u) d in
  let k u := product (y u) (w_k u) d in
  let v u := product (y u) (w_v u) d in
  let s u i j := product_nt (q u) (k u) d i j / c - bias i j in
  let p u := weights (s u) seen in
  (forall v_s, moves_matrix s t v_s n n -> D side t (inner e v_s n n)) ->
  exists v_a l, moves_matrix (fun u => product (p u) (v u) n) t v_a n d /\ D side t l /\
  forall g,
    let dp := product_nt g (v t) d in
    let ds i j := p t i j * (dp i j - sum (fun k => p t i k * dp i k) n) + e i j in
    let dq i l := product ds (k t) n i l / c in
    let dk j l := product_tn ds (q t) n j l / c in
    let dv := product_tn (p t) g n in
    let dy := added (added (product_nt dq (w_q t) d) (product_nt dk (w_k t) d)) (product_nt dv (w_v t) d) in
    inner g v_a n d + l = inner dy v_y n d + inner (product_tn (y t) dq n) v_wq d d
                          + inner (product_tn (y t) dk n) v_wk d d + inner (product_tn (y t) dv n) v_wv d d.
Proof.
  intros c bias seen y w_q w_k w_v t v_y v_wq v_wk v_wv n d side e within along_y along_wq along_wk along_wv
    q k v s p along_side.
  destruct (matrix_product_backward y w_q t v_y v_wq d n d) as [v_q [along_q gradient_q]]; auto.
  destruct (matrix_product_backward y w_k t v_y v_wk d n d) as [v_k [along_k gradient_k]]; auto.
  destruct (matrix_product_backward y w_v t v_y v_wv d n d) as [v_v [along_v gradient_v]]; auto.
  destruct (attention_backward c bias seen q k v t v_q v_k v_v n n d side e) as [v_a [l [along [along_l gradient]]]]; auto.
  exists v_a, l. split; [ exact along | split; [ exact along_l | ] ].
  intros g dp ds dq dk dv dy. unfold dy. rewrite 2 inner_added_left, gradient.
  fold dp. change (inner dq v_q n d + inner dk v_k n d + inner dv v_v n d
    = inner (product_nt dq (w_q t) d) v_y n d + inner (product_nt dk (w_k t) d) v_y n d
      + inner (product_nt dv (w_v t) d) v_y n d + inner (product_tn (y t) dq n) v_wq d d
      + inner (product_tn (y t) dk n) v_wk d d + inner (product_tn (y t) dv n) v_wv d d).
  rewrite gradient_q, gradient_k, gradient_v. ring.
Qed.

(* --- layer norm of rows (5.2) ---------------------------------------------------------------------- *)

Definition layer_norm (x : matrix) (gain bias : nat -> R) (eps : R) (d i j : nat) : R :=
  normalised (x i) eps d j * gain j + bias j.

Definition layer_norm_dx (x : matrix) (gain : nat -> R) (eps : R) (d : nat) (g : matrix) (i k : nat) : R :=
  let xhat := normalised (x i) eps d in
  let h j := g i j * gain j in
  1 / sqrt (variance (x i) d + eps) * (h k - mean h d - xhat k * mean (fun j => h j * xhat j) d).

Theorem layer_norm_rows_backward : forall x gain bias t v_x v_gain v_bias eps n d, (1 <= d)%nat -> 0 < eps ->
  moves_matrix x t v_x n d -> moves gain t v_gain d -> moves bias t v_bias d ->
  exists v, moves_matrix (fun u => layer_norm (x u) (gain u) (bias u) eps d) t v n d /\
  forall g, inner g v n d = inner (layer_norm_dx (x t) (gain t) eps d g) v_x n d
                            + sum (fun k => sum (fun i => g i k * normalised (x t i) eps d k) n * v_gain k) d
                            + sum (fun k => sum (fun i => g i k) n * v_bias k) d.
Proof.
  intros x gain bias t v_x v_gain v_bias eps n d some positive along_x along_gain along_bias.
  assert (forall i, (i < n)%nat -> moves (fun u => x u i) t (v_x i) d) as along_row by (intros i row j; auto).
  eexists. split.
  - intros i j row column. apply D_plus; [ apply D_times | auto ].
    + apply (normalised_along (fun u => x u i) t (v_x i)); auto.
    + auto.
  - intros g.
    transitivity (sum (fun i => sum (fun k => layer_norm_dx (x t) (gain t) eps d g i k * v_x i k) d
                          + sum (fun k => g i k * normalised (x t i) eps d k * v_gain k) d
                          + sum (fun k => g i k * v_bias k) d) n).
    + apply sum_equal. intros i row.
      apply weighted_velocity with (x := fun u j => layer_norm (x u) (gain u) (bias u) eps d i j) (t := t).
      * intros j column. apply D_plus; [ apply D_times | auto ]; auto.
        apply (normalised_along (fun u => x u i) t (v_x i)); auto.
      * apply (layer_norm_along (g i) (fun u => x u i) gain bias t (v_x i)); auto.
    + rewrite 2 sum_added. unfold inner. f_equal; [ f_equal | ]; rewrite sum_swapped; apply sum_equal;
        intros k _; apply sum_scaled_right.
Qed.
