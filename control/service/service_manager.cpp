#include "control/service/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "control/descriptor.hpp"

namespace strata {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// A name that begins with @ is one of Linux' abstract sockets (unix(7)).
bool is_socket_name(const std::string& name) {
  return name.size() > 1 && name.size() < sizeof(sockaddr_un::sun_path) && (name[0] == '/' || name[0] == '@');
}

}  // namespace

ServiceManager::ServiceManager() : socket_(variable("NOTIFY_SOCKET")) {
  if (!is_socket_name(socket_)) socket_.clear();
  const std::string pid = variable("WATCHDOG_PID");
  wants_heartbeat_ =
      !socket_.empty() && !variable("WATCHDOG_USEC").empty() && (pid.empty() || pid == std::to_string(::getpid()));
}

void ServiceManager::ready(std::string_view status) const { tell("READY=1\nSTATUS=" + std::string(status)); }

void ServiceManager::reloading() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC, as it is to be
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

void ServiceManager::reloaded() const { tell("READY=1"); }

void ServiceManager::stopping() const { tell("STOPPING=1\nSTATUS=ending"); }

void ServiceManager::heartbeat() const { tell("WATCHDOG=1"); }

void ServiceManager::status(std::string_view sentence) const { tell("STATUS=" + std::string(sentence)); }

void ServiceManager::tell(const std::string& lines) const {
  if (socket_.empty()) return;
  const Descriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  ::sendto(fd.number(), lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace strata
