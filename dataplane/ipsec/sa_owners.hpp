// Which worker an SA belongs to: its window and its sequence number have one writer at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/packet/id.hpp"

namespace strata {

// Two answers, which differ only while an SA moves: the owner is sent its packets, the holder may use it. The path
// reads them, WorkerSet::move alone writes them.
class SaOwners {
 public:
  // Dealt to the workers in turns; `first`: whose turn it is.
  SaOwners(std::size_t sas, std::size_t first, std::size_t workers) : size_(sas), all_(new Of[sas]) {
    for (std::size_t i = 0; i < sas; ++i) {
      const auto worker = static_cast<std::uint8_t>((first + i) % workers);
      all_[i].owner.store(worker, std::memory_order_relaxed);
      all_[i].holder.store(worker, std::memory_order_relaxed);
    }
  }

  std::size_t size() const { return size_; }
  WorkerId owner(std::size_t sa) const { return WorkerId(all_[sa].owner.load(std::memory_order_relaxed)); }
  // Acquire: with an SA comes what its last holder has written of it.
  WorkerId holder(std::size_t sa) const { return WorkerId(all_[sa].holder.load(std::memory_order_acquire)); }
  void set_owner(std::size_t sa, WorkerId to) { all_[sa].owner.store(to.index(), std::memory_order_release); }
  void set_holder(std::size_t sa, WorkerId to) { all_[sa].holder.store(to.index(), std::memory_order_release); }

 private:
  struct Of {
    std::atomic<std::uint8_t> owner;
    std::atomic<std::uint8_t> holder;
  };
  std::size_t size_;
  std::unique_ptr<Of[]> all_;
};

// Of inbound SAs by SaId, of outbound ones by OutSaId.
struct Ownership {
  SaOwners in;
  SaOwners out;

  WorkerId owner(SaId sa) const { return in.owner(sa.index()); }
  WorkerId owner(OutSaId sa) const { return out.owner(sa.index()); }
  WorkerId holder(SaId sa) const { return in.holder(sa.index()); }
  WorkerId holder(OutSaId sa) const { return out.holder(sa.index()); }
};

}  // namespace strata
