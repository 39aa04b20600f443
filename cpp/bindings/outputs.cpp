// Output kinds. In Python they are the classes of uwm/outputs.py, which hold a name and settings.

#include "handles.hpp"

namespace uwm::python {

OutputChoice output_choice(const py::object& output) {
  const py::object kind = py::module_::import("uwm.outputs").attr("resolve")(output);
  return {kind.attr("name").cast<std::string>(), kind.attr("settings").cast<OutputSettings>()};
}

py::object output_object(const std::string& name, const OutputSettings& settings) {
  return py::module_::import("uwm.outputs").attr("make")(name, settings);
}

void bind_outputs(py::module_& module) {
  module.def(
      "output_infos",
      [] {
        py::list infos;
        for (const OutputInfo& info : output_infos())
          infos.append(py::make_tuple(info.name, info.description, info.settings));
        return infos;
      },
      "Name, a line, and the settings with their defaults of each kind of output.");
}

}  // namespace uwm::python
