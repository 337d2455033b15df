// Memory of keys: what the kernel says of it, and what is in it when it comes back.
#include "secret/memory.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace strata::secret {
namespace {

bool all_zero(const void* memory, std::size_t size) {
  const auto* octets = static_cast<const std::uint8_t*>(memory);
  return std::all_of(octets, octets + size, [](std::uint8_t octet) { return octet == 0; });
}

// VmFlags of the region that an address is in (proc(5), /proc/PID/smaps).
std::set<std::string> flags_of(const void* memory) {
  const auto at = reinterpret_cast<std::uintptr_t>(memory);
  std::ifstream smaps("/proc/self/smaps");
  bool is_here = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t first = 0;
    std::uintptr_t last = 0;
    char dash = 0;
    std::istringstream head(line);
    if (head >> std::hex >> first >> dash >> last && dash == '-') is_here = first <= at && at < last;
    if (!is_here || !line.starts_with("VmFlags:")) continue;
    std::istringstream words(line.substr(8));
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

TEST(SecretMemory, IsLockedAndInNoCore) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{20}, std::size_t{4096}, std::size_t{100'000}}) {
    void* const memory = allocate(size);
    const auto flags = flags_of(memory);
    EXPECT_TRUE(flags.contains("dd")) << size;
    EXPECT_TRUE(flags.contains("lo") || usage().unlocked != 0) << size;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % kAlignment, 0U);
    deallocate(memory, size);
  }
  const std::string other(100, 'x');
  EXPECT_FALSE(flags_of(other.data()).contains("dd")) << "of any memory it would say so";
}

// Keys come and go: what one leaves is the next one's.
TEST(SecretMemory, NobodyHasAsMuchAsWouldWrap) {
  for (const std::size_t size : {SIZE_MAX, SIZE_MAX - kAlignment + 2, std::size_t{PTRDIFF_MAX} + 1})
    EXPECT_THROW((void)allocate(size), std::bad_alloc) << size;
}

TEST(SecretMemory, ComesBackWiped) {
  constexpr std::size_t kSize = 200;
  void* const before = allocate(kSize);
  std::memset(before, 0x5a, kSize);
  deallocate(before, kSize);
  void* const after = allocate(kSize);
  ASSERT_EQ(after, before) << "it is looked at where the other one was";
  EXPECT_TRUE(all_zero(after, kSize));
  deallocate(after, kSize);
}

// Of one size or of all: nobody's memory is another's.
TEST(SecretMemory, PiecesAreApart) {
  std::vector<std::pair<std::uint8_t*, std::size_t>> pieces;
  for (std::size_t n = 0; n < 3000; ++n) {
    const std::size_t size = 1 + n * 37 % 5000;
    auto* const piece = static_cast<std::uint8_t*>(allocate(size));
    ASSERT_TRUE(all_zero(piece, size));
    std::memset(piece, static_cast<int>(n % 255 + 1), size);
    pieces.emplace_back(piece, size);
  }
  for (std::size_t n = 0; n < pieces.size(); ++n) {
    const auto [piece, size] = pieces[n];
    ASSERT_TRUE(std::all_of(piece, piece + size, [&](std::uint8_t octet) { return octet == n % 255 + 1; })) << n;
    deallocate(piece, size);
  }
}

TEST(SecretMemory, WhatIsLargeGoesBackToTheSystem) {
  const std::size_t before = usage().mapped;
  void* const memory = allocate(std::size_t{1} << 20);
  EXPECT_GE(usage().mapped, before + (std::size_t{1} << 20));
  deallocate(memory, std::size_t{1} << 20);
  EXPECT_EQ(usage().mapped, before);
}

TEST(SecretMemory, ATextThatGrowsLeavesNothing) {
  const char* place = nullptr;
  {
    Text text(40, 'k');
    place = text.data();
    text.resize(4000, 'k');
    EXPECT_NE(text.data(), place);
  }
  auto* const again = static_cast<char*>(allocate(41));
  ASSERT_EQ(again, place);
  EXPECT_TRUE(all_zero(again, 41));
  deallocate(again, 41);
}

// As the kernel sees it: what was given back is nobody's to read.
std::string octets_at(std::uintptr_t place, std::size_t size) {
  std::ifstream memory("/proc/self/mem", std::ios::binary);
  memory.seekg(static_cast<std::streamoff>(place));
  std::string octets(size, '\0');
  memory.read(octets.data(), static_cast<std::streamsize>(size));
  octets.resize(static_cast<std::size_t>(memory.gcount()));
  return octets;
}

// Of each size a piece: the allocator's own words are at the beginning of those that wait to be used again.
TEST(WipingHeap, NothingIsLeftOfWhatIsDeleted) {
  constexpr std::size_t kOwn = 64;
  for (const std::size_t size : {std::size_t{200}, std::size_t{2000}, std::size_t{60'000}}) {
    auto* const piece = new std::string(size, 'k');
    const auto place = reinterpret_cast<std::uintptr_t>(piece->data());
    ASSERT_EQ(octets_at(place, size), std::string(size, 'k'));
    delete piece;
    const std::string left = octets_at(place + kOwn, size - kOwn);
    ASSERT_FALSE(left.empty());
    EXPECT_EQ(left.find("kkkk"), std::string::npos) << size;
  }
}

// CAP_IPC_LOCK locks without a limit.
bool give_up_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  return ::syscall(SYS_capset, &header, none) == 0;
}

TEST(SecretMemory, WhatIsNotLockedIsCounted) {
  const auto counted = [] {
    const rlimit none{0, 0};
    if (!give_up_capabilities() || ::setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 1;
    constexpr std::size_t kSize = std::size_t{1} << 20;
    const Usage before = usage();
    void* const memory = allocate(kSize);
    const Usage meanwhile = usage();
    if (meanwhile.unlocked < before.unlocked + kSize || meanwhile.error != EPERM) return 2;
    if (!flags_of(memory).contains("dd")) return 3;
    deallocate(memory, kSize);
    return usage().unlocked == before.unlocked ? 0 : 4;
  };
  EXPECT_EXIT(_exit(counted()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace strata::secret
