// The control socket of a gateway that runs: lines, halves of lines and garbage of a client that has every right. All
// methods are the real ones. Each line is answered by JSON-RPC 2.0 or by nothing, no key is in any answer, and the next
// client is served as if nothing had been.
//
//   how it is sent 1: octets a piece, 0: all at once | what the client says
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "config/parser.hpp"
#include "control/descriptor.hpp"
#include "control/gateway.hpp"
#include "control/rpc/schema.hpp"
#include "control/signals.hpp"
#include "tests/fuzz/fail.hpp"

namespace strata::fuzz {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kPatience = 20s;  // for a gateway under sanitizers, on a machine that has more to do

constexpr const char* kConfig = R"(
ports:
  wan: {device: "net_ring0", mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected}
  lan: {device: "net_ring1", mac: "02:00:00:00:01:02", addresses: [10.1.0.1/24], side: protected}
neighbors:
  - {port: wan, address: 192.0.2.254, mac: "02:00:00:00:02:fe"}
  - {port: lan, address: 10.1.0.2, mac: "02:00:00:00:02:02"}
ipsec:
  security_associations:
    - {name: from-b, direction: in, spi: 0x1001, source: 192.0.2.2, destination: 192.0.2.1, algorithm: aes-128-gcm, key: "hex:00112233445566778899aabbccddeeff00010203", selectors: {source: "fc00:2::/48", destination: "fc00:1::/48"}}
    - {name: to-b, direction: out, spi: 0x2001, source: 192.0.2.1, destination: 192.0.2.2, algorithm: aes-128-gcm, key: "hex:90919293949596979899a0a1a2a3a4a5a6a7a8a9", selectors: {source: "fc00:1::/48", destination: "fc00:2::/48"}}
srv6:
  source: "fc00:1::1"
  local_sids: [{sid: "fc00:1::d4/128", behavior: End.DX4, next_hop: 10.1.0.2, port: lan}]
  policies: [{name: to-b, prefixes: [10.2.0.0/16], segments: ["fc00:2::d4"]}]
routes: [{prefix: 0.0.0.0/0, next_hop: 192.0.2.254, port: wan}]
eal: {hugepages: never, memory: 512}
metrics: {http: false}
state: {unsafe_lab_without_state: true}
)";
constexpr std::array<const char*, 2> kKeys{"00112233445566778899aabbccddeeff", "90919293949596979899a0a1a2a3a4a5"};

// A gateway in threads of its own, as long as the process.
class Running {
 public:
  Running() : folder_("/tmp/strata-fuzz." + std::to_string(::getpid())) {
    std::filesystem::create_directory(folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
    std::ofstream(folder_ + "/gateway.yaml") << kConfig;
    auto config = config::parse_file(folder_ + "/gateway.yaml");
    if (!config) fail(to_string(config.error().front(), "gateway.yaml"));
    options_.socket = folder_ + "/socket";
    options_.version = "fuzz";
    catch_signals();
    auto gateway = Gateway::start(std::make_shared<const config::Config>(std::move(*config)), options_);
    if (!gateway) fail(gateway.error());
    gateway_ = std::move(*gateway);
    thread_ = std::thread([this] { gateway_->run(); });
    if (std::atexit([] { the().end(); }) != 0) fail("it cannot be ended in order");
  }
  static Running& the() {
    static Running* const running = new Running;
    return *running;
  }
  const std::string& socket() const { return options_.socket; }

 private:
  void end() {
    ::kill(::getpid(), SIGTERM);
    thread_.join();
    gateway_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string folder_;
  RunOptions options_;
  std::unique_ptr<Gateway> gateway_;
  std::thread thread_;
};

class Client {
 public:
  Client() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& path = Running::the().socket();
    std::copy(path.begin(), path.end(), address.sun_path);
    if (::connect(fd_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      fail("nobody listens at the control socket");
  }

  // False: the gateway has ended it, which is its right when what came was no sense.
  bool say(std::string_view text, std::size_t piece) const {
    while (!text.empty()) {
      const std::string_view part = text.substr(0, piece);
      const ssize_t n = ::send(fd_.number(), part.data(), part.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void say_no_more() const { ::shutdown(fd_.number(), SHUT_WR); }

  // All until the gateway ends it.
  std::string hear() const {
    std::string heard;
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      pollfd wait{.fd = fd_.number(), .events = POLLIN, .revents = 0};
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0)
        fail("the gateway does not come to the end of what was asked; it said: " + heard.substr(0, 2000));
      char buffer[65536];
      const ssize_t n = ::recv(fd_.number(), buffer, sizeof buffer, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return heard;
      heard.append(buffer, static_cast<std::size_t>(n));
    }
  }

 private:
  Descriptor fd_;
};

void judge_answer(const Json& answer) {
  if (!answer.is_object() || answer.value("jsonrpc", "") != "2.0") fail("no JSON-RPC 2.0: " + answer.dump());
  if (answer.contains("method")) {
    if (!answer["method"].get<std::string>().starts_with("event.")) fail("no event: " + answer.dump());
    return;
  }
  if (answer.contains("result") == answer.contains("error")) fail("neither a result nor an error: " + answer.dump());
  if (!answer.contains("id")) fail("an answer without an ID: " + answer.dump());
  if (!answer.contains("error")) return;
  const Json& error = answer["error"];
  static const std::set<int> codes = [] {
    std::set<int> all;
    for (const rpc::Error& known : rpc::errors()) all.insert(known.code);
    return all;
  }();
  if (!codes.contains(error.value("code", 0)) || error.value("message", "").empty())
    fail("an error that the schema does not have: " + answer.dump());
}

// How many answers there are; events are none.
std::size_t judge(std::string_view heard) {
  std::size_t answers = 0;
  while (!heard.empty()) {
    const std::size_t end = heard.find('\n');
    if (end == std::string_view::npos) fail("half a line: " + std::string(heard));
    const Json line = Json::parse(heard.substr(0, end), nullptr, false);
    if (line.is_discarded()) fail("a line that is no JSON: " + std::string(heard.substr(0, end)));
    if (line.is_array())
      for (const Json& one : line) judge_answer(one);
    else
      judge_answer(line);
    answers += line.is_array() || !line.contains("method") ? 1 : 0;
    heard.remove_prefix(end + 1);
  }
  return answers;
}

// What clients have said before has changed nothing for this one.
void must_be_well() {
  const Client client;
  client.say(
      "{\"jsonrpc\":\"2.0\",\"method\":\"reload\",\"id\":1}\n{\"jsonrpc\":\"2.0\",\"method\":\"hello\",\"id\":2}\n",
      4096);
  client.say_no_more();
  const std::string heard = client.hear();
  if (judge(heard) != 2 || heard.find("\"program\":\"strata\"") == std::string::npos) fail("no longer well: " + heard);
}

void talk(std::size_t piece, std::string_view text) {
  std::string heard;
  {
    const Client client;
    client.say(text, piece == 0 ? text.size() : piece);
    client.say_no_more();
    heard = client.hear();
  }
  for (const char* key : kKeys)
    if (heard.find(key) != std::string::npos) fail("a key is in an answer: " + heard);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  if (judge(heard) > lines) fail("more answers than lines: " + heard);
  must_be_well();
}

}  // namespace
}  // namespace strata::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  strata::fuzz::talk(data[0], {reinterpret_cast<const char*>(data + 1), size - 1});
  return 0;
}
