#include "control/socket/connection.hpp"

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace strata {
namespace {

constexpr int kPatienceMs = 30'000;

// Other gateways' sockets in the folder: a name may have been forgotten.
std::string others_beside(const std::string& path) {
  struct Close {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const std::unique_ptr<DIR, Close> dir(::opendir(folder.empty() ? "." : folder.c_str()));
  std::string found;
  if (!dir) return found;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name.ends_with(".sock") && folder + name != path)
      found.append(found.empty() ? "" : ", ").append(folder).append(name);
  }
  return found;
}

std::string why_nobody(const std::string& path, int error) {
  const std::string what_to_do = "; start one with `strata run`, or say where it is with --name or --socket";
  if (error == ENOENT) {
    const std::string others = others_beside(path);
    return "no gateway runs at " + path + ": there is no such socket" +
           (others.empty() ? what_to_do : "; others are at " + others + ": say which one with --name or --socket");
  }
  if (error == ECONNREFUSED) return "no gateway runs at " + path + " any more" + what_to_do;
  if (error == EACCES) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return path + ": " + std::strerror(error) + "; be root";
    return path + ": " + std::strerror(error) + "; it is for root, for uid " + std::to_string(status.st_uid) +
           " and for the group " + std::to_string(status.st_gid);
  }
  return path + ": " + std::strerror(error);
}

}  // namespace

tl::expected<Connection, std::string> Connection::open(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return tl::unexpected(path + ": the path is longer than 107 octets");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return tl::unexpected(why_nobody(path, errno));
  return Connection(path, std::move(fd));
}

tl::unexpected<std::string> Connection::fault(const std::string& what) const {
  return tl::unexpected(path_ + ": " + what);
}

tl::expected<void, std::string> Connection::send_line(const std::string& line) {
  std::size_t sent = 0;
  while (sent < line.size()) {
    const ssize_t n = ::send(fd_.number(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    // Whoever turns a client away says why before it closes.
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) return {};
    if (n < 0) return fault(std::strerror(errno));
    sent += static_cast<std::size_t>(n);
  }
  return {};
}

std::optional<std::string> Connection::line_that_came() {
  const std::size_t end = in_.find('\n', searched_);
  searched_ = in_.size();
  if (end == std::string::npos) return std::nullopt;
  std::string line = in_.substr(0, end);
  in_.erase(0, end + 1);
  searched_ = 0;
  return line;
}

tl::expected<bool, std::string> Connection::receive() {
  std::array<char, 65536> buffer;
  const ssize_t n = ::recv(fd_.number(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n < 0) return fault(std::strerror(errno));
  if (n == 0) return fault("the gateway ended before it answered");
  in_.append(buffer.data(), static_cast<std::size_t>(n));
  return true;
}

tl::expected<std::string, std::string> Connection::receive_line(int patience_ms) {
  for (;;) {
    if (auto line = line_that_came()) return std::move(*line);
    pollfd one{.fd = fd_.number(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&one, 1, patience_ms);
    if (ready == 0) return fault("the gateway does not answer; it may still be starting, or hang");
    if (ready < 0) return fault(std::strerror(errno));
    if (const auto received = receive(); !received) return tl::unexpected(received.error());
  }
}

tl::expected<Connection::Json, std::string> Connection::result_of(Json answer) const {
  if (!answer.is_object()) return fault("what answers is no gateway");
  if (const auto error = answer.find("error"); error != answer.end())
    return tl::unexpected(error->value("message", std::string("an error without a message")));
  if (!answer.contains("result")) return fault("what answers is no gateway");
  return std::move(answer["result"]);
}

tl::expected<Connection::Json, std::string> Connection::call(std::string_view method, const Json& params) {
  const Json request{{"jsonrpc", "2.0"}, {"method", method}, {"params", params}, {"id", next_id_++}};
  if (auto sent = send_line(request.dump() + "\n"); !sent) return tl::unexpected(std::move(sent.error()));
  auto line = receive_line(kPatienceMs);
  if (!line) return tl::unexpected(std::move(line.error()));
  Json answer = Json::parse(*line, nullptr, false);
  if (answer.is_discarded()) return fault("what answers is no gateway: " + line->substr(0, 80));
  return result_of(std::move(answer));
}

tl::expected<void, std::string> Connection::ask(const std::vector<Question>& questions) {
  Json batch = Json::array();
  for (const Question& question : questions)
    batch.push_back(
        {{"jsonrpc", "2.0"}, {"method", question.method}, {"params", question.params}, {"id", batch.size()}});
  asked_ = batch.size();
  return send_line(batch.dump() + "\n");
}

tl::expected<std::optional<std::vector<Connection::Json>>, std::string> Connection::take() {
  std::optional<std::string> line;
  while (!(line = line_that_came())) {
    const auto received = receive();
    if (!received) return tl::unexpected(received.error());
    if (!*received) return std::nullopt;
  }
  Json answers = Json::parse(*line, nullptr, false);
  // Who turns a client away says so in one object.
  if (answers.is_object() && answers.contains("error")) return tl::unexpected(result_of(std::move(answers)).error());
  if (!answers.is_array()) return fault("what answers is no gateway: " + line->substr(0, 80));
  std::vector<Json> results(asked_);
  for (Json& answer : answers) {
    const Json id_of = answer.is_object() ? answer.value("id", Json()) : Json();
    const std::size_t id = id_of.is_number_unsigned() ? id_of.get<std::size_t>() : asked_;
    if (id >= asked_) return fault("what answers is no gateway: " + line->substr(0, 80));
    auto result = result_of(std::move(answer));
    if (!result) return tl::unexpected(std::move(result.error()));
    results[id] = std::move(*result);
  }
  if (answers.size() != asked_) return fault("the gateway left a question without an answer");
  return results;
}

tl::expected<Connection::Json, std::string> Connection::event() {
  constexpr int kForEver = -1;
  auto line = receive_line(kForEver);
  if (!line) return tl::unexpected(std::move(line.error()));
  return event_of(*line);
}

tl::expected<std::optional<Connection::Json>, std::string> Connection::event_that_came() {
  std::optional<std::string> line;
  while (!(line = line_that_came())) {
    const auto received = receive();
    if (!received) return tl::unexpected(received.error());
    if (!*received) return std::nullopt;
  }
  auto event = event_of(*line);
  if (!event) return tl::unexpected(std::move(event.error()));
  return std::move(*event);
}

tl::expected<Connection::Json, std::string> Connection::event_of(const std::string& line) const {
  Json event = Json::parse(line, nullptr, false);
  if (!event.is_object() || !event.contains("method") || !event.contains("params"))
    return fault("what tells is no gateway: " + line.substr(0, 80));
  return event;
}

tl::expected<Connection::Json, std::string> Connection::rows(std::string_view method) {
  Json all = Json::array();
  for (Json from = 0U; !from.is_null();) {
    auto part = call(method, {{"from", from}});
    if (!part) return part;
    if (!part->contains("items") || !part->contains("next")) return fault("what answers is no gateway");
    for (Json& item : (*part)["items"]) all.push_back(std::move(item));
    from = (*part)["next"];
  }
  return all;
}

}  // namespace strata
