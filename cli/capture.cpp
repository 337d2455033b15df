#include "cli/capture.hpp"

#include <unistd.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "cli/hex.hpp"
#include "cli/whom.hpp"
#include "control/filter.hpp"
#include "control/rpc/schema.hpp"
#include "control/signals.hpp"
#include "control/socket/connection.hpp"
#include "dataplane/packet/last_ended.hpp"
#include "replay/pcapng.hpp"

namespace strata::cli {
namespace {

using Json = Connection::Json;
using Clock = std::chrono::steady_clock;
using replay::LinkType;
using replay::PcapngWriter;

using namespace std::chrono_literals;

constexpr std::string_view kDrop = "drop";
constexpr std::chrono::milliseconds kPatience = 10s;  // for what the gateway has to tell at the end

struct CaptureOptions {
  std::string at;
  std::string cause;
  std::string filter;
  std::string file;
  std::uint64_t count = 0;
  unsigned seconds = 0;
  unsigned snaplen = 0;
  Whom whom;
};

int fail(const std::string& sentence, int code = 1) {
  std::cerr << "strata capture: " << sentence << "\n";
  return code;
}

void say(const std::string& sentence) { std::cerr << "strata capture: " << sentence << "\n"; }

// --- what is asked for -----------------------------------------------------------------------------------------------

// The two ends of the journey have the names of their steps, too.
std::vector<std::string> places() {
  std::vector<std::string> names{"rx", "tx", std::string(kDrop)};
  for (const StageFacts* stage : kAllStages) names.emplace_back(stage->name);
  return names;
}

std::string place_of(const std::string& said) {
  if (said == "rx") return kStageName<stage::Frame>;
  return said == "tx" ? kStageName<stage::Out> : said;
}

// Nothing: at the end of the journey, packets begin with any header.
const StageFacts* facts_of(const std::string& place) {
  const auto* const at = std::ranges::find(kAllStages, place, &StageFacts::name);
  return at == kAllStages.end() ? nullptr : *at;
}

tl::expected<void, std::string> add_filter(const CaptureOptions& options, Json& wish) {
  const StageFacts* const at = facts_of(place_of(options.at));
  if (at != nullptr && (at->begins == Begins::esp || at->begins == Begins::arp))
    return tl::unexpected("--filter: packets at " + options.at +
                          " begin with neither Ethernet nor IP; leave it out, or capture at rx or Host");
  const bool is_frame = at == nullptr || at->begins == Begins::ethernet;
  const bool is_ip = at == nullptr || !is_frame;
  // Of what only a frame has, `ether host` say, there is no filter of IP packets; where both may come, either will do.
  std::string error;
  for (const auto& [name, what, is_asked] :
       {std::tuple("filter_ip", FilterOf::ip_packets, is_ip), std::tuple("filter", FilterOf::frames, is_frame)}) {
    if (!is_asked) continue;
    auto program = compile_filter(options.filter, what);
    if (program)
      wish[name] = std::move(*program);
    else
      error = program.error();
  }
  if (wish.contains("filter") || wish.contains("filter_ip")) return {};
  return tl::unexpected("--filter '" + options.filter + "': " + error + "; pcap-filter(7) has the words");
}

tl::expected<Json, std::string> wish_of(const CaptureOptions& options) {
  Json wish{{"at", place_of(options.at)}};
  if (!options.cause.empty() && options.at != kDrop)
    return tl::unexpected(std::string("--cause goes with `--at drop` alone"));
  if (!options.cause.empty()) wish["cause"] = options.cause;
  if (options.count != 0) wish["count"] = options.count;
  if (options.snaplen != 0) wish["snaplen"] = options.snaplen;
  if (options.filter.empty()) return wish;
  if (auto added = add_filter(options, wish); !added) return tl::unexpected(std::move(added.error()));
  return wish;
}

// --- what is told ----------------------------------------------------------------------------------------------------

std::string text_in(const Json& event, const char* name) {
  const Json value = event.value(name, Json(nullptr));
  return value.is_string() ? value.get<std::string>() : "";
}

LinkType link_of(const std::string& begins) {
  if (begins == name_of(Begins::ethernet)) return LinkType::ethernet;
  const bool is_ip = begins == name_of(Begins::ipv4) || begins == name_of(Begins::ipv6);
  return is_ip ? LinkType::raw_ip : LinkType::exported_pdu;
}

// For what has no link type of its own, Wireshark's: tags in network order, of which one names the dissector.
std::vector<std::uint8_t> pdu_head(const std::string& begins) {
  constexpr std::uint8_t kDissectorName = 12;
  std::string name = begins.empty() ? "data" : begins;
  name.resize((name.size() + 3) / 4 * 4);
  std::vector<std::uint8_t> head{0, kDissectorName, 0, static_cast<std::uint8_t>(name.size())};
  head.insert(head.end(), name.begin(), name.end());
  head.insert(head.end(), 4, 0);
  return head;
}

std::vector<std::string> comments_of(const Json& event) {
  std::vector<std::string> comments;
  if (const std::string cause = text_in(event, "cause"); !cause.empty()) {
    const CauseText* const text = cause_named(cause);
    const std::string at = text_in(event, "at");
    comments.push_back(cause + (at.empty() ? "" : " at " + at) +
                       (text != nullptr ? ": " + std::string(text->sentence) : ""));
  }
  if (const auto withheld = event.value("withheld", std::size_t{0}); withheld != 0)
    comments.push_back(std::to_string(withheld) + " octets are not for whoever captured: an SA opened them, or may " +
                       "seal them");
  return comments;
}

class File {
 public:
  explicit File(PcapngWriter writer) : writer_(std::move(writer)) {}

  tl::expected<void, std::string> write(const Json& event) {
    const std::string begins = text_in(event, "begins");
    const LinkType link = link_of(begins);
    std::vector<std::uint8_t> bytes = link == LinkType::exported_pdu ? pdu_head(begins) : std::vector<std::uint8_t>();
    const std::size_t head = bytes.size();
    const std::vector<std::uint8_t> octets = octets_of(text_in(event, "octets"));
    bytes.insert(bytes.end(), octets.begin(), octets.end());
    const std::string known = text_in(event, "port");
    const std::string port = known.empty() ? "(port not known)" : known;
    const std::string direction = text_in(event, "direction");
    last_ns_ = event.value("time_ns", std::uint64_t{0});
    const PcapngWriter::Packet packet{.time_ns = last_ns_,
                                      .interface = port,
                                      .link = link,
                                      .direction = direction == "in"    ? PcapngWriter::Direction::in
                                                   : direction == "out" ? PcapngWriter::Direction::out
                                                                        : PcapngWriter::Direction::unknown,
                                      .length = head + event.value("length", octets.size()),
                                      .bytes = bytes,
                                      .comments = comments_of(event)};
    auto done = writer_.write(packet);
    if (done) ++packets_;
    return done;
  }

  tl::expected<void, std::string> finish(std::optional<std::uint64_t> lost) { return writer_.finish(lost, last_ns_); }
  std::uint64_t packets() const { return packets_; }
  PcapngWriter& writer() { return writer_; }

 private:
  PcapngWriter writer_;
  std::uint64_t packets_ = 0;
  std::uint64_t last_ns_ = 0;
};

// --- from the gateway to the file ------------------------------------------------------------------------------------

struct Ending {
  std::string why;
  bool is_failure = false;
};

class Capturing {
 public:
  Capturing(const CaptureOptions& options, Connection& gateway, File& file) : gateway_(gateway), file_(file) {
    if (options.seconds != 0) until_ = Clock::now() + std::chrono::seconds(options.seconds);
  }

  Ending run() {
    while (!ending_) {
      const bool was_all = take_events();
      if (!ending_) look_around();
      if (!ending_ && was_all) wait();
    }
    return *ending_;
  }
  // Nothing: it was not told.
  std::optional<std::uint64_t> lost() const { return lost_; }

 private:
  // False: more have come. They may come faster than they can be written: who asks for the end is heard in between.
  bool take_events() {
    constexpr unsigned kAtOnce = 100;
    for (unsigned i = 0; i < kAtOnce && !ending_; ++i) {
      const auto event = gateway_.event_that_came();
      if (event && !*event) return true;
      if (event)
        take(**event);
      else
        end(event.error() + "; it closes, too, when nothing is read for " + std::to_string(rpc::kPatienceSeconds) +
                " s",
            true);
    }
    return false;
  }

  void take(const Json& event) {
    const Json& params = event["params"];
    if (event["method"] == "event.capture_end") {
      lost_ = params.value("lost", std::uint64_t{0});
      end(stop_ ? *stop_ : "as many as --count says");
    } else if (const auto done = file_.write(params); !done) {
      end_of_writing(done.error());
    }
  }

  void look_around() {
    if (file_.writer().pipe() >= 0 && file_.writer().reader_is_gone()) return end(kNobodyReads);
    const Clock::time_point now = Clock::now();
    if (stop_ && now >= until_) return end(*stop_);
    // SIGHUP: the terminal is gone.
    const bool is_interrupted = end_asked() || reload_asked();
    if (stop_ || (!is_interrupted && now < until_)) return;
    stop_ = is_interrupted ? "it was interrupted" : "--seconds are over";
    until_ = now + kPatience;
    // What was captured until now is told before the end is.
    if (const auto asked = gateway_.ask({{"capture.stop"}}); !asked) end(asked.error(), true);
  }

  void wait() const {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now());
    wait_for_wishes(std::clamp<std::chrono::milliseconds>(rest, 0ms, kPatience),
                    {gateway_.fd(), file_.writer().pipe()});
  }

  void end_of_writing(const std::string& error) {
    if (file_.writer().pipe() >= 0 && file_.writer().reader_is_gone()) return end(kNobodyReads);
    end(error, true);
  }
  void end(const std::string& why, bool is_failure = false) { ending_ = Ending{why, is_failure}; }

  static constexpr const char* kNobodyReads = "nobody reads standard output any more";

  Connection& gateway_;
  File& file_;
  Clock::time_point until_ = Clock::time_point::max();
  std::optional<std::string> stop_;  // why it was asked for
  std::optional<Ending> ending_;
  std::optional<std::uint64_t> lost_;
};

std::string summary(const File& file, std::optional<std::uint64_t> lost, const std::string& why) {
  const auto packets = [](std::uint64_t n) { return std::to_string(n) + (n == 1 ? " packet" : " packets"); };
  std::string text = packets(file.packets()) + " captured";
  if (lost) text += ", " + std::to_string(*lost) + " lost";
  if (lost && *lost != 0) text += " (more came than a capture takes, or its reader; --filter makes them fewer)";
  return text + ": " + why;
}

std::string what_it_is(const Json& hello, const CaptureOptions& options, bool with_payload) {
  const std::string at = options.at == kDrop ? "packets that ended" : "packets at " + place_of(options.at);
  return at + " of the gateway " + hello.value("name", std::string()) +
         (with_payload ? "" : "; what an SA has opened or is to seal is left out");
}

int capture_from(Connection& gateway, const CaptureOptions& options, const Json& wish) {
  const auto hello = gateway.call("hello", Json::object());
  if (!hello) return fail(hello.error());
  const auto begun = gateway.call("capture", wish);
  if (!begun) return fail(begun.error());
  const bool with_payload = begun->value("payload", false);
  if (!with_payload)
    say("what an SA has opened or is to seal is left out: be root, or in the group of control.payload_group");
  auto writer = PcapngWriter::open(options.file, "strata " STRATA_VERSION, what_it_is(*hello, options, with_payload),
                                   options.filter);
  if (!writer) return fail(writer.error());
  File file(std::move(*writer));
  Capturing capturing(options, gateway, file);
  Ending ending = capturing.run();
  // Where nothing more can be written there is no end to be written either.
  const auto finished = file.finish(capturing.lost());
  if (!finished && !ending.is_failure && !file.writer().reader_is_gone()) ending = {finished.error(), true};
  say(summary(file, capturing.lost(), ending.why));
  return ending.is_failure ? 1 : 0;
}

int capture(const CaptureOptions& options) {
  const auto wish = wish_of(options);
  if (!wish) return fail(wish.error(), 2);
  if (options.file == "-" && ::isatty(STDOUT_FILENO) == 1)
    return fail("standard output is a terminal; name a file, or pipe it: `strata capture --at rx - | tshark -r -`", 2);
  auto gateway = Connection::open(options.whom.path());
  if (!gateway) return fail(gateway.error());
  catch_signals();
  return capture_from(*gateway, options, *wish);
}

}  // namespace

void add_capture(CLI::App& app, std::function<int()>& run) {
  const auto options = std::make_shared<CaptureOptions>();
  CLI::App* command = app.add_subcommand(
      "capture", "Write packets of a running gateway to a file, as they are at a place of their journey");
  command
      ->add_option(
          "--at", options->at,
          "Where: rx, as they arrive; tx, as they leave; drop, where they are dropped; or a place of docs/journey.md")
      ->required()
      ->type_name("STAGE")
      ->check(CLI::IsMember(places()));
  command->add_option("file", options->file, "The pcapng file; -: standard output")->required()->type_name("FILE");
  command->add_option("--filter", options->filter, "Only packets that match there: see pcap-filter(7)")
      ->type_name("EXPRESSION");
  command->add_option("--cause", options->cause, "With drop: only packets that end for it (strata graph --drops)")
      ->type_name("CAUSE");
  command->add_option("--count", options->count, "So many packets; else until it is interrupted")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000'000));
  command->add_option("--seconds", options->seconds, "So long; else until it is interrupted")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--snaplen", options->snaplen, "So many octets of each packet; else all")
      ->type_name("OCTETS")
      ->check(CLI::Range(1, 65535));
  add_whom(*command, options->whom);
  command->callback([options, &run] { run = [options] { return capture(*options); }; });
}

}  // namespace strata::cli
