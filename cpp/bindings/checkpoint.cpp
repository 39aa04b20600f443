#include <pybind11/stl/filesystem.h>

#include "handles.hpp"

namespace uwm::python {

void bind_checkpoint(py::module_& module) {
  module.def(
      "save",
      [](const std::filesystem::path& path, const NetworkHandle& net, const OptimizerHandle* optimizer) {
        const Use using_net = Use::reading(net), using_optimizer = Use::reading(optimizer);
        visit(net, [&](const auto& n) {
          const py::gil_scoped_release release;
          save(path, n, optimizer != nullptr ? optimizer->engine.get() : nullptr);
        });
      },
      py::arg("path"), py::arg("net"), py::arg("optimizer") = py::none(), R"(
Writes network, optimizer and place in the random numbers as one safetensors file, whole or not at all.

Args:
    path: str or path of the file.
    net: Network.
    optimizer: SGD or Adam, or None.

Raises:
    OSError: the file cannot be written.
    ValueError: a parameter is NaN or infinite.
    RuntimeError: another thread changes one of them.

>>> import os, tempfile, uwm
>>> net, opt = uwm.Network([3, 4, 1]), uwm.Adam()
>>> with tempfile.TemporaryDirectory() as folder:
...     uwm.save(os.path.join(folder, "net.safetensors"), net, opt)
...     net, opt = uwm.load(os.path.join(folder, "net.safetensors"))
)");
  module.def(
      "load",
      [](const std::filesystem::path& path) {
        Checkpoint checkpoint = [&] {
          const py::gil_scoped_release release;
          return load(path);
        }();
        py::object net = std::visit(
            [](auto& n) {
              using N = std::remove_reference_t<decltype(n)>;
              return py::cast(NetworkHandle{std::make_shared<N>(std::move(n))});
            },
            checkpoint.network);
        return py::make_tuple(net, optimizer_object(std::move(checkpoint.optimizer)));
      },
      py::arg("path"), R"(
Reads what ``save`` wrote: (net, optimizer), optimizer None if none was saved. Training goes on bit for bit.

Raises:
    OSError: the file cannot be read; FileNotFoundError, PermissionError and so on, as ``open`` raises them.
    FileError: it is damaged, or is no file of ``save``.

>>> import uwm
>>> uwm.load("nowhere.safetensors")
Traceback (most recent call last):
    ...
FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.safetensors'
)");
}

}  // namespace uwm::python
