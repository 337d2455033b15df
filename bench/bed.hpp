// The bed of a measurement: two gateways, the buffers that go round through both, and what each part of the round took.
//
//   fill ─> sender's worker ─> receiver's worker ─> (crypto alone, both ways, on the same octets) ─> fill ...
//           seals: "out"       opens: "in"
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "bench/crew.hpp"
#include "bench/crypto_alone.hpp"
#include "bench/scene.hpp"
#include "dataplane/packet/pool.hpp"
#include "dataplane/worker_set.hpp"

namespace strata::bench {

using StageCycles = std::map<std::string, std::uint64_t>;

// TSC cycles of one round, for all its packets; of several workers those of all.
struct RoundCycles {
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;       // of the inner IPv4 packets
  std::uint64_t journey[2] = {};  // by Direction
  std::uint64_t crypto[2] = {};
  StageCycles stages[2];              // of rounds that look at them; these cost time themselves
  std::uint64_t line_round_trip = 0;  // Crew::line_round_trip(), of several workers
};

// A gateway between two ports of rings, each with a queue for each worker.
class BenchGateway {
 public:
  static tl::expected<std::unique_ptr<BenchGateway>, std::string> create(const std::string& name,
                                                                         const config::Config& config, const Pool& pool,
                                                                         unsigned workers);

  // Takes one burst of the stock's packets through the journey, and puts what left into their places. TSC cycles of
  // what `strata run` does between two looks at its queues. stages: added to, when given.
  // from, to: ports of the scene. Errors: packets did not come out.
  tl::expected<std::uint64_t, std::string> pass(Stock& stock, std::size_t first, std::size_t from, std::size_t to,
                                                StageCycles* stages);

  // Takes the stock's first packets through all workers at once. counts: of the packets in each queue, one after the
  // other. cache: whether each worker has those of its queue in its caches, or none has. What leaves comes in another
  // order, but for the packets of one SA. TSC cycles from the begin to the last worker's end, times the workers.
  tl::expected<std::uint64_t, std::string> rush(Stock& stock, const std::vector<std::size_t>& counts, Cache cache,
                                                std::size_t from, std::size_t to, Crew& crew);

 private:
  explicit BenchGateway(const std::string& name) : name_(name) {}
  std::uint64_t turn(std::size_t from, StageCycles* stages);
  std::uint64_t sent(std::size_t to) const;
  std::uint64_t go_round(unsigned number, std::size_t to, std::uint64_t until) const;
  std::string trouble() const;

  std::string name_;
  std::vector<RingPort> ports_;
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<WorkerSet> workers_;
};

class Bed {
 public:
  // sizes: of the inner IPv4 packets in turn.
  static tl::expected<std::unique_ptr<Bed>, std::string> create(const Scene& scene, unsigned workers, Feed feed);

  Feed feed() const { return feed_; }
  // Each pass of a round takes as many packets as fit into half of the second-level cache.
  tl::expected<RoundCycles, std::string> round(const std::vector<unsigned>& sizes, Cache cache, bool stages);

 private:
  Bed(const Scene& scene, unsigned workers, Feed feed, Pool pool, Stock stock, CryptoAlone crypto);
  tl::expected<void, std::string> pass(const std::vector<unsigned>& sizes, std::size_t packets, Cache cache,
                                       bool stages, RoundCycles& sum);
  tl::expected<std::uint64_t, std::string> take_through(Direction direction, std::size_t packets, Cache cache,
                                                        StageCycles* stages);
  std::vector<std::size_t> spread(Direction direction, std::size_t packets);
  std::uint64_t fill(const std::vector<unsigned>& sizes, std::size_t packets);
  void flush(std::size_t first, std::size_t packets) const;

  Scene scene_;
  Feed feed_;
  Pool pool_;
  Stock stock_;
  CryptoAlone crypto_;
  Crew crew_;
  std::unique_ptr<BenchGateway> sender_;
  std::unique_ptr<BenchGateway> receiver_;
  std::vector<std::vector<std::uint8_t>> frames_;  // by size, of SA 0
  std::mt19937 random_;
};

}  // namespace strata::bench
