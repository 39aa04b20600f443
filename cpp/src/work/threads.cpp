// A crew of threads that share the work on a batch.

#include "uwm/threads.hpp"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "work/message.hpp"

namespace uwm {

namespace {

/// How often a thread looks for work before it falls asleep. So many looks take 98 us on one machine, an AMD EPYC,
/// about what waking takes there (104 us and more): to wait awake for that long at most doubles the time lost.
constexpr int looks = 4000;

/// Waits for `value` to differ from `seen`: awake at first, then asleep. While training runs, the next piece of work
/// comes within microseconds.
template <class N>
N wait_for_change(const std::atomic<N>& value, N seen) {
  for (int look = 0; look < looks; ++look) {
    const N now = value.load(std::memory_order_acquire);
    if (now != seen) return now;
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }
  value.wait(seen, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

/// How many processors this process may run on. More threads than that would wait for each other.
int processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// The number of this process. It tells a child made by fork from its parent: the child has the parent's memory, but
/// only the thread that forked.
long process() {
#if defined(__unix__) || defined(__APPLE__)
  return getpid();
#else
  return 0;
#endif
}

}  // namespace

class Threads::Crew {
 public:
  explicit Crew(int n) : size(n) {
    try {
      for (int worker = 1; worker < n; ++worker) workers_->emplace_back([this, worker] { work(worker); });
    } catch (...) {
      dismiss();
      throw;
    }
  }
  ~Crew() { dismiss(); }

  void run(Index n, Index grain, Piece piece, void* context) {
    n_ = n;
    grain_ = grain;
    pieces_ = static_cast<int>(std::clamp<Index>(n / grain, 1, size));
    piece_ = piece;
    context_ = context;
    if (workers_are_gone()) {
      for (int worker = 0; worker < pieces_; ++worker) do_piece(worker);
      return;
    }
    unfinished_.store(size - 1, std::memory_order_relaxed);
    begin();
    do_piece(0);
    for (int left = unfinished_.load(std::memory_order_acquire); left != 0;) left = wait_for_change(unfinished_, left);
  }

  const int size;

 private:
  bool workers_are_gone() const { return process() != home_; }

  void dismiss() {
    if (workers_are_gone()) {
      // The handles name no thread of this process. They can be neither joined nor detached, so their memory is left.
      static_cast<void>(workers_.release());
      return;
    }
    stop_ = true;
    begin();
    for (auto& worker : *workers_) worker.join();
  }

  void begin() {
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  }

  void do_piece(int worker) const {
    if (worker >= pieces_) return;
    const Index grains = n_ / grain_;
    const Index first = grains * worker / pieces_ * grain_;
    const Index last = worker + 1 == pieces_ ? n_ : grains * (worker + 1) / pieces_ * grain_;
    piece_(context_, first, last, worker);
  }

  void work(int worker) {
    for (unsigned seen = 0;;) {
      seen = wait_for_change(round_, seen);
      if (stop_) return;
      do_piece(worker);
      if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
    }
  }

  Index n_ = 0, grain_ = 1;
  int pieces_ = 1;
  Piece piece_ = nullptr;
  void* context_ = nullptr;
  bool stop_ = false;  // this and the fields above are written before `round_` changes, and read after
  std::atomic<unsigned> round_ = 0;
  std::atomic<int> unfinished_ = 0;
  const long home_ = process();
  std::unique_ptr<std::vector<std::thread>> workers_ = std::make_unique<std::vector<std::thread>>();
};

Threads::Threads(int n) {
  require(n >= 0, "the number of threads must not be negative, got ", n);
  if (n == 0) n = processors();
  crew_ = std::make_unique<Crew>(n);
}

Threads::~Threads() = default;

int Threads::size() const { return crew_->size; }

void Threads::run(Index n, Index grain, Piece piece, void* context) { crew_->run(n, grain, piece, context); }

}  // namespace uwm
