// Times each kernel, on one core, at every level that the machine has, beside what the machine can do at that level:
// multiply-adds per second, divisions per second, and bytes per second of y += s x on arrays as large as what the
// kernel reads and writes. Prints a table on standard error and CSV on standard output.
//
//     bench_kernels [--short] > kernels.csv

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernels.hpp"
#include "roofs.hpp"

using namespace uwm::kernels;
using uwm::FlipForm;
using uwm::bench::Roofs;

namespace {

double seconds_per_measurement = 0.03;
int repeats = 7;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Seconds per call: the median over the repeats, or the least of them for what the machine can do at its best.
double seconds_per_call(const std::function<void()>& call, bool least = false) {
  call();
  long calls = 1;
  double spent = 0;
  for (;; calls *= 2) {
    const double start = now();
    for (long i = 0; i < calls; ++i) call();
    spent = now() - start;
    if (spent > seconds_per_measurement / 4) break;
  }
  calls = std::max(1L, std::lround(static_cast<double>(calls) * seconds_per_measurement / spent));
  std::vector<double> each;
  for (int r = 0; r < repeats; ++r) {
    const double start = now();
    for (long i = 0; i < calls; ++i) call();
    each.push_back((now() - start) / static_cast<double>(calls));
  }
  std::nth_element(each.begin(), each.begin() + repeats / 2, each.end());
  return least ? *std::min_element(each.begin(), each.end()) : each[static_cast<std::size_t>(repeats / 2)];
}

const Roofs& roofs_of(const std::string& level) {
#if defined(UWM_X86_LEVELS)
  if (level == "x86-64") return uwm::bench::v1::roofs;
  if (level == "x86-64-v2") return uwm::bench::v2::roofs;
  if (level == "x86-64-v3") return uwm::bench::v3::roofs;
  return uwm::bench::v4::roofs;
#else
  static_cast<void>(level);
  return uwm::bench::native::roofs;
#endif
}

std::vector<float> numbers(Size n, double mean, double deviation) {
  static std::mt19937 generator(1);
  std::normal_distribution<double> distribution(mean, deviation);
  std::vector<float> v(static_cast<std::size_t>(n));
  for (float& x : v) x = static_cast<float>(distribution(generator));
  return v;
}

/// One level: its kernels, and what the machine can do at it.
class Bench {
 public:
  explicit Bench(const Level& level) : level_(level), kernel_(*level.f32), roofs_(roofs_of(level.name)) {
    constexpr Size turns = 1 << 15;
    float keep = 0;
    multiply_adds_ =
        roofs_.multiply_adds(turns, &keep) / seconds_per_call([&] { roofs_.multiply_adds(turns, &keep); }, true);
    keep = 0;
    divisions_ = roofs_.divisions(turns, &keep) / seconds_per_call([&] { roofs_.divisions(turns, &keep); }, true);
    std::fprintf(stderr, "%s: %.1f billion multiply-adds/s, %.2f billion divisions/s, %.1f GB/s in 64 MiB\n",
                 level_.name, multiply_adds_ / 1e9, divisions_ / 1e9, memory_rate(64 << 20) / 1e9);
  }

  void flips(Size n, Size batch) {
    const auto weight = numbers(n * n, 0, 1.4 / std::sqrt(static_cast<double>(n)));
    auto odds = numbers(batch * n, 0, 0.3), eligibility = numbers(batch * n, 0, 0.3);
    for (float& x : odds) x += std::copysign(0.5f, x);
    const auto reward = numbers(batch * n, 0, 1), flipped = numbers(batch * n, 0, 1);
    auto ratio = numbers(batch * n, 1, 0.1);
    const auto likelihood = numbers(batch * n, 0.5, 0.1);
    std::vector<float> a(ratio.size()), b(ratio.size()), r(ratio.size());
    std::vector<float> scratch(static_cast<std::size_t>(kernel_.flip_scratch(n)));
    const FlipPass<float> pass = {.batch = batch,
                                  .n_upper = n,
                                  .n_lower = n,
                                  .weight = weight.data(),
                                  .step = 1,
                                  .clip = false,
                                  .odds = odds.data(),
                                  .eligibility = eligibility.data(),
                                  .unit_reward = reward.data(),
                                  .advantage = reward.data(),
                                  .flipped_advantage = flipped.data(),
                                  .ratio = ratio.data(),
                                  .likelihood = likelihood.data(),
                                  .reward = reward.data(),
                                  .advantage_out = a.data(),
                                  .gain_out = a.data(),
                                  .flipped_advantage_out = b.data(),
                                  .ratio_out = r.data(),
                                  .scratch = scratch.data()};
    // Operations per synapse and sample as the kernel writes them: multiplications, additions, fused pairs, minima
    // and one division count as one each.
    const struct {
      const char* name;
      FlipForm form;
      double operations, arrays;  // arrays of (batch, n) read or written
    } kinds[] = {{"flip_posterior", FlipForm::posterior, 17, 9},
                 {"flip_blended", FlipForm::blended, 23, 10},
                 {"flip_advantage", FlipForm::two_sided, 8, 4},
                 {"flip_ratio", FlipForm::ratio, 10, 4},
                 {"flip_difference", FlipForm::difference, 7, 4}};
    const double pairs = static_cast<double>(n * n), units = static_cast<double>(batch * n);
    for (const auto& k : kinds)
      report(k.name, n, batch, pairs * static_cast<double>(batch), k.operations, 1, 4 * (pairs + k.arrays * units),
             [&] { kernel_.flip(k.form, pass); });
  }

  void products(Size n, Size batch) {
    const auto weight = numbers(n * n, 0, 1), h = numbers(batch * n, 0, 1), bias = numbers(n, 0, 1);
    const auto delta = numbers(batch * n, 0, 1);
    std::vector<float> out(static_cast<std::size_t>(std::max(batch, n) * n));
    const double pairs = static_cast<double>(n * n), units = static_cast<double>(batch * n);
    const auto time = [&](const char* name, Product<float> p) {
      std::vector<float> scratch(static_cast<std::size_t>(kernel_.product_scratch(p)));
      p.scratch = scratch.data();
      report(name, n, batch, pairs * static_cast<double>(batch), 1, 0, 4 * (pairs + 2 * units),
             [&] { kernel_.multiply(p); });
    };
    Product<float> p = {.m = batch,
                        .n = n,
                        .k = n,
                        .all_rows = batch,
                        .a = h.data(),
                        .a_row = n,
                        .a_column = 1,
                        .b = weight.data(),
                        .b_row = 1,
                        .b_column = n,
                        .c = out.data(),
                        .c_row = n,
                        .alpha = 1,
                        .bias = bias.data(),
                        .scratch = nullptr};
    time("forward", p);
    p.bias = nullptr;
    p.b_row = n;
    p.b_column = 1;
    time("down", p);
    p.m = n;
    p.k = batch;
    p.a = delta.data();
    p.a_row = 1;
    p.a_column = n;
    p.b = h.data();
    time("gradient", p);
  }

  void draws(Size n, Size batch) {
    const Size units = batch * n;
    const auto z = numbers(units, 0, 1);
    std::vector<std::uint32_t> words(static_cast<std::size_t>(units + words_block));
    std::vector<float> out[5];
    for (auto& o : out) o.resize(z.size());
    // exp takes 14 operations of the 24; the words are made apart
    report("draw", n, batch, static_cast<double>(units), 24, 3, 4.0 * 7 * static_cast<double>(units), [&] {
      kernel_.draw(units, z.data(), words.data(), false,
                   {out[0].data(), out[1].data(), out[2].data(), out[3].data(), out[4].data()});
    });
    report("philox", n, batch, static_cast<double>(units), 0, 0, 4.0 * static_cast<double>(units), [&] {
      level_.words({.seed = 1, .step = 2, .stream = 3, .layer = 4, .sample = 0, .samples = batch, .first = 0, .n = n},
                   words.data());
    });
  }

  void adam(Size n) {
    const auto g = numbers(n * n, 0, 1e-3);
    auto w = numbers(n * n, 0, 1);
    std::vector<float> m(w.size()), v(w.size());
    const Adam<float> settings = {.beta1 = 0.9f,
                                  .one_minus_beta1 = 0.1f,
                                  .beta2 = 0.999f,
                                  .one_minus_beta2 = 0.001f,
                                  .rate = 1e-5f,
                                  .root_scale = 1,
                                  .epsilon = 1e-8f};
    // a division and a root, which the divider does too
    report("adam", n, 0, static_cast<double>(n * n), 10, 2, 7.0 * 4 * static_cast<double>(n * n),
           [&] { kernel_.adam(n * n, settings, g.data(), m.data(), v.data(), w.data()); });
  }

 private:
  /// Bytes per second of y += s x on two arrays of `bytes` bytes together, to the next power of two.
  double memory_rate(double bytes) {
    const double size = std::exp2(std::ceil(std::log2(std::max(bytes, 4096.0))));
    auto [place, fresh] = memory_.try_emplace(size, 0.0);
    if (fresh) {
      const auto n = static_cast<Size>(size / 8);
      const auto x = std::vector<float>(static_cast<std::size_t>(n), 1.0f);
      auto y = x;
      const Size turns = std::max<Size>(1, (1 << 18) / n);
      place->second = 12.0 * static_cast<double>(turns * n) /
                      seconds_per_call([&] { roofs_.update(turns, n, x.data(), y.data()); }, true);
    }
    return place->second;
  }

  void report(const char* name, Size units, Size batch, double items, double operations, double divisions, double bytes,
              const std::function<void()>& call) {
    const double rate = items / seconds_per_call(call), memory = memory_rate(bytes);
    const double of_peak = rate * operations / multiply_adds_, of_divider = rate * divisions / divisions_;
    const double of_memory = rate * bytes / items / memory;
    std::printf("%s,%s,%td,%td,%.4g,%g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g\n", level_.name, name, units, batch, rate,
                operations, of_peak, of_divider, of_memory, multiply_adds_, divisions_, memory);
    std::fprintf(
        stderr,
        "%-10s %-16s %5td units, batch %4td: %8.3f billion/s  arithmetic %4.0f%%  divider %4.0f%%  memory %4.0f%%\n",
        level_.name, name, units, batch, rate / 1e9, 100 * of_peak, 100 * of_divider, 100 * of_memory);
  }

  const Level& level_;
  const Kernels<float>& kernel_;
  const Roofs& roofs_;
  double multiply_adds_ = 0, divisions_ = 0;
  std::map<double, double> memory_;
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<Size> widths = {256, 1024}, batches = {1, 16, 256};
  if (argc > 1 && std::strcmp(argv[1], "--short") == 0) {
    widths = {64};
    batches = {1, 16};
    seconds_per_measurement = 1e-3;
    repeats = 1;
  }
  std::puts(
      "level,kernel,units,batch,items_per_second,operations_per_item,share_of_peak,share_of_divider,share_of_memory,"
      "multiply_adds_per_second,divisions_per_second,bytes_per_second");
  std::size_t count = 0;
  const Level* const* levels_of_build = levels(count);
  for (std::size_t l = 0; l < count; ++l) {
    if (!levels_of_build[l]->supported()) continue;
    Bench bench(*levels_of_build[l]);
    for (const Size n : widths) {
      for (const Size batch : batches) {
        bench.flips(n, batch);
        bench.products(n, batch);
        bench.draws(n, batch);
      }
      bench.adam(n);
    }
  }
}
