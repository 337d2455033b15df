#include "control/gateway.hpp"

#include <linux/capability.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <thread>

#include "config/socket_path.hpp"
#include "control/account.hpp"
#include "control/build.hpp"
#include "control/device_name.hpp"
#include "control/log.hpp"
#include "control/privileges/confine.hpp"
#include "control/signals.hpp"
#include "secret/memory.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;

// Beyond what queues hold and what waits: bursts on their way, the pool's cache.
constexpr unsigned kSpareBuffers = 2048;
// What the gateway makes itself: ARP, fragments, packets put together of several buffers or fragments.
constexpr unsigned kMadeBuffers = 1023;
constexpr std::uint16_t kMadeRoom = 9728;
// After the end was asked for: all that queues hold, but not for ever when packets go on coming.
constexpr unsigned kDrainRounds = 1024;
constexpr std::chrono::seconds kBetweenLooks{1};
constexpr std::string_view kRunning = "running";
constexpr std::chrono::milliseconds kBetweenAudits{100};
constexpr std::chrono::milliseconds kRingsEmptyIn{50};  // 4096 packets of 1500 octets at 1 Gbit/s

std::uint64_t nanoseconds(std::chrono::steady_clock::time_point time) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(time.time_since_epoch()).count());
}

// As much may wait between workers as fills the rings of one that stands still.
unsigned between_workers(const config::Config& config) {
  return config.workers.count > 1 ? config.workers.count * (HandoffRing::kRoom + 1) : 0;
}

PortId port_id(std::size_t index) { return PortId(static_cast<std::uint8_t>(index)); }

std::string worker_text(const config::Config& config, unsigned worker) {
  const auto& cpus = config.workers.cpus;
  return "worker " + std::to_string(worker) + (cpus.empty() ? "" : " on CPU " + std::to_string(cpus[worker]));
}

std::vector<Worker*> workers_of(WorkerSet& set) {
  std::vector<Worker*> all;
  for (unsigned i = 0; i < set.size(); ++i) all.push_back(&set.worker(i));
  return all;
}

struct Files {
  std::unique_ptr<Metrics> metrics;
  std::unique_ptr<ControlSocket> socket;
  std::unique_ptr<SaKeeper> keeper;
};

// Other gateways' sockets may be there: who has none of its own there leaves the folder alone.
bool is_in_usual_folder(const config::Config& config, const RunOptions& options) {
  if (options.socket.empty() && !config.control.enabled) return false;
  const std::filesystem::path path = options.socket.empty() ? config::socket_path(config) : options.socket;
  return path.parent_path() == config::kSocketFolder;
}

// What the user is to write to as long as the gateway runs, and at its next start.
tl::expected<Files, std::string> open_files(const config::Config& config, const RunOptions& options, const User* user) {
  if (user != nullptr) {
    if (is_in_usual_folder(config, options))
      make_folder_for(*user, config::kSocketFolder, 0750, Existing::taken_from_root);
    if (!config.state.unsafe_lab_without_state)
      make_folder_for(*user, config.state.directory, 0700, Existing::left_alone);
  }
  // Before it acts as the user: a port may be root's.
  auto metrics = Metrics::open(config);
  if (!metrics) return tl::unexpected(metrics.error());
  const ActingAs acting(user);
  auto socket = ControlSocket::open(config, options.socket);
  if (!socket) return tl::unexpected(socket.error());
  auto keeper = SaKeeper::open(config);
  if (!keeper) return tl::unexpected(keeper.error());
  return Files{std::move(*metrics), std::move(*socket), std::move(*keeper)};
}

// To receive and to send on what is open takes none; net_tap puts its interface in order at the end.
Capabilities capabilities_for(const config::Config& config) {
  const auto wants = [](const config::Port& port) { return driver_of_device(port.device) == "net_tap"; };
  return std::ranges::any_of(config.ports, wants) ? Capabilities{1} << CAP_NET_ADMIN : Capabilities{0};
}

// Nobody: nobody else than who started the process.
tl::expected<std::optional<User>, std::string> user_to_become(const config::Config& config, const std::string& name) {
  if (name.empty()) return std::nullopt;
  for (const config::Port& port : config.ports)
    if (driver_of_device(port.device) == "net_af_xdp")
      return tl::unexpected("port " + port.name + ": net_af_xdp needs root's rights to take its program off the " +
                            "interface at the end; leave --user out, or use net_af_packet");
  return find_user(name);
}

}  // namespace

tl::expected<std::unique_ptr<Gateway>, std::string> Gateway::start(std::shared_ptr<const config::Config> config,
                                                                   const RunOptions& options) {
  const auto user = user_to_become(*config, options.user);
  if (!user) return tl::unexpected(user.error());
  // First, as another gateway of this name is no reason to touch a device.
  auto files = open_files(*config, options, *user ? &**user : nullptr);
  if (!files) return tl::unexpected(files.error());
  auto windows = GoneWindows::create();
  if (!windows) return tl::unexpected(windows.error());
  auto eal = Eal::start_live(*config, options.eal);
  if (!eal) return tl::unexpected(eal.error());
  std::unique_ptr<Gateway> gateway(
      new Gateway(std::move(config), options, std::move(files->keeper), std::move(*windows), std::move(*eal)));
  gateway->socket_ = std::move(files->socket);
  gateway->metrics_ = std::move(files->metrics);
  if (auto done = gateway->open_devices(); !done) return tl::unexpected(done.error());
  // From here on keys go through registers.
  if (auto done = *user ? gateway->confine_to(**user) : leave_no_core(); !done) return tl::unexpected(done.error());
  if (auto done = gateway->make_workers(); !done) return tl::unexpected(done.error());
  return gateway;
}

tl::expected<void, std::string> Gateway::open_devices() {
  unsigned buffers = config_->workers.count * kSpareBuffers + between_workers(*config_) + waiting_buffers(*config_);
  // Drivers keep what they have sent until its descriptor is used again: all of it may be of this pool.
  unsigned made_buffers = kMadeBuffers;
  std::uint16_t room = 0;
  for (const config::Port& port : config_->ports) {
    auto device = Device::open(port, config_->workers.count);
    if (!device) return tl::unexpected(device.error());
    buffers += device->buffers();
    made_buffers += device->tx_buffers();
    room = std::max(room, device->room());
    devices_.push_back(std::move(*device));
  }
  auto pool = Pool::create("strata_pool", buffers, room);
  if (!pool) {
    return tl::unexpected(pool.error() + "; each takes " + std::to_string(room) + " octets: raise eal.memory (now " +
                          std::to_string(config_->eal.memory) + " MiB) or lower the ports' descriptors");
  }
  pool_.emplace(std::move(*pool));
  auto made = Pool::create("strata_made", made_buffers, std::max(room, kMadeRoom));
  if (!made) return tl::unexpected(made.error() + "; raise eal.memory");
  made_pool_.emplace(std::move(*made));
  for (Device& device : devices_)
    if (auto done = device.start(*pool_); !done) return done;
  return {};
}

// Before the workers are made: what they and the keeper of sequence numbers write is the user's.
tl::expected<void, std::string> Gateway::confine_to(const User& user) {
  if (auto done = confine(user, capabilities_for(*config_)); !done) return done;
  log_line("from here on this is user " + user.name + " (" + std::to_string(user.uid) +
           "): it has given up its other rights and starts no program");
  return {};
}

tl::expected<void, std::string> Gateway::make_workers() {
  std::vector<WorkerPort> ports;
  std::vector<std::uint16_t> ids;
  for (const Device& device : devices_) {
    macs_.push_back(device.mac());
    ids.push_back(device.id());
    ports.push_back({.device = device.id(),
                     .rx_queues = device.queues(),
                     .tx_queues = device.tx_queues(),
                     .sums = device.sums_headers() ? DeviceSums::believed : DeviceSums::none});
  }
  auto built = build(*config_, macs_);
  if (!built) return tl::unexpected(built.error());
  tables_ = std::move(built->tables);
  places_ = std::move(built->places);
  if (auto done = keeper_->begin(places_, *tables_); !done) return done;
  auto workers = WorkerSet::create(*tables_, ports, *made_pool_, config_->workers.count);
  if (!workers) return tl::unexpected(workers.error());
  workers_ = std::move(*workers);
  trace_ = std::make_unique<Trace>(*tables_, Names(*config_, places_), workers_->size());
  capture_ = std::make_unique<Capture>(workers_->size());
  threads_ = std::make_unique<WorkerThreads>(*workers_, ids, *trace_, *capture_);
  if (config_->workers.rebalance && workers_->size() > 1) rebalancer_.emplace(*tables_, *workers_);
  return {};
}

void Gateway::tell_audit() {
  for (unsigned i = 0; i < workers_->size(); ++i)
    workers_->worker(i).audit().collect(
        [this](const AuditEvent& event) { log_line(audit_text(*config_, event), audit_fields(*config_, event)); });
}

void Gateway::tell_news() {
  for (const std::string& line : keeper_->news()) log_line(line);
  for (const Expiry& expiry : keeper_->expired()) {
    log_line(to_string(expiry), {{"PRIORITY", kNoticePriority}, {"SA", expiry.sa->name}});
    if (socket_) socket_->tell_sa(expiry);
  }
}

void Gateway::look_at_links() {
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    if (!devices_[i].link_changed()) continue;
    log_line("port " + config_->ports[i].name + ": link is " + devices_[i].link_text(),
             {{"PORT", config_->ports[i].name}, {"LINK", devices_[i].is_up() ? "up" : "down"}});
    if (socket_) socket_->tell_link(config_->ports[i].name, devices_[i].is_up(), devices_[i].link_text());
    if (devices_[i].is_up()) workers_->worker(kHostWorker.index()).ask_to_announce(port_id(i));
  }
}

// A worker that is well makes thousands of rounds between two looks, and a hundred where it waits for interrupts.
void Gateway::look_at_workers() {
  std::vector<std::uint64_t> rounds;
  for (unsigned i = 0; i < workers_->size(); ++i) rounds.push_back(workers_->rounds(i));
  pulse_.look(rounds);
  for (const unsigned worker : pulse_.stopped())
    log_line(worker_text(*config_, worker) + " stands still: no round in the last second" +
                 (manager_.wants_heartbeat() ? "; the watchdog is not fed meanwhile" : ""),
             {{"PRIORITY", kErrorPriority}, {"WORKER", std::to_string(worker)}});
  for (const unsigned worker : pulse_.resumed())
    log_line(worker_text(*config_, worker) + " goes round again", {{"WORKER", std::to_string(worker)}});
  if (pulse_.all_go_round() && says_still_) {
    manager_.status(kRunning);
    if (pulse_.resumed().empty()) log_line("the worker that was waited for goes round again");
    says_still_ = false;
  } else if (!pulse_.all_go_round() && !(pulse_.stopped().empty() && pulse_.resumed().empty())) {
    unsigned first = 0;
    while (!pulse_.stands(first)) ++first;
    say_still(first);
  }
  if (manager_.wants_heartbeat() && pulse_.all_go_round()) manager_.heartbeat();
}

void Gateway::say_still(unsigned worker) {
  manager_.status(worker_text(*config_, worker) + " stands still");
  says_still_ = true;
}

// For a worker that may have come to stand still since it was looked at: whoever waits for it says so, and waits for no
// longer than until the end is asked for.
WorkerSet::Patience Gateway::patience() {
  return [this, since = Clock::now(), told = false](unsigned worker) mutable {
    if (!told && Clock::now() - since > kBetweenLooks) {
      log_line(
          worker_text(*config_, worker) + " stands still, and is waited for to take a change over; SIGTERM ends it all",
          {{"PRIORITY", kErrorPriority}, {"WORKER", std::to_string(worker)}});
      say_still(worker);
      told = true;
    }
    return !end_asked();
  };
}

void Gateway::tell_rates(Clock::time_point now) {
  const std::chrono::duration<double> since = now - next_rates_ + options_.statistics;
  for (std::size_t i = 0; i < devices_.size(); ++i)
    log_line(rates_[i].line(devices_[i].count(), since.count()), {{"PORT", config_->ports[i].name}});
  next_rates_ = now + options_.statistics;
}

void Gateway::note_busy(Clock::time_point now) {
  const std::chrono::duration<double> since = now - std::exchange(noted_, now);
  busy_before_.resize(workers_->size());
  busy_.resize(workers_->size());
  for (unsigned i = 0; i < workers_->size(); ++i) {
    const std::chrono::nanoseconds all = threads_->busy(i);
    busy_[i] = std::clamp(std::chrono::duration<double>(all - std::exchange(busy_before_[i], all)) / since, 0.0, 1.0);
  }
}

// What is not the packets' business, each second.
void Gateway::look_around(Clock::time_point now) {
  next_look_ = now + kBetweenLooks;
  look_at_workers();
  look_at_links();
  if (options_.statistics.count() != 0 && now >= next_rates_) tell_rates(now);
  const std::chrono::duration<double> since = now - noted_;
  note_busy(now);
  cause_rates_.look(*workers_, since);
  if (socket_) socket_->tell_drops(cause_rates_);
  // SAs of the busiest worker to the idlest, by what the last second was like. One that stands still would never let
  // go.
  if (!rebalancer_ || !pulse_.all_go_round()) return;
  if (const auto moved = rebalancer_->look(busy_, patience()); moved && *moved != 0)
    log_line(std::to_string(*moved) + (*moved == 1 ? " SA goes" : " SAs go") + " to a worker that has less to do");
}

void Gateway::serve_clients() {
  workers_->neighbor_board().collect(neighbor_news_);
  more_to_serve_ = metrics_ && metrics_->serve(Clock::now());
  if (!socket_) return;
  socket_->tell_neighbors(neighbor_news_);
  socket_->tell_traced();
  socket_->tell_captured();
  more_to_serve_ = socket_->serve(Clock::now()) || more_to_serve_;
}

void Gateway::tell_report() {
  RunReport now;
  if (auto done = threads_->while_they_stand_still([&] { now = report(); }); !done)
    return log_line("no report: " + done.error());
  options_.on_request(now);
}

void Gateway::begin() {
  for (std::size_t i = 0; i < devices_.size(); ++i)
    log_line("port " + config_->ports[i].name + ": " + config_->ports[i].device + ", " + devices_[i].text(),
             {{"PORT", config_->ports[i].name}});
  if (const std::string text = keeper_->text(); !text.empty()) log_line(text);
  tell_unlocked();
  rates_.resize(devices_.size());
  start_ = Clock::now();
  next_rates_ = start_ + options_.statistics;
  noted_ = start_;
  threads_->start();
  keeper_->start();
  log_line(std::string("running; idle, ") + (workers_->size() == 1 ? "it waits " : "each worker waits ") +
           (threads_->wait_by_interrupt() ? "for the devices' interrupts" : "in short sleeps") +
           "; SIGTERM or SIGINT ends it");
  manager_.ready(kRunning);
  begin_to_be_asked();
}

// When it is more than was told.
void Gateway::tell_unlocked() {
  const secret::Usage usage = secret::usage();
  if (usage.unlocked <= std::exchange(told_unlocked_, std::max(told_unlocked_, usage.unlocked))) return;
  rlimit limit{};
  const bool is_limited = ::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  log_line("of the keys' memory, " + std::to_string(usage.mapped >> 10) + " KiB, " +
               std::to_string(usage.unlocked >> 10) +
               " KiB are not locked and may be swapped out: " + std::generic_category().message(usage.error) +
               (is_limited ? "; RLIMIT_MEMLOCK allows " + std::to_string(limit.rlim_cur >> 10) + " KiB" : "") +
               "; mend it with LimitMEMLOCK=infinity for a service, or as root with: ulimit -l unlimited",
           {{"PRIORITY", kWarningPriority}});
}

void Gateway::begin_to_be_asked() {
  if (auto done = metrics_->begin(shown(), options_.version); !done) {
    log_line(done.error());
    metrics_.reset();
  }
  if (!socket_) return;
  log_line("control socket " + socket_->path());
  socket_->begin(shown(), options_.version,
                 {.diff = [this] { return diff(); },
                  .reload = [this] { return reload(); },
                  .is_amended = [this] { return is_amended_; },
                  .change = [this](const config::Amendment& amendment,
                                   const std::string& who) { return change(amendment, who); }});
}

show::Gateway Gateway::shown() {
  return {.config = *config_,
          .places = places_,
          .tables = *tables_,
          .workers = *workers_,
          .threads = *threads_,
          .devices = devices_,
          .busy = busy_,
          .pulse = pulse_,
          .causes = cause_rates_,
          .lifetimes = keeper_->lifetimes(),
          .trace = *trace_,
          .capture = *capture_,
          .gone = gone_,
          .start = start_,
          .report = [this] { return report(); }};
}

RunReport Gateway::run() {
  begin();
  while (!end_asked()) {
    const Clock::time_point now = Clock::now();
    tell_audit();
    tell_news();
    if (now >= next_look_) look_around(now);
    if (report_asked() && options_.on_request) tell_report();
    if (reload_asked()) (void)reload();  // what came of it is in the log
    serve_clients();
    const auto longest = std::chrono::ceil<std::chrono::milliseconds>(next_look_ - Clock::now());
    wait_for_wishes(more_to_serve_ ? 0ms : std::clamp(longest, 0ms, kBetweenAudits),
                    {socket_ ? socket_->fd() : -1, metrics_ ? metrics_->fd() : -1});
  }
  socket_.reset();
  metrics_.reset();
  log_line("ending");
  manager_.stopping();
  if (auto done = threads_->stop(); !done) return end_without(done.error());
  drain();
  return end();
}

// A worker may still use whatever it was given: devices, buffers and sequence numbers stay as they are, and the next
// start skips the numbers that were reserved.
RunReport Gateway::end_without(const std::string& why) {
  tell_audit();
  tell_news();
  RunReport last = report();
  last.errors.push_back(why);
  last.threads_remain = true;
  return last;
}

// The workers have ended: this thread goes round for all of them.
void Gateway::drain() {
  const auto go_round = [&](std::size_t most) {
    std::size_t packets = 0;
    for (unsigned worker = 0; worker < workers_->size(); ++worker)
      packets += workers_->round(worker, nanoseconds(Clock::now()), most);
    return packets;
  };
  // What a move that was given up left in line for an SA's new worker goes on behind what the old one was sent before.
  while (go_round(0) != 0) {}
  workers_->give_all_to_owners();
  for (unsigned i = 0; i < kDrainRounds && go_round(kTurn) != 0; ++i) {}
  // More may come without end; what did come is not left between two workers.
  while (go_round(0) != 0) {}
  for (unsigned worker = 0; worker < workers_->size(); ++worker) workers_->worker(worker).finish();
  tell_audit();
  // A driver that is stopped throws away what its rings still hold.
  std::this_thread::sleep_for(kRingsEmptyIn);
}

RunReport Gateway::report() {
  RunReport report;
  static_cast<Ledger&>(report) = account_of(*config_, places_, *tables_, workers_of(*workers_));
  add(report.gone_security_associations, gone_.inbound);
  add(report.gone_security_associations, gone_.outbound);
  report.gone_local_sids = gone_.sids;
  report.config = config_->file;
  report.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  for (Device& device : devices_) report.devices.push_back(device.count());
  for (unsigned i = 0; i < workers_->size(); ++i) report.workers.push_back(count_of(i, report.seconds));
  return report;
}

WorkerCount Gateway::count_of(unsigned worker, double seconds) {
  Worker& of = workers_->worker(worker);
  WorkerCount count{.cpu = {}, .received = 0, .handed_over = of.handed_over(), .busy = 0};
  if (!config_->workers.cpus.empty()) count.cpu = config_->workers.cpus[worker];
  for (std::size_t i = 0; i < devices_.size(); ++i) count.received += of.received(port_id(i));
  if (seconds > 0) count.busy = std::chrono::duration<double>(threads_->busy(worker)).count() / seconds;
  return count;
}

RunReport Gateway::end() {
  RunReport last = report();
  if (auto done = keeper_->end(); !done) last.errors.push_back(done.error());
  tell_news();
  unsigned kept = 0;
  for (const Device& device : devices_) kept += device.keeps();
  devices_.clear();
  last.buffers_missing = pool_->in_use() + made_pool_->in_use() - kept;
  if (*last.buffers_missing != 0)
    last.errors.push_back(std::to_string(*last.buffers_missing) + " packet buffers were lost on the way");
  return last;
}

}  // namespace strata
