#include "config/amend.hpp"

#include <map>
#include <string>
#include <utility>

#include "config/document_json.hpp"
#include "config/memory.hpp"
#include "config/sections.hpp"

namespace strata::config {
namespace {

// Entries that are to go, by what they are known by, each with the words for it if there is none.
template <class Name>
using Departures = std::map<Name, Problem>;

Problem none_there(const Path& path, std::string found, std::string_view table) {
  return {.mark = {},
          .field = to_string(path),
          .found = std::move(found),
          .message = "there is none; `strata show " + std::string(table) + "` lists them"};
}

template <class Name, class Read>
Departures<Name> named_in(Problems& problems, const Mapping& section, std::string_view key, Read read,
                          std::string_view table) {
  Departures<Name> named;
  for (const Value& value : section.entries(key))
    if (const std::optional<Name> name = read(problems, value))
      named.try_emplace(*name, none_there(value.path, found_text(value), table));
  return named;
}

template <class Entry, class Name, class NameOf>
void take_away(Problems& problems, std::vector<Entry>& entries, const Departures<Name>& named, NameOf name_of) {
  Departures<Name> missing = named;
  std::erase_if(entries, [&](const Entry& entry) {
    const Name name = name_of(entry);
    missing.erase(name);
    return named.contains(name);
  });
  for (const auto& [name, problem] : missing) problems.add(problem);
}

void delete_neighbors(Problems& problems, Config& config, const Mapping& root) {
  using Name = std::pair<std::string, wire::Ipv4Address>;
  Departures<Name> named;
  root.for_each("neighbors", [&](const Mapping& mapping) {
    const auto port = mapping.text("port");
    const auto address = mapping.ipv4("address");
    if (!port || !address) return;
    const std::string found = shown(*port) + " " + wire::to_string(*address);
    named.try_emplace({*port, *address}, none_there(mapping.path(), found, "neighbors"));
  });
  take_away(problems, config.neighbors, named, [](const Neighbor& of) { return Name(of.port, of.address); });
}

void delete_entries(Problems& problems, Config& config, const Mapping& root) {
  delete_neighbors(problems, config, root);
  if (const auto ipsec = root.mapping("ipsec"))
    take_away(problems, config.security_associations,
              named_in<std::string>(problems, *ipsec, "security_associations", read_text, "sas"),
              [](const SecurityAssociation& of) { return of.name; });
  if (const auto srv6 = root.mapping("srv6")) {
    take_away(problems, config.local_sids,
              named_in<wire::Ipv6Prefix>(problems, *srv6, "local_sids", read_ipv6_prefix, "sids"),
              [](const LocalSid& of) { return of.sid; });
    take_away(problems, config.policies, named_in<std::string>(problems, *srv6, "policies", read_text, "policies"),
              [](const Policy& of) { return of.name; });
  }
  take_away(problems, config.routes, named_in<wire::Ipv4Prefix>(problems, root, "routes", read_ipv4_prefix, "routes"),
            [](const Route& of) { return of.prefix; });
}

void add_entries(Problems& problems, Config& config, const Mapping& root) {
  Interfaces interfaces(config.ports);
  Scene scene{.problems = problems,
              .config = config,
              .interfaces = interfaces,
              .folder = {},
              .takes_key_files = false,
              .claims = claims_of(config)};
  read_neighbors(scene, root);
  read_ipsec(scene, root);
  read_routes(scene, root);
  read_srv6(scene, root);
  if (problems.empty()) check_inner_mtus(scene);
}

template <class Use>
void with_document(Problems& problems, const nlohmann::json& value, const Section& section, const char* key, Use use) {
  const tl::expected<Document, Problem> document = document_of(value);
  if (!document) return problems.add(document.error());
  const Path path{.parent = nullptr, .key = key};
  if (document->root().kind == NodeKind::mapping)
    return use(Mapping(*document, problems, document->root(), section, path));
  problems.add(
      {.mark = {}, .field = to_string(path), .found = "no mapping", .message = "allowed: sections of a configuration"});
}

}  // namespace

tl::expected<Config, std::vector<Problem>> amended(const Config& before, const Amendment& amendment) {
  Problems problems;
  Config config = before;
  with_document(problems, amendment.deleted, deleted_section(), "delete",
                [&](const Mapping& root) { delete_entries(problems, config, root); });
  with_document(problems, amendment.added, added_section(), "",
                [&](const Mapping& root) { add_entries(problems, config, root); });
  if (!problems.empty()) return tl::unexpected(problems.take_sorted());
  // Where nobody said how much, it follows from what there is.
  if (before.eal.memory == memory_unsaid(before)) config.eal.memory = memory_unsaid(config);
  return config;
}

}  // namespace strata::config
