#include "control/state/reservations.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

namespace strata {
namespace {

std::uint64_t left_of(const OutboundSa& sa) {
  const std::uint64_t limit = sa.limit;
  return limit - std::min<std::uint64_t>(sa.sequence, limit);
}

// At the end of the numbers, or of the SA's life, there is nothing left to reserve.
bool may_grow(const OutboundSa& sa) { return std::max<std::uint64_t>(sa.limit, sa.sequence) < sa.last; }

std::uint64_t seconds_since_1970() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

}  // namespace

tl::expected<Reservations, std::string> Reservations::open(StateFiles& files) {
  Reservations made(files);
  const auto text = files.read(kSequenceFile);
  if (!text) return tl::unexpected(text.error());
  if (*text) {
    auto file = decode(**text);
    if (!file) return tl::unexpected(made.path() + " is " + file.error());
    made.file_ = std::move(*file);
  } else {
    const auto salt = new_salt();
    if (!salt) return tl::unexpected(salt.error());
    made.file_.salt = *salt;
  }
  for (std::size_t i = 0; i < made.file_.keys.size(); ++i) made.places_.emplace(made.file_.keys[i].key, i);
  return made;
}

std::string Reservations::path() const { return files_->path_of(kSequenceFile); }

// By the key, since it was first used.
std::uint64_t Reservations::carried(const Lane& lane) { return lane.before.octets + lane.sa->octets; }

std::size_t Reservations::place_of(const KeyTag& key) {
  const auto [at, is_new] = places_.emplace(key, file_.keys.size());
  if (is_new)
    file_.keys.push_back({.key = key});
  else
    ++known_;
  // Of a key out of a file of version 1 nobody knows better than: since now at the latest.
  std::uint64_t& since = file_.keys[at->second].since;
  if (since == 0) since = seconds_since_1970();
  return at->second;
}

tl::expected<void, std::string> Reservations::begin(const std::vector<SealingSa>& sas, Clock::time_point now) {
  looked_ = now;
  add(sas);
  return reserve([](const Lane&) { return true; });
}

void Reservations::add(const std::vector<SealingSa>& sas) {
  added_at_ = lanes_.size();
  for (const SealingSa& of : sas) {
    const std::size_t place = place_of(tag_of(file_.salt, of.key));
    // What was reserved with ESN, or with a longer life, may be beyond this SA's last number: then it sends nothing,
    // and where its life is made longer it goes on behind all that.
    of.sa->sequence = file_.keys[place].last;
    of.sa->limit = file_.keys[place].last;
    lanes_.push_back({.sa = of.sa, .place = place, .seen = of.sa->sequence, .before = file_.keys[place]});
  }
}

tl::expected<void, std::string> Reservations::exchange(const std::vector<const OutboundSa*>& going,
                                                       const std::vector<SealingSa>& coming) {
  const std::unordered_set<const OutboundSa*> goes(going.begin(), going.end());
  const std::vector<Lane> before = lanes_;
  std::ranges::copy_if(lanes_, std::back_inserter(gone_), [&](const Lane& lane) { return goes.contains(lane.sa); });
  std::erase_if(lanes_, [&](const Lane& lane) { return goes.contains(lane.sa); });
  for (const Lane& lane : gone_) file_.keys[lane.place].octets = carried(lane);
  if (coming.empty()) {  // nobody needs a number, and what went may go where no disk lets it
    is_ahead_ = is_ahead_ || !going.empty();
    return {};
  }
  add(coming);
  // One that has nothing ahead of it: those that come, and perhaps one that was about to be seen to.
  auto done = reserve([](const Lane& lane) { return left_of(*lane.sa) == 0; });
  if (done) return done;
  lanes_ = before;
  gone_.clear();
  return done;
}

void Reservations::release() {
  std::unordered_set<std::size_t> used;
  for (const Lane& lane : lanes_) used.insert(lane.place);
  for (const Lane& lane : gone_) give_back(lane, used.contains(lane.place));
  gone_.clear();
}

tl::expected<void, std::string> Reservations::look(Clock::time_point now, bool of_octets) {
  const std::chrono::duration<double> since = now - std::exchange(looked_, now);
  if (since.count() <= 0) return {};
  bool any =
      of_octets && (is_ahead_ || !std::ranges::all_of(lanes_, [this](const Lane& lane) { return is_noted(lane); }));
  for (Lane& lane : lanes_) {
    const std::uint64_t used = lane.sa->sequence - std::exchange(lane.seen, lane.sa->sequence);
    const double a_second = std::min(static_cast<double>(used) / since.count(), static_cast<double>(kMost));
    lane.ahead = std::max(kLeast, static_cast<std::uint64_t>(a_second));
    any = any || (left_of(*lane.sa) < lane.ahead / 2 && may_grow(*lane.sa));
  }
  if (!any) return {};
  // Those that would soon be due go along: one write serves all.
  return reserve([](const Lane& lane) { return left_of(*lane.sa) < lane.ahead / 4 * 3; });
}

tl::expected<void, std::string> Reservations::reserve(bool (*wanted)(const Lane& lane)) {
  std::vector<const Lane*> growing;
  for (const Lane& lane : lanes_) {
    const std::uint64_t end = lane.sa->last;  // once: another thread sets it to 0 when the SA's life is over
    if (lane.sa->limit >= end || !wanted(lane)) continue;
    const std::uint64_t sequence = lane.sa->sequence;
    if (sequence >= end) continue;
    std::uint64_t& last = file_.keys[lane.place].last;
    last = std::max(last, sequence + std::min(lane.ahead, end - sequence));
    growing.push_back(&lane);
  }
  if (auto done = write(); !done) return done;
  for (const Lane* lane : growing)
    lane->sa->limit = std::min<std::uint64_t>(file_.keys[lane->place].last, lane->sa->last);
  return {};
}

tl::expected<void, std::string> Reservations::end() {
  for (const Lane& lane : lanes_) {
    lane.sa->limit = lane.sa->sequence;
    give_back(lane, false);
  }
  return write();
}

// is_used: another SA goes on with the key, behind all that was reserved.
void Reservations::give_back(const Lane& lane, bool is_used) {
  if (is_used) return;
  ReservedNumbers& of = file_.keys[lane.place];
  // What began beyond its last number is of ESN or of a longer life, which may come back.
  of.last = std::max<std::uint64_t>(lane.sa->sequence, lane.before.last);
  of.octets = carried(lane);
}

tl::expected<void, std::string> Reservations::write() {
  for (const Lane& lane : lanes_) file_.keys[lane.place].octets = carried(lane);
  auto done = replace(*files_, kSequenceFile, encode(file_));
  is_ahead_ = !done;
  return done;
}

}  // namespace strata
