#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>

#include "check.hpp"
#include "fixture.hpp"
#include "uwm/checkpoint.hpp"
#include "uwm/error.hpp"
#include "uwm/optimizers.hpp"
#include "uwm/rules.hpp"
#include "uwm/tasks.hpp"
#include "uwm/train.hpp"

namespace fs = std::filesystem;
using namespace fixture;
using uwm::Adam;
using uwm::FileError;
using uwm::LayerGradient;
using uwm::Network;
using uwm::Schedule;
using uwm::SGD;
using uwm::Units;
using uwm::ValueError;

namespace {

/// A folder that is gone after the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "uwm-test-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path operator/(const std::string& name) const { return path_ / name; }
  std::ptrdiff_t files() const { return std::distance(fs::directory_iterator(path_), {}); }

 private:
  fs::path path_;
};

/// While it lives, no file may become larger than this.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    CHECK(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit small{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    CHECK(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*signal_)(int);
  rlimit before_{};
};

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& bytes) {
  fs::remove(path);  // some file systems write to the disk at once what replaces the bytes of a file
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string with_length(const std::string& header, const std::string& data) {
  std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(length & 0xff);
    length >>= 8;
  }
  return bytes + header + data;
}

/// The sum that the file is checked with, by its definition.
std::string crc32(const std::string& bytes) {
  std::uint32_t rest = 0xFFFFFFFF;
  for (const char c : bytes) {
    rest ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320 : 0);
  }
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(~rest));
  return digits;
}

/// The same file with the checksum that belongs to it.
std::string with_checksum(std::string bytes) {
  const std::string key = "\"crc32\":\"";
  const std::size_t at = bytes.find(key);
  if (at == bytes.npos) return bytes;
  bytes.replace(at + key.size(), 8, "00000000");
  return bytes.replace(at + key.size(), 8, crc32(bytes));
}

std::string header_of(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  return bytes.substr(8, length);
}

template <class T>
void train_some(Network<T>& net, uwm::Optimizer& optimizer, std::int64_t steps) {
  uwm::Multiplexer task(2);
  uwm::train(net, uwm::UnbiasedWeightMax(), optimizer, task, {.steps = steps, .batch_size = 3});
}

bool same_schedules(const std::vector<Schedule>& a, const std::vector<Schedule>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Schedule& x, const Schedule& y) {
    return x.shape == y.shape && x.start == y.start && x.end == y.end && x.steps == y.steps;
  });
}

template <class T>
bool same_moments(const uwm::Optimizer& a, const uwm::Optimizer& b) {
  using Moments = uwm::Optimizer::Moments<T>;
  const auto &x = std::get<Moments>(a.state()), &y = std::get<Moments>(b.state());
  if (x.size() != y.size()) return false;
  for (std::size_t m = 0; m < x.size(); ++m)
    for (std::size_t l = 0; l < x[m].size(); ++l)
      if (x[m][l].weight != y[m][l].weight || x[m][l].bias != y[m][l].bias) return false;
  return true;
}

/// Saved half-way and loaded, training must go on as if nothing had happened.
template <class T, class Optimizer>
void check_round_trip(const Optimizer& optimizer, std::int64_t updates) {
  const Folder folder;
  const fs::path path = folder / "net.safetensors";
  Network<T> net({6, 9, 5, 1}, "bernoulli",
                 {.units = Units::bipolar, .temperature = {0.7, 1.0 / 3.0, 1.1}, .seed = ~std::uint64_t{4}});
  Optimizer original = optimizer;
  if (updates > 0) train_some(net, original, updates);
  uwm::save(path, net, {.optimizer = &original});
  CHECK(folder.files() == 1);
  uwm::Checkpoint loaded = uwm::load(path);
  auto& same = std::get<Network<T>>(loaded.net);
  CHECK(same_parameters(net, same) && same.units() == Units::bipolar && same.output().name() == "bernoulli");
  CHECK(same.position().seed == net.position().seed && same.position().step == net.position().step);
  for (std::size_t l = 0; l < 3; ++l) CHECK(same.layers()[l].temperature == net.layers()[l].temperature);
  CHECK(loaded.optimizer->name() == original.name() && loaded.optimizer->settings() == original.settings());
  CHECK(loaded.optimizer->steps() == updates &&
        same_schedules(loaded.optimizer->learning_rate(), original.learning_rate()));
  if (updates > 0) CHECK(same_moments<T>(*loaded.optimizer, original));

  train_some(net, original, 40);
  train_some(same, *loaded.optimizer, 40);
  CHECK(same_parameters(net, same) && same.position().step == net.position().step);

  // What is saved again is the same file.
  const fs::path first = folder / "first", second = folder / "second";
  uwm::save(first, net, {.optimizer = &original});
  uwm::save(second, same, {.optimizer = loaded.optimizer.get()});
  CHECK(read_file(first) == read_file(second));
}

template <class T>
class Odd final : public uwm::Output<T> {
 public:
  std::string name() const override { return "softmax"; }  // not the built-in one
  void check_size(Index) const override {}
  void check_actions(uwm::ConstMatrixRef<T>) const override {}
  void draw(const uwm::Position&, std::uint32_t, uwm::LayerSample<T>&) const override {}
  void evaluate(uwm::LayerSample<T>&) const override {}
  double log_likelihood(std::span<const double>, std::span<const T>) const override { return 0; }
};

class OddOptimizer final : public uwm::Optimizer {
 public:
  OddOptimizer() : Optimizer({0.1}) {}
  std::string name() const override { return "odd"; }
  std::map<std::string, double> settings() const override { return {}; }

 protected:
  std::size_t n_moments() const override { return 0; }
  void update(const Update<float>&) const override {}
  void update(const Update<double>&) const override {}
};

class OddBaseline final : public uwm::BaselineOf<OddBaseline> {
 public:
  template <class M>
  void predict(const M&, uwm::Vector<double>& b) const {
    b.setZero();
  }
  template <class M>
  void update(const M&, const uwm::Vector<double>&) const {}
};

/// A file with one layer of one unit, its optimizer and its parts, to be damaged.
template <class T>
struct ExampleOf {
  Folder folder;
  fs::path path = folder / "net.safetensors";
  std::string bytes;

  ExampleOf() {
    Network<T> net({2, 1});
    SGD sgd({0.1}, 0.5);
    uwm::Gradient<T> g;
    g.resize_like(net);
    for (auto& layer : g.layers) {
      layer.weight.setOnes();
      layer.bias.setOnes();
    }
    sgd.step(net, g);
    uwm::save(path, net, {.optimizer = &sgd});
    bytes = read_file(path);
  }

  void refuses(const std::string& damaged, const char* part) const {
    write_file(path, damaged);
    CHECK_THROWS(FileError, part, uwm::load(path));
  }

  /// The header with one text replaced by another, which is there once, and a checksum that is right.
  void refuses_header(const std::string& before, const std::string& after, const char* part) const {
    std::string header = header_of(bytes);
    const std::size_t at = header.find(before);
    if (at == header.npos || header.find(before, at + 1) != header.npos)
      check::fail(__FILE__, __LINE__, before, " is not there once: ", header);
    const std::string data = bytes.substr(8 + header.size());
    refuses(with_checksum(with_length(header.replace(at, before.size(), after), data)), part);
  }
};
using Example = ExampleOf<float>;

}  // namespace

TEST(training_goes_on_bit_for_bit) {
  const Adam adam({Schedule::linear(0.01, 1e-3, 100), 0.02, Schedule::exponential(0.1, 1.0 / 3, 7)}, 0.8, 0.99, 1e-7);
  check_round_trip<float>(adam, 30);
  check_round_trip<double>(adam, 30);
  check_round_trip<float>(SGD({0.01}, 0.9), 30);
  check_round_trip<double>(SGD({0.01}, 0.9), 30);
  check_round_trip<float>(SGD({0.01}), 30);
  check_round_trip<double>(Adam(), 0);
  check_round_trip<float>(Adam(), 30);
  check_round_trip<float>(Adam({0.01, Schedule::inverse_root(0.1, 20, 5), 0.02}), 30);
}

TEST(a_run_with_a_running_mean_goes_on_bit_for_bit) {
  const Folder folder;
  const auto train_more = [](Network<float>& net, uwm::Optimizer& optimizer, uwm::Baseline& baseline) {
    uwm::Multiplexer task(2);
    return uwm::train(net, uwm::UnbiasedWeightMax(), optimizer, task,
                      {.steps = 40, .batch_size = 3, .baseline = &baseline});
  };
  Network<float> net({6, 9, 1});
  Adam adam;
  uwm::RunningMean mean(0.07, -0.5);
  const uwm::Log log = train_more(net, adam, mean);
  uwm::save(folder / "run", net, {.optimizer = &adam, .baseline = &mean, .log = &log});
  uwm::Checkpoint found = uwm::load(folder / "run");
  const auto& its_mean = dynamic_cast<const uwm::RunningMean&>(*found.baseline);
  CHECK(its_mean.rate() == 0.07 && its_mean.value() == mean.value() && mean.value() != -0.5);
  CHECK(found.log->rewards == log.rewards && found.log->record_every == log.record_every);
  CHECK(found.log->steps == 40 && found.log->batch_size == 3 && found.log->mean_reward == log.mean_reward);
  CHECK(found.log->final_reward == log.final_reward && found.log->seconds == log.seconds && !found.log->stopped);

  auto& same = std::get<Network<float>>(found.net);
  train_more(net, adam, mean);
  train_more(same, *found.optimizer, *found.baseline);
  CHECK(same_parameters(net, same) && its_mean.value() == mean.value());
}

TEST(a_constant_baseline_and_a_run_that_was_stopped_come_back) {
  const Folder folder;
  const uwm::ConstantBaseline half(0.5);
  const uwm::Log log{
      .rewards = {}, .record_every = 7, .final_reward = std::numeric_limits<double>::quiet_NaN(), .stopped = true};
  uwm::save(folder / "run", Network<double>({3, 1}), {.baseline = &half, .log = &log});
  const uwm::Checkpoint found = uwm::load(folder / "run");
  CHECK(dynamic_cast<const uwm::ConstantBaseline&>(*found.baseline).value() == 0.5);
  CHECK(found.log->rewards.empty() && std::isnan(found.log->final_reward) && found.log->stopped);
}

TEST(arrays_and_texts_of_ones_own_come_back) {
  using uwm::Array;
  using uwm::Dtype;
  const Folder folder;
  const uwm::Extra extra = {
      {"bools", Array(std::vector<bool>{true, false, true})},
      {"bytes", Array(std::vector<std::int8_t>{-128, 127})},
      {"counts", Array(std::vector<std::uint64_t>{~std::uint64_t{0}, 1}, {2, 1, 1})},
      {"half", Array(Dtype::float16, {2}, std::vector<std::byte>(4))},
      {"nan", Array(std::vector<float>{std::numeric_limits<float>::quiet_NaN()})},
      {"nothing", Array(std::vector<double>{}, {0, 5})},
      {"scalar", Array(std::vector<double>{0.1}, {})},
      {"a \"text\"", "one\n\x01 \"two\" \\ \xe2\x82\xac \"crc32\":\"00000000\""},
      {"empty", ""},
  };
  uwm::save(folder / "run", Network<float>({3, 1}), {.extra = extra});
  const uwm::Checkpoint found = uwm::load(folder / "run");
  CHECK(found.extra == extra);
  CHECK(std::get<Array>(found.extra.at("bools")).numbers<bool>() == std::vector<bool>({true, false, true}));
  CHECK(std::get<Array>(found.extra.at("counts")).numbers<std::uint64_t>()[0] == ~std::uint64_t{0});
  CHECK_THROWS(ValueError, "must be float32, got bool", std::get<Array>(found.extra.at("bools")).numbers<float>());
  CHECK_THROWS(ValueError, "as many numbers as its shape needs", Array(std::vector<int>{1, 2, 3}, {2, 2}));
  CHECK_THROWS(ValueError, "as many numbers as its shape needs", Array(std::vector<int>{1}, {0}));
  CHECK_THROWS(ValueError, "0 and 1, got 2", Array(Dtype::boolean, {1}, {std::byte{2}}));
}

TEST(a_network_alone_can_be_saved) {
  const Folder folder;
  for (const char* output : {"bernoulli", "softmax"}) {
    Network<double> net({3, 4, 2}, output, {.seed = 3});
    net.set_step(uwm::max_step - 1);
    uwm::save(folder / "net", net);
    const uwm::Checkpoint loaded = uwm::load(folder / "net");
    CHECK(loaded.optimizer == nullptr && std::get<Network<double>>(loaded.net).output().name() == output);
    CHECK(std::get<Network<double>>(loaded.net).position().step == uwm::max_step - 1);
  }
  Network<float> net({3, 2}, std::make_shared<uwm::GaussianOutput<float>>(0.1));
  uwm::save(folder / "net", net);
  const uwm::Checkpoint loaded = uwm::load(folder / "net");
  const auto& output = dynamic_cast<const uwm::GaussianOutput<float>&>(std::get<Network<float>>(loaded.net).output());
  CHECK(output.sigma() == 0.1);
  CHECK(header_of(read_file(folder / "net")).find(R"("sigma":"0.1")") != std::string::npos);
  uwm::save(folder / "net", Network<float>({3, 2}));
  CHECK(header_of(read_file(folder / "net")).find("sigma") == std::string::npos);
  CHECK(folder.files() == 1);
}

TEST(extreme_numbers_come_back) {
  const Folder folder;
  Network<double> net({3, 2});
  net.layers()[0].weight << std::numeric_limits<double>::max(), std::numeric_limits<double>::denorm_min(), -0.0, 1e-300,
      0.1, -1;
  uwm::save(folder / "net", net);
  const auto loaded = std::get<Network<double>>(uwm::load(folder / "net").net);
  CHECK(std::memcmp(loaded.layers()[0].weight.data(), net.layers()[0].weight.data(), 6 * sizeof(double)) == 0);
}

TEST(the_file_is_laid_out_as_others_read_it) {
  const Example example;
  const std::string header = header_of(example.bytes);
  CHECK(header.size() % 8 == 0 && header.starts_with("{\"__metadata__\":{"));
  CHECK(example.bytes.size() == 8 + header.size() + 4 * 6);
  CHECK(header.find("\"layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}") != header.npos);
  CHECK(header.find("\"layers.0.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}") != header.npos);
  CHECK(header.find(
            "\"optimizer.moments.0.layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[12,20]}") !=
        header.npos);
}

TEST(what_cannot_be_loaded_is_not_saved) {
  const Folder folder;
  const fs::path path = folder / "net";
  Network<float> net({3, 2}), odd({3, 2}, std::make_shared<Odd<float>>());
  CHECK_THROWS(ValueError, "output kind of your own", uwm::save(path, odd));
  const OddOptimizer optimizer;
  CHECK_THROWS(ValueError, "an optimizer of your own, 'odd'", uwm::save(path, net, {.optimizer = &optimizer}));
  const SGD rates({0.1, 0.1});
  CHECK_THROWS(ValueError, "one per layer (1), got 2", uwm::save(path, net, {.optimizer = &rates}));
  SGD moments({0.1}, 0.9);
  using Moments = uwm::Optimizer::Moments<float>;
  moments.restore(
      1, Moments{{{Matrix<float>::Constant(2, 3, std::numeric_limits<float>::infinity()), Vector<float>::Zero(2)}}});
  CHECK_THROWS(ValueError, "moments must be finite", uwm::save(path, net, {.optimizer = &moments}));
  Adam adam;
  const LayerGradient<float> some{Matrix<float>::Constant(2, 3, -1), Vector<float>::Zero(2)};
  adam.restore(1, Moments{{some}, {some}});
  CHECK_THROWS(ValueError, "second moments of adam must not be negative", uwm::save(path, net, {.optimizer = &adam}));
  adam.restore(1, std::monostate());
  CHECK_THROWS(ValueError, "but 1 updates come without them", uwm::save(path, net, {.optimizer = &adam}));
  const OddBaseline baseline;
  CHECK_THROWS(ValueError, "a baseline of your own cannot be saved", uwm::save(path, net, {.baseline = &baseline}));
  const uwm::Log log{.rewards = {std::numeric_limits<double>::infinity()}};
  CHECK_THROWS(ValueError, "rewards of a log must be finite", uwm::save(path, net, {.log = &log}));
  CHECK_THROWS(ValueError, "must not be empty", uwm::save(path, net, {.extra = {{"", "text"}}}));
  CHECK_THROWS(ValueError, "must be UTF-8", uwm::save(path, net, {.extra = {{"name", "\xff"}}}));
  CHECK_THROWS(ValueError, "may take 16777216 bytes",
               uwm::save(path, net, {.extra = {{"name", std::string(1 << 24, 'a')}}}));
  net.layers()[0].weight(1, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS(ValueError, "layers[0].weight must be finite", uwm::save(path, net));
  net.layers()[0].weight.setZero(4, 4);
  CHECK_THROWS(ValueError, "got (4, 4)", uwm::save(path, net));
  CHECK(folder.files() == 0);
}

TEST(what_is_there_stays_when_saving_fails) {
  const Folder folder;
  Network<float> net({3, 2});
  uwm::save(folder / "net", net);
  const std::string before = read_file(folder / "net");
  net.layers()[0].bias[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS(ValueError, "bias must be finite", uwm::save(folder / "net", net));
  CHECK(read_file(folder / "net") == before && folder.files() == 1);
  net.reset(1);
  uwm::save(folder / "net", net);
  CHECK(read_file(folder / "net") != before && folder.files() == 1);
}

TEST(places_that_cannot_be_written_are_named) {
  const Folder folder;
  const Network<float> net({3, 2});
  const auto refuses = [&](const fs::path& path, std::errc why) {
    try {
      uwm::save(path, net);
    } catch (const fs::filesystem_error& error) {
      CHECK(error.path1() == path && error.code() == why);
      return;
    }
    check::fail(__FILE__, __LINE__, "not refused", path.string());
  };
  fs::create_directory(folder / "directory");
  fs::create_symlink("loop", folder / "loop");
  refuses(folder / "no/such/folder/net", std::errc::no_such_file_or_directory);
  refuses("", std::errc::no_such_file_or_directory);
  refuses(folder / "directory", std::errc::is_a_directory);
  refuses(folder / "", std::errc::is_a_directory);
  refuses(folder / "loop", std::errc::too_many_symbolic_link_levels);
  refuses(folder / std::string(300, 'a'), std::errc::filename_too_long);
  CHECK(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  refuses(folder / "pipe", std::errc::no_such_device_or_address);
  if (fs::exists("/dev/full")) refuses("/dev/full", std::errc::no_space_on_device);
  uwm::save("/dev/null", net);
  CHECK(folder.files() == 3);
}

TEST(a_link_stays_a_link) {
  const Folder folder;
  const Network<float> net({3, 2});
  write_file(folder / "target", "");
  fs::create_symlink(folder / "target", folder / "absolute");
  fs::create_symlink("target", folder / "relative");
  fs::create_symlink("relative", folder / "twice");
  fs::create_symlink("new", folder / "dangling");
  for (const char* name : {"absolute", "relative", "twice", "dangling"}) {
    uwm::save(folder / name, net);
    CHECK(fs::is_symlink(folder / name));
    uwm::load(folder / name);
  }
  CHECK(fs::is_regular_file(folder / "target") && fs::is_regular_file(folder / "new") && folder.files() == 6);
}

TEST(a_file_keeps_its_mode_and_a_new_one_obeys_the_umask) {
  const Folder folder;
  const Network<float> net({3, 2});
  const auto mode = [&] { return static_cast<unsigned>(fs::status(folder / "net").permissions()); };
  const mode_t before = ::umask(027);
  uwm::save(folder / "net", net);
  ::umask(before);
  CHECK(mode() == 0640);
  for (const unsigned kept : {0600u, 0664u, 0755u}) {
    fs::permissions(folder / "net", static_cast<fs::perms>(kept));
    uwm::save(folder / "net", net);
    CHECK(mode() == kept);
  }
}

TEST(a_full_disk_leaves_the_old_file) {
  const Folder folder;
  Network<float> net({3, 2});
  uwm::save(folder / "net", net);
  const std::string before = read_file(folder / "net");
  net.reset(1);
  {
    const FullDisk disk(before.size() - 1);
    CHECK_THROWS(fs::filesystem_error, "cannot be written: File too large", uwm::save(folder / "net", net));
  }
  CHECK(read_file(folder / "net") == before && folder.files() == 1);
}

TEST(a_draft_that_somebody_else_left_is_not_touched) {
  const Folder folder;
  const fs::path left = folder / (".uwm-" + std::to_string(::getpid()) + "-0.tmp");
  write_file(left, "mine");
  uwm::save(folder / "net", Network<float>({3, 2}));
  uwm::load(folder / "net");
  CHECK(read_file(left) == "mine" && folder.files() == 2);
}

TEST(files_that_cannot_be_read_are_named) {
  const Folder folder;
  const auto refuses = [&](const fs::path& path, std::errc why) {
    try {
      uwm::load(path);
    } catch (const fs::filesystem_error& error) {
      CHECK(error.path1() == path && error.code() == why);
      return;
    }
    check::fail(__FILE__, __LINE__, "not refused", path.string());
  };
  fs::create_symlink("loop", folder / "loop");
  refuses(folder / "nowhere", std::errc::no_such_file_or_directory);
  refuses("", std::errc::no_such_file_or_directory);
  refuses(folder / "", std::errc::is_a_directory);
  refuses(folder / "loop", std::errc::too_many_symbolic_link_levels);
  refuses(folder / std::string(300, 'a'), std::errc::filename_too_long);
  CHECK(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS(FileError, "is not a regular file", uwm::load(folder / "pipe"));
  CHECK_THROWS(FileError, "is not a regular file", uwm::load("/dev/zero"));
  // A file of the kernel's says that it has 4096 bytes, and ends after a few.
  const fs::path online = "/sys/devices/system/cpu/online";
  if (fs::exists(online) && fs::file_size(online) > read_file(online).size() && read_file(online).size() < 8)
    CHECK_THROWS(FileError, "became shorter while it was read", uwm::load(online));
}

TEST(every_cut_and_every_bit_that_flips_is_refused) {
  const Example example;
  for (std::size_t size = 0; size < example.bytes.size(); ++size) example.refuses(example.bytes.substr(0, size), "");
  example.refuses(example.bytes + '\0', "belong to none");
  for (std::size_t bit = 0; bit < 8 * example.bytes.size(); ++bit) {
    std::string damaged = example.bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    example.refuses(damaged, "");
  }
}

TEST(the_checksum_is_the_known_one) {
  CHECK(crc32("123456789") == "cbf43926");
  const Example e;
  CHECK(with_checksum(e.bytes) == e.bytes);
  std::string damaged = e.bytes;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  e.refuses(damaged, "is damaged: its checksum is '");
  e.refuses_header("\"crc32\":", "\"crc33\":", "has no checksum");
  const std::string digits = header_of(e.bytes).substr(header_of(e.bytes).find("\"crc32\":\"") + 9, 8);
  for (const std::string bad : {"1234567", "123456789", "\\u0030000000"}) {
    std::string other = header_of(e.bytes);
    other.replace(other.find(digits), 8, bad);
    e.refuses(with_length(other, e.bytes.substr(8 + header_of(e.bytes).size())), "eight hexadecimal digits as 'crc32'");
  }
}

TEST(files_of_version_1_load) {
  const Example e;
  std::string header = header_of(e.bytes);
  const std::string data = e.bytes.substr(8 + header.size());
  header.erase(header.find("\"crc32\""), 19);
  header.replace(header.find("\"version\":\"2\""), 13, "\"version\":\"1\",\"sigma\":\"1\"");
  write_file(e.path, with_length(header, data));
  const uwm::Checkpoint loaded = uwm::load(e.path);
  CHECK(loaded.optimizer->steps() == 1 && loaded.baseline == nullptr && !loaded.log && loaded.extra.empty());
}

TEST(headers_of_a_wrong_length_are_refused) {
  const Example e;
  e.refuses("", "it has 0 bytes");
  e.refuses("", e.path.c_str());
  e.refuses("short", "it has 5 bytes");
  e.refuses(std::string(8, '\xff'), "18446744073709551615 bytes is announced and 0 follow");
  e.refuses("not a safetensors file at all", "is announced");
  write_file(e.path, std::string("\x01\0\0\x01\0\0\0\0", 8));  // 2^24 + 1, in a file with a hole
  fs::resize_file(e.path, (1 << 24) + 9);
  CHECK_THROWS(FileError, "has a header of 16777217 bytes; at most 16777216 are read", uwm::load(e.path));
  std::string names = "{\"__metadata__\":{\"0\":\"\"";
  for (int i = 1; i < 200'000; ++i) names += ",\"" + std::to_string(i) + "\":\"\"";
  e.refuses(with_length(names + "}}", ""), "more than 100000 names");
}

TEST(headers_that_are_not_json_are_refused) {
  const Example e;
  e.refuses(with_length("", ""), "expected '{', found the end");
  e.refuses(with_length(" {}", ""), "expected '{', found ' '");
  e.refuses(with_length("[]", ""), "expected '{', found '['");
  e.refuses(with_length("{}", ""), "has no 'format'");
  e.refuses(with_length("{} x", ""), "expected nothing but padding");
  e.refuses(with_length("{}{}", ""), "expected nothing but padding");
  e.refuses(with_length("{\"a\"", ""), "expected ':', found the end");
  e.refuses(with_length("{\"a\":1}", ""), "expected '{', found '1'");
  e.refuses(with_length("{\"a\":{},}", ""), "dtype");
  e.refuses(with_length("{\"__metadata__\":{\"a\":1}}", ""), "expected '\"', found '1'");
  e.refuses(with_length("{\"__metadata__\":{\"a\":\"b\",}}", ""), "expected '\"', found '}'");
  e.refuses(with_length("{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", ""), "has 'a' twice");
  e.refuses(with_length("{\"__metadata__\":{},\"__metadata__\":{}}", ""), "has '__metadata__' twice");
  e.refuses(with_length("{\"__metadata__\":{\"a\":\"\n\"}}", ""), "control character");
  e.refuses(with_length("{\"__metadata__\":{\"a\":\"\\x\"}}", ""), "escape sequence");
  e.refuses(with_length("{\"__metadata__\":{\"a\":\"\\u12g4\"}}", ""), "four hexadecimal digits");
  e.refuses(with_length("{\"__metadata__\":{\"a\":\"\\ud83d\"}}", ""), "surrogate");
  e.refuses(with_length("{\"__metadata__\":{\"a\":\"\\ude00\"}}", ""), "the first half of a surrogate pair");
  e.refuses(with_length("{\"__metadata__\":{\"a\":\"\\ud83d\\u0041\"}}", ""), "the second half of a surrogate pair");
  e.refuses(with_length("{\"__metadata__\":{\"a\":\"b", ""), "expected '\"', found the end");
  e.refuses(with_length("{\"\x01\":1}", ""), "expected no control character, found '?'");
  for (const char* bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80"})
    e.refuses(with_length(std::string("{\"__metadata__\":{\"a\":\"") + bad + "\"}}", ""), "UTF-8");
  e.refuses(with_length(std::string(10000, '{'), ""), "expected '\"'");
  e.refuses(with_length("{\"a\":" + std::string(10000, '['), ""), "expected '{'");
}

TEST(damaged_entries_of_tensors_are_refused) {
  const Example e;
  const auto tensor = [&](const std::string& properties, const std::string& data, const char* part) {
    e.refuses(with_length("{\"a\":{" + properties + "}}", data), part);
  };
  tensor(R"("dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1])", "x", "must have a dtype of NumPy's, got 'F8_E4M3'");
  tensor(R"("shape":[1],"data_offsets":[0,4])", "xxxx", "must have a dtype");
  tensor(R"("dtype":"F32","data_offsets":[0,4])", "xxxx", "has no shape");
  tensor(R"("dtype":"F32","shape":[1])", "xxxx", "two data_offsets, got 0");
  tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,4])", "xxxx", "two data_offsets, got 3");
  tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1)", "xxxx", "unknown property 'more'");
  tensor(R"("dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4])", "xxxx", "has 'shape' twice");
  tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])", "xxxx", "ends at byte 0, before it begins at 4");
  tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])", "xxxx", "has 4 bytes, its shape needs 8");
  tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])", "xxx", "cut short");
  tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])", "xxxxxxxx", "gap before tensor 'a'");
  tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])", "xxxxxxxx", "4 bytes after the last tensor");
  std::string ones = "1";
  for (int i = 0; i < 32; ++i) ones += ",1";
  tensor("\"dtype\":\"F32\",\"shape\":[" + ones + "],\"data_offsets\":[0,4]", "xxxx", "more than 32 numbers");
  tensor(R"("dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0])", "", "too large");
  tensor(R"("dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0])", "", "too large");
  tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])", "", "too large");
  tensor(R"("dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,0])", "", "a whole number");
  for (const char* bad : {"-1", "1.5", "1e1", "01", "\"1\"", "[1]", "true", ""})
    tensor(std::string("\"dtype\":\"F32\",\"shape\":[1,") + bad + "],\"data_offsets\":[0,4]", "xxxx", "expected");
  e.refuses(
      with_length(
          R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
          "xxxx"),
      "overlaps");
}

TEST(damaged_settings_of_the_network_are_refused) {
  const Example e;
  e.refuses_header("\"format\":\"uwm\"", "\"format\":\"pt\"", "its format is 'pt'");
  e.refuses_header("\"version\":\"2\"", "\"version\":\"3\"", "format version '3'");
  e.refuses_header("\"dtype\":\"float32\"", "\"dtype\":\"float16\"", "float32 or float64, got 'float16'");
  e.refuses_header("\"dtype\":\"float32\"", "\"dtype\":\"float64\"", "must be float64");
  e.refuses_header("\"sizes\":\"2,1\"", "\"sizes\":\"2\"", "at least two sizes");
  e.refuses_header("\"sizes\":\"2,1\"", "\"sizes\":\"3,1\"", "must have shape (1, 3), got (1, 2)");
  e.refuses_header("\"sizes\":\"2,1\"", "\"sizes\":\"2,1,1\"", "no tensor 'layers.1.weight'");
  e.refuses_header("\"sizes\":\"2,1\"", "\"sizes\":\"2,-1\"", "sizes of at least 1");
  e.refuses_header("\"sizes\":\"2,1\"", "\"sizes\":\"2,1000000000000\"", "must have shape");
  e.refuses_header("\"sizes\":\"2,1\"", "\"sizes\":\"2,1,\"", "numbers separated by commas");
  e.refuses_header("\"sizes\":\"2,1\"", "\"size\":\"2,1\"", "has no 'sizes'");
  e.refuses_header("\"units\":\"binary\"", "\"units\":\"ternary\"", "got 'ternary'");
  e.refuses_header("\"output\":\"bernoulli\"", "\"output\":\"poisson\"", "got 'poisson'");
  e.refuses_header("\"output\":\"bernoulli\"", "\"output\":\"softmax\"", "at least 2 units");
  const std::string bernoulli = R"("output":"bernoulli")";
  const auto gaussian = [](const std::string& sigma) { return R"("output":"gaussian","sigma":")" + sigma + '"'; };
  e.refuses_header(bernoulli, R"("output":"gaussian")", "has no 'sigma'");
  for (const char* bad : {"0", "-1"}) e.refuses_header(bernoulli, gaussian(bad), "sigma must be positive");
  for (const char* bad : {"0", "-1"})
    e.refuses_header("\"temperature\":\"1\"", std::string("\"temperature\":\"") + bad + "\"",
                     "temperatures must be positive");
  for (const char* bad : {"nan", "inf"}) {
    e.refuses_header(bernoulli, gaussian(bad), "must have a number as 'sigma'");
    e.refuses_header("\"temperature\":\"1\"", std::string("\"temperature\":\"") + bad + "\"",
                     "must have numbers separated by commas as 'temperature'");
  }
  e.refuses_header("\"temperature\":\"1\"", "\"temperature\":\"1,1\"", "1 numbers");
  for (const char* bad : {"-1", "18446744073709551616", "1.5", "x", "", " 1", "0x1"})
    e.refuses_header("\"seed\":\"0\"", std::string("\"seed\":\"") + bad + "\"", "must have a number as 'seed'");
  e.refuses_header("\"step\":\"0\"", "\"step\":\"281474976710656\"", "step must be below 2^48");
}

TEST(damaged_settings_of_the_optimizer_are_refused) {
  const Example e;
  e.refuses_header("\"optimizer\":\"sgd\"", "\"optimizer\":\"lion\"", "'sgd' or 'adam' as 'optimizer', got 'lion'");
  e.refuses_header("\"optimizer\":\"sgd\"", "\"optimizer\":\"adam\"", "has no 'optimizer.");
  e.refuses_header("\"optimizer\":\"sgd\",", "", "moments of an optimizer, and no optimizer");
  e.refuses_header("\"optimizer.momentum\":\"0.5\"", "\"optimizer.momentum\":\"0\"",
                   "must have 0 as 'optimizer.moments', got '1'");
  e.refuses_header("\"optimizer.momentum\":\"0.5\"", "\"optimizer.momentum\":\"1\"",
                   "momentum must be at least 0 and below 1");
  e.refuses_header("\"optimizer.moments\":\"1\"", "\"optimizer.moments\":\"2\"", "no tensor 'optimizer.moments.1");
  e.refuses_header("\"optimizer.moments\":\"1\"", "\"optimizer.moments\":\"999999999999\"", "at most 2");
  e.refuses_header("\"optimizer.moments\":\"1\",", "", "belongs to no part of it");
  e.refuses_header("\"optimizer.steps\":\"1\"", "\"optimizer.steps\":\"0\"", "but 0 updates come with them");
  e.refuses_header("\"optimizer.steps\":\"1\"", "\"optimizer.steps\":\"281474976710656\"", "must be below 2^48");
  e.refuses_header("\"optimizer.steps\":\"1\"", "\"optimizer.steps\":\"-1\"", "a number of updates");
  for (const char* bad : {"linear 1 2", "linear 1 2 x", "cosine 1 2 3", "", "0.1;0.2"})
    e.refuses_header("\"optimizer.learning_rate\":\"0.1\"", std::string("\"optimizer.learning_rate\":\"") + bad + "\"",
                     "learning rates or schedules");
  e.refuses_header("\"optimizer.learning_rate\":\"0.1\"", "\"optimizer.learning_rate\":\"-1\"", "not negative");
  e.refuses_header("\"optimizer.learning_rate\":\"0.1\"", "\"optimizer.learning_rate\":\"linear 1 2 0\"",
                   "steps must be at least 1, got 0");
  e.refuses_header("\"optimizer.learning_rate\":\"0.1\"", "\"optimizer.learning_rate\":\"1, 1\"",
                   "one per layer (1), got 2");
}

TEST(damaged_settings_in_float64_are_refused) {
  const ExampleOf<double> d;
  d.refuses_header("\"dtype\":\"float64\"", "\"dtype\":\"float32\"", "must be float32");
  d.refuses_header("\"sizes\":\"2,1\"", "\"sizes\":\"3,1\"", "must have shape (1, 3), got (1, 2)");
  d.refuses_header("\"optimizer\":\"sgd\"", "\"optimizer\":\"lion\"", "'sgd' or 'adam' as 'optimizer', got 'lion'");
  d.refuses_header("\"optimizer.momentum\":\"0.5\"", "\"optimizer.momentum\":\"0\"",
                   "must have 0 as 'optimizer.moments', got '1'");
  d.refuses_header("\"optimizer.steps\":\"1\"", "\"optimizer.steps\":\"-1\"", "a number of updates");
}

TEST(missing_tensors_and_numbers_that_are_not_finite_are_refused) {
  const Example e;
  e.refuses_header("\"layers.0.bias\":{", "\"layers.0.Bias\":{", "no tensor 'layers.0.bias'");
  for (const std::size_t number : {0u, 2u, 3u, 5u}) {
    std::string bytes = e.bytes;
    const float bad = number % 2 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
    std::memcpy(bytes.data() + 8 + header_of(bytes).size() + 4 * number, &bad, 4);
    e.refuses(with_checksum(bytes), "NaN or infinite");
  }
}

TEST(headers_may_be_spaced_and_escaped_as_json_allows) {
  const Example e;
  std::string header = header_of(e.bytes);
  const std::string from = "\"units\":\"binary\"",
                    to = "\"\\u0075nits\" :\t\"bin\\u0061ry\" , \"note\" : \"\\\"\\ud83d\\ude00\\n\xe2\x82\xac\"\n";
  header.replace(header.find(from), from.size(), to);
  write_file(e.path, with_checksum(with_length(header, e.bytes.substr(8 + header_of(e.bytes).size()))));
  CHECK(std::get<Network<float>>(uwm::load(e.path).net).n_inputs() == 2);
}

TEST(escapes_stand_for_their_characters) {
  const Example e;
  for (const auto& [escape, character] :
       std::vector<std::pair<std::string, std::string>>{{"\\u0041", "A"},
                                                        {"\\u00e9", "\xc3\xa9"},
                                                        {"\\u20AC", "\xe2\x82\xac"},
                                                        {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"}})
    e.refuses_header("\"format\":\"uwm\"", "\"format\":\"" + escape + "\"",
                     ("its format is '" + character + "'").c_str());
}
