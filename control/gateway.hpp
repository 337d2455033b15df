// `strata run`: the gateway on its devices, from start to the last packet.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "control/build.hpp"
#include "control/control_socket.hpp"
#include "control/device.hpp"
#include "control/eal.hpp"
#include "control/metrics/metrics.hpp"
#include "control/privileges/user.hpp"
#include "control/rates.hpp"
#include "control/rebalance.hpp"
#include "control/run_report.hpp"
#include "control/sa_keeper.hpp"
#include "control/service/pulse.hpp"
#include "control/service/service_manager.hpp"
#include "control/worker_threads.hpp"
#include "dataplane/worker_set.hpp"

namespace strata {

struct RunOptions {
  std::vector<std::string> eal;                      // words of the command line, for EAL
  std::chrono::seconds statistics{0};                // between two lines of rates for each port; 0: none
  std::string socket;                                // to be asked and told things by; empty: as configured
  std::string user;                                  // whom it becomes once its devices are open; empty: nobody else
  std::string version;                               // of the program
  std::function<void(const RunReport&)> on_request;  // told the report when somebody asks for it
};

class Gateway {
 public:
  // options: outlive the gateway.
  static tl::expected<std::unique_ptr<Gateway>, std::string> start(std::shared_ptr<const config::Config> config,
                                                                   const RunOptions& options);

  // Until the end is asked for (control/signals.hpp). Then what the queues hold is still forwarded, and the devices are
  // stopped: this is the account of it all.
  RunReport run();

 private:
  using Clock = std::chrono::steady_clock;

  Gateway(std::shared_ptr<const config::Config> config, const RunOptions& options, std::unique_ptr<SaKeeper> keeper,
          GoneWindows windows, Eal eal)
      : config_(std::move(config)),
        options_(options),
        keeper_(std::move(keeper)),
        gone_windows_(std::move(windows)),
        eal_(std::move(eal)) {}
  tl::expected<void, std::string> open_devices();
  tl::expected<void, std::string> confine_to(const User& user);
  tl::expected<void, std::string> make_workers();
  void begin();
  void begin_to_be_asked();
  void tell_audit();
  void tell_news();
  void tell_unlocked();
  void look_around(Clock::time_point now);
  void look_at_links();
  void look_at_workers();
  void tell_rates(Clock::time_point now);
  void tell_report();
  void note_busy(Clock::time_point now);
  void serve_clients();
  show::Gateway shown();
  tl::expected<Changes, std::string> diff();
  tl::expected<Changes, std::string> reload();
  tl::expected<Changes, std::string> read_and_apply();
  tl::expected<Changes, std::string> change(const config::Amendment& amendment, const std::string& who);
  tl::expected<Changes, std::string> change_to(std::shared_ptr<const config::Config> next);
  tl::expected<void, std::string> apply(std::shared_ptr<const config::Config> config);
  tl::expected<void, std::string> keep_numbers(const config::Config& config, Rebuilt& next);
  void retire_gone(const Rebuilt& next, Tables& tables);
  WorkerSet::Patience patience();
  void say_still(unsigned worker);
  void drain();
  RunReport end_without(const std::string& why);
  RunReport report();
  WorkerCount count_of(unsigned worker, double seconds);
  RunReport end();

  std::shared_ptr<const config::Config> config_;
  const RunOptions& options_;
  const ServiceManager manager_;
  std::unique_ptr<SaKeeper> keeper_;
  GoneWindows gone_windows_;
  Eal eal_;                                // goes after all that is made of it
  std::unique_ptr<ControlSocket> socket_;  // nullptr: nobody asks anything
  std::unique_ptr<Metrics> metrics_;       // nullptr: nor reads any metric
  std::optional<Pool> pool_;
  std::optional<Pool> made_pool_;
  std::vector<Device> devices_;         // by PortId
  std::vector<wire::MacAddress> macs_;  // by PortId
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<Tables> half_taken_over_;  // a change that a worker did not come to
  std::shared_ptr<const config::Config> half_in_force_;
  Places places_;
  Gone gone_;
  std::unique_ptr<WorkerSet> workers_;
  std::unique_ptr<Trace> trace_;
  std::unique_ptr<Capture> capture_;
  std::unique_ptr<WorkerThreads> threads_;
  bool says_still_ = false;  // the service manager was told last that a worker stands still
  std::optional<Rebalancer> rebalancer_;
  Pulse pulse_;
  std::vector<std::chrono::nanoseconds> busy_before_;  // by worker
  std::vector<double> busy_;                           // by worker: share of the last second
  Clock::time_point noted_;                            // when that was
  CauseRates cause_rates_;
  std::vector<NeighborBoard::Change> neighbor_news_;
  bool more_to_serve_ = false;
  std::size_t told_unlocked_ = 0;  // octets of keys' memory
  bool is_amended_ = false;        // entries were changed since the file was read
  Clock::time_point start_;
  Clock::time_point next_look_;
  Clock::time_point next_rates_;
  std::vector<Rates> rates_;  // by PortId
};

}  // namespace strata
