// What becomes of SAs while packets go on: sequence numbers are reserved ahead of them, and those whose lifetime is
// over are ended.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

#include "config/config.hpp"
#include "control/lifetimes.hpp"
#include "control/state/reservations.hpp"
#include "control/state/state_files.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

// A thread for each of the two, as a disk may take its time and nothing else is to wait for that.
class SaKeeper {
 public:
  using Clock = Reservations::Clock;

  // config: outlives it. Locks and reads the state, where the configuration has SAs that seal and does not forgo it.
  static tl::expected<std::unique_ptr<SaKeeper>, std::string> open(const config::Config& config);
  ~SaKeeper();

  // tables: of the configuration, before any worker uses them; they outlive it.
  tl::expected<void, std::string> begin(const Places& places, Tables& tables);
  // For the log: what the numbers of this start begin behind. Empty: nothing seals.
  std::string text() const;
  void start();
  // What has happened to the state since it was asked last, a line each.
  std::vector<std::string> news();
  // Whose lifetimes have come to a limit since it was asked last. They are of the configuration that was in force then,
  // or of the one before.
  std::vector<Expiry> expired();
  // From begin() on.
  const Lifetimes& lifetimes() const { return *lifetimes_; }
  // While workers go on: other SAs seal from now on (Reservations::exchange), and lifetimes are those of these tables.
  // Before any worker uses them; both outlive it, or the next change. With an error all is as before.
  tl::expected<void, std::string> change(const config::Config& config, const Places& places, Tables& tables,
                                         const std::vector<const OutboundSa*>& going,
                                         const std::vector<SealingSa>& coming);
  // What went is used no more.
  void release();

  // When the workers have ended: what was reserved and not used is given back.
  tl::expected<void, std::string> end();

 private:
  explicit SaKeeper(const config::Config& config) : config_(&config) {}
  tl::expected<void, std::string> open_state();
  void note_ages(const std::vector<SealingSa>& sas, const Tables& tables);
  void keep_reserved();
  void keep_lifetimes();
  std::chrono::milliseconds look_at_lifetimes();
  void tell(const tl::expected<void, std::string>& reserved);
  void stop();

  // Whether what SAs have carried is to be written now, be there no numbers to reserve.
  bool octets_are_due(Clock::time_point now);

  const config::Config* config_;
  std::unique_ptr<StateFiles> files_;           // nullptr: nothing has sealed yet
  std::unique_ptr<Reservations> reservations_;  // as files_
  std::size_t sealing_ = 0;                     // SAs
  bool limits_octets_ = false;                  // of one of these
  std::mutex reserving_;                        // around what reservations_ do
  std::vector<Lifetimes::Age> before_;          // what keys had behind them when they came, by OutSaId
  std::mutex living_;                           // around what lifetimes_ do, and their exchange
  std::optional<Lifetimes> lifetimes_;          // from begin() on
  std::string trouble_;                         // the last thing that was told to have failed
  std::mutex mutex_;                            // of what follows
  std::condition_variable wake_;
  bool end_ = false;
  bool life_over_ = false;  // of one that seals, and the file does not say so yet
  Clock::time_point octets_written_{};
  std::vector<std::string> news_;
  std::vector<Expiry> expired_;
  std::thread reserves_;  // where reservations_ are
  std::thread ends_;      // where an SA has a lifetime, or had one
};

}  // namespace strata
