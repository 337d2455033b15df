#include "control/rpc/dispatcher.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/cpu_time.hpp"

namespace strata::rpc {
namespace {

std::string printed(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// What a request may have as its id comes back in the answer, and nothing else of it.
bool is_id(const Request& id) { return id.is_null() || id.is_string() || id.is_number(); }

std::string result_line(const Request& id, Json result) {
  Json line;
  line["jsonrpc"] = "2.0";
  line["result"] = std::move(result);
  line["id"] = id;
  return printed(line);
}

// Their IDs come back in them, which were in the request.
constexpr std::size_t kRoomForRefusals = kLongestRequest + kMostInBatch * 256;

Failure too_large() {
  return {error::kTooLarge,
          "the answer would be longer than " + std::to_string(kMostWaiting) + " octets; ask for a part of it"};
}

Failure too_long() {
  return {error::kTooLarge, "the requests of this batch before it took more than " + std::to_string(kBatchSeconds) +
                                " s of the gateway's time, or " + std::to_string(kBatchWaits) +
                                " s with all that they waited for; ask it again"};
}

std::span<const Field> params_of(const Method& method) {
  return method.answer == Answer::table ? table_params() : method.params;
}

// Why this is no request of JSON-RPC 2.0; empty: it is one.
std::string why_no_request(const Request& request) {
  if (!request.is_object()) return "a request is an object";
  const auto version = request.find("jsonrpc");
  if (version == request.end() || *version != "2.0") return "\"jsonrpc\": \"2.0\" is missing";
  const auto method = request.find("method");
  if (method == request.end() || !method->is_string()) return "\"method\" is missing, or no text";
  if (const auto id = request.find("id"); id != request.end() && !is_id(*id))
    return "\"id\" is neither a text nor a number nor null";
  if (const auto params = request.find("params"); params != request.end() && !params->is_structured())
    return "\"params\" is neither an object nor a list";
  return {};
}

// Deeper than any request is. To copy what is nested takes a stack as deep as it is.
constexpr std::size_t kDeepest = 32;

// line: it is JSON.
bool is_too_deep(std::string_view line) {
  std::size_t depth = 0;
  bool is_text = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (is_text && c == '\\') ++i;
    if (c == '"') is_text = !is_text;
    if (is_text) continue;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kDeepest) return true;
  }
  return false;
}

const Request& no_params() {
  static const Request none = Request::object();
  return none;
}

Request id_of(const Request& request) {
  if (!request.is_object()) return nullptr;
  const auto id = request.find("id");
  return id != request.end() && is_id(*id) ? *id : Request(nullptr);
}

}  // namespace

std::string error_line(const Request& id, const Failure& failure) {
  return printed({{"jsonrpc", "2.0"}, {"error", {{"code", failure.code}, {"message", failure.message}}}, {"id", id}});
}

std::string event_line(std::string_view event, const Json& params) {
  return printed({{"jsonrpc", "2.0"}, {"method", "event." + std::string(event)}, {"params", params}});
}

void Dispatcher::add(std::string_view name, Handler handler) {
  handlers_.emplace(find_method(name)->name, std::move(handler));
}

std::vector<std::string_view> Dispatcher::missing() const {
  std::vector<std::string_view> names;
  for (const Method& method : methods())
    if (!handlers_.contains(method.name)) names.push_back(method.name);
  return names;
}

Reply Dispatcher::answer(ClientId client, std::string_view line) const {
  const Request request = Request::parse(line, nullptr, false);
  if (request.is_discarded()) return {error_line(Request(), {error::kParse, "the line is no JSON"})};
  if (is_too_deep(line))
    return {error_line(Request(), {error::kInvalidRequest, "nested deeper than " + std::to_string(kDeepest)})};
  Reply reply;
  if (request.is_array())
    reply = {batch(client, request), std::clamp<std::size_t>(request.size(), 1, kMostInBatch)};
  else
    reply.line = one(client, request);
  return reply;
}

// What no longer fits, or comes too late, is refused one by one, so that each request of the batch has its answer.
std::string Dispatcher::batch(ClientId client, const Request& requests) const {
  if (requests.empty()) return error_line(Request(), {error::kInvalidRequest, "an empty batch"});
  if (requests.size() > kMostInBatch)
    return error_line(Request(), {error::kInvalidRequest, "a batch of " + std::to_string(requests.size()) +
                                                              " requests; allowed: " + std::to_string(kMostInBatch)});
  std::string all;
  const std::chrono::nanoseconds until = cpu_time_of_this_thread() + std::chrono::seconds(kBatchSeconds);
  const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(kBatchWaits);
  for (const Request& request : requests) {
    const bool is_late = cpu_time_of_this_thread() > until || std::chrono::steady_clock::now() > latest;
    if (is_late && request.is_object() && !request.contains("id")) continue;
    std::string line = is_late ? error_line(id_of(request), too_long()) : one(client, request);
    if (line.empty()) continue;
    if (all.size() + line.size() > kMostWaiting - kRoomForRefusals) line = error_line(id_of(request), too_large());
    all += (all.empty() ? "[" : ",") + line;
  }
  return all.empty() ? all : all + "]";
}

std::string Dispatcher::one(ClientId client, const Request& request) const {
  if (const std::string why = why_no_request(request); !why.empty())
    return error_line(id_of(request), {error::kInvalidRequest, why});
  const auto params = request.find("params");
  auto result =
      call(client, request["method"].get_ref<const std::string&>(), params == request.end() ? no_params() : *params);
  if (!request.contains("id")) return {};
  const Request& id = request["id"];
  if (!result) return error_line(id, result.error());
  std::string line = result_line(id, std::move(*result));
  return line.size() <= kMostWaiting ? line : error_line(id, too_large());
}

tl::expected<Json, Failure> Dispatcher::call(ClientId client, const std::string& name, const Request& params) const {
  const Method* const method = find_method(name);
  const tl::unexpected<Failure> none(
      Failure{error::kMethodNotFound, "there is no such method; rpc.discover lists all"});
  if (method == nullptr) return none;
  const auto handler = handlers_.find(method->name);
  if (handler == handlers_.end()) return none;
  if (auto fault = fault_in(params_of(*method), params)) return tl::unexpected(std::move(*fault));
  return handler->second(client, params.is_object() ? params : no_params());
}

}  // namespace strata::rpc
