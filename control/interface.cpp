#include "control/interface.hpp"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace strata {
namespace {

// Asks the kernel something about an interface; the answer is in the request.
tl::expected<void, std::string> ask(unsigned index, unsigned long question, ifreq& request) {
  const auto why = [] { return tl::unexpected(std::generic_category().message(errno)); };
  if (if_indextoname(index, request.ifr_name) == nullptr) return why();
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return why();
  const int rc = ::ioctl(fd, question, &request);
  const int error = errno;
  ::close(fd);
  errno = error;
  if (rc != 0) return why();
  return {};
}

}  // namespace

tl::expected<void, std::string> set_interface_mtu(unsigned index, std::uint16_t mtu) {
  ifreq request{};
  request.ifr_mtu = mtu;
  return ask(index, SIOCSIFMTU, request);
}

bool interface_is_up(unsigned index) {
  ifreq request{};
  const int both = IFF_UP | IFF_RUNNING;
  return ask(index, SIOCGIFFLAGS, request) && (request.ifr_flags & both) == both;
}

}  // namespace strata
