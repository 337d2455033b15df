#include "control/socket/line_server.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "control/cpu_time.hpp"

namespace strata {
namespace {

constexpr std::size_t kEachRead = std::size_t{64} << 10;
constexpr int kEvents = 64;
constexpr unsigned kAccepts = 64;
constexpr std::uint64_t kListener = 0;  // no client's ID
// One that has asked for nothing for so long gives up its place to somebody who comes.
constexpr std::chrono::seconds kIdle{60};
constexpr unsigned kLinesPerSecond = 10;
constexpr std::chrono::seconds kBurst{1};
// The thread that serves has other things to do, on which the watchdog looks.
constexpr std::chrono::milliseconds kTurn{20};
// Of its time a client gets one part of so many.
constexpr int kParts = 4;

std::string octets(std::size_t n) { return std::to_string(n) + " octets"; }

void watch_fd(int poll, int operation, int fd, std::uint32_t events, std::uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  ::epoll_ctl(poll, operation, fd, &event);
}

Descriptor any_descriptor() { return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

LineServer::LineServer(SocketFile file, Callbacks callbacks, const ServerLimits& limits)
    : file_(std::move(file)),
      callbacks_(std::move(callbacks)),
      limits_(limits),
      poll_(::epoll_create1(EPOLL_CLOEXEC)),
      spare_(any_descriptor()) {
  watch_fd(poll_.number(), EPOLL_CTL_ADD, file_.fd(), EPOLLIN, kListener);
}

LineServer::~LineServer() = default;

bool LineServer::serve(Clock::time_point now) {
  now_ = now;
  std::array<epoll_event, kEvents> events{};
  const int n = ::epoll_wait(poll_.number(), events.data(), kEvents, 0);
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kListener) {
      accept_all(now);
    } else if (const auto at = clients_.find(ClientId{event.data.u64}); at != clients_.end()) {
      if ((event.events & ~EPOLLIN) != 0) write_to(*at->second, now);
      if ((event.events & ~EPOLLOUT) != 0) read_from(*at->second, now);
    }
  }
  take_lines(now);
  bool more = false;
  for (const auto& [id, client] : clients_) {
    judge(*client, now);
    watch(*client);
    more = more || (!client->is_gone && client->has_line() && is_heard(*client));
  }
  bury();
  return more;
}

const Peer* LineServer::peer(ClientId client) const {
  const auto at = clients_.find(client);
  return at == clients_.end() ? nullptr : &at->second->peer;
}

// --- coming and going ----------------------------------------------------------------------------------------------

void LineServer::accept_all(Clock::time_point now) {
  // While there is more work than time, whoever comes waits to be let in: or all places would be taken by clients that
  // wait for an answer, and others turned away.
  const unsigned most = is_short_of_time_ ? 1 : kAccepts;
  for (unsigned i = 0; i < most; ++i) {
    Descriptor fd(::accept4(file_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd && (errno == EMFILE || errno == ENFILE)) {
      spare_ = Descriptor();
      const Descriptor one_too_many(::accept4(file_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      ++counts_.too_many;
      say("a client was turned away: this process has no file descriptors left (ulimit -n)");
      spare_ = any_descriptor();
    }
    if (!fd) return;
    admit(std::move(fd), now);
  }
}

void LineServer::admit(Descriptor fd, Clock::time_point now) {
  std::optional<Peer> peer = peer_of(fd.number());
  if (!peer || !may_come_in(*peer, file_.group())) {
    ++counts_.refused;
    say("refused " + (peer ? to_string(*peer) : std::string("a client")) + ": neither root, nor uid " +
        std::to_string(::geteuid()) + ", nor in the group " + std::to_string(file_.group()));
    return turn_away(fd.number(), rpc::error::kRefused,
                     "this socket is for root, for the gateway's own user and for its group");
  }
  const std::size_t places = limits_.clients - (is_own(*peer) ? 0 : std::min(limits_.kept, limits_.clients));
  if (clients_.size() >= places && !make_room()) {
    ++counts_.too_many;
    const std::string why = std::to_string(clients_.size()) + " others are being served";
    say("turned away " + to_string(*peer) + ": " + why);
    return turn_away(fd.number(), rpc::error::kTooMany, why + "; try again later");
  }
  ++counts_.served;
  const ClientId id{next_id_++};
  watch_fd(poll_.number(), EPOLL_CTL_ADD, fd.number(), EPOLLIN, static_cast<std::uint64_t>(id));
  auto client = std::make_unique<Client>();
  client->id = id;
  client->fd = std::move(fd);
  client->peer = std::move(*peer);
  client->wanted = EPOLLIN;
  client->last_asked = now;
  client->heard_from = now - kBurst;
  clients_.emplace(id, std::move(client));
}

// False: all that are there are in use.
bool LineServer::make_room() {
  Client* longest = nullptr;
  for (const auto& [id, client] : clients_) {
    if (client->is_gone || client->waiting() != 0 || !client->in.empty() || callbacks_.listens(id)) continue;
    if (longest == nullptr || client->last_asked < longest->last_asked) longest = client.get();
  }
  if (longest == nullptr || now_ - longest->last_asked < kIdle) return false;
  cut(*longest, "it asked for nothing for long, and its place was needed");
  bury();
  return true;
}

// One line, for whoever reads it.
void LineServer::turn_away(int fd, int code, const std::string& sentence) {
  const std::string line = rpc::error_line(rpc::Request(), {code, sentence}) + "\n";
  [[maybe_unused]] const ssize_t sent = ::send(fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void LineServer::cut(Client& client, const std::string& why) {
  ++counts_.cut;
  client.is_gone = true;
  say("cut " + to_string(client.peer) + ": " + why);
}

void LineServer::bury() {
  for (auto at = clients_.begin(); at != clients_.end();) {
    const auto next = std::next(at);
    if (at->second->is_gone) {
      const ClientId id = at->first;
      clients_.erase(at);
      callbacks_.gone(id);
    }
    at = next;
  }
}

// --- what a client sends -------------------------------------------------------------------------------------------

void LineServer::read_from(Client& client, Clock::time_point now) {
  if (client.is_gone || client.ended || client.has_line() || !is_heard(client)) return;
  std::array<char, kEachRead> buffer;
  const ssize_t n = ::recv(client.fd.number(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0) {
    client.is_gone = errno != EAGAIN && errno != EINTR;
    return;
  }
  if (client.in.empty()) client.begun = now;
  client.in.append(buffer.data(), static_cast<std::size_t>(n));
  explicit_bzero(buffer.data(), static_cast<std::size_t>(n));
  client.ended = n == 0;
  if (client.ended && !client.in.empty()) client.in += '\n';  // a last line needs none
  client.searched = std::min(client.in.find('\n', client.searched), client.in.size());
  if (client.searched > limits_.request)
    refuse_and_end(client, rpc::error::kInvalidRequest,
                   "the line is longer than " + octets(limits_.request) + "; requests end with a newline");
}

// A line of each, beginning behind whoever was the last.
void LineServer::take_lines(Clock::time_point now) {
  const Clock::time_point until = Clock::now() + kTurn;
  auto at = clients_.upper_bound(last_heard_);
  std::size_t n = clients_.size();
  for (; n != 0 && Clock::now() < until; --n) {
    if (at == clients_.end()) at = clients_.begin();
    Client& client = *at->second;
    ++at;
    if (!client.has_line() || !is_heard(client)) continue;
    last_heard_ = client.id;
    take_line(client, now);
  }
  is_short_of_time_ = n != 0;
}

void LineServer::take_line(Client& client, Clock::time_point now) {
  const secret::Text line = client.in.substr(0, client.searched);
  client.in.erase(0, client.searched + 1);
  client.searched = std::min(client.in.find('\n'), client.in.size());
  if (client.in.empty()) client.in.shrink_to_fit();
  client.begun = client.last_asked = now;
  if (line.find_first_not_of(" \t\r") == std::string::npos) return;
  const std::chrono::nanoseconds before = cpu_time_of_this_thread();
  const rpc::Reply reply = callbacks_.answer(client.id, line);
  charge(client, reply.requests, cpu_time_of_this_thread() - before);
  if (!reply.line.empty()) put(client, reply.line, now);
}

// Each request takes its part of a second, of which one is had in advance; and more where it was more work than that.
void LineServer::charge(Client& client, std::size_t requests, std::chrono::nanoseconds worked) {
  const std::chrono::nanoseconds each = std::chrono::nanoseconds(std::chrono::seconds(1)) / limits_.requests;
  client.heard_from =
      std::max(client.heard_from, now_ - kBurst) + std::max<std::chrono::nanoseconds>(each * requests, worked * kParts);
  if (client.heard_from < now_ || client.slowed) return;
  client.slowed = true;
  ++counts_.slowed;
  say("slowed " + to_string(client.peer) + ": it asks more than " + std::to_string(limits_.requests) +
      " times a second, or for more work than a quarter of a second in each");
}

void LineServer::refuse_and_end(Client& client, int code, const std::string& sentence) {
  ++counts_.cut;
  say("cut " + to_string(client.peer) + ": " + sentence);
  client.in.clear();
  client.in.shrink_to_fit();
  client.searched = 0;
  put(client, rpc::error_line(rpc::Request(), {code, sentence}), now_);
  client.goes = true;
}

// --- what it is sent -----------------------------------------------------------------------------------------------

void LineServer::tell(ClientId to, std::string_view line) {
  const auto at = clients_.find(to);
  if (at == clients_.end()) return;
  put(*at->second, line, Clock::now());
  watch(*at->second);
}

std::size_t LineServer::waiting(ClientId client) const {
  const auto at = clients_.find(client);
  return at == clients_.end() ? 0 : at->second->waiting();
}

void LineServer::put(Client& client, std::string_view line, Clock::time_point now) {
  if (client.waiting() == 0) client.moved = now;
  client.out.append(line);
  client.out += '\n';
  write_to(client, now);
}

void LineServer::write_to(Client& client, Clock::time_point now) {
  while (!client.is_gone && client.waiting() != 0) {
    const ssize_t n =
        ::send(client.fd.number(), client.out.data() + client.sent, client.waiting(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
      client.is_gone = errno != EAGAIN && errno != EINTR;
      break;
    }
    client.sent += static_cast<std::size_t>(n);
    client.moved = now;
  }
  // What was sent is kept until it is much: each time that it goes, the rest moves.
  if (client.waiting() != 0 && client.sent < limits_.enough) return;
  client.out.erase(0, client.sent);
  client.sent = 0;
  if (client.out.empty()) client.out.shrink_to_fit();
}

// --- what is enough ------------------------------------------------------------------------------------------------

void LineServer::judge(Client& client, Clock::time_point now) {
  if (client.is_gone) return;
  const std::string seconds =
      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limits_.patience).count()) + " s";
  if (client.waiting() > limits_.waiting) return cut(client, octets(client.waiting()) + " wait for it, unread");
  if (client.waiting() != 0 && now - client.moved > limits_.patience)
    return cut(client, "it read nothing for " + seconds + ", while " + octets(client.waiting()) + " waited for it");
  const bool half = !client.in.empty() && !client.has_line() && is_heard(client);
  if (half && now - client.begun > limits_.patience)
    refuse_and_end(client, rpc::error::kTimedOut,
                   "a line was begun and not ended for " + seconds + "; requests end with a newline");
  const bool asks_no_more = client.goes || (client.ended && !client.has_line());
  if (asks_no_more && client.waiting() == 0) client.is_gone = true;
}

void LineServer::watch(Client& client) {
  if (client.is_gone) return;
  const bool reads = is_heard(client) && !client.ended && !client.has_line();
  const std::uint32_t wanted = (reads ? EPOLLIN : 0U) | (client.waiting() != 0 ? EPOLLOUT : 0U);
  if (wanted == client.wanted) return;
  // It could not end its line while it was not heard.
  if ((wanted & ~client.wanted & EPOLLIN) != 0) client.begun = now_;
  client.wanted = wanted;
  watch_fd(poll_.number(), EPOLL_CTL_MOD, client.fd.number(), wanted, static_cast<std::uint64_t>(client.id));
}

void LineServer::say(const std::string& sentence) {
  if (now_ - second_ >= std::chrono::seconds(1)) {
    second_ = now_;
    said_ = 0;
  }
  if (said_ == kLinesPerSecond) {
    ++not_said_;
    return;
  }
  ++said_;
  std::string line = "control socket: " + sentence;
  if (const std::uint64_t more = std::exchange(not_said_, 0); more != 0)
    line += " (and " + std::to_string(more) + " such lines that were not told)";
  callbacks_.log(line);
}

}  // namespace strata
