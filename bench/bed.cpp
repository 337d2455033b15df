#include "bench/bed.hpp"

#include <rte_cycles.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "control/build.hpp"

namespace strata::bench {
namespace {

constexpr std::size_t kMostPackets = 1024;  // for each worker
constexpr std::uint16_t kRoom = 2048;
constexpr unsigned kPassesARound = 8;
constexpr unsigned kMostIdleRounds = 10'000'000;
// Of a buffer, beside the packet: DPDK's own two lines, and what the tunnel puts around.
constexpr std::size_t kBesidePacket = 320;
constexpr std::size_t kUsualSecondLevel = std::size_t{1} << 20;

// Cycles since the last step, for whoever had them.
class StageEye {
 public:
  explicit StageEye(StageCycles& cycles) : cycles_(cycles), last_(rte_rdtsc_precise()) {}
  template <class... Stages>
  void after(const char* name, const Burst<Stages>&...) {
    const std::uint64_t now = rte_rdtsc_precise();
    cycles_[name] += now - last_;
    last_ = rte_rdtsc_precise();
  }

 private:
  StageCycles& cycles_;
  std::uint64_t last_;
};

std::uint64_t nanoseconds_now() {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

std::size_t second_level() {
  const long octets = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return octets > 0 ? static_cast<std::size_t>(octets) : kUsualSecondLevel;
}

// Whole bursts.
std::size_t packets_a_pass(const std::vector<unsigned>& sizes) {
  std::size_t octets = 0;
  for (const unsigned size : sizes) octets += size + kBesidePacket;
  const std::size_t fit = second_level() / 2 * sizes.size() / std::max<std::size_t>(octets, 1);
  return std::clamp(fit / kTurn * kTurn, 2 * kTurn, kMostPackets);
}

PortId port_id(std::size_t index) { return PortId(static_cast<std::uint8_t>(index)); }

}  // namespace

tl::expected<std::unique_ptr<BenchGateway>, std::string> BenchGateway::create(const std::string& name,
                                                                              const config::Config& config,
                                                                              const Pool& pool, unsigned workers) {
  std::unique_ptr<BenchGateway> made(new BenchGateway(name));
  std::vector<wire::MacAddress> macs;
  std::vector<WorkerPort> ports;
  const auto queues = static_cast<std::uint16_t>(workers);
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    auto port = RingPort::create(name + "_" + std::to_string(i), pool, workers);
    if (!port) return tl::unexpected(port.error());
    ports.push_back({.device = port->device(), .rx_queues = queues, .tx_queues = queues});
    macs.push_back(*config.ports[i].mac);
    made->ports_.push_back(std::move(*port));
  }
  auto tables = build_tables(config, macs);
  if (!tables) return tl::unexpected(tables.error());
  made->tables_ = std::move(*tables);
  auto set = WorkerSet::create(*made->tables_, ports, pool, workers);
  if (!set) return tl::unexpected(set.error());
  made->workers_ = std::move(*set);
  return made;
}

// With an eye on the stages the queue is looked at alone, since an eye sees one burst.
std::uint64_t BenchGateway::turn(std::size_t from, StageCycles* stages) {
  const std::uint64_t start = rte_rdtsc_precise();
  const std::uint64_t now_ns = nanoseconds_now();
  if (stages != nullptr) {
    StageEye eye(*stages);
    workers_->worker(0).turn(port_id(from), 0, kTurn, now_ns, eye);
    eye.after<>("tx");
  } else {
    workers_->round(0, now_ns);
  }
  return rte_rdtsc_precise() - start;
}

tl::expected<std::uint64_t, std::string> BenchGateway::pass(Stock& stock, std::size_t first, std::size_t from,
                                                            std::size_t to, StageCycles* stages) {
  if (ports_[from].feed(stock, first, kTurn) != kTurn) return tl::unexpected(trouble());
  const std::uint64_t cycles = turn(from, stages);
  if (ports_[to].collect(stock, first, kTurn) != kTurn) return tl::unexpected(trouble());
  return cycles;
}

std::uint64_t BenchGateway::sent(std::size_t to) const {
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < workers_->size(); ++i) sum += workers_->worker(i).sent(port_id(to));
  return sum;
}

// Until all workers together have sent that many, or nothing moves for long. When it last had a packet.
std::uint64_t BenchGateway::go_round(unsigned number, std::size_t to, std::uint64_t until) const {
  std::uint64_t last = rte_rdtsc();
  for (unsigned idle = 0; idle < kMostIdleRounds; ++idle) {
    if (workers_->round(number, nanoseconds_now()) != 0) {
      idle = 0;
      last = rte_rdtsc();
    } else if (sent(to) >= until) {
      break;
    }
  }
  return last;
}

tl::expected<std::uint64_t, std::string> BenchGateway::rush(Stock& stock, const std::vector<std::size_t>& counts,
                                                            Cache cache, std::size_t from, std::size_t to, Crew& crew) {
  const std::size_t workers = counts.size();
  std::vector<std::size_t> firsts;
  std::size_t packets = 0;
  for (std::size_t i = 0; i < workers; packets += counts[i++]) {
    firsts.push_back(packets);
    if (ports_[from].feed(stock, packets, counts[i], i) != counts[i]) return tl::unexpected(trouble());
  }
  crew.run([&](unsigned number) {
    for (std::size_t i = firsts[number]; i < firsts[number] + counts[number]; ++i)
      cache == Cache::cold ? stock.flush(i) : stock.warm(i);
  });
  const std::uint64_t until = sent(to) + packets;
  std::vector<std::uint64_t> starts(workers);
  std::vector<std::uint64_t> ends(workers);
  crew.run([&](unsigned number) {
    starts[number] = rte_rdtsc_precise();
    ends[number] = go_round(number, to, until);
  });
  std::size_t came = 0;
  for (std::size_t i = 0; i < workers; ++i) came += ports_[to].collect(stock, came, packets - came, i);
  if (came != packets) return tl::unexpected(trouble());
  return (*std::ranges::max_element(ends) - *std::ranges::min_element(starts)) * workers;
}

std::string BenchGateway::trouble() const {
  std::string causes;
  for (const CauseText& text : kCauses) {
    std::uint64_t n = 0;
    for (unsigned i = 0; i < workers_->size(); ++i) n += workers_->worker(i).ends().count(text.cause);
    if (n != 0) causes += ", " + std::string(text.name) + " " + std::to_string(n);
  }
  return "packets were lost in the " + name_ + causes;
}

Bed::Bed(const Scene& scene, unsigned workers, Feed feed, Pool pool, Stock stock, CryptoAlone crypto)
    : scene_(scene),
      feed_(feed),
      pool_(std::move(pool)),
      stock_(std::move(stock)),
      crypto_(std::move(crypto)),
      crew_(workers) {
  for (unsigned size = 0; size <= kMostSize; ++size)
    frames_.push_back(size < kLeastSize ? std::vector<std::uint8_t>{} : frame(size));
}

tl::expected<std::unique_ptr<Bed>, std::string> Bed::create(const Scene& scene, unsigned workers, Feed feed) {
  static unsigned serial = 0;  // DPDK finds what it made by name
  const std::string name = "bench" + std::to_string(serial++);
  const unsigned buffers = workers * kMostPackets;
  auto pool = Pool::create(name, 2 * buffers - 1, kRoom);
  if (!pool) return tl::unexpected(pool.error());
  auto stock = Stock::create(*pool, buffers);
  if (!stock) return tl::unexpected(stock.error());
  auto crypto = CryptoAlone::create(algorithm_of(scene.algorithm), scene.esn);
  if (!crypto) return tl::unexpected(std::string("intel-ipsec-mb does not run on this CPU"));
  std::unique_ptr<Bed> bed(new Bed(scene, workers, feed, std::move(*pool), std::move(*stock), std::move(*crypto)));
  auto sender = BenchGateway::create(name + "_sender", bench::sender(scene), bed->pool_, workers);
  if (!sender) return tl::unexpected(sender.error());
  bed->sender_ = std::move(*sender);
  auto receiver = BenchGateway::create(name + "_receiver", bench::receiver(scene), bed->pool_, workers);
  if (!receiver) return tl::unexpected(receiver.error());
  bed->receiver_ = std::move(*receiver);
  return bed;
}

// SAs in no order, as peers do not wait for each other. The inner octets of it all.
std::uint64_t Bed::fill(const std::vector<unsigned>& sizes, std::size_t packets) {
  std::uint64_t octets = 0;
  for (std::size_t i = 0; i < packets; ++i) {
    const unsigned size = sizes[i % sizes.size()];
    if (scene_.sas > 1) address(frames_[size], static_cast<unsigned>(random_() % scene_.sas));
    stock_.fill(i, frames_[size]);
    octets += size;
  }
  return octets;
}

void Bed::flush(std::size_t first, std::size_t packets) const {
  for (std::size_t i = first; i < first + packets; ++i) stock_.flush(i);
}

// To the queues as RSS would: all packets of an SA to one of them, which is its owner's for one SA of so many as there
// are workers. The others are handed over.
std::vector<std::size_t> Bed::spread(Direction direction, std::size_t packets) {
  const unsigned workers = crew_.size();
  std::vector<std::size_t> counts(workers);
  const auto queue_of = [=](std::span<const std::uint8_t> frame) {
    return sa_of(direction, frame) / workers % workers;
  };
  stock_.sort(packets, queue_of);
  for (std::size_t i = 0; i < packets; ++i) ++counts[queue_of(stock_.bytes(i))];
  return counts;
}

tl::expected<std::uint64_t, std::string> Bed::take_through(Direction direction, std::size_t packets, Cache cache,
                                                           StageCycles* stages) {
  const bool out = direction == Direction::out;
  BenchGateway& gateway = out ? *sender_ : *receiver_;
  const std::size_t from = out ? kLan : kWan;
  const std::size_t to = out ? kWan : kLan;
  if (feed_ == Feed::at_once && stages == nullptr)
    return gateway.rush(stock_, spread(direction, packets), cache, from, to, crew_);
  std::uint64_t sum = 0;
  for (std::size_t first = 0; first < packets; first += kTurn) {
    if (cache == Cache::cold) flush(first, kTurn);
    const auto cycles = gateway.pass(stock_, first, from, to, stages);
    if (!cycles) return tl::unexpected(cycles.error());
    sum += *cycles;
  }
  return sum;
}

tl::expected<void, std::string> Bed::pass(const std::vector<unsigned>& sizes, std::size_t packets, Cache cache,
                                          bool stages, RoundCycles& sum) {
  sum.packets += packets;
  sum.octets += fill(sizes, packets);
  std::vector<std::span<std::uint8_t>> texts;
  for (const Direction direction : {Direction::out, Direction::in}) {
    const auto index = static_cast<std::size_t>(direction);
    const auto cycles = take_through(direction, packets, cache, stages ? &sum.stages[index] : nullptr);
    if (!cycles) return tl::unexpected(cycles.error());
    sum.journey[index] += *cycles;
    for (std::size_t i = 0; direction == Direction::out && i < packets; ++i) texts.push_back(text_of(stock_.bytes(i)));
  }
  for (const Direction direction : {Direction::in, Direction::out}) {
    const std::span<const std::span<std::uint8_t>> all(texts);
    for (std::size_t first = 0; first < packets; first += kTurn) {
      if (cache == Cache::cold) flush(first, kTurn);
      sum.crypto[static_cast<std::size_t>(direction)] += crypto_.cycles(direction, all.subspan(first, kTurn));
    }
  }
  return {};
}

tl::expected<RoundCycles, std::string> Bed::round(const std::vector<unsigned>& sizes, Cache cache, bool stages) {
  RoundCycles sum;
  const std::size_t packets = packets_a_pass(sizes) * crew_.size();
  for (unsigned i = 0; i < kPassesARound; ++i)
    if (auto done = pass(sizes, packets, cache, stages, sum); !done) return tl::unexpected(done.error());
  if (crew_.size() > 1) sum.line_round_trip = crew_.line_round_trip();
  return sum;
}

}  // namespace strata::bench
