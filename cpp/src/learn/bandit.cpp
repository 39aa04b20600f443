// The contextual bandit: inputs are rows of a table, drawn with replacement; a row pays for its label, or for every
// action what a second table says.

#include <algorithm>

#include "uwm/tasks.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

Matrix<double> checked(Matrix<double> inputs) {
  require(inputs.rows() >= 1 && inputs.cols() >= 1, "inputs must have shape (n, n_in) with n, n_in >= 1, got (",
          inputs.rows(), ", ", inputs.cols(), ")");
  require(inputs.rows() < Index{1} << 32, "inputs must have at most 2^32 - 1 rows, got ", inputs.rows());
  require(inputs.allFinite(), "inputs must be finite, but hold NaN or infinity");
  return inputs;
}

}  // namespace

Bandit::Bandit(Matrix<double> inputs, ConstMatrixRef<double> rewards)
    : inputs_(checked(std::move(inputs))), rewards_(rewards), n_classes_(rewards_.cols()) {
  require(rewards_.rows() == inputs_.rows() && n_classes_ >= 2, "rewards must have shape (", inputs_.rows(),
          ", actions) with 2 actions or more, got (", rewards_.rows(), ", ", rewards_.cols(), ")");
  require(rewards_.allFinite(), "rewards must be finite, but hold NaN or infinity");
}

Bandit::Bandit(Matrix<double> inputs, std::vector<std::int64_t> labels, std::int64_t n_classes)
    : inputs_(checked(std::move(inputs))), labels_(std::move(labels)) {
  require(static_cast<Index>(labels_.size()) == inputs_.rows(), "labels must have shape (", inputs_.rows(), ",), got (",
          labels_.size(), ",)");
  const auto [low, high] = std::minmax_element(labels_.begin(), labels_.end());
  require(*low >= 0, "labels must be 0 or more, got ", *low);
  n_classes_ = n_classes == 0 ? *high + 1 : n_classes;
  require(n_classes_ >= 2, "a bandit must have at least 2 classes, got ", n_classes_);
  require(*high < n_classes_, "labels must be below the number of classes, ", n_classes_, ", got ", *high);
}

namespace {

Index row(const Position& position, Index s, Index n) {
  const std::uint64_t word = random_word(position, Stream::task_inputs, 0, static_cast<std::uint32_t>(s), 0);
  return static_cast<Index>((word * static_cast<std::uint64_t>(n)) >> 32);
}

}  // namespace

template <class T>
void Bandit::inputs(const Position& position, Matrix<T>& x) const {
  for (Index s = 0; s < x.rows(); ++s) x.row(s) = inputs_.row(row(position, s, inputs_.rows())).template cast<T>();
}

template <class T>
void Bandit::reward(const Position& position, const Sample<T>& sample, Vector<double>& reward) const {
  const auto& output = sample.output();
  for (Index s = 0; s < output.rows(); ++s) {
    Index action = output(s, 0) > 0 ? 1 : 0;
    if (output.cols() > 1) output.row(s).maxCoeff(&action);
    const Index drawn = row(position, s, inputs_.rows());
    if (labels_.empty())
      reward[s] = rewards_(drawn, action);
    else
      reward[s] = action == labels_[static_cast<std::size_t>(drawn)] ? 1 : -1;
  }
}

template void Bandit::inputs(const Position&, Matrix<float>&) const;
template void Bandit::inputs(const Position&, Matrix<double>&) const;
template void Bandit::reward(const Position&, const Sample<float>&, Vector<double>&) const;
template void Bandit::reward(const Position&, const Sample<double>&, Vector<double>&) const;

}  // namespace uwm
