#include "control/capture.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace strata {
namespace {

// What is too much comes evenly over a second, not all of it at its beginning.
constexpr std::uint64_t kSlice = 100'000'000;
constexpr unsigned kSlices = 10;

}  // namespace

bool PacketFilter::matches(const StageFacts* at, wire::Bytes packet) const {
  if (!ethernet && !ip) return true;
  if (at == nullptr) return false;
  if (at->begins == Begins::ethernet) return ethernet && ethernet(packet);
  const bool is_ip = at->begins == Begins::ipv4 || at->begins == Begins::ipv6;
  return is_ip && ip && ip(packet);
}

// --- the main thread -------------------------------------------------------------------------------------------------

Capture::Capture(unsigned workers) {
  for (unsigned i = 0; i < workers; ++i) desks_.push_back(std::make_unique<Desk>());
}

void Capture::clear(Waiting& waiting) {
  waiting.packets.clear();
  waiting.octets = 0;
}

void Capture::begin(CaptureWish wish) {
  wish_ = std::move(wish);
  fetched_ = 0;
  here_.clear();
  next_ = 0;
  for (const auto& desk : desks_) {
    desk->slice = 0;
    clear(desk->kept);
    clear(desk->given);
  }
  taken_ = 0;
  lost_ = 0;
  on_ = true;
}

void Capture::move_all(Waiting& from, std::vector<CapturedPacket>& to) {
  to.insert(to.end(), std::make_move_iterator(from.packets.begin()), std::make_move_iterator(from.packets.end()));
  clear(from);
}

void Capture::fetch(bool they_stand_still) {
  here_.erase(here_.begin(), here_.begin() + static_cast<std::ptrdiff_t>(std::exchange(next_, 0)));
  for (const auto& desk : desks_) {
    const std::lock_guard lock(desk->mutex);
    move_all(desk->given, here_);
    if (they_stand_still) move_all(desk->kept, here_);
  }
  std::ranges::sort(here_, {}, &CapturedPacket::order);
}

void Capture::end_and_fetch() {
  end();
  fetch(true);
}

std::optional<CapturedPacket> Capture::next() {
  if (is_done()) return std::nullopt;
  if (next_ == here_.size()) fetch(false);
  if (next_ == here_.size()) return std::nullopt;
  ++fetched_;
  return std::move(here_[next_++]);
}

void Capture::drop_rest() {
  lost_ += here_.size() - next_;
  here_.clear();
  next_ = 0;
}

// --- a worker --------------------------------------------------------------------------------------------------------

CaptureEye::CaptureEye(Capture& capture, WorkerSet& workers, unsigned worker, std::uint64_t now_ns)
    : capture_(capture),
      worker_(workers.worker(worker)),
      desk_(*capture.desks_[worker]),
      now_ns_(now_ns),
      workers_(workers.size()) {}

void CaptureEye::hand_over() {
  Capture::Waiting& kept = desk_.kept;
  if (kept.packets.empty()) return;
  const std::unique_lock lock(desk_.mutex, std::try_to_lock);
  Capture::Waiting& given = desk_.given;
  if (!lock.owns_lock() || given.packets.size() + kept.packets.size() > Capture::kMostWaiting ||
      given.octets + kept.octets > Capture::kMostOctetsWaiting)
    return;
  given.octets += kept.octets;
  Capture::move_all(kept, given.packets);
}

void CaptureEye::ended(const Ended& end) {
  const CaptureWish& wish = capture_.wish_;
  if (wish.at != nullptr) return;
  if (wish.cause ? end.cause != *wish.cause : text_of(end.cause).fate != Fate::dropped) return;
  const std::size_t shown =
      wish.with_payload ? end.bytes.size() : std::min(end.bytes.size(), LastEnded::open_of(end.at, end.turn));
  CapturedPacket packet{.time_ns = now_ns_,
                        .at = end.at,
                        .cause = end.cause,
                        .port = end.turn.port,
                        .heading = end.turn.port.is_none() ? Heading::none : Heading::in,
                        .length = end.length,
                        .withheld = end.bytes.size() - shown};
  offer(std::move(packet), end.bytes.first(shown));
}

// bytes: that whoever asked may see; the filter sees no more, as its answer tells of what it saw.
void CaptureEye::offer(CapturedPacket packet, wire::Bytes bytes) {
  const CaptureWish& wish = capture_.wish_;
  if (!wish.filter.matches(packet.at, bytes)) return;
  if (capture_.taken_.load(std::memory_order_relaxed) >= wish.count) return;
  const std::size_t octets = std::min(bytes.size(), wish.octets);
  if (!has_room(octets)) {
    capture_.lost_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (capture_.taken_.fetch_add(1, std::memory_order_relaxed) >= wish.count) return;
  packet.order = capture_.order_.fetch_add(1, std::memory_order_relaxed);
  packet.length = std::max(packet.length, bytes.size());
  packet.octets.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(octets));
  ++desk_.packets;
  desk_.octets += octets;
  desk_.kept.octets += octets;
  desk_.kept.packets.push_back(std::move(packet));
}

bool CaptureEye::has_room(std::size_t octets) {
  if (const std::uint64_t slice = now_ns_ / kSlice; desk_.slice != slice) {
    desk_.slice = slice;
    desk_.packets = 0;
    desk_.octets = 0;
  }
  const unsigned parts = kSlices * workers_;
  return desk_.packets < std::max(Capture::kPacketsPerSecond / parts, 1U) &&
         desk_.octets < Capture::kOctetsPerSecond / parts && desk_.kept.packets.size() < Capture::kMostWaiting &&
         desk_.kept.octets + octets <= Capture::kMostOctetsWaiting;
}

}  // namespace strata
