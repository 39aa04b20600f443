// Threads: the pieces make up the whole, whatever their number.

#if defined(__linux__)
#include <sched.h>
#endif

#include <numeric>
#include <vector>

#include "check.hpp"
#include "uwm/uwm.hpp"

using uwm::Index;

TEST(the_pieces_make_up_the_whole) {
  for (const int size : {1, 2, 3, 8}) {
    uwm::Threads threads(size);
    CHECK(threads.size() == size);
    for (const Index n : {0, 1, 15, 16, 17, 47, 48, 100, 1000}) {
      for (int round = 0; round < 50; ++round) {
        std::vector<int> times(static_cast<std::size_t>(n), 0);
        std::vector<int> workers(static_cast<std::size_t>(size), 0);
        threads.split(n, 16, [&](Index begin, Index end, int worker) {
          CHECK(begin % 16 == 0);
          CHECK(end == n || end - begin >= 16);
          ++workers[static_cast<std::size_t>(worker)];
          for (Index i = begin; i < end; ++i) ++times[static_cast<std::size_t>(i)];
        });
        CHECK(std::accumulate(times.begin(), times.end(), 0) == n);
        for (const int t : times) CHECK(t == 1);
        for (const int w : workers) CHECK(w <= 1);
      }
    }
  }
}

TEST(no_threads_means_the_caller) {
  Index total = 0;
  uwm::split(nullptr, 100, 16, [&](Index begin, Index end, int worker) {
    CHECK(worker == 0);
    total += end - begin;
  });
  CHECK(total == 100);
}

TEST(as_many_as_there_are_processors_by_default) { CHECK(uwm::Threads().size() >= 1); }

#if defined(__linux__)
TEST(only_processors_that_the_process_may_use_count) {
  cpu_set_t before, first;
  CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
  CPU_ZERO(&first);
  int processor = 0;
  while (!CPU_ISSET(processor, &before)) ++processor;
  CPU_SET(processor, &first);
  CHECK(sched_setaffinity(0, sizeof first, &first) == 0);
  CHECK(uwm::Threads().size() == 1);
  CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
}
#endif

TEST(a_negative_number_is_refused) { CHECK_THROWS(uwm::ValueError, "must not be negative, got -1", uwm::Threads(-1)); }

TEST(training_does_not_depend_on_their_number) {
  std::vector<uwm::Network<float>> nets;
  for (const int size : {1, 2, 3}) {
    auto& net = nets.emplace_back(std::vector<Index>{20, 400, 200, 1});  // work enough to be shared
    uwm::Adam adam({1e-2});
    uwm::Multiplexer task(4);
    uwm::train(net, uwm::UnbiasedWeightMax(), adam, task, {.steps = 5, .batch_size = 160, .threads = size});
  }
  for (std::size_t l = 0; l < 3; ++l) {
    CHECK(nets[0].layers()[l].weight == nets[1].layers()[l].weight);
    CHECK(nets[0].layers()[l].weight == nets[2].layers()[l].weight);
  }
}
