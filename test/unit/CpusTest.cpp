// CpusTest.cpp: quotas of control groups, read from files made up here; masks that change.

#include "runtime/src/internal.h"

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sched.h>
#include <string>
#include <unistd.h>

using namespace quoin::rt;
namespace fs = std::filesystem;

namespace {

/// A root folder with what /proc and the control groups' mounts say.
class Machine {
public:
  Machine(const std::string &group, const std::string &mounts) {
    char name[] = "/tmp/quoin-cpus-XXXXXX";
    path = mkdtemp(name);
    write("proc/self/cgroup", group);
    write("proc/self/mountinfo", mounts);
  }
  ~Machine() { fs::remove_all(path); }
  Machine(const Machine &) = delete;
  Machine &operator=(const Machine &) = delete;

  void write(const std::string &file, const std::string &text) {
    fs::create_directories((path / file).parent_path());
    std::ofstream(path / file, std::ios::binary) << text;
  }
  double quota() const { return cpuQuota(path.c_str()); }
  Cpus cpus() const { return usableCpus(path.c_str()); }

private:
  fs::path path;
};

const char *const kSecond = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const char *const kFirst = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                           "33 25 0:28 / /sys/fs/cgroup/memory rw shared:11 - cgroup cgroup rw,memory\n"
                           "34 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:12 - cgroup cgroup rw,cpu,cpuacct\n";

} // namespace

TEST(CpuQuota, IsInfiniteWhereNothingIsSaid) {
  EXPECT_EQ(Machine("", "").quota(), INFINITY);
  EXPECT_EQ(cpuQuota("/nowhere"), INFINITY);
  Machine machine("0::/a\n", kSecond);
  EXPECT_EQ(machine.quota(), INFINITY); // no file
  machine.write("sys/fs/cgroup/a/cpu.max", "max 100000\n");
  EXPECT_EQ(machine.quota(), INFINITY);
  for (const char *damaged : {"", "\n", "x y\n", "100000\n", "0 100000\n", "100000 0\n", "-5 100000\n"}) {
    machine.write("sys/fs/cgroup/a/cpu.max", damaged);
    EXPECT_EQ(machine.quota(), INFINITY) << damaged;
  }
}

TEST(CpuQuota, IsTheLeastOnTheWayToTheRoot) {
  Machine machine("0::/outer/middle/inner\n", kSecond);
  machine.write("sys/fs/cgroup/outer/middle/inner/cpu.max", "400000 100000\n");
  EXPECT_EQ(machine.quota(), 4);
  machine.write("sys/fs/cgroup/outer/cpu.max", "150000 100000\n");
  EXPECT_EQ(machine.quota(), 1.5);
  machine.write("sys/fs/cgroup/outer/middle/cpu.max", "25000 50000\n");
  EXPECT_EQ(machine.quota(), 0.5);
  machine.write("sys/fs/cgroup/cpu.max", "10000 100000\n"); // that of a container that sees itself as the root
  EXPECT_EQ(machine.quota(), 0.1);
  machine.write("sys/fs/cgroup/outer/middle/other/cpu.max", "1 100000\n"); // not on the way
  EXPECT_EQ(machine.quota(), 0.1);
}

TEST(CpuQuota, OfTheFirstVersion) {
  Machine machine("5:memory:/job\n4:cpu,cpuacct:/job/step\n1:name=systemd:/x\n", kFirst);
  EXPECT_EQ(machine.quota(), INFINITY);
  machine.write("sys/fs/cgroup/cpu,cpuacct/job/step/cpu.cfs_period_us", "100000\n");
  machine.write("sys/fs/cgroup/cpu,cpuacct/job/step/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(machine.quota(), INFINITY);
  machine.write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "50000\n");
  machine.write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "100000\n");
  EXPECT_EQ(machine.quota(), 2);
}

TEST(CpuQuota, WhereAContainerSeesItsOwnFolderAlone) {
  // The group is named as the machine sees it; the mount is of that folder.
  Machine same("0::/docker/12ab\n", "30 23 0:26 /docker/12ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  same.write("sys/fs/cgroup/cpu.max", "300000 100000");
  EXPECT_EQ(same.quota(), 3);
  Machine below("0::/docker/12ab/job\n", "30 23 0:26 /docker/12ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  below.write("sys/fs/cgroup/job/cpu.max", "200000 100000");
  EXPECT_EQ(below.quota(), 2);
  // Another folder, of which the name is the beginning; and groups outside of what is to be seen.
  for (const char *group : {"0::/docker/12abc\n", "0::/elsewhere\n", "0::/../x\n"}) {
    Machine other(group, "30 23 0:26 /docker/12ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
    other.write("sys/fs/cgroup/cpu.max", "100000 100000");
    EXPECT_EQ(other.quota(), 1) << group;
  }
}

TEST(CpuQuota, ReadsEscapedAndLongLines) {
  Machine machine("0::/a:b c\n", "29 1 0:1 / /" + std::string(20000, 'x') + " rw - tmpfs t rw\n" +
                                     "30 23 0:26 / /my\\040groups rw - cgroup2 cgroup2 rw\n");
  machine.write("my groups/a:b c/cpu.max", "100000 50000\n");
  EXPECT_EQ(machine.quota(), 2);
  EXPECT_EQ(Machine("0::/" + std::string(9000, 'y') + "\n", kSecond).quota(), INFINITY);
}

namespace {
constexpr int64_t kMillisecond = 1'000'000;

/// Shared calls one after the other, as far as they are allowed; how many were shared.
struct Calls {
  Competition competition;
  int64_t now = 0;
  int shared = 0;

  void run(int count, int64_t took, int64_t slept, int32_t workers = 2, int32_t cpus = 2) {
    for (int i = 0; i < count; ++i) {
      bool allowed = competition.allows(now);
      now += took;
      if (allowed)
        competition.observe(now, took, slept, workers, cpus);
      shared += allowed;
    }
  }
};
} // namespace

TEST(Competition, IsNotSeenWhereWorkersHardlySleep) {
  Calls calls;
  calls.run(10000, kMillisecond / 10, 0);
  calls.run(1000, 20 * kMillisecond, 4 * kMillisecond);
  calls.run(1, 50 * kMillisecond, 50 * kMillisecond); // chance
  calls.run(1000, kMillisecond, kMillisecond / 10);
  EXPECT_EQ(calls.shared, 12001);
}

TEST(Competition, KeepsCallsFromBeingSharedForAWhile) {
  Calls calls;
  calls.run(100, 4 * kMillisecond, 4 * kMillisecond);
  EXPECT_GE(calls.shared, 3);
  EXPECT_LE(calls.shared, 10); // of a hundred: little is lost by trying again
  // When the others are gone, calls are shared again within a second.
  calls.run(1000, kMillisecond, 0);
  calls.shared = 0;
  calls.run(100, kMillisecond, 0);
  EXPECT_EQ(calls.shared, 100);
}

TEST(Competition, KnowsThatMoreWorkersThanCpusTakeTurns) {
  Calls calls;
  calls.run(100, 4 * kMillisecond, 6 * 4 * kMillisecond, 8, 2);
  EXPECT_EQ(calls.shared, 100);
  calls.run(100, 4 * kMillisecond, 28 * kMillisecond, 8, 1); // the host's choice
  EXPECT_EQ(calls.shared, 200);
  calls.run(100, 4 * kMillisecond, 7 * 4 * kMillisecond, 8, 2);
  EXPECT_LE(calls.shared, 210);
}

TEST(UsableCpus, AreThoseOfTheMaskWithinTheQuota) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  Machine machine("0::/a\n", kSecond);
  Cpus all = machine.cpus();
  EXPECT_EQ(all.cpus, CPU_COUNT(&before));
  EXPECT_LE(all.cores, all.cpus);
  EXPECT_GE(all.cores, 1);
  machine.write("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
  EXPECT_EQ(machine.cpus().cpus, 1); // never none
  machine.write("sys/fs/cgroup/a/cpu.max", "110000 100000\n");
  EXPECT_EQ(machine.cpus().cpus, std::min(all.cpus, 2)); // begun ones count
  machine.write("sys/fs/cgroup/a/cpu.max", "100000000 100000\n");
  EXPECT_EQ(machine.cpus().cpus, all.cpus);

  cpu_set_t one;
  CPU_ZERO(&one);
  for (size_t cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before))
      CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(machine.cpus().cpus, 1);
  EXPECT_EQ(machine.cpus().cores, 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

namespace {
void setMaskOfAllThreads(const cpu_set_t &mask) {
  for (const auto &task : fs::directory_iterator("/proc/self/task"))
    ASSERT_EQ(sched_setaffinity(std::stoi(task.path().filename()), sizeof(mask), &mask), 0);
}

/// By how many workers a call is shared that begins a while from now.
int64_t sharedBy(quoin_context_t &context) {
  usleep(150'000);
  std::atomic<int64_t> seen{0};
  Meeting meeting;
  context.parallel(
      1e9, meeting,
      [](void *arg, int64_t, int64_t workers) { static_cast<std::atomic<int64_t> *>(arg)->store(workers); }, &seen);
  return seen.load();
}
} // namespace

// A mask that shrinks while calls are made, and widens again.
TEST(UsableCpus, ThatAreTakenAwayGetNoWorkers) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  if (CPU_COUNT(&before) < 2 || usableCpus().cpus < 2)
    GTEST_SKIP() << "needs two CPUs";
  CPU_ZERO(&one);
  for (size_t cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before))
      CPU_SET(cpu, &one);
  quoin_hooks_t hooks = {};
  hooks.workers = 2;
  quoin_context_t *context = nullptr;
  ASSERT_EQ(quoin_context_create(&hooks, &context), QUOIN_STATUS_OK);
  EXPECT_EQ(sharedBy(*context), 2);
  setMaskOfAllThreads(one);
  EXPECT_EQ(sharedBy(*context), 1);
  // The caller alone: the other thread still has all of them.
  setMaskOfAllThreads(before);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(sharedBy(*context), 2);
  setMaskOfAllThreads(before);
  EXPECT_EQ(sharedBy(*context), 2);
  quoin_context_destroy(context);
}
