// The report of `strata run`: the account of all packets, and what the devices counted (docs/running.md has the keys).
#pragma once

#include <optional>

#include "control/ledger.hpp"

namespace strata {

// Of one device, as it says itself: what the gateway never saw is in no other count.
struct DeviceCount {
  std::string port;
  std::string device;
  std::uint64_t received = 0;
  std::uint64_t received_octets = 0;
  std::uint64_t missed = 0;      // no free descriptor
  std::uint64_t no_buffers = 0;  // no packet buffer
  std::uint64_t bad = 0;         // wrong checksum of the frame, length, ...
  std::uint64_t sent = 0;
  std::uint64_t sent_octets = 0;
  std::uint64_t not_sent = 0;
};

struct WorkerCount {
  std::optional<unsigned> cpu;  // nothing: any
  std::uint64_t received = 0;
  std::uint64_t handed_over = 0;  // to other workers
  double busy = 0;                // share of the time in which it had packets
};

struct RunReport : Ledger {
  std::string config;
  double seconds = 0;  // since the ports were started
  std::vector<DeviceCount> devices;
  std::vector<WorkerCount> workers;
  std::optional<unsigned> buffers_missing;  // nothing: the gateway still runs, and buffers are on their way
  std::vector<std::string> errors;
  bool threads_remain = false;  // a worker did not end: the process is to end without taking anything apart
};

std::string to_text(const RunReport& report);

// The keys stand in the order of docs/running.md.
nlohmann::ordered_json to_json(const RunReport& report);

}  // namespace strata
