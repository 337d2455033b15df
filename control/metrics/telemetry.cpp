#include "control/metrics/telemetry.hpp"

#include <rte_telemetry.h>
#include <rte_version.h>

#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include "control/metrics/figures_of.hpp"

namespace strata::metrics {
namespace {

using namespace std::chrono_literals;

// The main thread answers within a tenth of a second, unless it is held up.
constexpr std::chrono::milliseconds kPatience = 2s;

enum class Shape : std::uint8_t {
  of_each,  // without a parameter the names there are, with one the figures of that
  of_all,   // the figures that are nobody's in particular
  words,    // what the gateway is
  family,   // one family, by its first label
};

struct Command {
  const char* name;
  Shape shape;
  std::string_view label;
  std::string_view family;
  const char* help;
};

constexpr std::array kCommands{
    Command{"/strata/info", Shape::words, "gateway", {}, "Which gateway this is. No parameters."},
    Command{"/strata/gateway", Shape::of_all, {}, {}, "Figures of the gateway as a whole. No parameters."},
    Command{"/strata/port", Shape::of_each, "port", {}, "The ports. Parameter: a port's name, for its figures."},
    Command{"/strata/worker", Shape::of_each, "worker", {}, "The workers. Parameter: a worker, for its figures."},
    Command{"/strata/sa", Shape::of_each, "sa", {}, "The SAs. Parameter: an SA's name, for its figures."},
    Command{"/strata/sid", Shape::of_each, "sid", {}, "The local SIDs. Parameter: a SID, for its figures."},
    Command{"/strata/stages", Shape::family, "stage", "strata_stage_packets_total",
            "Packets that each step of the journey took. No parameters."},
    Command{"/strata/causes", Shape::family, "cause", "strata_cause_packets_total",
            "Packets that ended, by cause. No parameters."},
};

// Commands stay for as long as the process; the threads that run them may outlive all else of it.
struct Shared {
  std::mutex mutex;
  std::shared_ptr<Desk> desk;
};

Shared& shared() {
  static Shared& only = *new Shared;
  return only;
}

std::shared_ptr<Desk> desk_now() {
  const std::lock_guard lock(shared().mutex);
  return shared().desk;
}

int add(rte_tel_data* data, const Figure& figure) {
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
  return rte_tel_data_add_dict_uint(data, figure.name.c_str(), figure.value);
#else
  return rte_tel_data_add_dict_u64(data, figure.name.c_str(), figure.value);
#endif
}

// There is room for 256 of them; what does not fit is left out.
void put(rte_tel_data* data, std::span<const Label> words, std::span<const Figure> figures) {
  rte_tel_data_start_dict(data);
  for (const Label& word : words)
    if (rte_tel_data_add_dict_string(data, std::string(word.name).c_str(), std::string(word.value).c_str()) < 0) return;
  for (const Figure& figure : figures)
    if (add(data, figure) < 0) return;
}

void put_names(rte_tel_data* data, const std::vector<std::string>& names) {
  rte_tel_data_start_array(data, RTE_TEL_STRING_VAL);
  for (const std::string& name : names)
    if (rte_tel_data_add_array_string(data, name.c_str()) < 0) return;
}

int answer(const Command& command, std::string_view parameter, const Families& families, rte_tel_data* data) {
  switch (command.shape) {
    case Shape::words: {
      const auto names = names_of(families, command.label);
      put(data, words_of(families, command.label, names.empty() ? "" : names.front()), {});
      return 0;
    }
    case Shape::of_all: put(data, {}, figures_of(families, {}, {})); return 0;
    case Shape::family: put(data, {}, figures_by(families, command.family, command.label)); return 0;
    case Shape::of_each: break;
  }
  if (parameter.empty()) {
    put_names(data, names_of(families, command.label));
    return 0;
  }
  const auto figures = figures_of(families, command.label, parameter);
  if (figures.empty()) return -ENOENT;
  put(data, words_of(families, command.label, parameter), figures);
  return 0;
}

int on_command(const char* name, const char* parameter, rte_tel_data* data) {
  const std::shared_ptr<Desk> desk = desk_now();
  if (!desk) return -ESHUTDOWN;
  const Desk::Collected collected = desk->ask(kPatience);
  if (!collected) return -ETIMEDOUT;
  for (const Command& command : kCommands)
    if (std::string_view(command.name) == name)
      return answer(command, parameter == nullptr ? "" : parameter, *collected, data);
  return -ENOENT;
}

}  // namespace

tl::expected<std::unique_ptr<Telemetry>, std::string> Telemetry::start(std::shared_ptr<Desk> desk) {
  for (const Command& command : kCommands)
    if (rte_telemetry_register_cmd(command.name, &on_command, command.help) < 0)
      return tl::unexpected(std::string("DPDK's telemetry does not take the command ") + command.name);
  const std::lock_guard lock(shared().mutex);
  shared().desk = std::move(desk);
  return std::unique_ptr<Telemetry>(new Telemetry);
}

Telemetry::~Telemetry() {
  const std::lock_guard lock(shared().mutex);
  shared().desk.reset();
}

}  // namespace strata::metrics
