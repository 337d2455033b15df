// A client's end of the control socket.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "control/descriptor.hpp"

namespace strata {

class Connection {
 public:
  using Json = nlohmann::ordered_json;

  // The error says what was found there and what to do.
  static tl::expected<Connection, std::string> open(const std::string& path);

  struct Question {
    std::string_view method;
    Json params = Json::object();
  };

  // The result of a method; the error is the gateway's sentence, or why none came.
  tl::expected<Json, std::string> call(std::string_view method, const Json& params);
  // The next event, however long it takes: {"method": ..., "params": ...}.
  tl::expected<Json, std::string> event();
  // The same, if it has come; else nothing: there may be more to read at fd() then.
  tl::expected<std::optional<Json>, std::string> event_that_came();
  // All rows of a table, part by part.
  tl::expected<Json, std::string> rows(std::string_view method);

  // For who has more to do than to wait: a batch, whose answers are of one moment, and their results in the order of
  // the questions once all have come. Nothing: they have not; there may be more to read at fd() then.
  tl::expected<void, std::string> ask(const std::vector<Question>& questions);
  tl::expected<std::optional<std::vector<Json>>, std::string> take();
  int fd() const { return fd_.number(); }

 private:
  Connection(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  tl::expected<void, std::string> send_line(const std::string& line);
  tl::expected<std::string, std::string> receive_line(int patience_ms);
  tl::expected<Json, std::string> event_of(const std::string& line) const;
  std::optional<std::string> line_that_came();
  // What is there, without waiting; false: nothing is.
  tl::expected<bool, std::string> receive();
  tl::expected<Json, std::string> result_of(Json answer) const;
  tl::unexpected<std::string> fault(const std::string& what) const;

  std::string path_;
  Descriptor fd_;
  std::string in_;
  std::size_t searched_ = 0;  // of in_, for the end of a line
  unsigned next_id_ = 1;
  std::size_t asked_ = 0;  // questions of the batch under way
};

}  // namespace strata
