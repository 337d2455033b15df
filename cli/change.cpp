#include "cli/change.hpp"

#include <array>
#include <memory>

#include "cli/ask_changes.hpp"
#include "cli/change_text.hpp"

namespace strata::cli {
namespace {

// What there are entries of. known_by: what has to be said to delete one, by the parameters of its method.
struct Kind {
  const char* name;
  const char* about;
  std::array<const char*, 2> known_by;
};
constexpr std::array kKinds{
    Kind{"sa", "Add or delete a security association of a running gateway", {"name", nullptr}},
    Kind{"sid", "Add or delete a local SID of a running gateway", {"sid", nullptr}},
    Kind{"policy", "Add or delete an SRv6 policy of a running gateway", {"name", nullptr}},
    Kind{"route", "Add or delete an IPv4 route of a running gateway", {"prefix", nullptr}},
    Kind{"neighbor", "Add or delete a known neighbor of a running gateway", {"port", "address"}},
};

struct Wish {
  AskOptions ask;
  std::string entry;
  std::string file;
  std::array<std::string, 2> known_by;
};

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

int ask_to_add(const Kind& kind, const Wish& wish) {
  const std::string command = kind.name + std::string(" add");
  auto entry = wish.file.empty() ? read_words(wish.entry) : read_changes(wish.file);
  if (!entry) return ask_failed(command, entry.error());
  if (kind.name == std::string_view("sa"))
    if (auto done = fetch_key(*entry, wish.file); !done) return ask_failed(command, done.error());
  return ask_changes(command, wish.ask, kind.name + std::string(".add"), {{"entry", *entry}});
}

int ask_to_delete(const Kind& kind, const Wish& wish) {
  Connection::Json params;
  for (std::size_t i = 0; i < kind.known_by.size(); ++i)
    if (kind.known_by[i] != nullptr) params[kind.known_by[i]] = wish.known_by[i];
  return ask_changes(kind.name + std::string(" delete"), wish.ask, kind.name + std::string(".delete"), params);
}

int ask_to_change(const Wish& wish) {
  auto changes = read_changes(wish.file);
  if (!changes) return ask_failed("change", changes.error());
  const Json::json_pointer sas("/add/ipsec/security_associations");
  if (changes->contains(sas) && (*changes)[sas].is_array())
    for (Json& sa : (*changes)[sas])
      if (auto done = fetch_key(sa, wish.file); !done) return ask_failed("change", done.error());
  return ask_changes("change", wish.ask, "change", *changes);
}

void add_add(CLI::App& above, std::function<int()>& run, const Kind& kind) {
  const auto wish = std::make_shared<Wish>();
  CLI::App* command =
      above.add_subcommand("add", "Add one, which is not in the configuration's file: a reload takes it away");
  CLI::Option* entry = command->add_option("entry", wish->entry, "As in the configuration's file: '{name: value, ...}'")
                           ->type_name("ENTRY");
  CLI::Option* file =
      command->add_option("--file", wish->file, "A file with the entry; - is standard input")->type_name("FILE");
  entry->excludes(file);
  add_ask_options(*command, wish->ask);
  command->callback([wish, &kind, &run, command] {
    if (wish->entry.empty() && wish->file.empty()) throw CLI::RequiredError(command->get_name() + ": ENTRY or --file");
    run = [wish, &kind] { return ask_to_add(kind, *wish); };
  });
}

void add_delete(CLI::App& above, std::function<int()>& run, const Kind& kind) {
  const auto wish = std::make_shared<Wish>();
  CLI::App* command =
      above.add_subcommand("delete", "Delete one; what is in the configuration's file comes back with a reload");
  for (std::size_t i = 0; i < kind.known_by.size(); ++i)
    if (const char* const name = kind.known_by[i]; name != nullptr)
      command->add_option(name, wish->known_by[i], "Of the entry")->required()->type_name(upper(name));
  add_ask_options(*command, wish->ask);
  command->callback([wish, &kind, &run] { run = [wish, &kind] { return ask_to_delete(kind, *wish); }; });
}

}  // namespace

void add_changes(CLI::App& app, std::function<int()>& run) {
  for (const Kind& kind : kKinds) {
    CLI::App* const above = app.add_subcommand(kind.name, kind.about);
    above->require_subcommand(1);
    add_add(*above, run, kind);
    add_delete(*above, run, kind);
  }
  const auto wish = std::make_shared<Wish>();
  CLI::App* command = app.add_subcommand("change", "Add and delete entries of a running gateway, all of them or none");
  command
      ->add_option("--file", wish->file,
                   "What goes (delete:) and what comes (add:), in the sections of a configuration; - is standard input")
      ->required()
      ->type_name("FILE");
  add_ask_options(*command, wish->ask);
  command->callback([wish, &run] { run = [wish] { return ask_to_change(*wish); }; });
}

}  // namespace strata::cli
