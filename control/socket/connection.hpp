// A client's end of the control socket.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "control/descriptor.hpp"

namespace strata {

class Connection {
 public:
  using Json = nlohmann::ordered_json;

  // The error says what was found there and what to do.
  static tl::expected<Connection, std::string> open(const std::string& path);

  // The result of a method; the error is the gateway's sentence, or why none came.
  tl::expected<Json, std::string> call(std::string_view method, const Json& params);
  // All rows of a table, part by part.
  tl::expected<Json, std::string> rows(std::string_view method);

 private:
  Connection(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  tl::expected<void, std::string> send_line(const std::string& line);
  tl::expected<std::string, std::string> receive_line();
  tl::unexpected<std::string> fault(const std::string& what) const;

  std::string path_;
  Descriptor fd_;
  std::string in_;
  unsigned next_id_ = 1;
};

}  // namespace strata
