// The contextual bandit: inputs are rows of a table, drawn with replacement; the right action is the row's label.

#include <algorithm>

#include "uwm/tasks.hpp"
#include "work/message.hpp"

namespace uwm {

Bandit::Bandit(Matrix<double> inputs, std::vector<std::int64_t> labels, std::int64_t n_classes)
    : inputs_(std::move(inputs)), labels_(std::move(labels)) {
  require(inputs_.rows() >= 1 && inputs_.cols() >= 1, "inputs must have shape (n, n_in) with n, n_in >= 1, got (",
          inputs_.rows(), ", ", inputs_.cols(), ")");
  require(inputs_.rows() < Index{1} << 32, "inputs must have at most 2^32 - 1 rows, got ", inputs_.rows());
  require(inputs_.allFinite(), "inputs must be finite, but hold NaN or infinity");
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
    reward[s] = action == labels_[static_cast<std::size_t>(row(position, s, inputs_.rows()))] ? 1 : -1;
  }
}

template void Bandit::inputs(const Position&, Matrix<float>&) const;
template void Bandit::inputs(const Position&, Matrix<double>&) const;
template void Bandit::reward(const Position&, const Sample<float>&, Vector<double>&) const;
template void Bandit::reward(const Position&, const Sample<double>&, Vector<double>&) const;

}  // namespace uwm
