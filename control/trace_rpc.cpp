// The part of the control socket that traces: one client at a time, to whom each journey is an event.
#include "control/control_socket.hpp"
#include "control/filter.hpp"
#include "control/hex.hpp"
#include "control/rpc/schema.hpp"

namespace strata {
namespace {

std::string_view end_of(const TracedPacket& packet) {
  if (packet.waits) return "parked";
  return packet.cause ? name_of(text_of(*packet.cause).fate) : "sent";
}

rpc::Json port_name(const config::Config& config, PortId port) {
  return port.is_none() ? rpc::Json(nullptr) : rpc::Json(config.ports[port.index()].name);
}

rpc::Json traced_json(const config::Config& config, const TracedPacket& packet) {
  return {{"number", packet.number},
          {"port", config.ports[packet.port.index()].name},
          {"length", packet.length},
          {"octets", hex_of(packet.frame)},
          {"steps", packet.steps},
          {"end", end_of(packet)},
          {"cause", packet.cause ? rpc::Json(text_of(*packet.cause).name) : rpc::Json(nullptr)},
          {"to", port_name(config, packet.to)}};
}

tl::unexpected<rpc::Failure> wrong(const std::string& sentence) {
  return tl::unexpected(rpc::Failure{rpc::error::kInvalidParams, sentence});
}

}  // namespace

void ControlSocket::add_trace() {
  dispatcher_.add("trace", [this](rpc::ClientId client, const rpc::Request& params) { return trace(client, params); });
  dispatcher_.add("trace.stop", [this](rpc::ClientId client, auto&) -> Result {
    const bool mine = tracing_ == client;
    if (mine) stop_trace();
    return Json{{"stopped", mine}};
  });
}

ControlSocket::Result ControlSocket::trace(rpc::ClientId client, const rpc::Request& params) {
  if (tracing_) return tl::unexpected(rpc::Failure{rpc::error::kBusy, "another client traces; there is one at a time"});
  TraceWish wish{
      .matches = {}, .count = params.value("count", UINT64_MAX), .cause = {}, .with_payload = may_see_payload(client)};
  if (params.contains("filter")) {
    auto filter = parse_filter(params["filter"].get_ref<const std::string&>());
    if (!filter) return wrong("'filter': " + filter.error());
    wish.matches = std::move(*filter);
  }
  if (params.contains("cause")) {
    const CauseText* const text = cause_named(params["cause"].get_ref<const std::string&>());
    if (text == nullptr) return wrong("'cause': there is no such cause; docs/drop-reasons.md has them all");
    wish.cause = text->cause;
  }
  const bool with_payload = wish.with_payload;
  const auto begun = gateway_->threads.while_they_stand_still([&] { gateway_->trace.begin(std::move(wish)); });
  if (!begun) return stands_still(begun.error());
  tracing_ = client;
  return Json{{"payload", with_payload}};
}

void ControlSocket::stop_trace() {
  gateway_->trace.end();
  tracing_.reset();
}

void ControlSocket::tell_traced() {
  if (!tracing_) return;
  Trace& trace = gateway_->trace;
  for (const TracedPacket& packet : trace.collect(Clock::now()))
    server_.tell(*tracing_, rpc::event_line("trace", traced_json(gateway_->config, packet)));
  if (!trace.is_done()) return;
  server_.tell(*tracing_, rpc::event_line("trace_end", {{"packets", trace.told()}, {"lost", trace.lost()}}));
  stop_trace();
}

}  // namespace strata
