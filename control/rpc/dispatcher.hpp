// JSON-RPC 2.0 (https://www.jsonrpc.org/specification): one line of a client to one line for it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "control/rpc/schema.hpp"

namespace strata::rpc {

using Json = nlohmann::ordered_json;
// What a client sent: of very many keys each is found in logarithmic time.
using Request = nlohmann::json;

struct Failure {
  int code;
  std::string message;
};

enum class ClientId : std::uint64_t {};

// What a line of a client came to.
struct Reply {
  std::string line;          // for it, without a newline, never longer than kMostWaiting; empty: none is wanted
  std::size_t requests = 1;  // that were in it
};

class Dispatcher {
 public:
  // What a method's parameters are was judged by the schema before.
  using Handler = std::function<tl::expected<Json, Failure>(ClientId client, const Request& params)>;

  // name: of the schema, each once.
  void add(std::string_view name, Handler handler);
  // Of the schema, and without a handler here.
  std::vector<std::string_view> missing() const;

  // line: a request or a batch.
  Reply answer(ClientId client, std::string_view line) const;

 private:
  std::string batch(ClientId client, const Request& requests) const;
  // Empty: it was a notification.
  std::string one(ClientId client, const Request& request) const;
  tl::expected<Json, Failure> call(ClientId client, const std::string& name, const Request& params) const;

  std::map<std::string_view, Handler> handlers_;
};

// One line without a newline.
std::string error_line(const Request& id, const Failure& failure);
std::string event_line(std::string_view event, const Json& params);

// Nothing when the parameters are as the schema says.
std::optional<Failure> fault_in(std::span<const Field> fields, const Request& params);

}  // namespace strata::rpc
