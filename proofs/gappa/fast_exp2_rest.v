(* What fast_exp2.gappa takes for granted: log 2, and what Taylor's polynomial leaves of 2^r. *)
From Coq Require Import Reals.
From Interval Require Import Tactic.
Open Scope R_scope.

Definition taylor (L r : R) : R :=
  let t2 := L * L / 2 in let t3 := t2 * L / 3 in let t4 := t3 * L / 4 in let t5 := t4 * L / 5 in
  let t6 := t5 * L / 6 in let t7 := t6 * L / 7 in let t8 := t7 * L / 8 in let t9 := t8 * L / 9 in
  ((((((((t9 * r + t8) * r + t7) * r + t6) * r + t5) * r + t4) * r + t3) * r + t2) * r + L) * r + 1.

Lemma log_2 :
  878668439483319573618263538048 / 2 ^ 100 <= ln 2 <= 878668439483319573618263538049 / 2 ^ 100.
Proof.
  interval with (i_prec 130).
Qed.

Lemma rest : forall r, -1 / 2 <= r <= 1 / 2 -> Rabs (exp (r * ln 2) - taylor (ln 2) r) <= / 2 ^ 36.
Proof.
  intros r H. unfold taylor.
  interval with (i_prec 90, i_taylor r, i_degree 14, i_bisect r).
Qed.
