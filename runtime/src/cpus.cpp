// cpus.cpp: how much of the machine this process may use, so that it starts no more threads than can run.
//
// The affinity mask says which CPUs. A control group may besides grant less time than they have (`docker --cpus`): its
// quota over its period is a number of CPUs, and the least of all groups on the way to the root counts. Version 2 has
// both in `cpu.max`, version 1 in `cpu.cfs_quota_us` and `cpu.cfs_period_us`.
//
//   1. /proc/self/cgroup says the group's path: "0::/a/b", or "4:cpu,cpuacct:/a/b".
//   2. /proc/self/mountinfo says where a hierarchy is mounted, and which of its folders that is: inside a container
//   this
//      may be the container's own.
//   3. From the group's folder up to the mount point each quota is read.

#include "internal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sched.h>

using namespace quoin::rt;

namespace {

constexpr size_t kPathBytes = 4096;
constexpr size_t kLineBytes = 3 * kPathBytes;

/// Reads lines of a file below `root`; longer ones are cut.
class Lines {
public:
  Lines(const char *root, const char *path) {
    char whole[2 * kPathBytes];
    size_t length = static_cast<size_t>(std::snprintf(whole, sizeof(whole), "%s%s", root, path));
    file = length < sizeof(whole) ? std::fopen(whole, "re") : nullptr;
  }
  ~Lines() {
    if (file)
      std::fclose(file);
  }
  Lines(const Lines &) = delete;
  Lines &operator=(const Lines &) = delete;

  bool next(char (&line)[kLineBytes]) {
    if (!file || !std::fgets(line, sizeof(line), file))
      return false;
    size_t length = std::strlen(line);
    if (length && line[length - 1] == '\n')
      line[length - 1] = 0;
    else
      for (int c = 0; c != '\n' && c != EOF;) // the rest of a line that is too long
        c = std::fgetc(file);
    return true;
  }

private:
  FILE *file;
};

/// Is `word` one of those that commas join in `list`?
bool lists(const char *list, const char *word) {
  size_t length = std::strlen(word);
  for (const char *at = list; *at; at += *at == ',') {
    size_t size = std::strcspn(at, ",");
    if (size == length && !std::strncmp(at, word, size))
      return true;
    at += size;
  }
  return false;
}

/// The group's path in the hierarchy: that of version 2, or that of version 1 which has `cpu`.
bool findGroup(const char *root, bool second, char (&path)[kPathBytes]) {
  Lines file(root, "/proc/self/cgroup");
  for (char line[kLineBytes]; file.next(line);) {
    char *controllers = std::strchr(line, ':');
    char *group = controllers ? std::strchr(controllers + 1, ':') : nullptr;
    if (!group)
      continue;
    *group++ = 0;
    ++controllers;
    if (second ? !*controllers : lists(controllers, "cpu"))
      return static_cast<size_t>(std::snprintf(path, sizeof(path), "%s", group)) < sizeof(path);
  }
  return false;
}

/// mountinfo writes blanks and the like as \ooo.
void unescape(char *text) {
  char *to = text;
  for (const char *from = text; *from;) {
    auto octal = [&](int i) { return from[i] >= '0' && from[i] <= '7'; };
    if (*from == '\\' && octal(1) && octal(2) && octal(3)) {
      *to++ = static_cast<char>((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
      from += 4;
    } else {
      *to++ = *from++;
    }
  }
  *to = 0;
}

/// Where the hierarchy is mounted, and which folder of it that is.
bool findMount(const char *root, bool second, char (&folder)[kPathBytes], char (&mount)[kPathBytes]) {
  Lines file(root, "/proc/self/mountinfo");
  for (char line[kLineBytes]; file.next(line);) {
    // "36 35 98:0 /folder /mount rw,noatime shared:1 - cgroup source rw,cpu,cpuacct"
    char *tail = std::strstr(line, " - ");
    if (!tail)
      continue;
    *tail = 0;
    char type[32] = "", options[kPathBytes] = "";
    std::sscanf(tail + 3, "%31s %*s %4095s", type, options);
    if (std::strcmp(type, second ? "cgroup2" : "cgroup") || (!second && !lists(options, "cpu")))
      continue;
    if (std::sscanf(line, "%*s %*s %*s %4095s %4095s", folder, mount) != 2)
      continue;
    unescape(folder);
    unescape(mount);
    return true;
  }
  return false;
}

/// The numbers on the first line of a file in `folder`; 0 for what is not there or no number ("max").
void readNumbers(const char *root, const char *folder, const char *name, double &first, double &second) {
  char path[2 * kPathBytes], line[kLineBytes];
  first = second = 0;
  if (static_cast<size_t>(std::snprintf(path, sizeof(path), "%s/%s", folder, name)) >= sizeof(path))
    return;
  Lines file(root, path);
  if (file.next(line))
    std::sscanf(line, "%lf %lf", &first, &second);
}

/// The quota of one group in CPUs; infinite if it has none, which version 1 writes as -1.
double quotaOf(const char *root, const char *folder, bool second) {
  double quota, period, none;
  if (second) {
    readNumbers(root, folder, "cpu.max", quota, period);
  } else {
    readNumbers(root, folder, "cpu.cfs_quota_us", quota, none);
    readNumbers(root, folder, "cpu.cfs_period_us", period, none);
  }
  return quota > 0 && period > 0 ? quota / period : INFINITY;
}

double quotaOfHierarchy(const char *root, bool second) {
  char group[kPathBytes], folder[kPathBytes], mount[kPathBytes], path[2 * kPathBytes];
  if (!findGroup(root, second, group) || !findMount(root, second, folder, mount))
    return INFINITY;
  // The group as seen from the mount point. One that lies outside of what is mounted is not to be seen; then the
  // mounted folder is all there is, as inside a container.
  const char *below = group;
  size_t length = std::strcmp(folder, "/") ? std::strlen(folder) : 0;
  bool inside = !std::strncmp(group, folder, length) && (group[length] == '/' || !group[length]);
  below = inside && !std::strstr(group, "/..") ? group + length : "";
  size_t top = std::strlen(mount);
  size_t end = static_cast<size_t>(std::snprintf(path, sizeof(path), "%s%s", mount, below));
  if (end >= sizeof(path))
    return INFINITY;
  double least = INFINITY;
  for (;;) {
    while (end > top && path[end - 1] == '/')
      --end;
    path[end] = 0;
    least = std::min(least, quotaOf(root, path, second));
    if (end <= top)
      return least;
    while (end > top && path[end - 1] != '/')
      --end;
  }
}

#ifdef __linux__
/// A core counts for the first of its CPUs that we may use: "0,8" or "0-1".
bool isFirstOfCore(const cpu_set_t &allowed, int cpu) {
  char path[96];
  std::snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
  Lines file("", path);
  char list[kLineBytes];
  if (!file.next(list))
    return true;
  for (char *at = list; *at >= '0' && *at <= '9';) {
    long first = std::strtol(at, &at, 10), last = first;
    if (*at == '-')
      last = std::strtol(at + 1, &at, 10);
    for (long other = first; other <= last && other < cpu; ++other)
      if (CPU_ISSET(static_cast<size_t>(other), &allowed))
        return false;
    at += *at == ',';
  }
  return true;
}
#endif

} // namespace

double quoin::rt::cpuQuota(const char *root) {
  return std::min(quotaOfHierarchy(root, true), quotaOfHierarchy(root, false));
}

Cpus quoin::rt::usableCpus(const char *root) {
  Cpus found{0, 0};
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(static_cast<size_t>(cpu), &allowed)) {
        ++found.cpus;
        found.cores += isFirstOfCore(allowed, cpu);
      }
#endif
  double quota = std::ceil(cpuQuota(root));
  auto within = [&](int32_t count) { return std::max(quota < count ? static_cast<int32_t>(quota) : count, 1); };
  return {within(found.cpus), within(found.cores)};
}
