#include <cerrno>
#include <filesystem>
#include <limits>

#include "handles.hpp"

namespace uwm::python {

namespace {

constexpr const char* simd_level_doc = R"(
The instruction-set level that the kernels run with.

Returns:
    "x86-64", "x86-64-v2", "x86-64-v3" (AVX2 and FMA) or "x86-64-v4" (AVX-512): the widest that the processor has, unless
    the environment variable UWM_ISA names another; "native" on other processors.

>>> import uwm
>>> uwm.simd_level() in uwm.simd_levels()
True
)";

constexpr const char* simd_levels_doc = R"(
The levels that this processor can run, narrowest first; each may be forced with the environment variable UWM_ISA.

>>> import uwm
>>> len(uwm.simd_levels()) >= 1
True
)";

constexpr const char* philox_doc = R"(
The random words behind every draw: Philox 4x32-10 (Salmon et al., SC 2011), a function of its arguments alone.

Args:
    seed: 0 ... 2^64 - 1.
    step: 0 ... 2^48 - 1, a network's ``step``.
    stream: 0 activations, 1 initial parameters, 2 a task's inputs, 3 a task's rewards, 4 the
        signs of feedback alignment; 5 ... 15 are free for other uses.
    layer: index into ``Network.layers``.
    samples, units: how many of each.

Returns:
    uint32 array (samples, units); (word + 1/2) / 2^32 is the uniform number that a draw compares.

Raises:
    ValueError: seed, step, stream or layer out of range.

>>> import uwm
>>> uwm.philox(0, 0, 0, 0, 1, 4)
array([[1713891541, 3781805453, 3159862348, 2600524760]], dtype=uint32)
)";

/// OSError of the subclass that stands for the error's number, as Python's own functions raise it.
void set_system_error(const std::filesystem::filesystem_error& error) {
  const std::string path = error.path1().string();
  errno = error.code().value();
  PyErr_SetFromErrnoWithFilenameObject(
      PyExc_OSError, py::reinterpret_steal<py::object>(
                         PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())))
                         .ptr());
}

void bind_errors(py::module_& module) {
  static py::exception<DivergenceError> divergence(module, "DivergenceError", PyExc_ArithmeticError);
  divergence.doc() = "Training left the finite numbers; as a rule a learning rate is too large.";
  static py::exception<FileError> file_error(module, "FileError", PyExc_OSError);
  file_error.doc() = "A file is damaged, or is not what it should be.";
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const ValueError& error) {
      py::set_error(PyExc_ValueError, error.what());
    } catch (const FileError& error) {
      py::set_error(file_error, error.what());
    } catch (const std::filesystem::filesystem_error& error) {
      set_system_error(error);
    } catch (const StopTraining&) {
      PyErr_SetNone(PyExc_KeyboardInterrupt);
    } catch (const DivergenceError& error) {
      py::set_error(divergence, error.what());
    }
  });
}

py::array_t<std::uint32_t> philox_words(const py::object& seed, const py::object& step, const py::object& of_stream,
                                        const py::object& of_layer, const py::object& n_samples,
                                        const py::object& n_units) {
  const Position position = {seed_from(seed), step_from(step)};
  const auto number = [](const py::object& object, const char* name) {
    return static_cast<std::uint32_t>(whole_bits(object, name, 32));
  };
  const auto stream = number(of_stream, "stream"), layer = number(of_layer, "layer");
  const auto samples = number(n_samples, "samples"), units = number(n_units, "units");
  if (stream > 15) throw ValueError("stream must be below 16, got " + std::to_string(stream));
  if (layer >= max_layers) throw ValueError("layer must be below 4096, got " + std::to_string(layer));
  py::array_t<std::uint32_t> words({static_cast<py::ssize_t>(samples), static_cast<py::ssize_t>(units)});
  auto out = words.mutable_unchecked<2>();
  for (std::uint32_t s = 0; s < samples; ++s)
    for (std::uint32_t i = 0; i < units; ++i)
      out(s, i) = random_word(position, static_cast<Stream>(stream), layer, s, i);
  return words;
}

}  // namespace

void bind_system(py::module_& module) {
  module.attr("__version__") = UWM_VERSION;
  bind_errors(module);
  module.def("simd_level", &simd_level, simd_level_doc);
  module.def("simd_levels", &simd_levels, simd_levels_doc);
  module.def("philox", &philox_words, py::arg("seed"), py::arg("step"), py::arg("stream"), py::arg("layer"),
             py::arg("samples"), py::arg("units"), philox_doc);
}

}  // namespace uwm::python
