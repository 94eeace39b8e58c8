//===- TensorContents.cpp - comparing the numbers of tensors ---------------===//
//
// A head can be as large as a gigabyte and is mapped, not read: what has been compared is given back to the system
// piece by piece, so that memory does not grow with it.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/CheckpointFiles.h"
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <sys/mman.h>
#include <unistd.h>

using namespace quoin;

/// Bytes of the smaller piece looked at in one go.
static constexpr size_t pieceBytes = size_t(1) << 20;

/// A part of a tensor of whole blocks, as a tensor of one dimension, in the order in which it is stored.
static TensorView part(const TensorView &tensor, size_t first, size_t count) {
  TensorView view = tensor;
  auto bytesOf = [&](size_t elements) {
    return tensor.blocks ? tensor.blocks->bytesOf(elements) : elements * dtypeSize(tensor.dtype);
  };
  view.shape = {static_cast<int64_t>(count)};
  view.pairedRows = 0;
  view.data = tensor.data + bytesOf(first);
  view.size = bytesOf(count);
  return view;
}

/// Pages at the ends may serve a neighbour: they come back.
static void giveBack(const TensorView &view) {
  auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto from = reinterpret_cast<uintptr_t>(view.data) & ~(page - 1);
  auto to = reinterpret_cast<uintptr_t>(view.data + view.size);
  if (to > from)
    (void)::madvise(reinterpret_cast<void *>(from), to - from, MADV_DONTNEED);
}

static std::unique_ptr<SafetensorsFile> openFor(const std::string &folder, const CheckpointFiles::Tensor &tensor,
                                                std::string &error) {
  return openTensors((std::filesystem::path(folder) / tensor.file).string(), error);
}

bool CheckpointFiles::sameNumbers(const std::string &one, const std::string &other, std::string &error) const {
  auto firstFile = openFor(folder, *find(one), error), secondFile = openFor(folder, *find(other), error);
  const TensorView *first = firstFile ? firstFile->find(one) : nullptr;
  const TensorView *second = secondFile ? secondFile->find(other) : nullptr;
  if (!first || !second || first->elements() != second->elements()) {
    error = error.empty() ? folder + ": expects files that stay, but found one changed" : error;
    return false;
  }
  auto total = static_cast<size_t>(first->elements());
  bool same = true;
  std::vector<double> left, right;
  // Rows that lie apart meet only in the whole.
  if (first->pairedRows != second->pairedRows)
    return widenToDouble(*first, left) && widenToDouble(*second, right) && left == right;
  for (size_t at = 0; same && at < total; at += pieceBytes / 2) {
    TensorView a = part(*first, at, std::min(pieceBytes / 2, total - at));
    TensorView b = part(*second, at, std::min(pieceBytes / 2, total - at));
    if (a.dtype == b.dtype && a.blocks == b.blocks)
      same = std::memcmp(a.data, b.data, a.size) == 0;
    else
      same = widenToDouble(a, left) && widenToDouble(b, right) && left == right;
    giveBack(a);
    giveBack(b);
  }
  return same;
}

bool CheckpointFiles::allZero(const std::string &name, std::string &error) const {
  auto file = openFor(folder, *find(name), error);
  const TensorView *tensor = file ? file->find(name) : nullptr;
  std::vector<double> numbers;
  if (!tensor || !widenToDouble(*tensor, numbers))
    return false;
  return std::all_of(numbers.begin(), numbers.end(), [](double x) { return x == 0; });
}
