// Sample, the record of a forward pass.

#include "handles.hpp"
#include "pickling.hpp"

namespace uwm::python {

namespace {

// What help() shows.

constexpr const char* sample_doc = R"(
The record of one forward pass over a batch: what was put in, what every unit did and how likely it was.

Made by ``Network.forward`` and ``Network.clamp``. Arrays (but ``actions``) are read-only views in the network's dtype; lists have one
array (batch, n_l) per layer, first hidden layer to output.

>>> import numpy as np, uwm
>>> net = uwm.Network([3, 4, 1], seed=1)
>>> sample = net.forward(np.ones((2, 3)))
>>> [h.shape for h in sample.activations], sample.batch_size
([(2, 4), (2, 1)], 2)
)";

constexpr const char* eligibilities_doc =
    "d log Pr(action) / dz: of a Bernoulli unit (1 if it fired, else 0) - p, of a softmax output one-hot - p, of a "
    "Gaussian output (action - mean) / sigma^2.";

constexpr const char* actions_doc =
    "The class chosen, a new int64 array (batch,): of a softmax output the index of the one, of a single Bernoulli "
    "unit "
    "whether it fired. Raises ValueError for other outputs.";

template <class F>
decltype(auto) visit_sample(const SampleHandle& handle, F f) {
  return std::visit([&](const auto& sample) { return f(sample); }, handle.sample);
}

/// One read-only view per layer of what `get` finds in a layer's record.
template <class F>
py::list per_layer(const SampleHandle& handle, F get) {
  return visit_sample(handle, [&](const auto& sample) {
    const py::capsule owner = keep(sample);
    py::list list;
    for (const auto& layer : sample->layers) list.append(view(get(layer), owner, false));
    return list;
  });
}

py::tuple state(const SampleHandle& self) {
  return visit_sample(self, [](const auto& sample) {
    py::list layers;
    for (const auto& l : sample->layers)
      layers.append(py::make_tuple(copied(l.logit), copied(l.activation), copied(l.probability), copied(l.eligibility),
                                   copied(l.likelihood), copied(l.odds)));
    return py::make_tuple(copied(sample->input), layers, to_string(sample->units), sample->output_kind);
  });
}

/// Likelihoods and odds are kept for layers of Bernoulli-logistic units only.
template <class T>
void check_record(const Sample<T>& sample) {
  if (sample.layers.empty() || sample.batch() < 1)
    throw ValueError("a sample must have at least one layer and one row");
  const bool logistic_output = output_info(sample.output_kind).independent_units;
  for (const auto& layer : sample.layers) {
    const bool logistic = &layer != &sample.layers.back() || logistic_output;
    for (const Matrix<T>* m :
         {&layer.activation, &layer.logit, &layer.probability, &layer.eligibility, &layer.likelihood, &layer.odds}) {
      if (!logistic && m->size() == 0 && (m == &layer.likelihood || m == &layer.odds)) continue;
      if (m->rows() != sample.batch() || m->cols() != layer.activation.cols() || m->cols() < 1)
        throw ValueError("the arrays of a layer differ in shape");
    }
  }
}

template <class T>
SampleHandle restored(const py::tuple& state) {
  auto sample = std::make_shared<Sample<T>>();
  sample->input = matrix<T>(item<py::object>(state, 0, 4), "inputs");
  for (const auto& of_layer : item<py::list>(state, 1, 4)) {
    const auto arrays = py::cast<py::tuple>(of_layer);
    const auto array = [&](std::size_t k) { return matrix<T>(item<py::object>(arrays, k, 6), "an array"); };
    sample->layers.push_back({array(0), array(1), array(2), array(3), array(4), array(5)});
  }
  sample->units = units_from_string(item<std::string>(state, 2, 4));
  sample->output_kind = item<std::string>(state, 3, 4);
  check_record(*sample);
  return {std::move(sample)};
}

SampleHandle from_state(const py::tuple& state) {
  const auto inputs = real_array(item<py::object>(state, 0, 4), "inputs");
  return py::isinstance<py::array_t<float>>(inputs) ? restored<float>(state) : restored<double>(state);
}

/// Binds a list with one array per layer.
template <class F>
void bind_arrays(py::class_<SampleHandle>& cls, const char* name, F get, const char* doc) {
  cls.def_property_readonly(name, [get](const SampleHandle& self) { return per_layer(self, get); }, doc);
}

py::array inputs_of(const SampleHandle& self) {
  return visit_sample(self, [](const auto& sample) { return view(sample->input, keep(sample), false); });
}

py::array output_of(const SampleHandle& self) {
  return visit_sample(self, [](const auto& sample) { return view(sample->output(), keep(sample), false); });
}

template <class T>
py::array_t<std::int64_t> actions(const Sample<T>& sample) {
  const OutputInfo& kind = output_info(sample.output_kind);
  const bool single = kind.independent_units && sample.output().cols() == 1;
  if (!single && !kind.one_hot)
    throw ValueError("output must be softmax or a single Bernoulli unit for actions, got " +
                     std::to_string(sample.output().cols()) + " " + sample.output_kind + " units; see Sample.output");
  py::array_t<std::int64_t> actions(sample.batch());
  auto out = actions.mutable_unchecked<1>();
  for (Index s = 0; s < sample.batch(); ++s) {
    Index action = 0;
    const auto row = sample.output().row(s);
    if (row.size() == 1)
      action = row[0] > 0 ? 1 : 0;
    else
      row.maxCoeff(&action);
    out(s) = action;
  }
  return actions;
}

std::string representation(const SampleHandle& self) {
  return visit_sample(self, [](const auto& sample) {
    return "<uwm.Sample of " + std::to_string(sample->batch()) + " through " + std::to_string(sample->layers.size()) +
           " layers>";
  });
}

}  // namespace

void bind_sample(py::module_& module) {
  py::class_<SampleHandle> cls(module, "Sample", sample_doc);
  cls.def_property_readonly("inputs", &inputs_of, "The inputs, (batch, n_in).");
  bind_arrays(
      cls, "activations", [](const auto& l) -> auto& { return l.activation; },
      "h: the actions, encoded 0 / 1 or -1 / +1; the last array is the output.");
  bind_arrays(cls, "logits", [](const auto& l) -> auto& { return l.logit; }, "z = (W h + b) / temperature.");
  bind_arrays(
      cls, "probabilities", [](const auto& l) -> auto& { return l.probability; },
      "p: probability of firing; of a softmax output the class probabilities, of a Gaussian output the mean.");
  bind_arrays(cls, "eligibilities", [](const auto& l) -> auto& { return l.eligibility; }, eligibilities_doc);
  cls.def_property_readonly("output", &output_of,
                            "The output layer's action, (batch, n_out); the same as ``activations[-1]``.")
      .def_property_readonly(
          "actions",
          [](const SampleHandle& self) {
            return visit_sample(self, [](const auto& sample) { return actions(*sample); });
          },
          actions_doc)
      .def_property_readonly(
          "batch_size",
          [](const SampleHandle& self) { return visit_sample(self, [](const auto& s) { return s->batch(); }); },
          "Number of samples.")
      .def("__repr__", &representation);
  picklable(cls, &state, &from_state);
}

}  // namespace uwm::python
