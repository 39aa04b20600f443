"""What `uwm gradients` measures: the command's help shows the names and imports no more."""

#: The rules that are measured by default.
RULES = (
    "reinforce",
    "ste",
    "weight_max",
    "unbiased_weight_max_one_sided",
    "unbiased_weight_max_two_sided",
    "unbiased_weight_max_posterior",
    "unbiased_weight_max",
)
#: Estimators of the gradient that are no rules.
PEERS = ("arm", "disarm", "leave_one_out_4", "reinforce_per_input")
