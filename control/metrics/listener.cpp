#include "control/metrics/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace strata::metrics {
namespace {

constexpr int kBacklog = 64;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* any() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address address_of(const std::string& text, std::uint16_t port) {
  Address address;
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&address.storage, &four, sizeof four);
    address.size = sizeof four;
  } else if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&address.storage, &six, sizeof six);
    address.size = sizeof six;
  }
  return address;
}

std::string what_to_do(int error) {
  if (error == EADDRINUSE)
    return "; another program listens there, or another gateway: give this one a metrics.port of its own";
  if (error == EADDRNOTAVAIL) return "; no interface that is up has this address: set metrics.address, or bring it up";
  if (error == EACCES) return "; ports below 1024 are root's: set metrics.port";
  return {};
}

}  // namespace

tl::expected<Descriptor, std::string> listen_at(const std::string& address, std::uint16_t port) {
  const auto fault = [&](int error) {
    return tl::unexpected(address + ", port " + std::to_string(port) + ": " + std::strerror(error) + what_to_do(error));
  };
  Address at = address_of(address, port);
  if (at.size == 0) return tl::unexpected(address + " is no IPv4 or IPv6 address");
  Descriptor fd(::socket(at.any()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fault(errno);
  // Connections of an earlier start may still be there; whoever listens is not taken the port from by this.
  const int yes = 1;
  ::setsockopt(fd.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(fd.number(), at.any(), at.size) != 0 || ::listen(fd.number(), kBacklog) != 0) return fault(errno);
  return fd;
}

}  // namespace strata::metrics
