// Threads: the pieces make up the whole, whatever their number.

#include <pthread.h>
#if defined(__linux__)
#include <sched.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "check.hpp"
#include "fixture.hpp"
#include "uwm/uwm.hpp"

using namespace fixture;
using uwm::Network;

namespace {

/// So many samples that every piece of the work on them is shared, and so few units that it does not last.
template <class T>
void check_rule(const std::string& name, Index batch) {
  const auto rule = uwm::make_rule(name);
  const auto trained = [&](int threads) {
    Network<T> net({3, 8, 8, 1});
    uwm::SGD sgd({0.1});
    uwm::Multiplexer task(1);
    uwm::train(net, *rule, sgd, task, {.steps = 1, .batch_size = batch, .threads = threads});
    return net;
  };
  if (!same_parameters(trained(1), trained(3))) check::fail(__FILE__, __LINE__, name);
}

/// So many parameters that their update is shared.
template <class T>
void check_update() {
  const auto trained = [](int threads) {
    Network<T> net({3, 1 << 16, 1});
    uwm::Adam adam({1e-2});
    uwm::Multiplexer task(1);
    uwm::train(net, uwm::UnbiasedWeightMax(), adam, task, {.steps = 3, .batch_size = 2, .threads = threads});
    return net;
  };
  const auto alone = trained(1);
  CHECK(same_parameters(alone, trained(2)) && same_parameters(alone, trained(3)));
}

}  // namespace

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
  uwm::Threads two(2);
  uwm::split(&two, 31, 16, [&](Index begin, Index end, int worker) {  // too little to share
    CHECK(begin == 0 && end == 31 && worker == 0);
    total -= end;
  });
  CHECK(total == 69);
}

TEST(threads_that_fell_asleep_wake_up) {
  uwm::Threads threads(3);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  Index ends[3] = {};
  threads.split(48, 16, [&](Index, Index end, int worker) { ends[worker] = end; });
  CHECK(ends[0] == 16 && ends[1] == 32 && ends[2] == 48);
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

TEST(a_child_made_by_fork_does_the_work_by_itself) {
  std::optional<uwm::Threads> threads(3);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // a child that hangs is ended
    Index sum = 0;
    threads->split(100, 1, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) sum += i;
    });
    threads.reset();
    _exit(sum == 4950 ? 0 : 1);
  }
  int status = 1;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

TEST(a_negative_number_is_refused) { CHECK_THROWS(uwm::ValueError, "must not be negative, got -1", uwm::Threads(-1)); }

#if defined(__GLIBC__)
TEST(more_threads_than_the_system_grants_are_an_error) {
  // No machine has room for a stack of this size.
  pthread_attr_t before, huge;
  CHECK(pthread_getattr_default_np(&before) == 0 && pthread_attr_init(&huge) == 0);
  CHECK(pthread_attr_setstacksize(&huge, std::numeric_limits<std::size_t>::max() / 2) == 0);
  CHECK(pthread_setattr_default_np(&huge) == 0);
  CHECK_THROWS(std::system_error, "", uwm::Threads(2));
  CHECK(pthread_setattr_default_np(&before) == 0);
  CHECK(pthread_attr_destroy(&huge) == 0 && pthread_attr_destroy(&before) == 0);
  CHECK(uwm::Threads(2).size() == 2);
}
#endif

TEST(training_does_not_depend_on_their_number) {
  for (const char* name : {"ste", "weight_max"}) {
    check_rule<float>(name, 1 << 17);
    check_rule<double>(name, 1 << 17);
  }
  for (const char* name : {"unbiased_weight_max_posterior", "unbiased_weight_max", "unbiased_weight_max_two_sided",
                           "posterior_reinforce"}) {  // a flip costs more than a product
    check_rule<float>(name, 1 << 14);
    check_rule<double>(name, 1 << 14);
  }
  check_update<float>();
  check_update<double>();
}
