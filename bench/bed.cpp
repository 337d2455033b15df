#include "bench/bed.hpp"

#include <rte_cycles.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "control/build.hpp"

namespace strata::bench {
namespace {

constexpr std::size_t kMostBuffers = 1024;
constexpr std::uint16_t kRoom = 2048;
constexpr unsigned kPassesARound = 8;
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
  return std::clamp(fit / kBurstSize * kBurstSize, 2 * kBurstSize, kMostBuffers);
}

PortId port_id(std::size_t index) { return PortId(static_cast<std::uint8_t>(index)); }

}  // namespace

tl::expected<std::unique_ptr<BenchGateway>, std::string> BenchGateway::create(const std::string& name,
                                                                              const config::Config& config,
                                                                              const Pool& pool) {
  std::unique_ptr<BenchGateway> made(new BenchGateway(name));
  std::vector<wire::MacAddress> macs;
  std::array<std::uint16_t, kMaxPorts> devices{};
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    auto port = RingPort::create("bench_" + name + std::to_string(i), pool);
    if (!port) return tl::unexpected(port.error());
    devices[i] = port->device();
    macs.push_back(*config.ports[i].mac);
    made->ports_.push_back(std::move(*port));
  }
  auto tables = build_tables(config, macs);
  if (!tables) return tl::unexpected(tables.error());
  made->tables_ = std::move(*tables);
  auto worker = Worker::create(*made->tables_, devices, pool);
  if (!worker) return tl::unexpected(worker.error());
  made->worker_ = std::move(*worker);
  return made;
}

tl::expected<std::uint64_t, std::string> BenchGateway::pass(Stock& stock, std::size_t first, std::size_t from,
                                                            std::size_t to, StageCycles* stages) {
  if (ports_[from].feed(stock, first, kBurstSize) != kBurstSize) return tl::unexpected(trouble());
  const std::uint64_t start = rte_rdtsc_precise();
  const std::uint64_t now_ns = nanoseconds_now();
  worker_->tick(now_ns);
  if (stages != nullptr) {
    StageEye eye(*stages);
    worker_->turn(port_id(from), 0, kBurstSize, now_ns, eye);
    eye.after<>("tx");
  } else {
    NoEye eye;
    worker_->turn(port_id(from), 0, kBurstSize, now_ns, eye);
  }
  const std::uint64_t cycles = rte_rdtsc_precise() - start;
  if (ports_[to].collect(stock, first, kBurstSize) != kBurstSize) return tl::unexpected(trouble());
  return cycles;
}

std::string BenchGateway::trouble() const {
  std::string causes;
  for (const CauseText& text : kCauses) {
    if (const std::uint64_t n = worker_->ends().count(text.cause); n != 0)
      causes += ", " + std::string(text.name) + " " + std::to_string(n);
  }
  return "packets were lost in the " + name_ + causes;
}

Bed::Bed(const Scene& scene, Pool pool, Stock stock, CryptoAlone crypto)
    : scene_(scene), pool_(std::move(pool)), stock_(std::move(stock)), crypto_(std::move(crypto)) {
  for (unsigned size = 0; size <= kMostSize; ++size)
    frames_.push_back(size < kLeastSize ? std::vector<std::uint8_t>{} : frame(size));
}

tl::expected<std::unique_ptr<Bed>, std::string> Bed::create(const Scene& scene) {
  auto pool = Pool::create("bench_pool", 2 * kMostBuffers - 1, kRoom);
  if (!pool) return tl::unexpected(pool.error());
  auto stock = Stock::create(*pool, kMostBuffers);
  if (!stock) return tl::unexpected(stock.error());
  auto crypto = CryptoAlone::create(algorithm_of(scene.algorithm), scene.esn);
  if (!crypto) return tl::unexpected(std::string("intel-ipsec-mb does not run on this CPU"));
  std::unique_ptr<Bed> bed(new Bed(scene, std::move(*pool), std::move(*stock), std::move(*crypto)));
  auto sender = BenchGateway::create("sender", bench::sender(scene), bed->pool_);
  if (!sender) return tl::unexpected(sender.error());
  bed->sender_ = std::move(*sender);
  auto receiver = BenchGateway::create("receiver", bench::receiver(scene), bed->pool_);
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

tl::expected<void, std::string> Bed::pass(const std::vector<unsigned>& sizes, std::size_t packets, Cache cache,
                                          bool stages, RoundCycles& sum) {
  sum.packets += packets;
  sum.octets += fill(sizes, packets);
  std::vector<std::span<std::uint8_t>> texts;
  for (const Direction direction : {Direction::out, Direction::in}) {
    const bool out = direction == Direction::out;
    BenchGateway& gateway = out ? *sender_ : *receiver_;
    const auto index = static_cast<std::size_t>(direction);
    for (std::size_t first = 0; first < packets; first += kBurstSize) {
      if (cache == Cache::cold) flush(first, kBurstSize);
      const auto cycles =
          gateway.pass(stock_, first, out ? kLan : kWan, out ? kWan : kLan, stages ? &sum.stages[index] : nullptr);
      if (!cycles) return tl::unexpected(cycles.error());
      sum.journey[index] += *cycles;
    }
    for (std::size_t i = 0; out && i < packets; ++i) texts.push_back(text_of(stock_.bytes(i)));
  }
  for (const Direction direction : {Direction::in, Direction::out}) {
    const std::span<const std::span<std::uint8_t>> all(texts);
    for (std::size_t first = 0; first < packets; first += kBurstSize) {
      if (cache == Cache::cold) flush(first, kBurstSize);
      sum.crypto[static_cast<std::size_t>(direction)] += crypto_.cycles(direction, all.subspan(first, kBurstSize));
    }
  }
  return {};
}

tl::expected<RoundCycles, std::string> Bed::round(const std::vector<unsigned>& sizes, Cache cache, bool stages) {
  RoundCycles sum;
  const std::size_t packets = packets_a_pass(sizes);
  for (unsigned i = 0; i < kPassesARound; ++i)
    if (auto done = pass(sizes, packets, cache, stages, sum); !done) return tl::unexpected(done.error());
  return sum;
}

}  // namespace strata::bench
