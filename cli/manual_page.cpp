// strata(1), from the tree of commands.
#include "cli/manual.hpp"
#include "config/roff.hpp"

namespace strata::cli {
namespace {

constexpr std::string_view kIntroduction = R"(.SH NAME
strata \- SRv6/IPsec gateway in user space
.SH SYNOPSIS
.B strata
.I COMMAND
.RI [ OPTION ...]
.SH DESCRIPTION
.B strata
takes ESP off a port, opens it, runs the SRv6 endpoint behaviour of the IPv6 packet inside, and forwards the IPv4 packet
inside that; and it does the same backwards. Ports are devices of DPDK.
.B strata run
is the gateway, the other commands examine, measure and ask.
)";

constexpr std::string_view kEnd = R"(.SH EXIT STATUS
0; 1 when what was asked for failed, which one sentence on standard error says; 2 for wrong usage.
.SH ENVIRONMENT
.TP
.B NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID
Where
.B strata run
says that it is ready, well and ending; see
.BR sd_notify (3).
.TP
.B TMPDIR
Of the files that DPDK needs while it starts.
.SH FILES
.TP
.I /etc/strata/NAME.yaml
What the service strata@NAME runs.
.TP
.I /run/strata/NAME.sock
The control socket.
.TP
.I /var/lib/strata
Up to where the sequence numbers of each key that seals may have been used. Never put it back from a backup.
.SH SEE ALSO
.BR strata.yaml (5)
)";

// What stands for the value: the "PATH" of "--socket PATH". A list of a few is written out.
std::string value_of(const CLI::Option& option) {
  return option.get_items_expected_max() == 0 ? "" : option.get_type_name();
}

std::string positional_text(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::string word = type.empty() ? option.get_name(true) : type;
  return option.get_required() ? word : "[" + word + "]";
}

// "WHAT" of "WHAT:{ports,workers}", which stands below.
std::string without_values(const std::string& text) { return text.substr(0, text.find(":{")); }

std::string names_of(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
  return names;
}

// Long lists of a few have no spaces, and man breaks a line nowhere else unless told.
std::string roff_list(std::string_view text) {
  std::string list = roff(text);
  for (std::size_t at = 0; (at = list.find(',', at)) != std::string::npos; at += 3) list.insert(at + 1, "\\:");
  return list;
}

void write_option(const CLI::Option& option, std::string& out) {
  const std::string value = value_of(option);
  if (option.get_positional())
    out += ".TP\n.I " + roff_list(positional_text(option)) + "\n";
  else
    out += ".TP\n\\fB" + roff(names_of(option)) + "\\fR" + (value.empty() ? "" : " \\fI" + roff_list(value) + "\\fR") +
           "\n";
  out += roff_prose(option.get_description()) + "\n";
}

void write_options(const CLI::App& command, std::string& out) {
  for (const CLI::Option* option : command.get_options()) write_option(*option, out);
}

void write_commands(const CLI::App& above, const std::string& name, std::string& out) {
  for (const CLI::App* command : above.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string full = name + " " + command->get_name();
    std::string usage = full;
    for (const CLI::Option* option : command->get_options())
      if (option->get_positional()) usage += " " + without_values(positional_text(*option));
    out += ".SS " + roff(usage) + "\n" + roff_prose(command->get_description()) + ".\n";
    write_options(*command, out);
    write_commands(*command, full, out);
  }
}

}  // namespace

std::string manual_page(const CLI::App& app, const std::string& version) {
  std::string out = roff_head("STRATA", 1, version) + std::string(kIntroduction);
  out += ".SH OPTIONS\n";
  write_options(app, out);
  out += ".SH COMMANDS\n";
  write_commands(app, "strata", out);
  return out + std::string(kEnd);
}

}  // namespace strata::cli
