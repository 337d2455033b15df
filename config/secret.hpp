// Key octets: wiped when the last who has them goes, never printed.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <utility>

#include "secret/memory.hpp"

namespace strata::config {

// Owns key material. Copies share the octets: a key is in memory once, however many configurations have it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(secret::Octets octets) : octets_(std::make_shared<const secret::Octets>(std::move(octets))) {}

  [[nodiscard]] std::span<const std::uint8_t> bytes() const {
    return octets_ ? std::span(*octets_) : std::span<const std::uint8_t>();
  }
  [[nodiscard]] bool empty() const { return bytes().empty(); }

 private:
  std::shared_ptr<const secret::Octets> octets_;
};

std::ostream& operator<<(std::ostream&, const Secret&) = delete;

}  // namespace strata::config
