#include "cli/trace.hpp"

#include <iostream>
#include <memory>
#include <optional>

#include "cli/hex.hpp"
#include "cli/whom.hpp"
#include "control/filter.hpp"
#include "control/socket/connection.hpp"
#include "replay/dissect.hpp"
#include "replay/report.hpp"

namespace strata::cli {
namespace {

using Json = nlohmann::ordered_json;

struct TraceOptions {
  std::string filter;
  std::string cause;
  std::uint64_t count = 0;
  Whom whom;
  bool json = false;
};

int fail(const std::string& sentence, int code = 1) {
  std::cerr << "strata trace: " << sentence << "\n";
  return code;
}

std::string text_in(const Json& event, const char* name) {
  const Json value = event.value(name, Json(nullptr));
  return value.is_string() ? value.get<std::string>() : "";
}

replay::End end_of(const std::string& name) {
  if (name == "dropped") return replay::End::dropped;
  if (name == "consumed") return replay::End::consumed;
  if (name == "punted") return replay::End::punted;
  return name == "sent" ? replay::End::sent : replay::End::parked;
}

replay::ExplainedPacket explained(const Json& event) {
  std::vector<std::uint8_t> frame = octets_of(text_in(event, "octets"));
  // What was not kept of it stands for zeros, so that its lengths hold.
  frame.resize(std::max(frame.size(), event.value("length", std::size_t{0})));
  replay::ExplainedPacket packet{.number = event.value("number", std::uint64_t{0}),
                                 .port = text_in(event, "port"),
                                 .summary = replay::summary(frame),
                                 .steps = event.value("steps", std::vector<std::string>()),
                                 .end = end_of(text_in(event, "end")),
                                 .cause = {},
                                 .reason = {},
                                 .to = {}};
  if (const CauseText* const text = cause_named(text_in(event, "cause")); text != nullptr) packet.cause = text->cause;
  if (packet.end == replay::End::parked && !packet.cause) packet.reason = "it waits, or its end was not seen";
  if (const std::string to = text_in(event, "to"); !to.empty()) packet.to = to;
  return packet;
}

tl::expected<Json, std::string> wish_of(const TraceOptions& options) {
  Json wish = Json::object();
  if (!options.filter.empty()) {
    auto program = compile_filter(options.filter, FilterOf::frames);
    if (!program)
      return tl::unexpected("--filter '" + options.filter + "': " + program.error() + "; pcap-filter(7) has the words");
    wish["filter"] = std::move(*program);
  }
  if (!options.cause.empty()) wish["cause"] = options.cause;
  if (options.count != 0) wish["count"] = options.count;
  return wish;
}

int trace(const TraceOptions& options) {
  const auto wish = wish_of(options);
  if (!wish) return fail(wish.error(), 2);
  auto gateway = Connection::open(options.whom.path());
  if (!gateway) return fail(gateway.error());
  const auto begun = gateway->call("trace", *wish);
  if (!begun) return fail(begun.error());
  if (!begun->value("payload", false))
    std::cerr << "strata trace: what is inside is not told: be root, or in the group of control.payload_group\n";
  for (;;) {
    const auto event = gateway->event();
    if (!event) return fail(event.error());
    const Json& params = (*event)["params"];
    if ((*event)["method"] == "event.trace_end") {
      if (const auto lost = params.value("lost", std::uint64_t{0}); lost != 0)
        fail(std::to_string(lost) + " steps were too many at once, and are not told");
      return 0;
    }
    if (options.json)
      std::cout << params.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
    else
      std::cout << replay::to_line(explained(params)) << std::flush;
    if (!std::cout) return 1;
  }
}

}  // namespace

void add_trace(CLI::App& app, std::function<int()>& run) {
  const auto options = std::make_shared<TraceOptions>();
  CLI::App* command = app.add_subcommand("trace", "Tell the journeys of packets as they go through a running gateway");
  command->add_option("--filter", options->filter, "Only frames that match as they arrive: see pcap-filter(7)")
      ->type_name("EXPRESSION");
  command->add_option("--cause", options->cause, "Only packets that end for this cause (strata graph --drops)")
      ->type_name("CAUSE");
  command->add_option("--count", options->count, "So many packets; else until it is interrupted")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000'000));
  command->add_flag("--json", options->json, "Print one JSON object a line; docs/control.md has the fields");
  add_whom(*command, options->whom);
  command->callback([options, &run] { run = [options] { return trace(*options); }; });
}

}  // namespace strata::cli
