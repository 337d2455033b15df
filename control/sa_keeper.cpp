#include "control/sa_keeper.hpp"

#include <algorithm>
#include <utility>

#include "control/state/state_folder.hpp"
#include "control/state/volatile_files.hpp"

namespace strata {
namespace {

// Half of the least that is ahead of an SA lasts 30 ms at 15 million packets a second, more than one core seals. To
// look at an SA takes its line from the core that writes to it: of very many each is looked at less often.
constexpr std::chrono::milliseconds kBetweenLooks{10};
constexpr std::size_t kEachLook = 65536;
constexpr std::chrono::milliseconds kBetweenTries{200};
// Where there are limits in octets: what a process may have carried and not written when it is killed.
constexpr std::chrono::seconds kBetweenOctets{10};

std::chrono::milliseconds between_looks(std::size_t sas) { return kBetweenLooks * (1 + sas / kEachLook); }

std::string counted(std::size_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::size_t count_of_sealing(const config::Config& config) {
  return static_cast<std::size_t>(std::ranges::count(config.security_associations, config::Direction::out,
                                                     &config::SecurityAssociation::direction));
}

bool limits_octets(const config::Config& config) {
  return std::ranges::any_of(config.security_associations, [](const config::SecurityAssociation& sa) {
    return sa.direction == config::Direction::out && (sa.lifetime.soft.bytes || sa.lifetime.hard.bytes);
  });
}

std::vector<SealingSa> sealing_sas(const config::Config& config, const Places& places, Tables& tables) {
  std::vector<SealingSa> sas;
  for (std::size_t i = 0; i < places.sas.size(); ++i)
    if (const config::SecurityAssociation& sa = config.security_associations[i]; sa.direction == config::Direction::out)
      sas.push_back({&tables.out_sas[places.sas[i]], sa.key.bytes()});
  return sas;
}

tl::unexpected<std::string> refused(const std::string& why) {
  return tl::unexpected("an outbound SA needs a state that outlives the process: " + why);
}

}  // namespace

tl::expected<std::unique_ptr<SaKeeper>, std::string> SaKeeper::open(const config::Config& config) {
  std::unique_ptr<SaKeeper> keeper(new SaKeeper(config));
  keeper->sealing_ = count_of_sealing(config);
  keeper->limits_octets_ = limits_octets(config);
  if (keeper->sealing_ == 0) return keeper;
  if (auto done = keeper->open_state(); !done) return tl::unexpected(done.error());
  return keeper;
}

// Where nothing is to be kept, still no number comes twice as long as the process lives.
tl::expected<void, std::string> SaKeeper::open_state() {
  if (config_->state.unsafe_lab_without_state) {
    files_ = std::make_unique<VolatileFiles>();
  } else {
    auto folder = StateFolder::open(config_->state.directory);
    if (!folder) return refused(folder.error());
    files_ = std::move(*folder);
  }
  auto reservations = Reservations::open(*files_);
  if (!reservations) return refused(reservations.error());
  reservations_ = std::make_unique<Reservations>(std::move(*reservations));
  return {};
}

SaKeeper::~SaKeeper() { stop(); }

tl::expected<void, std::string> SaKeeper::begin(const Places& places, Tables& tables) {
  const Clock::time_point now = Clock::now();
  lifetimes_.emplace(*config_, places, tables);
  if (!reservations_) return {};
  const std::vector<SealingSa> sas = sealing_sas(*config_, places, tables);
  if (auto done = reservations_->begin(sas, now); !done)
    return refused(done.error() + "; make room or rights for it, or name another folder in state.directory");
  note_ages(sas, tables);
  lifetimes_->add_before(before_);
  // A key whose life was over before sends no packet more.
  expired_ = lifetimes_->look(now);
  return {};
}

// Of those that the reservations were given last. A clock that was set back makes no key younger than new.
void SaKeeper::note_ages(const std::vector<SealingSa>& sas, const Tables& tables) {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const auto now = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(since_1970).count());
  before_.resize(tables.out_sas.size());
  for (std::size_t i = 0; i < sas.size(); ++i) {
    const ReservedNumbers& before = reservations_->before(i);
    before_[static_cast<std::size_t>(sas[i].sa - tables.out_sas.data())] = {
        .seconds = now - std::min(now, before.since), .octets = before.octets};
  }
}

std::string SaKeeper::text() const {
  if (sealing_ == 0) return {};
  if (config_->state.unsafe_lab_without_state)
    return "no state is kept (state.unsafe_lab_without_state): with the keys of an earlier start its nonces come again";
  const std::size_t known = reservations_->known();
  return "sequence numbers are reserved in " + reservations_->path() + ": " +
         counted(known, "key goes on behind what it had reserved, ", "keys go on behind what they had reserved, ") +
         counted(sealing_ - known, "key begins at 1", "keys begin at 1");
}

void SaKeeper::start() {
  if (reservations_ && !reserves_.joinable()) reserves_ = std::thread([this] { keep_reserved(); });
  if (!lifetimes_->empty() && !ends_.joinable()) ends_ = std::thread([this] { keep_lifetimes(); });
}

void SaKeeper::keep_reserved() {
  bool well = true;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, well ? between_looks(sealing_) : kBetweenTries, [this] { return end_; })) {
    const Clock::time_point now = Clock::now();
    const bool of_octets = octets_are_due(now);
    lock.unlock();
    const auto reserved = [&] {
      const std::lock_guard reserving(reserving_);
      return reservations_->look(now, of_octets);
    }();
    well = reserved.has_value();
    lock.lock();
    if (of_octets && !well) life_over_ = true;  // once more
    tell(reserved);
  }
}

bool SaKeeper::octets_are_due(Clock::time_point now) {
  const bool due = std::exchange(life_over_, false) || (limits_octets_ && now - octets_written_ >= kBetweenOctets);
  if (due) octets_written_ = now;
  return due;
}

void SaKeeper::keep_lifetimes() {
  std::chrono::milliseconds between = kBetweenLooks;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, between, [this] { return end_; })) {
    lock.unlock();
    between = look_at_lifetimes();
    lock.lock();
  }
}

std::chrono::milliseconds SaKeeper::look_at_lifetimes() {
  const std::lock_guard living(living_);
  const std::vector<Expiry> expired = lifetimes_->look(Clock::now());
  const std::lock_guard lock(mutex_);
  expired_.insert(expired_.end(), expired.begin(), expired.end());
  life_over_ = life_over_ || std::ranges::any_of(
                                 expired, [](const Expiry& of) { return of.sa->direction == config::Direction::out; });
  return between_looks(lifetimes_->size());
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

tl::expected<void, std::string> SaKeeper::change(const config::Config& config, const Places& places, Tables& tables,
                                                 const std::vector<const OutboundSa*>& going,
                                                 const std::vector<SealingSa>& coming) {
  if (!reservations_ && !coming.empty())
    if (auto done = open_state(); !done) return done;
  {
    const std::lock_guard reserving(reserving_);
    if (reservations_)
      if (auto done = reservations_->exchange(going, coming); !done) return refused(done.error());
    const std::lock_guard living(living_);
    if (reservations_) note_ages(coming, tables);
    Lifetimes next(config, places, tables, &*lifetimes_);
    next.add_before(before_);
    lifetimes_ = std::move(next);
    const std::lock_guard lock(mutex_);
    config_ = &config;
    sealing_ = count_of_sealing(config);
    limits_octets_ = limits_octets(config);
  }
  // Of those that come the life may be over.
  look_at_lifetimes();
  start();
  return {};
}

void SaKeeper::release() {
  if (!reservations_) return;
  const std::lock_guard reserving(reserving_);
  reservations_->release();
}

void SaKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  wake_.notify_all();
  for (std::thread* thread : {&reserves_, &ends_})
    if (thread->joinable()) thread->join();
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
