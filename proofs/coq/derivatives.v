(* derivatives.v - the backward formulas of spec/model.md, section 5, are the derivatives of its forward formulas.

   A formula comes in two forms. "_along": everything it depends on moves along a curve, of position x u and velocity v
   at time t, and the change of the result is the sum of gradient times velocity; this form composes,
   layer after layer. "_backward" (or "_derivative"): one coordinate k alone moves, and the change is its gradient. *)
Require Import Reals Lra Lia Psatz FunctionalExtensionality.
From eer Require Import facts.
Open Scope R_scope.

Notation D := derivable_pt_lim (only parsing).

(* The curve x passes x t with velocity v in each of the first n coordinates. *)
Definition moves (x : R -> nat -> R) (t : R) (v : nat -> R) (n : nat) : Prop :=
  forall j, (j < n)%nat -> D (fun u => x u j) t (v j).

(* x with u in place of coordinate k. *)
Definition set (x : nat -> R) (k : nat) (u : R) (j : nat) : R := if Nat.eq_dec j k then u else x j.

(* [j = k] *)
Definition delta (k j : nat) : R := if Nat.eq_dec j k then 1 else 0.

Lemma set_same : forall x k, set x k (x k) = x.
Proof. intros x k. extensionality j. unfold set. destruct (Nat.eq_dec j k); congruence. Qed.

(* --- sums ------------------------------------------------------------------------------------------ *)

Lemma sum_subtracted : forall f g n, sum (fun j => f j - g j) n = sum f n - sum g n.
Proof. intros f g n. induction n as [| n step]; simpl; [ ring | rewrite step; ring ]. Qed.

Lemma sum_scaled_right : forall c f n, sum (fun j => f j * c) n = sum f n * c.
Proof. intros c f n. induction n as [| n step]; simpl; [ ring | rewrite step; ring ]. Qed.

Lemma sum_swapped : forall f m n,
  sum (fun i => sum (fun j => f i j) n) m = sum (fun j => sum (fun i => f i j) m) n.
Proof.
  intros f m n. induction m as [| m step]; simpl.
  - rewrite sum_constant. ring.
  - now rewrite step, <- sum_added.
Qed.

Lemma sum_zero : forall f n, (forall j, (j < n)%nat -> f j = 0) -> sum f n = 0.
Proof. intros f n zero. rewrite (sum_equal f (fun _ => 0)); auto. rewrite sum_constant. ring. Qed.

Lemma sum_of_delta : forall f n k, (k < n)%nat -> sum (fun j => f j * delta k j) n = f k.
Proof.
  intros f n k. induction n as [| n step]; intros inside; [ lia | simpl ].
  unfold delta at 2. destruct (Nat.eq_dec n k) as [<- | other].
  - rewrite sum_zero; [ ring | ]. intros j below. unfold delta. destruct (Nat.eq_dec j n); [ lia | ring ].
  - rewrite step by lia. ring.
Qed.

(* --- rules ----------------------------------------------------------------------------------------- *)

Lemma D_value : forall f t a b, D f t a -> a = b -> D f t b.
Proof. intros f t a b derivative <-. exact derivative. Qed.

Lemma D_same : forall f g t a, (forall u, f u = g u) -> D f t a -> D g t a.
Proof. intros f g t a same. now apply derivable_pt_lim_ext. Qed.

Lemma D_constant : forall c t, D (fun _ => c) t 0.
Proof. exact derivable_pt_lim_const. Qed.

Lemma D_identity : forall t, D (fun u => u) t 1.
Proof. exact derivable_pt_lim_id. Qed.

Lemma D_plus : forall f g t a b, D f t a -> D g t b -> D (fun u => f u + g u) t (a + b).
Proof. exact derivable_pt_lim_plus. Qed.

Lemma D_minus : forall f g t a b, D f t a -> D g t b -> D (fun u => f u - g u) t (a - b).
Proof. exact derivable_pt_lim_minus. Qed.

Lemma D_opposite : forall f t a, D f t a -> D (fun u => - f u) t (- a).
Proof. exact derivable_pt_lim_opp. Qed.

Lemma D_times : forall f g t a b, D f t a -> D g t b -> D (fun u => f u * g u) t (a * g t + f t * b).
Proof. exact derivable_pt_lim_mult. Qed.

Lemma D_scaled : forall c f t a, D f t a -> D (fun u => c * f u) t (c * a).
Proof. intros c f t a. exact (derivable_pt_lim_scal f c t a). Qed.

Lemma D_over : forall c f t a, D f t a -> D (fun u => f u / c) t (a / c).
Proof.
  intros c f t a derivative. unfold Rdiv. apply D_value with (a * / c + f t * 0); [ | ring ].
  apply (D_times f (fun _ => / c)); auto using D_constant.
Qed.

Lemma D_divided : forall f g t a b, D f t a -> D g t b -> g t <> 0 ->
  D (fun u => f u / g u) t (a / g t - f t / g t * (b / g t)).
Proof.
  intros f g t a b df dg nonzero. apply D_value with ((a * g t - b * f t) / Rsqr (g t)).
  - exact (derivable_pt_lim_div f g t a b df dg nonzero).
  - unfold Rsqr. now field.
Qed.

Lemma D_composed : forall f g t a b, D f t a -> D g (f t) b -> D (fun u => g (f u)) t (b * a).
Proof. exact derivable_pt_lim_comp. Qed.

Lemma D_sum : forall (f : R -> nat -> R) t v n, moves f t v n -> D (fun u => sum (f u) n) t (sum v n).
Proof.
  intros f t v n. induction n as [| n step]; intros along; simpl.
  - apply D_constant.
  - apply D_plus; [ apply step; intros j inside | ]; apply along; lia.
Qed.

Lemma D_near : forall f g t a r, 0 < r -> (forall u, Rabs (u - t) < r -> f u = g u) -> D f t a -> D g t a.
Proof.
  intros f g t a r positive same. apply derivable_pt_lim_locally_ext with (t - r) (t + r); [ lra | ].
  intros u within. apply same. apply Rabs_def1; lra.
Qed.

Lemma moves_set : forall x k n, moves (set x k) (x k) (delta k) n.
Proof.
  intros x k n j _. unfold set, delta. destruct (Nat.eq_dec j k); [ apply D_identity | apply D_constant ].
Qed.

Lemma D_weighted : forall g (x : R -> nat -> R) t v n,
  moves x t v n -> D (fun u => sum (fun j => g j * x u j) n) t (sum (fun j => g j * v j) n).
Proof. intros g x t v n along. apply D_sum. intros j inside. apply D_scaled. auto. Qed.

(* --- softmax (5.4, first term) --------------------------------------------------------------------- *)

Lemma exponentials_along : forall s t v n, moves s t v n ->
  D (fun u => sum (fun j => exp (s u j)) n) t (sum (fun j => exp (s t j) * v j) n).
Proof.
  intros s t v n along. apply D_sum. intros j inside.
  apply (D_composed (fun u => s u j) exp); [ auto | apply derivable_pt_lim_exp ].
Qed.

Lemma softmax_mean : forall s v n,
  sum (fun j => exp (s j) * v j) n / sum (fun j => exp (s j)) n = sum (fun j => softmax s n j * v j) n.
Proof.
  intros s v n. unfold Rdiv. rewrite <- sum_scaled_right. apply sum_equal. intros j _. unfold softmax, Rdiv. ring.
Qed.

Theorem softmax_along : forall s t v n i, (i < n)%nat -> moves s t v n ->
  D (fun u => softmax (s u) n i) t
    (softmax (s t) n i * (v i - sum (fun j => softmax (s t) n j * v j) n)).
Proof.
  intros s t v n i inside along.
  assert (0 < sum (fun j => exp (s t j)) n) by (apply softmax_denominator_positive; lia).
  unfold softmax at 1. eapply D_value.
  - apply D_divided.
    + apply (D_composed (fun u => s u i) exp); [ auto | apply derivable_pt_lim_exp ].
    + apply exponentials_along; eassumption.
    + lra.
  - rewrite softmax_mean. unfold softmax at 2, Rdiv. ring.
Qed.

Theorem softmax_derivative : forall s n j k, (j < n)%nat -> (k < n)%nat ->
  D (fun u => softmax (set s k u) n j) (s k) (softmax s n j * (delta k j - softmax s n k)).
Proof.
  intros s n j k inside_j inside_k. eapply D_value.
  - apply (softmax_along (set s k)); [ assumption | apply moves_set ].
  - rewrite set_same, sum_of_delta by assumption. reflexivity.
Qed.

(* The Jacobian of softmax, applied to v and then to dp, or to dp and then to v. D_i of 5.4 is sum_j p_j dp_j. *)
Lemma softmax_symmetric : forall dp p v n,
  sum (fun j => dp j * (p j * (v j - sum (fun k => p k * v k) n))) n
  = sum (fun k => p k * (dp k - sum (fun j => p j * dp j) n) * v k) n.
Proof.
  intros dp p v n.
  rewrite (sum_equal _ (fun j => p j * dp j * v j - p j * dp j * sum (fun k => p k * v k) n)) by (intros; ring).
  rewrite (sum_equal (fun k => p k * (dp k - _) * v k)
    (fun k => p k * dp k * v k - sum (fun j => p j * dp j) n * (p k * v k))) by (intros; ring).
  rewrite 2 sum_subtracted, sum_scaled, sum_scaled_right. ring.
Qed.

Theorem softmax_backward_along : forall dp s t v n, moves s t v n ->
  let p := softmax (s t) n in
  D (fun u => sum (fun j => dp j * softmax (s u) n j) n) t
    (sum (fun k => p k * (dp k - sum (fun j => p j * dp j) n) * v k) n).
Proof.
  intros dp s t v n along p. eapply D_value; [ | apply softmax_symmetric ].
  apply D_weighted. intros j inside. apply softmax_along; eassumption.
Qed.

Theorem softmax_backward : forall dp s n k, (k < n)%nat ->
  let p := softmax s n in
  D (fun u => sum (fun j => dp j * softmax (set s k u) n j) n) (s k)
    (p k * (dp k - sum (fun j => p j * dp j) n)).
Proof.
  intros dp s n k inside p. eapply D_value.
  - apply softmax_backward_along. apply moves_set.
  - rewrite set_same. fold p. now rewrite sum_of_delta by assumption.
Qed.

(* --- cross entropy and potential (5.1; 5.4, second term) ------------------------------------------- *)

Theorem logsumexp_along : forall s t v n, (1 <= n)%nat -> moves s t v n ->
  D (fun u => ln (sum (fun j => exp (s u j)) n)) t (sum (fun j => softmax (s t) n j * v j) n).
Proof.
  intros s t v n some along. eapply D_value.
  - apply (D_composed (fun u => sum (fun j => exp (s u j)) n) ln).
    + apply exponentials_along; eassumption.
    + apply derivable_pt_lim_ln. now apply softmax_denominator_positive.
  - rewrite <- softmax_mean. unfold Rdiv. ring.
Qed.

Theorem logsumexp_backward : forall s n k, (k < n)%nat ->
  D (fun u => ln (sum (fun j => exp (set s k u j)) n)) (s k) (softmax s n k).
Proof.
  intros s n k inside. eapply D_value.
  - apply (logsumexp_along (set s k)); [ lia | apply moves_set ].
  - now rewrite set_same, sum_of_delta by assumption.
Qed.

Theorem cross_entropy_along : forall s t v n c, (c < n)%nat -> moves s t v n ->
  D (fun u => - ln (softmax (s u) n c)) t (sum (fun j => (softmax (s t) n j - delta c j) * v j) n).
Proof.
  intros s t v n c inside along.
  apply D_same with (fun u => ln (sum (fun j => exp (s u j)) n) - s u c).
  - intros u. rewrite (cross_entropy_formula (s u) 0) by lia.
    rewrite (sum_equal (fun j => exp (s u j - 0)) (fun j => exp (s u j))); [ ring | ].
    intros j _. f_equal. ring.
  - eapply D_value.
    + apply D_minus; [ apply logsumexp_along; [ lia | eassumption ] | auto ].
    + rewrite <- (sum_of_delta v n c), <- sum_subtracted by assumption. apply sum_equal. intros j _. ring.
Qed.

(* dlogits = softmax(logits) - onehot(label); the division by the count is linear. *)
Theorem cross_entropy_backward : forall s n c k, (c < n)%nat -> (k < n)%nat ->
  D (fun u => - ln (softmax (set s k u) n c)) (s k) (softmax s n k - delta c k).
Proof.
  intros s n c k inside_c inside_k. eapply D_value.
  - apply (cross_entropy_along (set s k)); [ assumption | apply moves_set ].
  - now rewrite set_same, sum_of_delta by assumption.
Qed.

(* The greatest of the first n, of numbers that are not negative. *)
Fixpoint greatest (f : nat -> R) (n : nat) : R :=
  match n with
  | O => 0
  | S m => Rmax (greatest f m) (f m)
  end.

Lemma greatest_below : forall f n b, 0 <= b -> (forall j, (j < n)%nat -> f j <= b) -> greatest f n <= b.
Proof. intros f n b. induction n as [| n step]; intros nonnegative below; simpl; [ lra | apply Rmax_lub; auto ]. Qed.

Lemma greatest_above : forall f n j, (j < n)%nat -> f j <= greatest f n.
Proof.
  intros f n j. induction n as [| n step]; intros inside; [ lia | simpl ].
  destruct (Nat.eq_dec j n) as [-> | other].
  - apply Rmax_r.
  - apply Rle_trans with (greatest f n); [ apply step; lia | apply Rmax_l ].
Qed.

Lemma greatest_weight : forall s n c, (c < n)%nat -> (forall j, (j < n)%nat -> s j <= s c) ->
  greatest (softmax s n) n = softmax s n c.
Proof.
  intros s n c inside maximal. apply Rle_antisym; [ | now apply greatest_above ].
  apply greatest_below.
  - left. apply softmax_positive. lia.
  - intros j below. apply softmax_increasing; auto. lia.
Qed.

(* A lone maximum keeps a distance from the others. *)
Lemma maximum_gap : forall (s : nat -> R) n c, (forall j, (j < n)%nat -> j <> c -> s j < s c) ->
  exists r, 0 < r /\ forall j, (j < n)%nat -> j <> c -> s j + r <= s c.
Proof.
  intros s n c. induction n as [| n step]; intros lone.
  - exists 1. split; [ lra | lia ].
  - destruct step as [r [positive gap]]; [ auto | ].
    destruct (Nat.eq_dec n c) as [same | other].
    + exists r. split; auto. intros j inside different. apply gap; auto. lia.
    + assert (s n < s c) as last by auto. exists (Rmin r (s c - s n)). split.
      * apply Rmin_glb_lt; lra.
      * intros j inside different. destruct (Nat.eq_dec j n) as [-> | below].
        -- pose proof (Rmin_r r (s c - s n)). lra.
        -- pose proof (Rmin_l r (s c - s n)). assert (s j + r <= s c) by (apply gap; auto; lia). lra.
Qed.

(* A curve stays near where it passes. *)
Lemma D_close : forall f t a eps, D f t a -> 0 < eps ->
  exists r, 0 < r /\ forall u, Rabs (u - t) < r -> Rabs (f u - f t) < eps.
Proof.
  intros f t a eps derivative positive.
  assert (continuity_pt f t) as continuous by (apply derivable_continuous_pt; now exists a).
  destruct (continuous eps positive) as [r [small close]]. exists r. split; [ exact small | ].
  intros u near. destruct (Req_dec u t) as [-> | moved].
  - now rewrite Rminus_diag_eq, Rabs_R0.
  - apply close. repeat split; auto.
Qed.

Lemma moves_close : forall x t v n eps, moves x t v n -> 0 < eps ->
  exists r, 0 < r /\ forall u, Rabs (u - t) < r -> forall j, (j < n)%nat -> Rabs (x u j - x t j) < eps.
Proof.
  intros x t v n eps along positive. induction n as [| n step].
  - exists 1. split; [ lra | lia ].
  - destruct step as [r [small close]]; [ intros j inside; apply along; lia | ].
    destruct (D_close (fun u => x u n) t (v n) eps) as [r' [small' close']]; [ apply along; lia | assumption | ].
    exists (Rmin r r'). split; [ now apply Rmin_glb_lt | ].
    intros u near j inside. pose proof (Rmin_l r r'). pose proof (Rmin_r r r').
    destruct (Nat.eq_dec j n) as [-> | other]; [ apply close'; lra | apply close; [ lra | lia ] ].
Qed.

(* -log of the greatest weight, where one score alone is greatest. (Where several are there is no derivative; the
   specification then takes the first of them.) *)
Theorem potential_along : forall s t v n c, (c < n)%nat -> (forall j, (j < n)%nat -> j <> c -> s t j < s t c) ->
  moves s t v n ->
  D (fun u => - ln (greatest (softmax (s u) n) n)) t (sum (fun j => (softmax (s t) n j - delta c j) * v j) n).
Proof.
  intros s t v n c inside lone along. destruct (maximum_gap (s t) n c lone) as [gap [wide apart]].
  destruct (moves_close s t v n (gap / 2) along) as [r [small close]]; [ lra | ].
  apply D_near with (fun u => - ln (softmax (s u) n c)) r; auto using cross_entropy_along.
  intros u near. do 2 f_equal. symmetry. apply greatest_weight; auto. intros j below.
  destruct (Nat.eq_dec j c) as [-> | other]; [ lra | ].
  specialize (apart j below other).
  pose proof (Rabs_def2 _ _ (close u near j below)). pose proof (Rabs_def2 _ _ (close u near c inside)). lra.
Qed.

Theorem potential_backward : forall s n c k, (c < n)%nat -> (k < n)%nat ->
  (forall j, (j < n)%nat -> j <> c -> s j < s c) ->
  D (fun u => - ln (greatest (softmax (set s k u) n) n)) (s k) (softmax s n k - delta c k).
Proof.
  intros s n c k inside_c inside_k lone. eapply D_value.
  - apply (potential_along (set s k) (s k) (delta k) n c); [ assumption | rewrite set_same; exact lone | apply moves_set ].
  - now rewrite set_same, sum_of_delta by assumption.
Qed.

(* --- Tsallis entropy (5.4, third term) ------------------------------------------------------------- *)

Definition tsallis (p : nat -> R) (q : R) (n : nat) : R := (1 - sum (fun j => power (p j) q) n) / (q - 1).

Theorem power_derivative : forall x q, 0 < x -> D (fun u => power u q) x (q * power x (q - 1)).
Proof.
  intros x q positive. apply D_near with (fun u => Rpower u q) x; auto.
  - intros u near. symmetry. apply power_is_Rpower. unfold Rabs in near. destruct (Rcase_abs _); lra.
  - rewrite power_is_Rpower by assumption. now apply derivable_pt_lim_power.
Qed.

Theorem tsallis_along : forall s t v q n, (1 <= n)%nat -> 1 < q -> moves s t v n ->
  let p := softmax (s t) n in
  D (fun u => tsallis (softmax (s u) n) q n) t
    (sum (fun k => - (q / (q - 1)) * (power (p k) q - p k * sum (fun j => power (p j) q) n) * v k) n).
Proof.
  intros s t v q n some index along p.
  assert (forall j, (j < n)%nat -> 0 < p j) as positive by (intros; apply softmax_positive; lia).
  unfold tsallis. eapply D_value.
  - apply D_over, D_minus; [ apply D_constant | ].
    apply D_sum. intros j inside.
    apply (D_composed (fun u => softmax (s u) n j) (fun x => power x q)).
    + apply softmax_along; eassumption.
    + apply power_derivative. now apply positive.
  - fold p.
    set (total := sum (fun j => power (p j) q) n). set (mean := sum (fun j => p j * v j) n).
    rewrite (sum_equal (fun j => q * _ * _) (fun j => q * (power (p j) q * v j) - q * mean * power (p j) q)).
    + rewrite (sum_equal (fun k => - _ * _ * v k)
        (fun k => - (q / (q - 1)) * (power (p k) q * v k) - - (q / (q - 1)) * total * (p k * v k)))
        by (intros; ring).
      rewrite 2 sum_subtracted, 4 sum_scaled. fold total mean. field. lra.
    + intros j inside. specialize (positive j inside).
      replace (power (p j) q) with (power (p j) (q - 1) * p j); [ ring | ].
      rewrite <- (power_to_one (p j)) at 2 by lra. rewrite <- power_of_sum by lra. f_equal. ring.
Qed.

Theorem tsallis_backward : forall s q n k, (k < n)%nat -> 1 < q ->
  let p := softmax s n in
  D (fun u => tsallis (softmax (set s k u) n) q n) (s k)
    (- (q / (q - 1)) * (power (p k) q - p k * sum (fun j => power (p j) q) n)).
Proof.
  intros s q n k inside index p. eapply D_value.
  - apply tsallis_along; [ lia | assumption | apply moves_set ].
  - rewrite set_same. fold p. now rewrite sum_of_delta by assumption.
Qed.

(* --- the whole gradient of a row's scores (5.4) ---------------------------------------------------- *)

Definition sign (x : R) : R := if Rlt_dec 0 x then 1 else if Rlt_dec x 0 then -1 else 0.

Theorem absolute_derivative : forall x, x <> 0 -> D Rabs x (sign x).
Proof.
  intros x nonzero. unfold sign. destruct (Rlt_dec 0 x) as [positive | ].
  - now apply Rabs_derive_1.
  - destruct (Rlt_dec x 0); [ now apply Rabs_derive_2 | lra ].
Qed.

(* The entropy penalty of a row, with S its entropies in T iterations that all move. *)
Theorem penalty_along : forall (S : R -> nat -> R) t v T eta, moves S t v T ->
  let excess u := sum (S u) T / INR T - eta in
  excess t <> 0 ->
  D (fun u => Rabs (excess u)) t (sum (fun k => sign (excess t) / INR T * v k) T).
Proof.
  intros S t v T eta along excess away. eapply D_value.
  - apply (D_composed excess Rabs); [ | now apply absolute_derivative ].
    apply D_minus; [ apply D_over, D_sum; eassumption | apply D_constant ].
  - rewrite sum_scaled. unfold Rdiv. ring.
Qed.

(* What the scores of one row in one iteration change: the weights themselves, with dp for them; the potential; the entropy
   penalty, where rest is the sum of the row's entropies in the other iterations. B, N, T as in the specification. *)
Theorem scores_backward : forall dp s n k c lambda_P lambda_S B N T q eta rest,
  (k < n)%nat -> (c < n)%nat -> (forall j, (j < n)%nat -> j <> c -> s j < s c) -> 1 < q -> 0 < B -> 0 < N -> 0 < T ->
  let p := softmax s n in
  let excess u := (rest + tsallis (softmax (set s k u) n) q n) / T - eta in
  let w := 1 / (B * N * T) in
  excess (s k) <> 0 ->
  D (fun u => sum (fun j => dp j * softmax (set s k u) n j) n
              + lambda_P * (w * - ln (greatest (softmax (set s k u) n) n))
              + lambda_S * (1 / (B * N) * Rabs (excess u))) (s k)
    (p k * (dp k - sum (fun j => p j * dp j) n)
     + lambda_P * w * (p k - delta c k)
     - lambda_S / (B * N * T) * sign (excess (s k)) * (q / (q - 1))
       * (power (p k) q - p k * sum (fun j => power (p j) q) n)).
Proof.
  intros dp s n k c lambda_P lambda_S B N T q eta rest inside_k inside_c lone index batch rows loops p excess w away.
  eapply D_value.
  - apply D_plus; [ apply D_plus | ].
    + now apply softmax_backward.
    + apply D_scaled, D_scaled. apply potential_backward; eassumption.
    + apply D_scaled, D_scaled. apply (D_composed excess Rabs); [ | now apply absolute_derivative ].
      apply D_minus; [ apply D_over, D_plus | ]; try apply D_constant. now apply tsallis_backward.
  - fold p. unfold w. field. lra.
Qed.

(* --- norms (5.1) ----------------------------------------------------------------------------------- *)

Definition norm (x : nat -> R) (n : nat) : R := sqrt (sum (fun j => x j * x j) n).

Theorem squared_norm_along : forall x t v n, moves x t v n ->
  D (fun u => sum (fun j => x u j * x u j) n) t (sum (fun k => 2 * x t k * v k) n).
Proof.
  intros x t v n along. apply D_sum. intros j inside. eapply D_value.
  - apply (D_times (fun u => x u j) (fun u => x u j)); auto.
  - ring.
Qed.

Theorem squared_norm_backward : forall x n k, (k < n)%nat ->
  D (fun u => sum (fun j => set x k u j * set x k u j) n) (x k) (2 * x k).
Proof.
  intros x n k inside. eapply D_value.
  - apply squared_norm_along. apply moves_set.
  - rewrite set_same. now apply (sum_of_delta (fun j => 2 * x j)).
Qed.

Lemma norm_positive : forall x n k, (k < n)%nat -> x k <> 0 -> 0 < sum (fun j => x j * x j) n.
Proof.
  intros x n k inside nonzero. apply Rlt_le_trans with (x k * x k).
  - now apply Rsqr_pos_lt.
  - apply (sum_above_term (fun j => x j * x j)); auto. intros j _. apply Rle_0_sqr.
Qed.

Theorem norm_along : forall x t v n k, (k < n)%nat -> x t k <> 0 -> moves x t v n ->
  D (fun u => norm (x u) n) t (sum (fun j => x t j / norm (x t) n * v j) n).
Proof.
  intros x t v n k inside nonzero along.
  assert (0 < sum (fun j => x t j * x t j) n) as positive by now apply norm_positive with k.
  eapply D_value.
  - apply (D_composed (fun u => sum (fun j => x u j * x u j) n) sqrt).
    + apply squared_norm_along; eassumption.
    + now apply derivable_pt_lim_sqrt.
  - fold (norm (x t) n). rewrite <- sum_scaled. apply sum_equal. intros j _. field.
    pose proof (sqrt_lt_R0 _ positive). unfold norm. lra.
Qed.

(* x is not 0: some coordinate i of it is not. *)
Theorem norm_backward : forall x n k i, (k < n)%nat -> (i < n)%nat -> x i <> 0 ->
  D (fun u => norm (set x k u) n) (x k) (x k / norm x n).
Proof.
  intros x n k i inside_k inside_i nonzero. eapply D_value.
  - apply norm_along with (k := i); [ assumption | now rewrite set_same | apply moves_set ].
  - rewrite set_same. now apply (sum_of_delta (fun j => x j / norm x n)).
Qed.

(* The kinetic term "path": a state between a, before it, and b, after it. *)
Theorem path_backward : forall z a b n k, (k < n)%nat ->
  D (fun u => sum (fun j => (set z k u j - a j) * (set z k u j - a j)) n
              + sum (fun j => (b j - set z k u j) * (b j - set z k u j)) n) (z k)
    (2 * (2 * z k - a k - b k)).
Proof.
  intros z a b n k inside.
  assert (moves (fun u j => set z k u j - a j) (z k) (fun j => delta k j - 0) n) as from
    by (intros j below; apply D_minus; [ now apply (moves_set z k n) | apply D_constant ]).
  assert (moves (fun u j => b j - set z k u j) (z k) (fun j => 0 - delta k j) n) as to
    by (intros j below; apply D_minus; [ apply D_constant | now apply (moves_set z k n) ]).
  eapply D_value.
  - apply D_plus; eapply squared_norm_along; eassumption.
  - cbv beta. rewrite set_same, <- sum_added.
    rewrite (sum_equal _ (fun j => 2 * (2 * z j - a j - b j) * delta k j)) by (intros; ring).
    now apply (sum_of_delta (fun j => 2 * (2 * z j - a j - b j))).
Qed.

(* --- layer norm (5.2) ------------------------------------------------------------------------------ *)

Definition mean (x : nat -> R) (n : nat) : R := sum x n / INR n.
Definition centred (x : nat -> R) (n j : nat) : R := x j - mean x n.
Definition variance (x : nat -> R) (n : nat) : R := mean (fun j => centred x n j * centred x n j) n.
Definition normalised (x : nat -> R) (eps : R) (n j : nat) : R := centred x n j / sqrt (variance x n + eps).

Lemma mean_along : forall x t v n, moves x t v n -> D (fun u => mean (x u) n) t (mean v n).
Proof. intros x t v n along. apply D_over. now apply D_sum. Qed.

Lemma centred_along : forall x t v n, moves x t v n -> moves (fun u => centred (x u) n) t (centred v n) n.
Proof. intros x t v n along j inside. apply D_minus; [ auto | now apply mean_along ]. Qed.

Lemma centred_sum : forall x n, (1 <= n)%nat -> sum (centred x n) n = 0.
Proof.
  intros x n some. unfold centred. rewrite sum_subtracted, sum_constant. unfold mean.
  assert (0 < INR n) by (apply lt_0_INR; lia). field. lra.
Qed.

Lemma variance_nonnegative : forall x n, (1 <= n)%nat -> 0 <= variance x n.
Proof.
  intros x n some. apply Rmult_le_pos.
  - apply sum_nonnegative. intros j _. apply Rle_0_sqr.
  - left. apply Rinv_0_lt_compat. apply lt_0_INR. lia.
Qed.

Lemma variance_along : forall x t v n, (1 <= n)%nat -> moves x t v n ->
  D (fun u => variance (x u) n) t (2 * mean (fun j => centred (x t) n j * v j) n).
Proof.
  intros x t v n some along. eapply D_value.
  - apply D_over. apply squared_norm_along. apply centred_along; eassumption.
  - unfold mean at 1.
    rewrite (sum_equal _ (fun j => 2 * (centred (x t) n j * v j) - 2 * mean v n * centred (x t) n j))
      by (intros; unfold centred at 2; ring).
    rewrite sum_subtracted, 2 sum_scaled, centred_sum by assumption. unfold Rdiv. ring.
Qed.

Lemma normalised_along : forall x t v eps n i, (i < n)%nat -> 0 < eps -> moves x t v n ->
  let xhat := normalised (x t) eps n in
  D (fun u => normalised (x u) eps n i) t
    ((v i - mean v n - xhat i * mean (fun j => xhat j * v j) n) / sqrt (variance (x t) n + eps)).
Proof.
  intros x t v eps n i inside positive along xhat.
  assert (1 <= n)%nat as some by lia. assert (0 < INR n) by (apply lt_0_INR; lia).
  pose proof (variance_nonnegative (x t) n some).
  assert (0 < sqrt (variance (x t) n + eps)) by (apply sqrt_lt_R0; lra).
  eapply D_value.
  - apply D_divided.
    + apply (centred_along x t v n along i inside).
    + apply (D_composed (fun u => variance (x u) n + eps) sqrt).
      * apply D_plus; [ apply variance_along; eassumption | apply D_constant ].
      * apply derivable_pt_lim_sqrt. lra.
    + lra.
  - set (deviation := sqrt (variance (x t) n + eps)) in *.
    assert (mean (fun j => xhat j * v j) n = mean (fun j => centred (x t) n j * v j) n / deviation) as ->.
    { unfold mean. rewrite (sum_equal _ (fun j => centred (x t) n j * v j * / deviation)).
      - rewrite sum_scaled_right. field. lra.
      - intros j _. unfold xhat, normalised. fold deviation. field. lra. }
    unfold xhat, normalised. fold deviation. unfold centred at 1. field. lra.
Qed.

(* y = xhat * gain + bias, all of x, gain and bias moving: dx, dgain and dbias at once. *)
Theorem layer_norm_along : forall dy x gain bias t v_x v_gain v_bias eps n, (1 <= n)%nat -> 0 < eps ->
  moves x t v_x n -> moves gain t v_gain n -> moves bias t v_bias n ->
  let xhat := normalised (x t) eps n in
  let g j := dy j * gain t j in
  D (fun u => sum (fun j => dy j * (normalised (x u) eps n j * gain u j + bias u j)) n) t
    (sum (fun k => 1 / sqrt (variance (x t) n + eps)
                   * (g k - mean g n - xhat k * mean (fun j => g j * xhat j) n) * v_x k) n
     + sum (fun k => dy k * xhat k * v_gain k) n + sum (fun k => dy k * v_bias k) n).
Proof.
  intros dy x gain bias t v_x v_gain v_bias eps n some positive along_x along_gain along_bias xhat g.
  eapply D_value.
  - apply D_sum. intros j inside.
    apply D_scaled, D_plus; [ apply D_times | apply along_bias; assumption ].
    + apply normalised_along; eassumption.
    + apply along_gain. assumption.
  - fold xhat. set (r := sqrt (variance (x t) n + eps)).
    set (change := mean v_x n). set (slope := mean (fun j => xhat j * v_x j) n).
    rewrite (sum_equal (fun j => dy j * _)
      (fun j => 1 / r * (g j * v_x j) - 1 / r * change * g j - 1 / r * slope * (g j * xhat j)
                + dy j * xhat j * v_gain j + dy j * v_bias j))
      by (intros; unfold g, xhat, Rdiv; ring).
    rewrite (sum_equal (fun k => 1 / r * _ * _)
      (fun k => 1 / r * (g k * v_x k) - 1 / r * mean g n * v_x k
                - 1 / r * mean (fun j => g j * xhat j) n * (xhat k * v_x k)))
      by (intros; ring).
    rewrite !sum_added, !sum_subtracted, !sum_scaled.
    unfold change, slope, mean, Rdiv. ring.
Qed.

Theorem layer_norm_backward : forall g x eps n k, (k < n)%nat -> 0 < eps ->
  let xhat := normalised x eps n in
  D (fun u => sum (fun j => g j * normalised (set x k u) eps n j) n) (x k)
    ((g k - mean g n - xhat k * mean (fun j => g j * xhat j) n) / sqrt (variance x n + eps)).
Proof.
  intros g x eps n k inside positive xhat.
  apply D_same with
    (fun u => sum (fun j => g j * (normalised (set x k u) eps n j * (fun _ => 1) j + (fun _ => 0) j)) n).
  - intros u. apply sum_equal. intros j _. ring.
  - eapply D_value.
    + apply (layer_norm_along g (set x k) (fun _ _ => 1) (fun _ _ => 0) (x k) (delta k) (fun _ => 0) (fun _ => 0));
        [ lia | assumption | apply moves_set | intros j _; apply D_constant | intros j _; apply D_constant ].
    + rewrite set_same. fold xhat.
      rewrite (sum_zero (fun j => g j * xhat j * 0)), (sum_zero (fun j => g j * 0)) by (intros; ring).
      rewrite sum_of_delta by assumption.
      replace (fun j => g j * 1) with g by (extensionality j; ring).
      replace (fun j => g j * 1 * xhat j) with (fun j => g j * xhat j) by (extensionality j; ring).
      unfold Rdiv. ring.
Qed.
