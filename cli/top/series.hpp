// What a counter that is looked at again and again says: how fast it rises, and how fast it rose.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace strata::top {

class Rate {
 public:
  // seconds: when, by the gateway's own clock.
  void look(std::uint64_t total, double seconds) {
    const Look now{total, seconds};
    const std::optional<Look> before = std::exchange(before_, now);
    rate_.reset();
    total_ = total;
    if (!before || now.seconds <= before->seconds) return;
    // A driver may start to count anew.
    const std::uint64_t more = total < before->total ? total : total - before->total;
    rate_ = static_cast<double>(more) / (now.seconds - before->seconds);
  }

  // Somebody who came into being since the last look at all of them: it began at 0.
  void begin(double seconds) { before_ = Look{0, seconds}; }

  // What comes next is no continuation: there is no rate until it was looked at twice again.
  void interrupt() { before_.reset(); }

  std::uint64_t total() const { return total_; }
  // Nothing: it was not looked at twice.
  std::optional<double> per_second() const { return rate_; }

 private:
  struct Look {
    std::uint64_t total;
    double seconds;
  };
  std::optional<Look> before_;
  std::optional<double> rate_;
  std::uint64_t total_ = 0;
};

// The last values, one a look.
class History {
 public:
  static constexpr std::size_t kPoints = 120;

  void add(std::optional<double> value) {
    points_[next_] = value ? static_cast<float>(*value) : kUnknown;
    next_ = (next_ + 1) % kPoints;
    if (size_ < kPoints) ++size_;
  }

  std::size_t size() const { return size_; }

  // ago: 0 is the last one. Nothing: not known then.
  std::optional<float> at(std::size_t ago) const {
    if (ago >= size_) return std::nullopt;
    const float value = points_[(next_ + kPoints - 1 - ago) % kPoints];
    if (value < 0) return std::nullopt;
    return value;
  }

 private:
  static constexpr float kUnknown = -1;  // rates and shares are never below 0
  std::array<float, kPoints> points_{};
  std::size_t next_ = 0;
  std::size_t size_ = 0;
};

}  // namespace strata::top
