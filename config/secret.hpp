// Key octets: wiped when they go, never printed, never copied by accident.
#pragma once

#include <cstdint>
#include <cstring>
#include <iosfwd>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace strata::config {

// Owns key material. A copy has to be asked for by name (clone), so that each place where a key lives can be found.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::vector<std::uint8_t> octets) : octets_(std::move(octets)) {}
  Secret(Secret&& other) noexcept : octets_(std::exchange(other.octets_, {})) {}
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    wipe();
    octets_ = std::exchange(other.octets_, {});
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  [[nodiscard]] Secret clone() const { return Secret(octets_); }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return octets_; }
  [[nodiscard]] bool empty() const { return octets_.empty(); }

 private:
  void wipe() {
    if (!octets_.empty()) explicit_bzero(octets_.data(), octets_.size());
    octets_.clear();
  }

  std::vector<std::uint8_t> octets_;
};

std::ostream& operator<<(std::ostream&, const Secret&) = delete;

// For text that held a key: the whole buffer is overwritten, then the string is empty.
inline void wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace strata::config
