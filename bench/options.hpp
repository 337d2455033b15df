// What `strata bench` measures.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace strata::bench {

enum class Direction : std::uint8_t { in, out };
enum class Cache : std::uint8_t { warm, cold };
// How packets come to the workers: a burst when the one before has left, or all before the first moves. More workers
// than one, and one that is held against them, have the second.
enum class Feed : std::uint8_t { by_bursts, at_once };

struct Options {
  std::vector<Direction> directions{Direction::in, Direction::out};
  std::vector<std::string> sizes{"64", "128", "256", "512", "1024", "1400", "imix"};  // octets of inner IPv4 packet
  std::vector<unsigned> sas{1};
  std::vector<unsigned> workers{1};
  std::vector<Cache> caches{Cache::warm};
  unsigned routes = 0;  // beside those of the policies
  unsigned rounds = 31;
  bool stages = false;
  config::Algorithm algorithm = config::Algorithm::aes_128_gcm;
  bool esn = true;
  unsigned window = 1024;
  // Between devices: where packets come from and go to; empty: a capture that is played over and over, and nowhere.
  std::string rx;
  std::string tx;
};

inline constexpr unsigned kMostSas = 60'000;  // each has a /24 of 10.0.0.0/8
inline constexpr unsigned kMostRoutes = 2'000'000;
inline constexpr unsigned kMostWorkers = 3;  // what all of them send finds room in one queue
inline constexpr unsigned kLeastRounds = 9;
inline constexpr unsigned kLeastSize = 28;  // IPv4 and UDP headers
inline constexpr unsigned kMostSize = 1400;

// The sizes that packets have in turn: "imix" is 7:4:1 of 64, 570 and 1400.
std::vector<unsigned> sizes_of(const std::string& size);

}  // namespace strata::bench
