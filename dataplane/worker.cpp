#include "dataplane/worker.hpp"

namespace strata {

tl::expected<std::unique_ptr<Worker>, std::string> Worker::create(Tables& tables,
                                                                  std::array<std::uint16_t, kMaxPorts> devices) {
  std::optional<Aead> aead = Aead::create();
  if (!aead) {
    return tl::unexpected(
        std::string("intel-ipsec-mb does not run on this CPU: it needs SSE4.2, AES-NI and PCLMULQDQ"));
  }
  return std::unique_ptr<Worker>(new Worker(tables, devices, std::move(*aead)));
}

Worker::Worker(Tables& tables, std::array<std::uint16_t, kMaxPorts> devices, Aead aead)
    : tables_(tables), aead_(std::move(aead)), sid_counters_(tables.sids.size()), devices_(devices) {}

}  // namespace strata
