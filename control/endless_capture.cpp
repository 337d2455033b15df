#include "control/endless_capture.hpp"

#include <pcap/pcap.h>

#include <array>
#include <memory>

#include "control/device_name.hpp"

namespace strata {
namespace {

struct Close {
  void operator()(pcap_t* capture) const { pcap_close(capture); }
};

tl::expected<unsigned, std::string> packets_in(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  const std::unique_ptr<pcap_t, Close> capture(pcap_open_offline(path.c_str(), why.data()));
  if (!capture) return tl::unexpected(std::string(why.data()));
  unsigned packets = 0;
  pcap_pkthdr* header = nullptr;
  const u_char* octets = nullptr;
  while (pcap_next_ex(capture.get(), &header, &octets) == 1) ++packets;
  if (packets == 0) return tl::unexpected(path + ": a capture without packets cannot be played over and over");
  return packets;
}

}  // namespace

tl::expected<unsigned, std::string> endless_packets(std::string_view device) {
  if (driver_of_device(device) != "net_pcap" || number_of_device(device, "infinite_rx").value_or(0) == 0) return 0;
  unsigned packets = 0;
  // One a queue.
  for (const std::string& path : arguments_of_device(device, "rx_pcap")) {
    const auto more = packets_in(path);
    if (!more) return tl::unexpected(more.error());
    packets += *more;
  }
  return packets;
}

}  // namespace strata
