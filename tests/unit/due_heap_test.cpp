// What is due when, against a plain list.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/neighbor/due_heap.hpp"
#include "tests/unit/packets.hpp"

namespace strata {
namespace {

TEST(DueHeap, NothingIsDueAtFirst) {
  DueHeap heap(3);
  EXPECT_EQ(heap.next_due(), DueHeap::kNever);
  heap.erase(2);
  EXPECT_EQ(heap.next_due(), DueHeap::kNever);
}

TEST(DueHeap, EqualTimesGoByNumber) {
  DueHeap heap(4);
  for (const std::uint32_t id : {2U, 0U, 3U, 1U}) heap.set(id, 7);
  for (std::uint32_t id = 0; id < 4; ++id) {
    EXPECT_EQ(heap.first(), id);
    heap.erase(id);
  }
  EXPECT_EQ(heap.next_due(), DueHeap::kNever);
}

TEST(DueHeap, AtRandomAsAPlainList) {
  constexpr std::uint32_t kIds = 60;
  DueHeap heap(kIds);
  std::map<std::uint32_t, std::uint64_t> plain;
  test::Random random(1);
  for (std::uint64_t step = 0; step < test::rounds(200'000); ++step) {
    const auto id = static_cast<std::uint32_t>(test::pick(random, kIds));
    if (test::pick(random, 3) == 0) {
      heap.erase(id);
      plain.erase(id);
    } else {
      const std::uint64_t due = test::pick(random, 100);
      heap.set(id, due);
      plain[id] = due;
    }
    std::pair<std::uint64_t, std::uint32_t> first{DueHeap::kNever, kIds};
    for (const auto& [other, due] : plain) first = std::min(first, {due, other});
    ASSERT_EQ(heap.next_due(), first.first);
    if (!plain.empty()) {
      ASSERT_EQ(heap.first(), first.second);
    }
  }
}

}  // namespace
}  // namespace strata
