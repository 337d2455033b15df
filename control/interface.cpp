#include "control/interface.hpp"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace strata {
namespace {

tl::unexpected<std::string> why() { return tl::unexpected(std::generic_category().message(errno)); }

}  // namespace

tl::expected<void, std::string> set_interface_mtu(unsigned index, std::uint16_t mtu) {
  ifreq request{};
  if (if_indextoname(index, request.ifr_name) == nullptr) return why();
  request.ifr_mtu = mtu;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return why();
  const int rc = ::ioctl(fd, SIOCSIFMTU, &request);
  const int error = errno;
  ::close(fd);
  errno = error;
  if (rc != 0) return why();
  return {};
}

}  // namespace strata
