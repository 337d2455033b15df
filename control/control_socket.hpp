// The control socket of a running gateway: what it answers (control/rpc/schema.hpp), and whom it tells what happens.
// Served by the main thread, between what else it does.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/amend.hpp"
#include "control/changes.hpp"
#include "control/rpc/dispatcher.hpp"
#include "control/show/view.hpp"
#include "control/socket/line_server.hpp"

namespace strata {

class ControlSocket {
 public:
  using Clock = LineServer::Clock;

  // said: a path that wins over the configuration's. Clients may come from now on, and wait for begin(). Nothing: there
  // is to be none; or it was nobody's wish in so many words, and cannot be made, which is told.
  static tl::expected<std::unique_ptr<ControlSocket>, std::string> open(const config::Config& config,
                                                                        const std::string& said);

  struct Actions {
    std::function<tl::expected<Changes, std::string>()> diff;
    std::function<tl::expected<Changes, std::string>()> reload;
    std::function<bool()> is_amended;  // entries were changed since the file was read
    std::function<tl::expected<Changes, std::string>(const config::Amendment&, const std::string& who)> change;
  };
  void begin(const show::Gateway& gateway, const std::string& version, Actions actions);
  // After a reload.
  void show_from_now_on(const show::Gateway& gateway);

  const std::string& path() const { return server_.path(); }
  // Readable when there is something to serve.
  int fd() const { return server_.fd(); }
  // True: there is more to do at once.
  bool serve(Clock::time_point now) { return server_.serve(now); }

  void tell_link(const std::string& port, bool up, const std::string& link);
  void tell_neighbors(const std::vector<NeighborBoard::Change>& changes);
  void tell_sa(const Expiry& expiry);
  void tell_drops(const CauseRates& rates);
  void tell_traced();
  void tell_captured();

 private:
  using Json = rpc::Json;
  using Result = tl::expected<Json, rpc::Failure>;

  struct Subscription {
    std::set<std::string, std::less<>> events;
    std::uint64_t drops_per_second = 1000;
  };

  // Who may do more than others that are let in, beside root and the gateway's own user.
  struct Groups {
    std::optional<gid_t> payload;
    std::optional<gid_t> change;
  };

  ControlSocket(SocketFile file, const Groups& groups);
  static tl::expected<Groups, std::string> groups_of(const config::Control& control);
  void add_tables();
  void add_subscriptions();
  void add_table(std::string_view name, std::function<show::Rows()> rows);
  Result hello() const;
  Result config() const;
  Result report();
  tl::expected<show::Rows, rpc::Failure> neighbors();
  void add_trace();
  Result trace(rpc::ClientId client, const rpc::Request& params);
  void stop_trace();
  void add_capture();
  Result capture(rpc::ClientId client, const rpc::Request& params);
  void end_capture();
  void tell_what_is_captured();
  void tell_end_of_capture();
  void forget_capture();
  static tl::unexpected<rpc::Failure> stands_still(const std::string& who);
  void publish(std::string_view event, const Json& data);
  void add_changes();
  Result change(rpc::ClientId client, const config::Amendment& amendment);
  bool is_trusted(rpc::ClientId client, const std::optional<gid_t>& group) const;
  // What an SA has opened or is to seal: whoever has the keys may see it, and whom the configuration names.
  bool may_see_payload(rpc::ClientId client) const { return is_trusted(client, groups_.payload); }

  rpc::Dispatcher dispatcher_;
  LineServer server_;
  Groups groups_;
  std::map<rpc::ClientId, Subscription> subscriptions_;
  std::optional<rpc::ClientId> tracing_;
  std::optional<rpc::ClientId> capturing_;
  std::int64_t capture_clock_ns_ = 0;  // what the time of day is ahead of the workers' clock
  std::optional<show::Gateway> gateway_;
  std::optional<show::Index> index_;
  std::string version_;
  Actions actions_;
  std::vector<Neighbors::Known> neighbors_;
  Clock::time_point neighbors_taken_;
  Json report_;
  Clock::time_point report_taken_;
};

}  // namespace strata
