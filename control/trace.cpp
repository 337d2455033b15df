#include "control/trace.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace strata {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStale = 2 * kSecond;  // nobody has seen its buffer for so long

}  // namespace

// --- the main thread -------------------------------------------------------------------------------------------------

Trace::Trace(const Tables& tables, Names names, unsigned workers) {
  expect(tables, std::move(names));
  for (unsigned i = 0; i < workers; ++i) desks_.push_back(std::make_unique<Desk>());
}

// A worker reads names only of the tables that it goes by. It takes these over after this, and has left those before
// when the next ones come: the pointer is all that is read and written at once.
void Trace::expect(const Tables& tables, Names names) {
  naming_ = 1 - naming_;
  namings_[naming_].names = std::make_unique<const Names>(std::move(names));
  namings_[naming_].tables.store(&tables, std::memory_order_relaxed);
}

void Trace::forget_before() {
  Naming& before = namings_[1 - naming_];
  before.tables.store(nullptr, std::memory_order_relaxed);
  before.names.reset();
}

const Names& Trace::names_of(const Tables& tables) const {
  return *namings_[namings_[0].tables.load(std::memory_order_relaxed) == &tables ? 0 : 1].names;
}

void Trace::begin(TraceWish wish) {
  wish_ = std::move(wish);
  told_ = 0;
  journeys_.clear();
  for (const auto& desk : desks_) {
    desk->begun = 0;
    desk->kept.clear();
    desk->events.clear();
  }
  for (Followed& followed : followed_) followed.buffer = nullptr;
  on_the_way_ = 0;
  begun_ = 0;
  lost_ = 0;
  on_ = true;
}

void Trace::take(Event& event, Clock::time_point now) {
  Journey& journey = journeys_[event.packet];
  TracedPacket& packet = journey.packet;
  journey.last = now;
  packet.number = event.packet;
  switch (event.what) {
    case What::came:
      journey.has_come = true;
      packet.port = event.port;
      packet.length = event.length;
      packet.frame = std::move(event.frame);
      break;
    case What::step: packet.steps.push_back(std::move(event.text)); break;
    case What::sent:
      packet.to = event.port;
      journey.ended = true;
      break;
    case What::answered: packet.cause = event.cause; break;
    case What::ended:
      packet.cause = packet.cause.value_or(event.cause);
      journey.ended = true;
      break;
  }
}

std::vector<TracedPacket> Trace::collect(Clock::time_point now) {
  std::vector<Event> events;
  for (const auto& desk : desks_) {
    const std::lock_guard lock(desk->mutex);
    events.insert(events.end(), std::make_move_iterator(desk->events.begin()),
                  std::make_move_iterator(desk->events.end()));
    desk->events.clear();
  }
  std::ranges::sort(events, {}, &Event::order);
  for (Event& event : events) take(event, now);
  std::vector<TracedPacket> told;
  for (auto at = journeys_.begin(); at != journeys_.end();) {
    Journey& journey = at->second;
    const bool waits = !journey.ended && now - journey.last > kLongestWait;
    if (!waits && !std::exchange(journey.is_old, journey.ended)) {
      ++at;
      continue;
    }
    journey.packet.waits = waits && !journey.packet.cause;
    const bool wanted = journey.has_come && (!wish_.cause || journey.packet.cause == wish_.cause);
    if (wanted && !is_done()) {
      ++told_;
      told.push_back(std::move(journey.packet));
    }
    at = journeys_.erase(at);
  }
  return told;
}

// --- a worker --------------------------------------------------------------------------------------------------------

Trace::Followed* Trace::find(const void* buffer) {
  if (on_the_way_.load(std::memory_order_relaxed) == 0) return nullptr;
  for (Followed& followed : followed_)
    if (followed.buffer.load(std::memory_order_relaxed) == buffer) return &followed;
  return nullptr;
}

TraceEye::TraceEye(Trace& trace, WorkerSet& workers, unsigned worker, std::uint64_t now_ns)
    : trace_(trace), worker_(workers.worker(worker)), desk_(*trace.desks_[worker]), now_ns_(now_ns) {}

TraceEye::~TraceEye() {
  settle_ends();
  settle_sent();
  if (desk_.kept.empty()) return;
  const std::unique_lock lock(desk_.mutex, std::try_to_lock);
  if (!lock.owns_lock()) return;
  const auto fits = std::min(Trace::kMostWaiting - desk_.events.size(), desk_.kept.size());
  const auto end = desk_.kept.begin() + static_cast<std::ptrdiff_t>(fits);
  std::move(desk_.kept.begin(), end, std::back_inserter(desk_.events));
  desk_.kept.erase(desk_.kept.begin(), end);
}

void TraceEye::note(Trace::Event event) {
  if (desk_.kept.size() == Trace::kMostWaiting) {
    trace_.lost_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  event.order = trace_.order_.fetch_add(1, std::memory_order_relaxed);
  desk_.kept.push_back(std::move(event));
}

void TraceEye::arrived(const void* buffer, PortId port, wire::Bytes frame) {
  // It was followed once, and ended where nobody looked: in reassembly, say.
  forget(buffer);
  if (wants(port, frame)) follow(buffer, port, frame);
}

bool TraceEye::wants(PortId port, wire::Bytes frame) {
  const TraceWish& wish = trace_.wish_;
  if (!wish.cause && trace_.begun_.load(std::memory_order_relaxed) >= wish.count) return false;
  // Who may not see what is inside is told of what the wire has shown to everybody alone.
  if (!wish.with_payload && worker_.tables().ports[port.index()].side != Side::unprotected_side) return false;
  const std::uint64_t second = now_ns_ / kSecond;
  if (desk_.second != second) {
    desk_.second = second;
    desk_.begun = 0;
  }
  // A journey that is begun is told: what cannot be kept are only steps of it.
  const bool has_room = desk_.begun < Trace::kPerSecond && desk_.kept.size() < Trace::kMostWaiting / 2;
  return has_room && (!wish.matches || wish.matches(frame));
}

void TraceEye::follow(const void* buffer, PortId port, wire::Bytes frame) {
  for (Trace::Followed& place : trace_.followed_) {
    const void* before = place.buffer.load(std::memory_order_relaxed);
    if (before != nullptr && now_ns_ < place.since_ns.load(std::memory_order_relaxed) + kStale) continue;
    if (!place.buffer.compare_exchange_strong(before, buffer, std::memory_order_relaxed)) continue;
    const std::uint64_t packet = trace_.begun_.fetch_add(1, std::memory_order_relaxed) + 1;
    place.packet.store(packet, std::memory_order_relaxed);
    place.since_ns.store(now_ns_, std::memory_order_relaxed);
    if (before == nullptr) trace_.on_the_way_.fetch_add(1, std::memory_order_relaxed);
    ++desk_.begun;
    mine_.push_back({buffer, packet, {}});
    const std::size_t kept = std::min(frame.size(), Trace::kFrameOctets);
    note({.packet = packet,
          .what = Trace::What::came,
          .port = port,
          .length = frame.size(),
          .frame = {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(kept)}});
    return;
  }
}

// Another worker began to follow it, or an earlier turn.
void TraceEye::recognize(const void* buffer) {
  const Trace::Followed* const place = trace_.find(buffer);
  if (place != nullptr && my(buffer) == nullptr)
    mine_.push_back({buffer, place->packet.load(std::memory_order_relaxed), {}});
}

void TraceEye::forget(const void* buffer) {
  Trace::Followed* const place = trace_.find(buffer);
  if (place == nullptr) return;
  place->buffer.store(nullptr, std::memory_order_relaxed);
  trace_.on_the_way_.fetch_sub(1, std::memory_order_relaxed);
}

void TraceEye::leaves(Mine& mine, PortId port) {
  mine.to = port;
  forget(mine.buffer);
}

// What ended since the last look.
void TraceEye::settle_ends() {
  for (const End& end : std::exchange(ended_, {})) {
    recognize(end.buffer);
    const Mine* const found = my(end.buffer);
    if (found == nullptr) continue;
    note({.packet = found->packet,
          .what = end.goes_on ? Trace::What::answered : Trace::What::ended,
          .cause = end.cause});
    if (end.goes_on) continue;
    forget(end.buffer);
    std::erase_if(mine_, [&](const Mine& each) { return each.buffer == end.buffer; });
  }
}

// What was at Out and did not end is sent. The rest waits, or goes on elsewhere.
void TraceEye::settle_sent() {
  for (const Mine& mine : mine_)
    if (!mine.to.is_none()) note({.packet = mine.packet, .what = Trace::What::sent, .port = mine.to});
  mine_.clear();
}

}  // namespace strata
