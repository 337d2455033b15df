// Huge pages of the machine, and how many of them are ours to take.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/doctor/machine.hpp"

namespace strata {

struct HugepageSize {
  std::uint64_t kib = 0;  // of one page
  std::uint64_t total = 0;
  std::uint64_t free = 0;
  std::uint64_t allowed = 0;  // free, and within the limit of our control group
};

std::vector<HugepageSize> hugepage_sizes(const Machine& machine);

std::uint64_t free_mib(const std::vector<HugepageSize>& sizes);
std::uint64_t allowed_mib(const std::vector<HugepageSize>& sizes);

// What is lacking and what mends it, when fewer megabytes than that are allowed.
struct HugepageLack {
  std::string sentence;
  std::string mend;
};
HugepageLack hugepage_lack(const Machine& machine, std::uint64_t megabytes);

}  // namespace strata
