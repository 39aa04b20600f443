#pragma once

namespace uwm {

/// What the rules that weigh the flip of a unit hand down: the four forms of Unbiased Weight Maximization, the flip
/// difference, and the likelihood ratio alone (posterior REINFORCE).
enum class FlipForm { posterior, blended, two_sided, one_sided, difference, ratio };

}  // namespace uwm
