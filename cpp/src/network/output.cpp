// The list of output kinds, and how the flip of a unit changes the likelihood of an output of any kind.

#include "uwm/output.hpp"

#include "network/bernoulli.hpp"
#include "network/move.hpp"
#include "work/memory.hpp"
#include "work/message.hpp"

namespace uwm {

template <class T>
void Output<T>::flip_ratio(const OutputFlip<T>& flip, Matrix<T>& ratio, Matrix<T>& gain) const {
  const auto& out = flip.output;
  const Index batch = out.logit.rows(), n_hidden = flip.weight.cols();
  const auto n_out = static_cast<std::size_t>(out.logit.cols());
  auto& logit = flip.work.memory().logit;
  logit.resize(3 * n_out);
  const std::span<double> z(logit.data(), n_out), change(z.data() + n_out, n_out), moved(change.data() + n_out, n_out);
  for (Index s = 0; s < batch; ++s) {
    const std::span<const T> action(out.activation.row(s).data(), n_out);
    for (std::size_t k = 0; k < n_out; ++k) z[k] = out.logit(s, static_cast<Index>(k));
    const double actual = log_likelihood(z, action);
    for (Index i = 0; i < n_hidden; ++i) {
      const double move = -action_sign(flip.below_eligibility(s, i)) * flip.step;
      for (std::size_t k = 0; k < n_out; ++k) {
        change[k] = move * flip.weight(static_cast<Index>(k), i);
        moved[k] = z[k] + change[k];
      }
      write_ratio(checked_log_ratio(*this, OutputMove<T>{z, change, moved, action, actual}), ratio(s, i), gain(s, i));
    }
  }
}

namespace {

/// settings: the names of the constructor's arguments, in their order.
template <template <class> class Kind, class... Names>
OutputInfo info(std::string description, Names... settings) {
  const Kind<double> plain;
  return {.name = plain.name(),
          .description = std::move(description),
          .settings = plain.settings(),
          .independent_units = plain.independent_units(),
          .one_hot = plain.one_hot(),
          .make_float = [=](const auto& given) { return std::make_shared<Kind<float>>(given.at(settings)...); },
          .make_double = [=](const auto& given) { return std::make_shared<Kind<double>>(given.at(settings)...); }};
}

}  // namespace

const std::vector<OutputInfo>& output_infos() {
  static const std::vector<OutputInfo> infos = {
      info<BernoulliOutput>("independent units, each 0 or 1"),
      info<SoftmaxOutput>("one of n classes"),
      info<GaussianOutput>("real numbers around z, with the standard deviation sigma", "sigma"),
  };
  return infos;
}

std::string quoted_output_names(const char* conjunction) {
  const auto& infos = output_infos();
  std::string names;
  for (std::size_t i = 0; i < infos.size(); ++i)
    names += text(i == 0 ? "" : i + 1 < infos.size() ? ", " : text(" ", conjunction, " "), "'", infos[i].name, "'");
  return names;
}

const OutputInfo& output_info(const std::string& name) {
  for (const OutputInfo& info : output_infos())
    if (info.name == name) return info;
  throw ValueError(text("output must be ", quoted_output_names("or"), ", got '", name, "'"));
}

template <class T>
std::shared_ptr<const Output<T>> OutputInfo::make(const OutputSettings& given) const {
  OutputSettings all = settings;
  for (const auto& [key, value] : given) {
    require(all.contains(key), "settings must be those of a ", name, " output, got '", key, "'");
    all[key] = value;
  }
  if constexpr (std::is_same_v<T, float>)
    return make_float(all);
  else
    return make_double(all);
}

template <class T>
std::shared_ptr<const Output<T>> make_output(const std::string& name, const OutputSettings& settings) {
  return output_info(name).make<T>(settings);
}

template class Output<float>;
template class Output<double>;
template std::shared_ptr<const Output<float>> OutputInfo::make(const OutputSettings&) const;
template std::shared_ptr<const Output<double>> OutputInfo::make(const OutputSettings&) const;
template std::shared_ptr<const Output<float>> make_output(const std::string&, const OutputSettings&);
template std::shared_ptr<const Output<double>> make_output(const std::string&, const OutputSettings&);

}  // namespace uwm
