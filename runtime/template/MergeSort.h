// MergeSort.h - a stable sort that keeps within its bounds whatever the order says, as a template can sort NaN.

#ifndef QUOIN_RUNTIME_TEMPLATE_MERGESORT_H
#define QUOIN_RUNTIME_TEMPLATE_MERGESORT_H

#include <utility>
#include <vector>

namespace quoin::jinja {

template <typename Item, typename Less> void mergeSort(std::vector<Item> &items, Less less) {
  if (items.size() < 2)
    return;
  const auto middle = items.begin() + static_cast<std::ptrdiff_t>(items.size() / 2);
  std::vector<Item> left(std::make_move_iterator(items.begin()), std::make_move_iterator(middle));
  std::vector<Item> right(std::make_move_iterator(middle), std::make_move_iterator(items.end()));
  mergeSort(left, less);
  mergeSort(right, less);
  auto a = left.begin(), b = right.begin();
  for (Item &item : items)
    item = std::move(a == left.end() || (b != right.end() && less(*b, *a)) ? *b++ : *a++);
}

} // namespace quoin::jinja

#endif // QUOIN_RUNTIME_TEMPLATE_MERGESORT_H
