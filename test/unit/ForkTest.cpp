// ForkTest.cpp: a process that has worked forks; the child works, too.

#include "RuntimeFixture.h"
#include "runtime/src/internal.h"

#include <chrono>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace quoin::test;

extern "C" int quoin_fork_caller(quoin_program_query_fn query, const void *weights, int64_t weights_size,
                                 int32_t workers);

TEST(Fork, TheChildGivesTheSameTokens) {
  for (int32_t workers : {1, 2, 4})
    EXPECT_EQ(quoin_fork_caller(quoin_fake_query, fakeWeights(), QUOIN_FAKE_WEIGHTS, workers), 0)
        << "line of ForkCaller.c, with " << workers << " workers";
}

/// More threads than a context would start here.
TEST(Fork, APoolBeginsAnewInTheChild) {
  CountingMemory counting;
  quoin_hooks_t hooks = counting.hooks(1);
  quoin::rt::Memory memory{hooks.self, hooks.allocate, hooks.free};
  for (int32_t workers : {2, 4, 9}) {
    quoin::rt::Pool pool(&memory);
    std::atomic<int64_t> sum{0};
    auto run = [&] {
      sum = 0;
      auto add = [](void *arg, int64_t worker, int64_t) { *static_cast<std::atomic<int64_t> *>(arg) += worker + 1; };
      return pool.run(workers, 10, add, &sum) && sum == workers * (workers + 1) / 2;
    };
    ASSERT_TRUE(run());
    for (int round = 0; round < 20; ++round) {
      if (round % 5 == 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      pid_t child = fork();
      if (child == 0) {
        alarm(60);
        bool good = run() && run();
        pool.stop();
        _exit(good && run() ? 0 : 1);
      }
      int status = 1;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      ASSERT_EQ(status, 0) << workers << " workers";
      ASSERT_TRUE(run());
    }
    // A child that only ends its pool.
    pid_t child = fork();
    if (child == 0) {
      alarm(60);
      pool.stop();
      _exit(0);
    }
    int status = 1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
}
