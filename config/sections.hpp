// The sections of a configuration file, one reader each, and what they share. Ports are read first: all else names
// them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.hpp"
#include "config/reader.hpp"

namespace strata::config {

// Where a thing that may exist only once was seen first.
template <class Key>
class FirstSeen {
 public:
  // Nothing: this is the first. Otherwise the place of the first.
  std::optional<Mark> add(const Key& key, Mark mark) {
    const auto [it, is_new] = seen_.try_emplace(key, mark);
    return is_new ? std::nullopt : std::optional<Mark>(it->second);
  }

 private:
  std::map<Key, Mark> seen_;
};

// A number whose field has a default; left as it is when it was a mistake.
template <class T>
void read_number(const Mapping& mapping, std::string_view key, T& out) {
  if (const std::optional<std::uint64_t> n = mapping.number(key)) out = static_cast<T>(*n);
}

// What was added to a gateway that runs stands nowhere.
inline std::string at_line(Mark mark) {
  return mark.line == 0 ? "no line of the file" : "line " + std::to_string(mark.line);
}

// The ports' addresses and subnets of one family, each with where it was seen first.
template <class Address, class Prefix>
struct OwnAddresses {
  struct Place {
    std::string port;
    Mark mark;
  };
  struct NoHost {
    std::string_view kind;  // "broadcast"
    Prefix subnet;
    Mark mark;
  };
  std::map<Address, Place> addresses;
  std::map<Prefix, Place> subnets;
  std::map<Address, NoHost> no_hosts;
};

// What the ports' section says, to judge next hops and the ends of SAs by. Lives as long as Config::ports does not
// change.
class Interfaces {
 public:
  struct Facts {
    bool is_sound = true;     // false: an address was not understood, so nothing can be said about next hops
    bool side_asked = false;  // the missing side was noted already
    Mark mark;
  };

  // ports: those that are in it were found to be sound.
  explicit Interfaces(const std::vector<Port>& ports);
  void add(const Facts& facts);  // of the port that was just put into `ports`

  // Notes when `value` is no port, or the one to this machine's own kernel; gives its place.
  std::optional<std::size_t> find(Problems& problems, const Mapping& mapping, std::string_view key) const;
  // Notes when `address` cannot be a next hop on the port.
  void check_next_hop(Problems& problems, const Value& value, std::size_t port, wire::Ipv4Address address) const;
  // Notes when `address` cannot be another host's: it is an own one, or a subnet's first or last. False: it was noted.
  bool check_other_host(Problems& problems, const Value& value, wire::Ipv4Address address, std::string_view who) const;
  // Notes when an SA cannot end at `address` here.
  void check_sa_end(Problems& problems, const Value& value, wire::Ipv4Address address);
  // Notes an own address that is there already or that no host can have, and a subnet that overlaps another port's.
  void check_address(Problems& problems, const Value& value, const InterfaceAddress& address, std::string_view port);

  // The port whose connected subnet is exactly this one.
  [[nodiscard]] const std::string* connected(const wire::Ipv4Prefix& prefix) const;

 private:
  [[nodiscard]] std::string own_addresses() const;

  const std::vector<Port>* ports_;
  std::vector<Facts> facts_;
  std::unordered_map<std::string, std::size_t> by_name_;
  OwnAddresses<wire::Ipv4Address, wire::Ipv4Prefix> own4_;
  OwnAddresses<wire::Ipv6Address, wire::Ipv6Prefix> own6_;
};

// A destination may be led to its next hop in one way only.
struct Claim {
  std::string what;  // "policy 'to-b'"
  Mark mark;
};

struct HashOfPrefix {
  std::size_t operator()(const wire::Ipv4Prefix& prefix) const {
    return std::hash<std::uint64_t>()(std::uint64_t{prefix.address.value} << 8 | prefix.length);
  }
};

struct Scene {
  Problems& problems;
  Config& config;
  Interfaces& interfaces;
  std::string folder;                                                // key files are beside the configuration
  bool takes_key_files = true;                                       // false: whoever asks must not have files read
  std::unordered_map<wire::Ipv4Prefix, Claim, HashOfPrefix> claims;  // of routes and policies
  bool memory_said = false;                                          // else it is reckoned when all is read
};

// What the routes and policies of a configuration have taken.
std::unordered_map<wire::Ipv4Prefix, Claim, HashOfPrefix> claims_of(const Config& config);

// Notes when the prefix is a connected subnet, or a route or policy has it already.
void claim(Scene& scene, const Value& value, const wire::Ipv4Prefix& prefix, std::string what);

// Each adds to what the configuration has already, and holds it against that.
void read_ports(Scene& scene, const Mapping& root);
void read_machine(Scene& scene, const Mapping& root);
void read_neighbors(Scene& scene, const Mapping& root);
void read_ipsec(Scene& scene, const Mapping& root);
void read_srv6(Scene& scene, const Mapping& root);
void read_routes(Scene& scene, const Mapping& root);
void read_bypass(Scene& scene, const Mapping& root);

// What only the whole configuration, otherwise without a mistake, can tell.
void check_inner_mtus(Scene& scene);

}  // namespace strata::config
