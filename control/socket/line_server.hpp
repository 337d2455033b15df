// Many clients of one listening socket, line by line, none of which can hold up another or whoever serves them.
//
// Nothing here waits. A client gets as far as it reads: while much waits for it, nothing more is taken from it. One
// that has what waits for it unread for too long, or a line half sent, is cut. One that asks too often is heard later.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "control/rpc/dispatcher.hpp"
#include "control/socket/peer.hpp"
#include "control/socket/socket_file.hpp"
#include "secret/memory.hpp"

namespace strata {

struct ServerLimits {
  std::size_t clients = rpc::kMostClients;
  std::size_t kept = rpc::kKeptPlaces;             // of these, for those that is_own() says
  std::size_t request = rpc::kLongestRequest;      // octets of a line
  std::size_t waiting = 2 * rpc::kMostWaiting;     // octets for a client: two answers, or events
  std::size_t enough = std::size_t{256} << 10;     // octets that wait: beyond, no request is taken
  std::size_t requests = rpc::kRequestsPerSecond;  // of a client; after a second of silence so many at once
  std::chrono::milliseconds patience{std::chrono::seconds(rpc::kPatienceSeconds)};
};

// What happened to clients, since the start.
struct ServerCounts {
  std::uint64_t served = 0;
  std::uint64_t refused = 0;  // by their credentials
  std::uint64_t too_many = 0;
  std::uint64_t cut = 0;
  std::uint64_t slowed = 0;
};

class LineServer {
 public:
  using Clock = std::chrono::steady_clock;
  using ClientId = rpc::ClientId;

  struct Callbacks {
    std::function<rpc::Reply(ClientId, std::string_view)> answer;  // to a line
    std::function<void(ClientId)> gone;
    std::function<bool(ClientId)> listens;  // it waits for what it did not ask for one by one: silence is its right
    std::function<void(const std::string&)> log;
  };

  LineServer(SocketFile file, Callbacks callbacks, const ServerLimits& limits = {});
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;
  ~LineServer();

  // Readable when there is something to do.
  int fd() const { return poll_.number(); }
  // One turn for each client that wants something: a read, a line, a write. Lines that take long end it, and those of
  // the other clients come first in the next one. True: there is more to do at once.
  bool serve(Clock::time_point now);
  // A line that was not asked for.
  void tell(ClientId to, std::string_view line);
  // Octets that a client has not read yet.
  std::size_t waiting(ClientId client) const;

  // Who a client is. nullptr: it is gone.
  const Peer* peer(ClientId client) const;

  const std::string& path() const { return file_.path(); }
  const ServerCounts& counts() const { return counts_; }

 private:
  struct Client {
    ClientId id;
    Descriptor fd;
    Peer peer;
    secret::Text in;           // there may be keys in it
    std::size_t searched = 0;  // of `in`: no newline before
    std::string out;
    std::size_t sent = 0;          // of `out`
    Clock::time_point begun;       // of the half line in `in`
    Clock::time_point moved;       // when it last took something of `out`
    Clock::time_point last_asked;  // or came
    Clock::time_point heard_from;  // where its requests of late, in even steps, would end: not heard until then
    std::uint32_t wanted = 0;      // what epoll watches for
    bool ended = false;            // it sends no more
    bool slowed = false;           // once at least
    bool goes = false;             // once `out` is empty
    bool is_gone = false;

    bool has_line() const { return searched < in.size(); }
    std::size_t waiting() const { return out.size() - sent; }
  };

  // Not while much waits for it, nor before its time.
  bool is_heard(const Client& client) const {
    return !client.goes && client.waiting() < limits_.enough && client.heard_from < now_;
  }
  void accept_all(Clock::time_point now);
  void admit(Descriptor fd, Clock::time_point now);
  bool make_room();
  void turn_away(int fd, int code, const std::string& sentence);
  void read_from(Client& client, Clock::time_point now);
  void take_lines(Clock::time_point now);
  void take_line(Client& client, Clock::time_point now);
  void charge(Client& client, std::size_t requests, std::chrono::nanoseconds worked);
  void refuse_and_end(Client& client, int code, const std::string& sentence);
  void put(Client& client, std::string_view line, Clock::time_point now);
  void write_to(Client& client, Clock::time_point now);
  void judge(Client& client, Clock::time_point now);
  void watch(Client& client);
  void cut(Client& client, const std::string& why);
  void say(const std::string& sentence);
  void bury();

  SocketFile file_;
  Callbacks callbacks_;
  ServerLimits limits_;
  ServerCounts counts_;
  Descriptor poll_;
  Descriptor spare_;  // given up for a moment to turn away who comes when there are no descriptors left
  std::map<ClientId, std::unique_ptr<Client>> clients_;
  std::uint64_t next_id_ = 1;
  ClientId last_heard_{};
  bool is_short_of_time_ = false;  // the last turn ended before each was heard
  Clock::time_point now_;
  Clock::time_point second_;  // of the budget for the log
  unsigned said_ = 0;         // in it
  std::uint64_t not_said_ = 0;
};

}  // namespace strata
