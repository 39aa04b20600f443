#include "handles.hpp"

namespace uwm::python {

namespace {

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

}  // namespace

void bind_sample(py::module_& module) {
  py::class_<SampleHandle>(module, "Sample", R"(
The record of one forward pass over a batch: what was put in, what every unit did and how likely it was.

Made by ``Network.forward`` and ``Network.clamp``. Arrays (but ``actions``) are read-only views in the network's dtype; lists have one
array (batch, n_l) per layer, first hidden layer to output.

>>> import numpy as np, uwm
>>> net = uwm.Network([3, 4, 1], seed=1)
>>> sample = net.forward(np.ones((2, 3)))
>>> [h.shape for h in sample.activations], sample.batch_size
([(2, 4), (2, 1)], 2)
)")
      .def_property_readonly(
          "inputs",
          [](const SampleHandle& self) {
            return visit_sample(self, [](const auto& sample) { return view(sample->input, keep(sample), false); });
          },
          "The inputs, (batch, n_in).")
      .def_property_readonly(
          "activations",
          [](const SampleHandle& self) { return per_layer(self, [](const auto& l) -> auto& { return l.activation; }); },
          "h: the actions, encoded 0 / 1 or -1 / +1; the last array is the output.")
      .def_property_readonly(
          "logits",
          [](const SampleHandle& self) { return per_layer(self, [](const auto& l) -> auto& { return l.logit; }); },
          "z = (W h + b) / temperature.")
      .def_property_readonly(
          "probabilities",
          [](const SampleHandle& self) {
            return per_layer(self, [](const auto& l) -> auto& { return l.probability; });
          },
          "p: probability of firing; of a softmax output the class probabilities, of a Gaussian output the mean.")
      .def_property_readonly(
          "eligibilities",
          [](const SampleHandle& self) {
            return per_layer(self, [](const auto& l) -> auto& { return l.eligibility; });
          },
          "d log Pr(action) / dz: of a Bernoulli unit (1 if it fired, else 0) - p, of a softmax output one-hot - p, of "
          "a Gaussian "
          "output (action - mean) / sigma^2.")
      .def_property_readonly(
          "output",
          [](const SampleHandle& self) {
            return visit_sample(self, [](const auto& sample) { return view(sample->output(), keep(sample), false); });
          },
          "The output layer's action, (batch, n_out); the same as ``activations[-1]``.")
      .def_property_readonly(
          "actions",
          [](const SampleHandle& self) {
            return visit_sample(self, [](const auto& sample) {
              const bool single = sample->output_kind == "bernoulli" && sample->output().cols() == 1;
              if (!single && sample->output_kind != "softmax")
                throw ValueError("actions needs a softmax output, or a single Bernoulli unit; see Sample.output");
              py::array_t<std::int64_t> actions(sample->batch());
              auto out = actions.mutable_unchecked<1>();
              for (Index s = 0; s < sample->batch(); ++s) {
                Index action = 0;
                const auto row = sample->output().row(s);
                if (row.size() == 1)
                  action = row[0] > 0 ? 1 : 0;
                else
                  row.maxCoeff(&action);
                out(s) = action;
              }
              return actions;
            });
          },
          "The class chosen, a new int64 array (batch,): of a softmax output the index of the one, of a single "
          "Bernoulli unit whether "
          "it fired. Raises ValueError for other outputs.")
      .def_property_readonly(
          "batch_size",
          [](const SampleHandle& self) { return visit_sample(self, [](const auto& s) { return s->batch(); }); },
          "Number of samples.")
      .def("__repr__", [](const SampleHandle& self) {
        return visit_sample(self, [](const auto& sample) {
          return "<uwm.Sample of " + std::to_string(sample->batch()) + " through " +
                 std::to_string(sample->layers.size()) + " layers>";
        });
      });
}

}  // namespace uwm::python
