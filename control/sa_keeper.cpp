#include "control/sa_keeper.hpp"

#include <algorithm>
#include <utility>

namespace strata {
namespace {

using Clock = Reservations::Clock;

// Half of the least that is ahead of an SA lasts 30 ms at 15 million packets a second, more than one core seals. To
// look at an SA takes its line from the core that writes to it: of very many each is looked at less often.
constexpr std::chrono::milliseconds kBetweenLooks{10};
constexpr std::size_t kEachLook = 65536;
constexpr std::chrono::milliseconds kBetweenTries{200};

std::chrono::milliseconds between_looks(std::size_t sas) { return kBetweenLooks * (1 + sas / kEachLook); }

std::string counted(std::size_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::vector<SealingSa> sealing_sas(const config::Config& config, Tables& tables) {
  std::vector<SealingSa> sas;
  for (const config::SecurityAssociation& sa : config.security_associations)
    if (sa.direction == config::Direction::out) sas.push_back({&tables.out_sas[sas.size()], sa.key.bytes()});
  return sas;
}

}  // namespace

tl::expected<std::unique_ptr<SaKeeper>, std::string> SaKeeper::open(const config::Config& config) {
  std::unique_ptr<SaKeeper> keeper(new SaKeeper(config));
  keeper->sealing_ = static_cast<std::size_t>(std::ranges::count(config.security_associations, config::Direction::out,
                                                                 &config::SecurityAssociation::direction));
  if (keeper->sealing_ == 0 || config.state.unsafe_lab_without_state) return keeper;
  const auto refused = [](const std::string& why) {
    return tl::unexpected("an outbound SA needs a state that outlives the process: " + why);
  };
  auto folder = StateFolder::open(config.state.directory);
  if (!folder) return refused(folder.error());
  keeper->folder_ = std::move(*folder);
  auto reservations = Reservations::open(*keeper->folder_);
  if (!reservations) return refused(reservations.error());
  keeper->reservations_ = std::make_unique<Reservations>(std::move(*reservations));
  return keeper;
}

SaKeeper::~SaKeeper() { stop(); }

tl::expected<void, std::string> SaKeeper::begin(Tables& tables) {
  const Clock::time_point now = Clock::now();
  lifetimes_.emplace(config_, tables, now);
  if (!reservations_) return {};
  if (auto done = reservations_->begin(sealing_sas(config_, tables), now); !done)
    return tl::unexpected("an outbound SA needs a state that outlives the process: " + done.error() +
                          "; make room or rights for it, or name another folder in state.directory");
  take_over_ages();
  // A key whose life was over before sends no packet more.
  expired_ = lifetimes_->look(now);
  return {};
}

// A clock that was set back makes no key younger than new.
void SaKeeper::take_over_ages() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const auto now = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(since_1970).count());
  std::vector<Lifetimes::Age> ages;
  for (std::size_t i = 0; i < sealing_; ++i) {
    const ReservedNumbers& before = reservations_->before(i);
    ages.push_back({.seconds = now - std::min(now, before.since), .octets = before.octets});
  }
  lifetimes_->add_before(ages);
}

std::string SaKeeper::text() const {
  if (sealing_ == 0) return {};
  if (!reservations_)
    return "no state is kept (state.unsafe_lab_without_state): with the keys of an earlier start its nonces come again";
  const std::size_t known = reservations_->known();
  return "sequence numbers are reserved in " + reservations_->path() + ": " +
         counted(known, "key goes on behind what it had reserved, ", "keys go on behind what they had reserved, ") +
         counted(sealing_ - known, "key begins at 1", "keys begin at 1");
}

void SaKeeper::start() {
  if (reservations_) threads_.emplace_back([this] { keep_reserved(); });
  if (!lifetimes_->empty()) threads_.emplace_back([this] { keep_lifetimes(); });
}

void SaKeeper::keep_reserved() {
  bool well = true;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, well ? between_looks(sealing_) : kBetweenTries, [this] { return end_; })) {
    lock.unlock();
    const auto reserved = reservations_->look(Clock::now());
    well = reserved.has_value();
    lock.lock();
    tell(reserved);
  }
}

void SaKeeper::keep_lifetimes() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, between_looks(lifetimes_->size()), [this] { return end_; })) {
    lock.unlock();
    const std::vector<Expiry> expired = lifetimes_->look(Clock::now());
    lock.lock();
    expired_.insert(expired_.end(), expired.begin(), expired.end());
  }
}

// Once for each trouble, and when it is over.
void SaKeeper::tell(const tl::expected<void, std::string>& reserved) {
  const std::string trouble = reserved ? "" : reserved.error();
  if (trouble == trouble_) return;
  trouble_ = trouble;
  news_.push_back(trouble.empty() ? "state: sequence numbers can be reserved again"
                                  : "state: no sequence numbers can be reserved, and outbound SAs stop with those that "
                                    "they have (esp.not_reserved): " +
                                        trouble);
}

std::vector<std::string> SaKeeper::news() {
  const std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

std::vector<Expiry> SaKeeper::expired() {
  const std::lock_guard lock(mutex_);
  return std::exchange(expired_, {});
}

void SaKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

tl::expected<void, std::string> SaKeeper::end() {
  stop();
  if (!reservations_) return {};
  auto done = reservations_->end();
  if (done) return done;
  return tl::unexpected("state: what was reserved could not be given back, and is skipped by the next start: " +
                        done.error());
}

}  // namespace strata
