// The sequence numbers of outbound SAs, and with them their nonces, reserved in a file ahead of their use: whenever the
// process ends, and however, the next one begins behind all that it may have sent.
#pragma once

#include <chrono>
#include <optional>
#include <unordered_map>

#include "control/state/sequence_file.hpp"
#include "control/state/state_files.hpp"
#include "dataplane/ipsec/outbound_sa.hpp"

namespace strata {

// An SA that seals, and the octets of its key with its salt; both outlive who is given this.
struct SealingSa {
  OutboundSa* sa;
  std::span<const std::uint8_t> key;
};

// One thread at a time. The workers go on meanwhile: they read the limits that it moves.
class Reservations {
 public:
  using Clock = std::chrono::steady_clock;

  // Numbers kept ahead of an SA: so many in any case, and what it used in the last second, up to so many.
  static constexpr std::uint64_t kLeast = std::uint64_t{1} << 20;
  static constexpr std::uint64_t kMost = std::uint64_t{1} << 26;

  // files: outlives it. Reads what there is. Errors: what is wrong with it, and what to do.
  static tl::expected<Reservations, std::string> open(StateFiles& files);

  std::string path() const;
  // What the key of the nth SA that begin() was given, or exchange() as coming, had carried before, and since when it
  // is used.
  const ReservedNumbers& before(std::size_t sa) const { return lanes_[added_at_ + sa].before; }
  // Of the SAs that begin() was given, those whose keys were in the file.
  std::size_t known() const { return known_; }

  // Sets each SA behind all that its key may have been used for, and reserves its first numbers. Once, before workers
  // use them.
  tl::expected<void, std::string> begin(const std::vector<SealingSa>& sas, Clock::time_point now);
  // Reserves more for those that have used half of what was ahead of them. Until it has succeeded their limits stay.
  // Writes what all of them have carried too; of_octets: also where that alone is another than in the file.
  tl::expected<void, std::string> look(Clock::time_point now, bool of_octets = false);
  // Others seal from now on, before workers use them; what goes may be used until release(), with what is reserved for
  // it. A key that goes from one to another goes on behind that. With an error all is as before.
  tl::expected<void, std::string> exchange(const std::vector<const OutboundSa*>& going,
                                           const std::vector<SealingSa>& coming);
  // What went is used no more: of its numbers those that it has sent are used up.
  void release();
  // Gives back what was reserved and not used. Once, when no worker uses the SAs any more; they stop.
  tl::expected<void, std::string> end();

 private:
  struct Lane {
    OutboundSa* sa;
    std::size_t place;   // in the file
    std::uint64_t seen;  // its number when it was looked at
    ReservedNumbers before;
    std::uint64_t ahead = kLeast;
  };

  explicit Reservations(StateFiles& files) : files_(&files) {}
  void add(const std::vector<SealingSa>& sas);
  void give_back(const Lane& lane, bool is_used);
  static std::uint64_t carried(const Lane& lane);
  bool is_noted(const Lane& lane) const { return file_.keys[lane.place].octets == carried(lane); }
  std::size_t place_of(const KeyTag& key);
  tl::expected<void, std::string> reserve(bool (*wanted)(const Lane& lane));
  tl::expected<void, std::string> write();

  StateFiles* files_;
  std::size_t known_ = 0;
  SequenceFile file_;  // as on the disk, or ahead of it
  std::unordered_map<KeyTag, std::size_t, HashOfTag> places_;
  std::vector<Lane> lanes_;
  std::size_t added_at_ = 0;  // the last of them
  std::vector<Lane> gone_;    // until release()
  bool is_ahead_ = false;     // file_, of what is on the disk
  Clock::time_point looked_;
};

}  // namespace strata
