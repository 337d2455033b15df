// The part of the control socket that changes what is in force.
#include <unistd.h>

#include <array>

#include "control/control_socket.hpp"
#include "control/rpc/schema.hpp"

namespace strata {
namespace {

// Beyond, they are counted.
constexpr std::size_t kMostChangesTold = 1000;

rpc::Json first_of(const std::vector<std::string>& lines) {
  rpc::Json told = rpc::Json::array();
  for (std::size_t i = 0; i < std::min(lines.size(), kMostChangesTold); ++i) told.push_back(lines[i]);
  return told;
}

tl::expected<rpc::Json, rpc::Failure> answer_of(const tl::expected<Changes, std::string>& changes) {
  if (!changes) return tl::unexpected(rpc::Failure{rpc::error::kNotApplied, changes.error()});
  return rpc::Json{
      {"changes", first_of(changes->lines)}, {"total", changes->lines.size()}, {"refused", first_of(changes->refused)}};
}

// What there are entries of: the section and the list of the file, and what an entry is known by; empty: all parameters
// together.
struct Kind {
  const char* method;
  const char* section;  // empty: the list is in none
  const char* list;
  std::string_view known_by;
};
constexpr std::array kKinds{
    Kind{"sa", "ipsec", "security_associations", "name"},
    Kind{"sid", "srv6", "local_sids", "sid"},
    Kind{"policy", "srv6", "policies", "name"},
    Kind{"route", "", "routes", "prefix"},
    Kind{"neighbor", "", "neighbors", ""},
};

// Who was let in may look; to say what is sealed, and what goes where, takes more. Asked before anything of the request
// is copied.
tl::unexpected<rpc::Failure> may_not_change() {
  return tl::unexpected(
      rpc::Failure{rpc::error::kNotAllowed,
                   "to change anything is for root, for uid " + std::to_string(::geteuid()) +
                       ", whose gateway this is, and for the group that `control: {change_group: NAME}` names"});
}

void put(rpc::Request& sections, const Kind& kind, const rpc::Request& entry) {
  rpc::Request& section = *kind.section == '\0' ? sections : sections[kind.section];
  section[kind.list] = rpc::Request::array();
  section[kind.list].push_back(entry);
}

}  // namespace

void ControlSocket::add_changes() {
  dispatcher_.add("diff", [this](auto, auto&) { return answer_of(actions_.diff()); });
  dispatcher_.add("reload", [this](rpc::ClientId client, auto&) -> Result {
    // It would undo what somebody with more rights has changed, and bring back SAs whose windows are gone.
    if (actions_.is_amended() && !is_trusted(client, groups_.change)) return may_not_change();
    return answer_of(actions_.reload());
  });
  dispatcher_.add("change", [this](rpc::ClientId client, const rpc::Request& params) -> Result {
    if (!is_trusted(client, groups_.change)) return may_not_change();
    config::Amendment amendment;
    if (params.contains("delete")) amendment.deleted = params["delete"];
    if (params.contains("add")) amendment.added = params["add"];
    return change(client, amendment);
  });
  for (const Kind& kind : kKinds) {
    dispatcher_.add(kind.method + std::string(".add"),
                    [this, kind](rpc::ClientId client, const rpc::Request& params) -> Result {
                      if (!is_trusted(client, groups_.change)) return may_not_change();
                      config::Amendment amendment;
                      put(amendment.added, kind, params["entry"]);
                      return change(client, amendment);
                    });
    dispatcher_.add(kind.method + std::string(".delete"),
                    [this, kind](rpc::ClientId client, const rpc::Request& params) -> Result {
                      if (!is_trusted(client, groups_.change)) return may_not_change();
                      config::Amendment amendment;
                      put(amendment.deleted, kind, kind.known_by.empty() ? params : params[std::string(kind.known_by)]);
                      return change(client, amendment);
                    });
  }
}

ControlSocket::Result ControlSocket::change(rpc::ClientId client, const config::Amendment& amendment) {
  return answer_of(actions_.change(amendment, to_string(*server_.peer(client))));
}

}  // namespace strata
