// Key octets: wiped when the last who has them goes, never printed.
#pragma once

#include <cstdint>
#include <cstring>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace strata::config {

// Owns key material. Copies share the octets: a key is in memory once, however many configurations have it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::vector<std::uint8_t> octets) : octets_(std::make_shared<const Octets>(std::move(octets))) {}

  [[nodiscard]] std::span<const std::uint8_t> bytes() const {
    return octets_ ? std::span(octets_->all) : std::span<const std::uint8_t>();
  }
  [[nodiscard]] bool empty() const { return bytes().empty(); }

 private:
  struct Octets {
    explicit Octets(std::vector<std::uint8_t> octets) : all(std::move(octets)) {}
    Octets(const Octets&) = delete;
    Octets& operator=(const Octets&) = delete;
    ~Octets() {
      if (!all.empty()) explicit_bzero(all.data(), all.size());
    }
    std::vector<std::uint8_t> all;
  };

  std::shared_ptr<const Octets> octets_;
};

std::ostream& operator<<(std::ostream&, const Secret&) = delete;

// For text that held a key: the whole buffer is overwritten, then the string is empty.
inline void wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

// For text that may hold a key: what the string has taken is overwritten each time that it gives memory back.
template <class T>
struct WipingAllocator : std::allocator<T> {
  void deallocate(T* at, std::size_t count) {
    explicit_bzero(at, count * sizeof(T));
    std::allocator<T>::deallocate(at, count);
  }
};
using WipedText = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

}  // namespace strata::config
