// The part of the control socket that captures: one client at a time, to whom each packet is an event.
#include "control/control_socket.hpp"
#include "control/filter.hpp"
#include "control/hex.hpp"
#include "control/rpc/schema.hpp"

namespace strata {
namespace {

// A client for whom so much waits is not told of more: what comes meanwhile waits with the workers, or is lost. Less
// than what it is not heard for, or one that is always told of more could not say that it is enough.
constexpr std::size_t kEnoughWaits = ServerLimits().enough / 2;

constexpr std::string_view kDrop = "drop";

tl::unexpected<rpc::Failure> wrong(const std::string& sentence) {
  return tl::unexpected(rpc::Failure{rpc::error::kInvalidParams, sentence});
}

const StageFacts* stage_named(std::string_view name) {
  const auto* const at = std::ranges::find(kAllStages, name, &StageFacts::name);
  return at == kAllStages.end() ? nullptr : *at;
}

tl::expected<void, rpc::Failure> read_filter(const rpc::Request& params, const char* name, FrameFilter& filter) {
  if (!params.contains(name)) return {};
  auto parsed = parse_filter(params[name].get_ref<const std::string&>());
  if (!parsed) return wrong("'" + std::string(name) + "': " + parsed.error());
  filter = std::move(*parsed);
  return {};
}

tl::expected<CaptureWish, rpc::Failure> wish_of(const rpc::Request& params, bool with_payload) {
  const auto& at = params["at"].get_ref<const std::string&>();
  CaptureWish wish{.at = stage_named(at),
                   .cause = {},
                   .filter = {},
                   .octets = params.value("snaplen", SIZE_MAX),
                   .count = params.value("count", UINT64_MAX),
                   .with_payload = with_payload};
  if (params.contains("cause")) {
    if (at != kDrop) return wrong("'cause': packets that end are captured at 'drop' alone");
    const CauseText* const text = cause_named(params["cause"].get_ref<const std::string&>());
    if (text == nullptr) return wrong("'cause': there is no such cause; docs/drop-reasons.md has them all");
    wish.cause = text->cause;
  }
  if (auto read = read_filter(params, "filter", wish.filter.ethernet); !read) return tl::unexpected(read.error());
  if (auto read = read_filter(params, "filter_ip", wish.filter.ip); !read) return tl::unexpected(read.error());
  if (wish.at != nullptr && !with_payload && !Capture::is_on_the_wire(*wish.at))
    return tl::unexpected(rpc::Failure{
        rpc::error::kNotAllowed,
        "packets at " + at + " may be what an SA has opened or is to seal: be root, or in the group of " +
            "control.payload_group; 'Frame', 'Arp', 'Host', 'EspIn' and 'Out' show what " + "is on the wire"});
  return wish;
}

rpc::Json heading_of(Heading heading) {
  if (heading == Heading::none) return nullptr;
  return heading == Heading::in ? "in" : "out";
}

rpc::Json captured_json(const config::Config& config, const CapturedPacket& packet, std::int64_t clock_ns) {
  return {{"time_ns", packet.time_ns + static_cast<std::uint64_t>(clock_ns)},
          {"port", packet.port.is_none() ? rpc::Json(nullptr) : rpc::Json(config.ports[packet.port.index()].name)},
          {"direction", heading_of(packet.heading)},
          {"at", packet.at != nullptr ? rpc::Json(packet.at->name) : rpc::Json(nullptr)},
          {"begins", packet.at != nullptr ? rpc::Json(name_of(packet.at->begins)) : rpc::Json(nullptr)},
          {"length", packet.length},
          {"octets", hex_of(packet.octets)},
          {"withheld", packet.withheld},
          {"cause", packet.cause ? rpc::Json(text_of(*packet.cause).name) : rpc::Json(nullptr)}};
}

// What the time of day is ahead of the workers' clock.
std::int64_t clock_of_day() {
  const auto since = [](auto now) { return std::chrono::nanoseconds(now.time_since_epoch()).count(); };
  return since(std::chrono::system_clock::now()) - since(std::chrono::steady_clock::now());
}

}  // namespace

void ControlSocket::add_capture() {
  dispatcher_.add("capture",
                  [this](rpc::ClientId client, const rpc::Request& params) { return capture(client, params); });
  dispatcher_.add("capture.stop", [this](rpc::ClientId client, auto&) -> Result {
    const bool mine = capturing_ == client;
    if (mine) end_capture();
    return Json{{"stopped", mine}};
  });
}

ControlSocket::Result ControlSocket::capture(rpc::ClientId client, const rpc::Request& params) {
  if (capturing_)
    return tl::unexpected(rpc::Failure{rpc::error::kBusy, "another client captures; there is one at a time"});
  const bool with_payload = may_see_payload(client);
  auto wish = wish_of(params, with_payload);
  if (!wish) return tl::unexpected(wish.error());
  capture_clock_ns_ = clock_of_day();
  const auto begun = gateway_->threads.while_they_stand_still([&] { gateway_->capture.begin(std::move(*wish)); });
  if (!begun) return stands_still(begun.error());
  capturing_ = client;
  return Json{{"payload", with_payload}};
}

void ControlSocket::end_capture() {
  Capture& capture = gateway_->capture;
  // A worker that makes no round keeps what it has.
  if (!gateway_->threads.while_they_stand_still([&] { capture.end_and_fetch(); })) capture.end();
  tell_what_is_captured();
  capture.drop_rest();
  tell_end_of_capture();
}

void ControlSocket::tell_captured() {
  if (!capturing_) return;
  tell_what_is_captured();
  if (gateway_->capture.is_done()) tell_end_of_capture();
}

void ControlSocket::tell_what_is_captured() {
  while (server_.waiting(*capturing_) < kEnoughWaits) {
    const auto packet = gateway_->capture.next();
    if (!packet) return;
    server_.tell(*capturing_, rpc::event_line("capture", captured_json(gateway_->config, *packet, capture_clock_ns_)));
  }
}

void ControlSocket::tell_end_of_capture() {
  Capture& capture = gateway_->capture;
  server_.tell(*capturing_, rpc::event_line("capture_end", {{"packets", capture.fetched()}, {"lost", capture.lost()}}));
  forget_capture();
}

void ControlSocket::forget_capture() {
  gateway_->capture.end();
  capturing_.reset();
}

}  // namespace strata
