#include "control/control_socket.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "config/describe.hpp"
#include "config/socket_path.hpp"
#include "control/ledger.hpp"
#include "control/log.hpp"
#include "control/rpc/schema_text.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;

// For what the workers are stopped no more often, however many clients ask: a scan of the neighbors, and the account of
// every SA.
constexpr std::chrono::milliseconds kBetweenLists = 100ms;
constexpr std::chrono::milliseconds kBetweenReports = 1000ms;

// Beyond, an answer with all of them would be too large, and would take long to find that out.
constexpr std::size_t kMostShownAtOnce = 20'000;

// One row more still fits: a policy with 100,000 prefixes is the longest.
constexpr std::size_t kEnoughForOneAnswer = std::size_t{1} << 20;

std::string now_text() { return to_string(std::chrono::system_clock::now()); }

// Fewer rows than asked for where they are long: an answer has a bound.
tl::expected<rpc::Json, rpc::Failure> part_of(const show::Rows& rows, const rpc::Request& params) {
  const std::uint64_t from = params.value("from", std::uint64_t{0});
  const std::uint64_t most = params.value("most", rpc::kMostRows);
  rpc::Json items = rpc::Json::array();
  std::uint64_t at = from;
  for (std::size_t octets = 0; at < rows.size && items.size() < most && octets < kEnoughForOneAnswer; ++at) {
    items.push_back(rows.row(at));
    octets += items.back().dump(-1, ' ', false, rpc::Json::error_handler_t::replace).size();
  }
  return rpc::Json{
      {"items", std::move(items)}, {"total", rows.size}, {"next", at < rows.size ? rpc::Json(at) : rpc::Json(nullptr)}};
}

tl::unexpected<rpc::Failure> too_large(const std::string& instead) {
  return tl::unexpected(
      rpc::Failure{rpc::error::kTooLarge, "the configuration is too large for one answer; " + instead});
}

std::size_t entries_of(const config::Config& config) {
  return config.security_associations.size() + config.local_sids.size() + config.policies.size() +
         config.routes.size() + config.neighbors.size() + config.bypass.size();
}

}  // namespace

tl::expected<std::unique_ptr<ControlSocket>, std::string> ControlSocket::open(const config::Config& config,
                                                                              const std::string& said) {
  if (said.empty() && !config.control.enabled) return nullptr;
  const std::string path = said.empty() ? config::socket_path(config) : said;
  const bool is_wished = !said.empty() || !config.control.socket.empty();
  if (!is_wished && ::mkdir(config::kSocketFolder, 0755) != 0 && errno != EEXIST) {
    log_line(std::string("no control socket: the folder ") + config::kSocketFolder + " cannot be made (" +
             std::strerror(errno) + "); be root, or set control.socket or --socket");
    return nullptr;
  }
  const auto groups = groups_of(config.control);
  if (!groups) return tl::unexpected(groups.error());
  auto file = SocketFile::create(path);
  if (file) return std::unique_ptr<ControlSocket>(new ControlSocket(std::move(*file), *groups));
  if (is_wished) return tl::unexpected(std::move(file.error()));
  log_line("no control socket: " + file.error());
  return nullptr;
}

tl::expected<ControlSocket::Groups, std::string> ControlSocket::groups_of(const config::Control& control) {
  Groups groups;
  const auto find = [](const char* key, const std::string& name,
                       std::optional<gid_t>& out) -> tl::expected<void, std::string> {
    if (name.empty()) return {};
    const auto group = group_named(name);
    if (!group)
      return tl::unexpected(std::string("control.") + key + ": " + group.error() +
                            "; `groupadd` makes one, or leave the key out");
    out = *group;
    return {};
  };
  if (auto done = find("payload_group", control.payload_group, groups.payload); !done)
    return tl::unexpected(done.error());
  if (auto done = find("change_group", control.change_group, groups.change); !done) return tl::unexpected(done.error());
  return groups;
}

ControlSocket::ControlSocket(SocketFile file, const Groups& groups)
    : server_(
          std::move(file),
          {.answer = [this](rpc::ClientId client, std::string_view line) { return dispatcher_.answer(client, line); },
           .gone =
               [this](rpc::ClientId client) {
                 subscriptions_.erase(client);
                 if (tracing_ == client) stop_trace();
                 if (capturing_ == client) forget_capture();
               },
           .listens =
               [this](rpc::ClientId client) {
                 return tracing_ == client || capturing_ == client || subscriptions_.contains(client);
               },
           .log = [](const std::string& line) { log_line(line); }}),
      groups_(groups) {}

void ControlSocket::show_from_now_on(const show::Gateway& gateway) {
  gateway_.emplace(gateway);
  index_.emplace(gateway.config);
  report_ = nullptr;
  neighbors_taken_ = {};
}

void ControlSocket::begin(const show::Gateway& gateway, const std::string& version, Actions actions) {
  show_from_now_on(gateway);
  version_ = version;
  actions_ = std::move(actions);
  dispatcher_.add("hello", [this](auto, auto&) { return hello(); });
  dispatcher_.add("rpc.discover", [](auto, auto&) -> Result { return rpc::openrpc(); });
  dispatcher_.add("show.config", [this](auto, auto&) { return config(); });
  dispatcher_.add("report", [this](auto, auto&) { return report(); });
  add_tables();
  add_subscriptions();
  add_trace();
  add_capture();
  add_changes();
  assert(dispatcher_.missing().empty());
}

tl::unexpected<rpc::Failure> ControlSocket::stands_still(const std::string& who) {
  return tl::unexpected(rpc::Failure{rpc::error::kStandsStill, who + "; `strata show workers` has all of them"});
}

void ControlSocket::add_tables() {
  add_table("show.ports", [this] { return show::ports(*gateway_); });
  add_table("show.workers", [this] { return show::workers(*gateway_); });
  add_table("show.sas", [this] { return show::sas(*gateway_); });
  add_table("show.sids", [this] { return show::sids(*gateway_); });
  add_table("show.policies", [this] { return show::policies(*gateway_, *index_); });
  add_table("show.routes", [this] { return show::routes(*gateway_, *index_); });
  dispatcher_.add("show.neighbors", [this](auto, const rpc::Request& params) -> Result {
    const auto rows = neighbors();
    if (!rows) return tl::unexpected(rows.error());
    return part_of(*rows, params);
  });
  add_table("show.stages", [this] { return show::stages(*gateway_); });
  add_table("show.drops", [this] { return show::drops(*gateway_); });
  dispatcher_.add("show.last_drops", [this](rpc::ClientId client, const rpc::Request& params) {
    return part_of(show::last_drops(*gateway_, may_see_payload(client)), params);
  });
  add_table("show.mtu", [this] { return show::mtus(*gateway_, *index_); });
}

void ControlSocket::add_table(std::string_view name, std::function<show::Rows()> rows) {
  dispatcher_.add(name, [rows = std::move(rows)](auto, const rpc::Request& params) { return part_of(rows(), params); });
}

void ControlSocket::add_subscriptions() {
  const auto all_of = [](const Subscription& subscription) -> Result { return Json{{"events", subscription.events}}; };
  dispatcher_.add("subscribe", [this, all_of](rpc::ClientId client, const rpc::Request& params) {
    Subscription& mine = subscriptions_[client];
    for (const rpc::Request& event : params["events"]) mine.events.insert(event.get<std::string>());
    mine.drops_per_second = params.value("drops_per_second", mine.drops_per_second);
    return all_of(mine);
  });
  dispatcher_.add("unsubscribe", [this, all_of](rpc::ClientId client, const rpc::Request& params) {
    Subscription mine = subscriptions_[client];
    for (const rpc::Request& event : params["events"]) mine.events.erase(event.get<std::string>());
    subscriptions_[client] = mine;
    if (mine.events.empty()) subscriptions_.erase(client);
    return all_of(mine);
  });
}

ControlSocket::Result ControlSocket::hello() const {
  const std::chrono::duration<double> since = Clock::now() - gateway_->start;
  return Json{{"program", "strata"},
              {"version", version_},
              {"api", rpc::kApiVersion},
              {"name", gateway_->config.name},
              {"config", gateway_->config.file},
              {"pid", ::getpid()},
              {"seconds", since.count()}};
}

ControlSocket::Result ControlSocket::config() const {
  if (entries_of(gateway_->config) > kMostShownAtOnce) return too_large("its parts are in the tables");
  return Json{{"config", config::describe_json(gateway_->config)}};
}

ControlSocket::Result ControlSocket::report() {
  if (entries_of(gateway_->config) > kMostShownAtOnce)
    return too_large("SIGUSR1 prints the report on standard error, and show.sas and show.sids have the counters");
  const Clock::time_point now = Clock::now();
  if (report_.is_null() || now - report_taken_ >= kBetweenReports) {
    RunReport taken;
    if (auto done = gateway_->threads.while_they_stand_still([&] { taken = gateway_->report(); }); !done)
      return stands_still(done.error());
    report_ = to_json(taken);
    report_taken_ = now;
  }
  return Json{{"report", report_}};
}

bool ControlSocket::is_trusted(rpc::ClientId client, const std::optional<gid_t>& group) const {
  const Peer* const peer = server_.peer(client);
  if (peer == nullptr) return false;
  return is_own(*peer) || (group && may_come_in(*peer, *group));
}

tl::expected<show::Rows, rpc::Failure> ControlSocket::neighbors() {
  const Clock::time_point now = Clock::now();
  if (now - neighbors_taken_ >= kBetweenLists) {
    const auto done = gateway_->threads.while_they_stand_still(
        [&] { gateway_->workers.worker(kHostWorker.index()).list_neighbors(neighbors_); });
    if (!done) return stands_still(done.error());
    neighbors_taken_ = now;
    std::erase_if(neighbors_, [&](const auto& known) { return gateway_->tables.ports[known.port.index()].is_host; });
  }
  return show::neighbors(*gateway_, neighbors_);
}

// --- events --------------------------------------------------------------------------------------------------------

void ControlSocket::publish(std::string_view event, const Json& data) {
  const std::string line = rpc::event_line(event, data);
  for (const auto& [client, subscription] : subscriptions_)
    if (subscription.events.contains(event)) server_.tell(client, line);
}

void ControlSocket::tell_link(const std::string& port, bool up, const std::string& link) {
  publish("link", {{"time", now_text()}, {"port", port}, {"up", up}, {"link", link}});
}

void ControlSocket::tell_neighbors(const std::vector<NeighborBoard::Change>& changes) {
  if (subscriptions_.empty()) return;
  for (const NeighborBoard::Change& change : changes)
    publish("neighbor", {{"time", now_text()},
                         {"port", gateway_->config.ports[change.port.index()].name},
                         {"address", wire::to_string(change.address)},
                         {"mac", change.resolved ? Json(wire::to_string(change.mac)) : Json(nullptr)},
                         {"state", change.resolved ? "reachable" : "gone"}});
}

void ControlSocket::tell_sa(const Expiry& expiry) {
  publish("sa", {{"time", now_text()},
                 {"name", expiry.sa->name},
                 {"direction", config::to_string(expiry.sa->direction)},
                 {"spi", expiry.sa->spi},
                 {"state", to_string(expiry.state)},
                 {"lifetime", expiry.state == LifeState::dead ? "hard" : "soft"},
                 {"limit", expiry.limit},
                 {"allowed", expiry.allowed},
                 {"reached", expiry.reached}});
}

void ControlSocket::tell_drops(const CauseRates& rates) {
  for (const CauseText& cause : kCauses) {
    const std::uint64_t rate = rates.rate(cause.cause);
    for (const auto& [client, subscription] : subscriptions_) {
      if (rate <= subscription.drops_per_second || !subscription.events.contains("drops")) continue;
      server_.tell(client, rpc::event_line("drops", {{"time", now_text()},
                                                     {"cause", cause.name},
                                                     {"fate", name_of(cause.fate)},
                                                     {"rate", rate},
                                                     {"packets", rates.total(cause.cause)}}));
    }
  }
}

}  // namespace strata
