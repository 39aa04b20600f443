#include "handles.hpp"

PYBIND11_MODULE(_core, module) {
  using namespace uwm::python;
  module.doc() = "The engine of uwm; its public names are in the package uwm.";
  bind_system(module);
  bind_sample(module);
  bind_network(module);
  bind_rules(module);
  bind_optimizers(module);
  bind_tasks(module);
  bind_baselines(module);
  bind_train(module);
  bind_checkpoint(module);
}
