(* loop.v - section 5.5 of spec/model.md, the gradient through one iteration and through the whole loop, for any blocks
   whose own gradients are right; those of backward.v are such blocks. And 5.6, the embedding.

   A block may add to the loss itself (side), as the attention does with potential and entropy. *)
Require Import Reals Lra Lia Psatz FunctionalExtensionality.
From eer Require Import facts derivatives backward.
Open Scope R_scope.

Notation D := derivable_pt_lim (only parsing).
Notation matrix := (nat -> nat -> R) (only parsing).

(* At time t and input y, F's gradient is right: dy g for the input, where g is the output's, and P g the sum of <gradient,
   velocity> over the block's parameters; both hold what side adds. *)
Definition block (F : R -> matrix -> matrix) (side : R -> matrix -> R) (dy : matrix -> matrix) (P : matrix -> R)
    (y : matrix) (t : R) (n d : nat) : Prop :=
  forall x v_x, x t = y -> moves_matrix x t v_x n d ->
  exists v l, moves_matrix (fun u => F u (x u)) t v n d /\ D (fun u => side u (x u)) t l /\
  forall g, inner g v n d + l = inner (dy g) v_x n d + P g.

(* The same of an iteration, which has two inputs: the state z and x, the input of the model. *)
Definition iteration (F : R -> matrix -> matrix -> matrix) (side : R -> matrix -> matrix -> R)
    (dz dx : matrix -> matrix) (P : matrix -> R) (z_t x_t : matrix) (t : R) (n d : nat) : Prop :=
  forall z x v_z v_x, z t = z_t -> x t = x_t -> moves_matrix z t v_z n d -> moves_matrix x t v_x n d ->
  exists v l, moves_matrix (fun u => F u (z u) (x u)) t v n d /\ D (fun u => side u (z u) (x u)) t l /\
  forall g, inner g v n d + l = inner (dz g) v_z n d + inner (dx g) v_x n d + P g.

(* --- blocks ---------------------------------------------------------------------------------------- *)

(* G after F, as A after LN1: first G's gradient, then F's. *)
Theorem block_composed : forall F side_F dy_F P_F G side_G dy_G P_G y t n d,
  block F side_F dy_F P_F y t n d -> block G side_G dy_G P_G (F t y) t n d ->
  block (fun u x => G u (F u x)) (fun u x => side_F u x + side_G u (F u x))
    (fun g => dy_F (dy_G g)) (fun g => P_F (dy_G g) + P_G g) y t n d.
Proof.
  intros F side_F dy_F P_F G side_G dy_G P_G y t n d right_F right_G x v_x now along.
  destruct (right_F x v_x now along) as [v_F [l_F [along_F [along_lF gradient_F]]]].
  destruct (right_G (fun u => F u (x u)) v_F) as [v [l [along_G [along_lG gradient_G]]]];
    [ now rewrite now | exact along_F | ].
  exists v, (l_F + l). split; [ exact along_G | split; [ now apply D_plus | ] ].
  intros g. specialize (gradient_G g). specialize (gradient_F (dy_G g)). lra.
Qed.

Theorem attention_block : forall c bias seen w_q w_k w_v t v_wq v_wk v_wv n d (side : R -> matrix -> R) e y,
  (forall i, (i < n)%nat -> (seen i <= n)%nat) ->
  moves_matrix w_q t v_wq d d -> moves_matrix w_k t v_wk d d -> moves_matrix w_v t v_wv d d ->
  let s u x i j := product_nt (product x (w_q u) d) (product x (w_k u) d) d i j / c - bias i j in
  let A u x := product (weights (s u x) seen) (product x (w_v u) d) n in
  (forall x v_s, x t = y -> moves_matrix (fun u => s u (x u)) t v_s n n ->
     D (fun u => side u (x u)) t (inner e v_s n n)) ->
  let p := weights (s t y) seen in
  let dp g := product_nt g (product y (w_v t) d) d in
  let ds g i j := p i j * (dp g i j - sum (fun k => p i k * dp g i k) n) + e i j in
  let dq g i l := product (ds g) (product y (w_k t) d) n i l / c in
  let dk g j l := product_tn (ds g) (product y (w_q t) d) n j l / c in
  let dv g := product_tn p g n in
  block A side
    (fun g => added (added (product_nt (dq g) (w_q t) d) (product_nt (dk g) (w_k t) d)) (product_nt (dv g) (w_v t) d))
    (fun g => inner (product_tn y (dq g) n) v_wq d d + inner (product_tn y (dk g) n) v_wk d d
              + inner (product_tn y (dv g) n) v_wv d d) y t n d.
Proof.
  intros c bias seen w_q w_k w_v t v_wq v_wk v_wv n d side e y within along_q along_k along_v s A along_side
    p dp ds dq dk dv x v_x now along.
  destruct (attention_layer_backward c bias seen x w_q w_k w_v t v_x v_wq v_wk v_wv n d (fun u => side u (x u)) e)
    as [v [l [along_a [along_l gradient]]]]; auto.
  exists v, l. split; [ exact along_a | split; [ exact along_l | ] ].
  intros g. specialize (gradient g). rewrite now in gradient. cbv beta. rewrite <- !Rplus_assoc. exact gradient.
Qed.

(* The same with the losses that the weights add themselves: ds as 5.4 prints it, with w = 1/(B N T). *)
Theorem attention_losses_block : forall c bias seen w_q w_k w_v t v_wq v_wk v_wv n d lambda_P lambda_S w q
    (sigma : nat -> R) (top : nat -> nat) y, 1 < q ->
  moves_matrix w_q t v_wq d d -> moves_matrix w_k t v_wk d d -> moves_matrix w_v t v_wv d d ->
  let s u x i j := product_nt (product x (w_q u) d) (product x (w_k u) d) d i j / c - bias i j in
  (forall i, (i < n)%nat -> (seen i <= n)%nat /\ (top i < seen i)%nat /\
     forall j, (j < seen i)%nat -> j <> top i -> s t y i j < s t y i (top i)) ->
  let A u x := product (weights (s u x) seen) (product x (w_v u) d) n in
  let side u x := sum (fun i =>
    lambda_P * (w * - ln (greatest (softmax (s u x i) (seen i)) (seen i)))
    + lambda_S * (w * sigma i * tsallis (softmax (s u x i) (seen i)) q (seen i))) n in
  let p := weights (s t y) seen in
  let dp g := product_nt g (product y (w_v t) d) d in
  let ds g i j :=
    p i j * (dp g i j - sum (fun k => p i k * dp g i k) n)
    + (lambda_P * w * (p i j - delta (top i) j)
       - lambda_S * w * sigma i * (q / (q - 1)) * (power (p i j) q - p i j * sum (fun k => power (p i k) q) n)) in
  let dq g i l := product (ds g) (product y (w_k t) d) n i l / c in
  let dk g j l := product_tn (ds g) (product y (w_q t) d) n j l / c in
  let dv g := product_tn p g n in
  block A side
    (fun g => added (added (product_nt (dq g) (w_q t) d) (product_nt (dk g) (w_k t) d)) (product_nt (dv g) (w_v t) d))
    (fun g => inner (product_tn y (dq g) n) v_wq d d + inner (product_tn y (dk g) n) v_wk d d
              + inner (product_tn y (dv g) n) v_wv d d) y t n d.
Proof.
  intros c bias seen w_q w_k w_v t v_wq v_wk v_wv n d lambda_P lambda_S w q sigma top y index
    along_q along_k along_v s rows A side p dp ds dq dk dv.
  apply (attention_block c bias seen w_q w_k w_v t v_wq v_wk v_wv n d side
    (fun i j => lambda_P * w * (p i j - delta (top i) j)
       - lambda_S * w * sigma i * (q / (q - 1)) * (power (p i j) q - p i j * sum (fun k => power (p i k) q) n)) y);
    auto.
  - intros i row. now destruct (rows i row).
  - intros x v_s now along. fold s in along. unfold p. rewrite <- now.
    apply (scores_side_along lambda_P lambda_S w q sigma top seen (fun u => s u (x u)) t v_s n n); auto.
    rewrite now. exact rows.
Qed.

Theorem mlp_block : forall act slope w_1 b_1 w_2 b_2 t v_w1 v_b1 v_w2 v_b2 n d h y,
  moves_matrix w_1 t v_w1 d h -> moves b_1 t v_b1 h -> moves_matrix w_2 t v_w2 h d -> moves b_2 t v_b2 d ->
  let a := affine y (w_1 t) (b_1 t) d in
  (forall i j, (i < n)%nat -> (j < h)%nat -> D act (a i j) (slope (a i j))) ->
  let da g i j := product_nt g (w_2 t) d i j * slope (a i j) in
  block (fun u x => affine (mapped act (affine x (w_1 u) (b_1 u) d)) (w_2 u) (b_2 u) h) (fun _ _ => 0)
    (fun g => product_nt (da g) (w_1 t) h)
    (fun g => inner (product_tn y (da g) n) v_w1 d h + sum (fun j => sum (fun i => da g i j) n * v_b1 j) h
              + inner (product_tn (mapped act a) g n) v_w2 h d + sum (fun j => sum (fun i => g i j) n * v_b2 j) d)
    y t n d.
Proof.
  intros act slope w_1 b_1 w_2 b_2 t v_w1 v_b1 v_w2 v_b2 n d h y along_w1 along_b1 along_w2 along_b2 a smooth
    da x v_x now along.
  destruct (mlp_backward act slope x w_1 b_1 w_2 b_2 t v_x v_w1 v_b1 v_w2 v_b2 d h n) as [v [along_o gradient]]; auto.
  { rewrite now. exact smooth. }
  exists v, 0. split; [ exact along_o | split; [ apply D_constant | ] ].
  intros g. specialize (gradient g). rewrite now in gradient. cbv beta.
  rewrite Rplus_0_r, <- !Rplus_assoc. exact gradient.
Qed.

Theorem layer_norm_block : forall gain bias t v_gain v_bias eps n d y, (1 <= d)%nat -> 0 < eps ->
  moves gain t v_gain d -> moves bias t v_bias d ->
  block (fun u x => layer_norm x (gain u) (bias u) eps d) (fun _ _ => 0)
    (layer_norm_dx y (gain t) eps d)
    (fun g => sum (fun k => sum (fun i => g i k * normalised (y i) eps d k) n * v_gain k) d
              + sum (fun k => sum (fun i => g i k) n * v_bias k) d) y t n d.
Proof.
  intros gain bias t v_gain v_bias eps n d y some positive along_gain along_bias x v_x now along.
  destruct (layer_norm_rows_backward x gain bias t v_x v_gain v_bias eps n d) as [v [along_o gradient]]; auto.
  exists v, 0. split; [ exact along_o | split; [ apply D_constant | ] ].
  intros g. rewrite gradient, now. ring.
Qed.

(* --- one iteration (5.5) --------------------------------------------------------------------------- *)

Ltac distribute :=
  cbv beta in *; repeat first [ rewrite inner_added_left in * | rewrite inner_added_right in * ].

(* norm = none; and norm = pre, with A after LN1 for A and M after LN2 for M. *)
Theorem iteration_none_backward : forall A side_A dA P_A M side_M dM P_M z x t n d,
  let half u z x := added z (A u (added z x)) in
  let z' := half t z x in
  block A side_A dA P_A (added z x) t n d -> block M side_M dM P_M (added z' x) t n d ->
  let du2 g := dM g in
  let dz' g := added g (du2 g) in
  let du1 g := dA (dz' g) in
  iteration (fun u z x => added (half u z x) (M u (added (half u z x) x)))
    (fun u z x => side_A u (added z x) + side_M u (added (half u z x) x))
    (fun g => added (dz' g) (du1 g)) (fun g => added (du1 g) (du2 g)) (fun g => P_A (dz' g) + P_M g) z x t n d.
Proof.
  intros A side_A dA P_A M side_M dM P_M z_t x_t t n d half z' right_A right_M du2 dz' du1
    z x v_z v_x now_z now_x along_z along_x.
  destruct (right_A (fun u => added (z u) (x u)) (added v_z v_x)) as [v_A [l_A [along_A [along_lA gradient_A]]]].
  { now rewrite now_z, now_x. }
  { now apply added_along. }
  destruct (right_M (fun u => added (half u (z u) (x u)) (x u)) (added (added v_z v_A) v_x))
    as [v_M [l_M [along_M [along_lM gradient_M]]]].
  { now rewrite now_z, now_x. }
  { apply added_along; [ now apply added_along | assumption ]. }
  exists (added (added v_z v_A) v_M), (l_A + l_M).
  split; [ apply added_along; [ now apply added_along | exact along_M ] | split; [ now apply D_plus | ] ].
  intros g. specialize (gradient_M g). specialize (gradient_A (dz' g)). unfold du1, dz', du2 in *.
  distribute. lra.
Qed.

(* norm = post; mlp = 0 leaves the first half. *)
Theorem iteration_half_post_backward : forall A side_A dA P_A N side_N dN P_N z x t n d,
  block A side_A dA P_A (added z x) t n d -> block N side_N dN P_N (added z (A t (added z x))) t n d ->
  let r g := dN g in
  let du g := dA (r g) in
  iteration (fun u z x => N u (added z (A u (added z x))))
    (fun u z x => side_A u (added z x) + side_N u (added z (A u (added z x))))
    (fun g => added (r g) (du g)) du (fun g => P_A (r g) + P_N g) z x t n d.
Proof.
  intros A side_A dA P_A N side_N dN P_N z_t x_t t n d right_A right_N r du z x v_z v_x now_z now_x along_z along_x.
  destruct (right_A (fun u => added (z u) (x u)) (added v_z v_x)) as [v_A [l_A [along_A [along_lA gradient_A]]]].
  { now rewrite now_z, now_x. }
  { now apply added_along. }
  destruct (right_N (fun u => added (z u) (A u (added (z u) (x u)))) (added v_z v_A))
    as [v [l [along [along_l gradient]]]].
  { now rewrite now_z, now_x. }
  { now apply added_along. }
  exists v, (l_A + l). split; [ exact along | split; [ now apply D_plus | ] ].
  intros g. specialize (gradient g). specialize (gradient_A (r g)). unfold du, r in *.
  distribute. lra.
Qed.

(* Two halves, of attention and then of MLP: dz' of the second is the gradient that enters the first. *)
Theorem iteration_composed : forall F side_F dz_F dx_F P_F G side_G dz_G dx_G P_G z x t n d,
  iteration F side_F dz_F dx_F P_F z x t n d -> iteration G side_G dz_G dx_G P_G (F t z x) x t n d ->
  iteration (fun u z x => G u (F u z x) x) (fun u z x => side_F u z x + side_G u (F u z x) x)
    (fun g => dz_F (dz_G g)) (fun g => added (dx_F (dz_G g)) (dx_G g)) (fun g => P_F (dz_G g) + P_G g) z x t n d.
Proof.
  intros F side_F dz_F dx_F P_F G side_G dz_G dx_G P_G z_t x_t t n d right_F right_G
    z x v_z v_x now_z now_x along_z along_x.
  destruct (right_F z x v_z v_x) as [v_F [l_F [along_F [along_lF gradient_F]]]]; auto.
  destruct (right_G (fun u => F u (z u) (x u)) x v_F v_x) as [v [l [along [along_l gradient]]]]; auto.
  { now rewrite now_z, now_x. }
  exists v, (l_F + l). split; [ exact along | split; [ now apply D_plus | ] ].
  intros g. specialize (gradient g). specialize (gradient_F (dz_G g)). rewrite inner_added_left. lra.
Qed.

Theorem iteration_post_backward : forall A side_A dA P_A N1 side_1 dN1 P_1 M side_M dM P_M N2 side_2 dN2 P_2 z x t n d,
  let half u z x := N1 u (added z (A u (added z x))) in
  let z' := half t z x in
  block A side_A dA P_A (added z x) t n d -> block N1 side_1 dN1 P_1 (added z (A t (added z x))) t n d ->
  block M side_M dM P_M (added z' x) t n d -> block N2 side_2 dN2 P_2 (added z' (M t (added z' x))) t n d ->
  let r g := dN2 g in
  let du2 g := dM (r g) in
  let dz' g := added (r g) (du2 g) in
  let r' g := dN1 (dz' g) in
  let du1 g := dA (r' g) in
  iteration (fun u z x => N2 u (added (half u z x) (M u (added (half u z x) x))))
    (fun u z x => side_A u (added z x) + side_1 u (added z (A u (added z x)))
                  + (side_M u (added (half u z x) x) + side_2 u (added (half u z x) (M u (added (half u z x) x)))))
    (fun g => added (r' g) (du1 g)) (fun g => added (du1 g) (du2 g))
    (fun g => P_A (r' g) + P_1 (dz' g) + (P_M (r g) + P_2 g)) z x t n d.
Proof.
  intros A side_A dA P_A N1 side_1 dN1 P_1 M side_M dM P_M N2 side_2 dN2 P_2 z x t n d half z'
    right_A right_1 right_M right_2 r du2 dz' r' du1.
  exact (iteration_composed _ _ _ _ _ _ _ _ _ _ z x t n d
    (iteration_half_post_backward A side_A dA P_A N1 side_1 dN1 P_1 z x t n d right_A right_1)
    (iteration_half_post_backward M side_M dM P_M N2 side_2 dN2 P_2 z' x t n d right_M right_2)).
Qed.

(* --- the loop -------------------------------------------------------------------------------------- *)

Lemma sum_of_differences : forall f n, sum (fun k => f (S k) - f k) n = f n - f O.
Proof. intros f n. induction n as [| n step]; simpl; [ ring | rewrite step; ring ]. Qed.

(* All states move, and their velocities are tied as each iteration says. *)
Lemma loop_along : forall F side dz dx P (Z : nat -> R -> matrix) x v_0 v_x t n d T,
  (forall k u, Z (S k) u = F u (Z k u) (x u)) ->
  (forall k, (k < T)%nat -> iteration F side (dz k) (dx k) (P k) (Z k t) (x t) t n d) ->
  moves_matrix (Z O) t v_0 n d -> moves_matrix x t v_x n d ->
  exists (v : nat -> matrix) (l : nat -> R), v O = v_0 /\
  (forall k, (k <= T)%nat -> moves_matrix (Z k) t (v k) n d) /\
  forall k, (k < T)%nat -> D (fun u => side u (Z k u) (x u)) t (l k) /\
  forall g, inner g (v (S k)) n d + l k = inner (dz k g) (v k) n d + inner (dx k g) v_x n d + P k g.
Proof.
  intros F side dz dx P Z x v_0 v_x t n d T next right along_0 along_x. induction T as [| T step].
  - exists (fun _ => v_0), (fun _ => 0). split; [ reflexivity | split; [ | lia ] ].
    intros k at_start. now replace k with O by lia.
  - destruct step as [v [l [start [along tied]]]]; [ auto | ].
    destruct (right T (Nat.lt_succ_diag_r T) (Z T) x (v T) v_x) as [v' [l' [along' [along_l' gradient']]]]; auto.
    exists (fun k => if Nat.eq_dec k (S T) then v' else v k), (fun k => if Nat.eq_dec k T then l' else l k).
    split; [ exact start | split ].
    + intros k within. destruct (Nat.eq_dec k (S T)) as [-> | other].
      * intros i j row column. apply D_same with (fun u => F u (Z T u) (x u) i j); auto.
        intros u. now rewrite next.
      * apply along. lia.
    + intros k inside.
      destruct (Nat.eq_dec (S k) (S T)), (Nat.eq_dec k T), (Nat.eq_dec k (S T)); try lia.
      * replace k with T by lia. auto.
      * apply tied. lia.
Qed.

(* Back-propagation through the loop. The rest of the loss depends on the states, with gradient e k at Z_k (read-out, kinetic
   terms), and on parameters of its own, which change it by r. g k is the derivative of the total with respect to Z_k: e T for the
   last and, for the others, what the iteration passes back plus e k. Z_0 = 0 does not move. *)
Theorem loop_backward : forall F side dz dx P (Z : nat -> R -> matrix) x v_x t n d T (rest : R -> R) e r g,
  (forall u, Z O u = fun _ _ => 0) -> (forall k u, Z (S k) u = F u (Z k u) (x u)) ->
  (forall k, (k < T)%nat -> iteration F side (dz k) (dx k) (P k) (Z k t) (x t) t n d) ->
  moves_matrix x t v_x n d ->
  (forall v, (forall k, (k <= T)%nat -> moves_matrix (Z k) t (v k) n d) ->
     D rest t (sum (fun k => inner (e k) (v k) n d) (S T) + r)) ->
  g T = e T -> (forall k, (k < T)%nat -> g k = added (dz k (g (S k))) (e k)) ->
  D (fun u => rest u + sum (fun k => side u (Z k u) (x u)) T) t
    (sum (fun k => inner (dx k (g (S k))) v_x n d) T + sum (fun k => P k (g (S k))) T + r).
Proof.
  intros F side dz dx P Z x v_x t n d T rest e r g start next right along_x along_rest last before.
  destruct (loop_along F side dz dx P Z x (fun _ _ => 0) v_x t n d T) as [v [l [v_start [along tied]]]]; auto.
  { intros i j _ _. apply D_same with (fun _ => 0); [ intros u; now rewrite start | apply D_constant ]. }
  eapply D_value.
  - apply D_plus; [ apply along_rest, along | ].
    apply (D_sum (fun u k => side u (Z k u) (x u)) t l). intros k inside. now apply tied.
  - assert (sum (fun k => inner (g (S k)) (v (S k)) n d - inner (g k) (v k) n d) T
            = sum (fun k => inner (dx k (g (S k))) v_x n d + P k (g (S k)) - l k - inner (e k) (v k) n d) T) as telescope.
    { apply sum_equal. intros k inside. destruct (tied k inside) as [_ gradient]. specialize (gradient (g (S k))).
      rewrite (before k inside), inner_added_left. lra. }
    rewrite (sum_of_differences (fun k => inner (g k) (v k) n d)), 2 sum_subtracted, sum_added in telescope.
    assert (inner (g O) (v O) n d = 0) as still.
    { rewrite v_start. unfold inner. apply sum_zero. intros i _. apply sum_zero. intros j _. ring. }
    rewrite last in telescope. simpl. lra.
Qed.

(* --- embedding (5.6) ------------------------------------------------------------------------------- *)

(* Row i of X is E's row of its token, plus what does not move: dE[token] is the sum of dX over the token's rows. *)
Theorem embedding_backward : forall E t v_E (token : nat -> nat) (position : matrix) m n d,
  moves_matrix E t v_E m d -> (forall i, (i < n)%nat -> (token i < m)%nat) ->
  exists v, moves_matrix (fun u i j => E u (token i) j + position i j) t v n d /\
  forall g, inner g v n d = inner (fun k j => sum (fun i => g i j * delta k (token i)) n) v_E m d.
Proof.
  intros E t v_E token position m n d along within. exists (fun i j => v_E (token i) j + 0). split.
  - intros i j row column. apply D_plus; [ now apply along; auto | apply D_constant ].
  - intros g. unfold inner.
    transitivity (sum (fun k => sum (fun i => sum (fun j => g i j * delta k (token i) * v_E k j) d) n) m).
    + symmetry. rewrite sum_swapped. apply sum_equal. intros i row. rewrite sum_swapped. apply sum_equal. intros j _.
      rewrite (sum_equal _ (fun k => g i j * v_E k j * delta (token i) k)).
      * rewrite (sum_of_delta (fun k => g i j * v_E k j)) by auto. ring.
      * intros k _. unfold delta. destruct (Nat.eq_dec k (token i)), (Nat.eq_dec (token i) k); try congruence; ring.
    + apply sum_equal. intros k _. rewrite sum_swapped. apply sum_equal. intros j _. apply sum_scaled_right.
Qed.
