// The control socket's clients: many, slow, half, and those who may not.
#include "control/socket/line_server.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <optional>

#include "control/cpu_time.hpp"
#include "tests/unit/unix_socket.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;
using test::connected;
using test::Folder;

// A server whose time is the test's, and which answers a line with itself, or with as many octets as it says.
class LineServerTest : public testing::Test {
 protected:
  void start(const ServerLimits& limits = {}) {
    auto file = SocketFile::create(path_);
    ASSERT_TRUE(file) << file.error();
    server_.emplace(std::move(*file),
                    LineServer::Callbacks{.answer = [this](auto, std::string_view line) { return answer(line); },
                                          .gone = [this](LineServer::ClientId) { ++gone_; },
                                          .listens = [this](LineServer::ClientId) { return listens_; },
                                          .log = [this](const std::string& line) { log_ += line + "\n"; }},
                    limits);
  }
  rpc::Reply answer(std::string_view line) {
    lines_.emplace_back(line);
    const auto number = [&](std::size_t at) { return std::stoul(std::string(line.substr(at))); };
    if (line == "silence") return {};
    for (const auto begun = cpu_time_of_this_thread(); line == "work" && cpu_time_of_this_thread() - begun < 50ms;)
      continue;
    if (line.starts_with("batch of ")) return {std::string(line), number(9)};
    return {line.starts_with("give ") ? std::string(number(5), '.') : std::string(line)};
  }

  // Until there is nothing more to do.
  void serve(std::chrono::milliseconds later = 0ms) {
    now_ += later;
    for (int i = 0; i < 20; ++i)
      while (server_->serve(now_)) continue;
  }
  static void send(const Descriptor& to, std::string_view text) {
    ASSERT_EQ(::send(to.number(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // What has come; nothing, with `ended`, when the other end has closed.
  static std::string received(const Descriptor& from, bool* ended = nullptr) {
    std::string all;
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t n = ::recv(from.number(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n > 0) all.append(buffer.data(), static_cast<std::size_t>(n));
      if (ended != nullptr) *ended = n == 0 || (n < 0 && errno == ECONNRESET);
      if (n <= 0) return all;
    }
  }
  static bool is_closed(const Descriptor& client) {
    bool ended = false;
    received(client, &ended);
    return ended;
  }

  Folder folder_;
  std::string path_ = folder_.at("a.sock");
  LineServer::Clock::time_point now_ = LineServer::Clock::now();
  std::vector<std::string> lines_;
  std::string log_;
  unsigned gone_ = 0;
  bool listens_ = false;
  std::optional<LineServer> server_;
};

TEST_F(LineServerTest, ALineIsAnsweredByALine) {
  start();
  const Descriptor client = connected(path_);
  send(client, "one\n");
  serve();
  EXPECT_EQ(received(client), "one\n");
  send(client, "two\nthree\r\n\n  \nsilence\nfour\n");
  serve();
  EXPECT_EQ(received(client), "two\nthree\r\nfour\n");
  EXPECT_EQ(lines_.size(), 5U);
}

TEST_F(LineServerTest, ALineMayComeOctetByOctet) {
  start();
  const Descriptor client = connected(path_);
  for (const char c : std::string("hello\n")) {
    EXPECT_TRUE(lines_.empty());
    send(client, {&c, 1});
    serve(1s);
  }
  EXPECT_EQ(received(client), "hello\n");
}

TEST_F(LineServerTest, TheFdIsReadableWhenThereIsSomethingToDo) {
  start();
  const auto has_work = [this] {
    pollfd one{.fd = server_->fd(), .events = POLLIN, .revents = 0};
    return ::poll(&one, 1, 0) == 1;
  };
  EXPECT_FALSE(has_work());
  const Descriptor client = connected(path_);
  EXPECT_TRUE(has_work());
  serve();
  EXPECT_FALSE(has_work());
  send(client, "a\n");
  EXPECT_TRUE(has_work());
  serve();
  EXPECT_FALSE(has_work());
}

TEST_F(LineServerTest, WhoSendsNoMoreStillHearsTheAnswer) {
  start();
  const Descriptor client = connected(path_);
  send(client, "one\ntwo");
  ::shutdown(client.number(), SHUT_WR);
  serve();
  bool ended = false;
  EXPECT_EQ(received(client, &ended), "one\ntwo\n");
  EXPECT_TRUE(ended);
  EXPECT_EQ(gone_, 1U);
}

TEST_F(LineServerTest, WhoGoesIsForgotten) {
  start();
  for (int i = 0; i < 1000; ++i) {
    const Descriptor client = connected(path_);
    ASSERT_TRUE(client);
    if (i % 2 == 0) send(client, "give 500000\n");
    if (i % 3 == 0) serve();
    if (i % 5 == 0) send(client, "half");
    if (i % 100 == 99) serve();
  }
  serve();
  EXPECT_EQ(gone_, 1000U);
  EXPECT_EQ(server_->counts().cut, 0U);
}

TEST_F(LineServerTest, OneTurnIsOneLineOfEach) {
  start();
  const Descriptor greedy = connected(path_);
  const Descriptor modest = connected(path_);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "greedy\n";
  send(greedy, many);
  send(modest, "modest\n");
  server_->serve(now_);  // they come
  server_->serve(now_);
  EXPECT_EQ(received(modest), "modest\n");
  EXPECT_LE(lines_.size(), 3U);
}

// The watchdog is fed between two turns.
TEST_F(LineServerTest, WhatTakesLongEndsTheTurnAndTheOthersComeNext) {
  start();
  std::vector<Descriptor> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(connected(path_));
    send(clients.back(), "work\nwork\n");
  }
  server_->serve(now_);  // they come
  EXPECT_EQ(lines_.size(), 0U);
  for (std::size_t turn = 1; turn <= clients.size(); ++turn) {
    EXPECT_TRUE(server_->serve(now_));
    EXPECT_EQ(lines_.size(), turn);
  }
  for (const Descriptor& client : clients) EXPECT_EQ(received(client), "work\n");
}

TEST_F(LineServerTest, WhoComesWaitsWhileThereIsMuchWork) {
  start();
  std::vector<Descriptor> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(connected(path_));
    send(clients.back(), "work\nwork\n");
  }
  server_->serve(now_);  // they come
  server_->serve(now_);  // one is heard
  for (int i = 0; i < 10; ++i) clients.push_back(connected(path_));
  for (std::uint64_t turn = 1; turn <= 3; ++turn) {
    server_->serve(now_);
    EXPECT_EQ(server_->counts().served, 4 + turn);
  }
  serve(60s);
  EXPECT_EQ(server_->counts().served, 14U);
}

TEST_F(LineServerTest, WhoMakesMuchWorkIsSlowed) {
  start();
  const Descriptor client = connected(path_);
  for (int i = 0; i < 20; ++i) send(client, "work\n");
  serve();
  const std::size_t at_once = lines_.size();
  EXPECT_LE(at_once, 6U);  // of 50 ms each, four times a second's
  EXPECT_GE(at_once, 1U);
  serve(500ms);
  EXPECT_GT(lines_.size(), at_once);
  EXPECT_LE(lines_.size(), at_once + 3);
}

TEST_F(LineServerTest, WhoAsksTooOftenIsSlowedAndNobodyElse) {
  start({.requests = 10});
  const Descriptor greedy = connected(path_);
  const Descriptor modest = connected(path_);
  std::string many;
  for (int i = 0; i < 50; ++i) many += "a\n";
  send(greedy, many);
  send(modest, "b\n");
  serve();
  EXPECT_EQ(received(greedy).size(), 2U * 10);
  EXPECT_EQ(received(modest), "b\n");
  serve(500ms);
  EXPECT_EQ(received(greedy).size(), 2U * 5);
  send(modest, "b\n");
  serve();
  EXPECT_EQ(received(greedy), "");
  EXPECT_EQ(received(modest), "b\n");
  serve(60s);
  EXPECT_EQ(received(greedy).size(), 2U * 10) << "silence is worth no more than a second";
  EXPECT_EQ(server_->counts().slowed, 1U);
  EXPECT_EQ(log_.find("slowed "), log_.rfind("slowed ")) << log_;
  EXPECT_NE(log_.find("it asks more than 10 times a second"), std::string::npos) << log_;
}

TEST_F(LineServerTest, ABatchIsAsManyRequestsAsAreInIt) {
  start({.requests = 10});
  const Descriptor client = connected(path_);
  send(client, "batch of 25\nnext\n");
  serve();
  EXPECT_EQ(received(client), "batch of 25\n");
  serve(1500ms);
  EXPECT_EQ(received(client), "");
  serve(1ms);
  EXPECT_EQ(received(client), "next\n");
}

TEST_F(LineServerTest, ALongLineIsRefusedAndTheClientCut) {
  start({.request = 1000});
  const Descriptor fits = connected(path_);
  const Descriptor too_long = connected(path_);
  const Descriptor endless = connected(path_);
  send(fits, std::string(1000, 'a') + "\n");
  send(too_long, std::string(1001, 'a') + "\n");
  send(endless, std::string(5000, 'a'));
  serve();
  EXPECT_EQ(received(fits).size(), 1001U);
  for (const Descriptor* client : {&too_long, &endless}) {
    bool ended = false;
    const std::string said = received(*client, &ended);
    EXPECT_NE(said.find("-32600"), std::string::npos) << said;
    EXPECT_NE(said.find("longer than 1000 octets"), std::string::npos) << said;
    EXPECT_TRUE(ended);
  }
  EXPECT_EQ(server_->counts().cut, 2U);
}

TEST_F(LineServerTest, AHalfLineIsWaitedForAndNoLonger) {
  start({.patience = 10s});
  const Descriptor half = connected(path_);
  const Descriptor idle = connected(path_);
  send(half, "whole\nhal");
  serve();
  serve(10s);
  EXPECT_EQ(received(half), "whole\n");
  serve(1ms);
  bool ended = false;
  EXPECT_NE(received(half, &ended).find("-32002"), std::string::npos);
  EXPECT_TRUE(ended);
  send(idle, "still here\n");
  serve();
  EXPECT_EQ(received(idle), "still here\n");
}

TEST_F(LineServerTest, WhoDoesNotReadIsNotHeardAndThenCut) {
  start({.waiting = 10'000'000, .enough = 100'000, .patience = 10s});
  const Descriptor slow = connected(path_);
  const Descriptor other = connected(path_);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "give 300000\n";
  send(slow, many);
  serve();
  EXPECT_LE(lines_.size(), 3U);  // what the kernel keeps for it, and what waits here
  send(other, "quick\n");
  serve(9s);
  EXPECT_EQ(received(other), "quick\n");
  // It reads a little: it is heard again.
  std::array<char, 200'000> some{};
  ASSERT_GT(::recv(slow.number(), some.data(), some.size(), 0), 0);
  serve();
  serve(9s);
  EXPECT_EQ(gone_, 0U);
  serve(2s);
  EXPECT_EQ(gone_, 1U);
  EXPECT_NE(log_.find("it read nothing for 10 s, while "), std::string::npos) << log_;
  EXPECT_LT(lines_.size(), 10U);
}

TEST_F(LineServerTest, WhoReadsSlowlyGetsItAll) {
  start({.waiting = 10'000'000, .enough = 100'000, .patience = 10s});
  const Descriptor slow = connected(path_);
  for (int i = 0; i < 20; ++i) send(slow, "give 300000\n");
  std::string all;
  for (int i = 0; i < 1000 && all.size() < 20 * 300'001U; ++i) {
    serve(1s);
    std::array<char, 50'000> some{};
    const ssize_t n = ::recv(slow.number(), some.data(), some.size(), MSG_DONTWAIT);
    if (n > 0) all.append(some.data(), static_cast<std::size_t>(n));
  }
  EXPECT_EQ(all.size(), 20 * 300'001U);
  EXPECT_EQ(server_->counts().cut, 0U);
}

TEST_F(LineServerTest, UnreadEventsHaveABound) {
  start({.waiting = 1'000'000});
  const Descriptor client = connected(path_);
  serve();
  const std::string event(10'000, 'e');
  for (int i = 0; i < 1000 && gone_ == 0; ++i) {
    server_->tell(LineServer::ClientId{1}, event);
    serve();
  }
  EXPECT_EQ(gone_, 1U);
  EXPECT_NE(log_.find("wait for it, unread"), std::string::npos) << log_;
  server_->tell(LineServer::ClientId{1}, event);  // nobody
}

TEST_F(LineServerTest, AnEventIsALine) {
  start();
  const Descriptor client = connected(path_);
  serve();
  server_->tell(LineServer::ClientId{1}, "news");
  EXPECT_EQ(received(client), "news\n");
}

TEST_F(LineServerTest, SoManyClientsAndNoMore) {
  start({.clients = 3});
  std::array<Descriptor, 3> clients;
  for (Descriptor& client : clients) client = connected(path_);
  serve();
  const Descriptor fourth = connected(path_);
  serve();
  bool ended = false;
  EXPECT_NE(received(fourth, &ended).find("-32003"), std::string::npos);
  EXPECT_TRUE(ended);
  EXPECT_EQ(server_->counts().too_many, 1U);
  clients[0] = Descriptor();
  serve();
  const Descriptor fifth = connected(path_);
  send(fifth, "hello\n");
  serve();
  EXPECT_EQ(received(fifth), "hello\n");
}

TEST_F(LineServerTest, WhoIsIdleForLongGivesUpItsPlace) {
  start({.clients = 2});
  const Descriptor idle = connected(path_);
  const Descriptor busy = connected(path_);
  serve();
  serve(59s);
  send(busy, "hello\n");
  serve(2s);
  const Descriptor third = connected(path_);
  serve();
  EXPECT_TRUE(is_closed(idle));
  EXPECT_FALSE(is_closed(busy));
  send(third, "hello\n");
  serve();
  EXPECT_EQ(received(third), "hello\n");
}

TEST_F(LineServerTest, WhoListensKeepsItsPlace) {
  start({.clients = 1});
  listens_ = true;
  const Descriptor listener = connected(path_);
  serve();
  serve(1000s);
  const Descriptor second = connected(path_);
  serve();
  EXPECT_TRUE(is_closed(second));
  EXPECT_FALSE(is_closed(listener));
}

// Without the spare one the listening socket would stay readable for ever.
TEST_F(LineServerTest, WithoutDescriptorsWhoComesIsTurnedAway) {
  start();
  const Descriptor client = connected(path_);
  serve();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const Descriptor one_too_many(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::connect(one_too_many.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(one_too_many.number() + 1), .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  serve();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(is_closed(one_too_many));
  EXPECT_NE(log_.find("no file descriptors left"), std::string::npos) << log_;
  send(client, "hello\n");
  serve();
  EXPECT_EQ(received(client), "hello\n");
  EXPECT_TRUE(connected(path_));
}

TEST_F(LineServerTest, TheLogHasABound) {
  start({.clients = 0});
  for (int i = 0; i < 100; ++i) {
    const Descriptor client = connected(path_);
    serve();
  }
  EXPECT_EQ(std::ranges::count(log_, '\n'), 10);
  log_.clear();
  now_ += 1s;
  const Descriptor client = connected(path_);
  serve();
  EXPECT_NE(log_.find("(and 90 such lines that were not told)"), std::string::npos) << log_;
}

}  // namespace
}  // namespace strata
