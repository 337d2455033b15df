// What a process gives up. Each in a process of its own, as none of it can be taken back.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

#include "control/privileges/confine.hpp"
#include "control/privileges/every_thread.hpp"
#include "control/privileges/syscall_filter.hpp"
#include "control/privileges/user.hpp"

namespace strata {
namespace {

// Threads that have nothing to do, until this goes.
class Idlers {
 public:
  explicit Idlers(unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      threads_.emplace_back([this] {
        ++running_;
        while (!end_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      });
    while (running_ != count) std::this_thread::yield();
  }
  ~Idlers() {
    end_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Idlers(const Idlers&) = delete;
  Idlers& operator=(const Idlers&) = delete;

 private:
  std::atomic<bool> end_{false};
  std::atomic<unsigned> running_{0};
  std::vector<std::thread> threads_;
};

std::atomic<unsigned> visits{0};
std::atomic<pid_t> caller{0};

int visit() {
  if (::gettid() == caller) return EINVAL;
  ++visits;
  return 0;
}

TEST(EveryThread, IsVisitedOnceButTheCaller) {
  visits = 0;
  caller = ::gettid();
  const Idlers idlers(5);
  ASSERT_TRUE(in_every_other_thread(&visit));
  // Sanitizers have threads too.
  EXPECT_GE(visits, 5U);
  EXPECT_LE(visits, 6U);
}

TEST(EveryThread, AFailureIsTold) {
  const Idlers idlers(1);
  const auto done = in_every_other_thread([] { return EPERM; });
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().find("Operation not permitted"), std::string::npos) << done.error();
}

TEST(EveryThread, OneThatTakesNoSignalIsWaitedForUntilItDoes) {
  visits = 0;
  caller = ::gettid();
  std::atomic<bool> is_blocked{false};
  std::thread deaf([&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    is_blocked = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
    while (visits == 0) std::this_thread::yield();
  });
  while (!is_blocked) std::this_thread::yield();
  EXPECT_TRUE(in_every_other_thread(&visit));
  deaf.join();
}

// 0: the call was refused with EPERM.
int starts_a_program() {
  const char* const words[] = {"/bin/true", nullptr};
  ::execv(words[0], const_cast<char* const*>(words));
  return errno == EPERM ? 0 : 1;
}

int traces() { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == -1 && errno == EPERM ? 0 : 1; }

int makes_a_user_namespace() {
  const long rc = ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (rc == 0) _exit(0);
  return rc == -1 && errno == EPERM ? 0 : 1;
}

int makes_it_by_clone3() {
  std::array<std::uint64_t, 8> flags_first{CLONE_NEWUSER};
  return ::syscall(SYS_clone3, flags_first.data(), sizeof flags_first) == -1 && errno == ENOSYS ? 0 : 1;
}

int starts_a_thread() {
  int done = 1;
  std::thread([&] { done = 0; }).join();
  return done;
}

// In a thread that was there before.
int refused_in_another_thread(const std::function<int()>& forbidden) {
  std::atomic<bool> go{false};
  std::atomic<int> found{-1};
  std::thread other([&] {
    while (!go) std::this_thread::yield();
    found = forbidden();
  });
  const bool done = refuse_programs().has_value();
  go = true;
  other.join();
  return done ? found.load() : 2;
}

TEST(RefusePrograms, InEachThread) {
  EXPECT_EXIT(_exit(refuse_programs() ? starts_a_program() : 2), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(refuse_programs() ? traces() : 2), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(refuse_programs() ? makes_a_user_namespace() : 2), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(refuse_programs() ? makes_it_by_clone3() : 2), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(refuse_programs() ? starts_a_thread() : 2), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(refused_in_another_thread(&starts_a_program)), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(refuse_programs() ? 1 - ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) : 2), testing::ExitedWithCode(0),
              "");
}

TEST(User, OneThatIsNotKnownIsRefusedWithWhatToDo) {
  const auto user = find_user("nobody-of-this-name");
  ASSERT_FALSE(user);
  EXPECT_EQ(user.error(),
            "user nobody-of-this-name is not known on this machine; make it (adduser --system --group "
            "nobody-of-this-name), or name another one in --user");
}

TEST(User, RootIsNoUserToBecome) {
  const auto user = find_user("root");
  ASSERT_FALSE(user);
  EXPECT_EQ(user.error(), "user root is root; name one without rights of its own, or leave --user out");
}

TEST(User, OnlyRootBecomesAnother) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root, to become somebody else first";
  const auto becomes = [] {
    const auto daemon = find_user("daemon");
    if (!daemon || ::setresuid(daemon->uid, daemon->uid, daemon->uid) != 0) return 1;
    const auto user = find_user("nobody");
    const bool own = find_user("daemon").has_value();
    return own && !user && user.error().starts_with("only root can become user nobody, and this is user ") ? 0 : 2;
  };
  EXPECT_EXIT(_exit(becomes()), testing::ExitedWithCode(0), "");
}

std::string status_of(pid_t thread, const std::string& key) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key + ":")) return line.substr(line.find_last_of(" \t") + 1);
  return {};
}

TEST(Confine, KeepsWhatIsNamedInTheThreadThatAsks) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root, to have something to give up";
  const auto confined = [] {
    std::atomic<pid_t> other{0};
    std::thread([&] {
      other = ::gettid();
      while (true) std::this_thread::sleep_for(std::chrono::seconds(1));
    }).detach();
    while (other == 0) std::this_thread::yield();
    const auto user = find_user("nobody");
    if (!user || !confine(*user, Capabilities{1} << CAP_NET_ADMIN)) return 1;
    if (status_of(::gettid(), "CapEff") != "0000000000001000") return 2;
    if (status_of(::gettid(), "CapPrm") != "0000000000001000") return 3;
    if (status_of(other, "CapPrm") != "0000000000000000") return 4;
    if (::getuid() != user->uid || ::geteuid() != user->uid || ::getgid() != user->gid) return 5;
    if (::setuid(0) == 0) return 6;
    return ::prctl(PR_GET_DUMPABLE) == 0 ? 0 : 7;
  };
  EXPECT_EXIT(_exit(confined()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace strata
