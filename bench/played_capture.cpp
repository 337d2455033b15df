#include "bench/played_capture.hpp"

#include <pcap/pcap.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

namespace strata::bench {
namespace {

constexpr int kSnapLength = 65535;

struct CloseCapture {
  void operator()(pcap_t* capture) const { pcap_close(capture); }
};
struct CloseFile {
  void operator()(pcap_dumper_t* file) const { pcap_dump_close(file); }
};

}  // namespace

tl::expected<PlayedCapture, std::string> PlayedCapture::create(const Frames& frames) {
  std::error_code error;
  std::string folder = (std::filesystem::temp_directory_path(error) / "strata-bench-XXXXXX").string();
  if (error || mkdtemp(folder.data()) == nullptr)
    return tl::unexpected("no folder for temporary files: " + folder + ": " + std::generic_category().message(errno));
  PlayedCapture made(folder);
  if (auto done = made.write(frames); !done) return tl::unexpected(done.error());
  return made;
}

PlayedCapture::PlayedCapture(PlayedCapture&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}

PlayedCapture::~PlayedCapture() {
  if (folder_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

tl::expected<void, std::string> PlayedCapture::write(const Frames& frames) const {
  const std::unique_ptr<pcap_t, CloseCapture> capture(pcap_open_dead(DLT_EN10MB, kSnapLength));
  const std::unique_ptr<pcap_dumper_t, CloseFile> file(pcap_dump_open(capture.get(), path().c_str()));
  if (!file) return tl::unexpected(std::string(pcap_geterr(capture.get())));
  for (const std::vector<std::uint8_t>& frame : frames) {
    pcap_pkthdr header{};
    header.caplen = header.len = static_cast<bpf_u_int32>(frame.size());
    pcap_dump(reinterpret_cast<u_char*>(file.get()), &header, frame.data());
  }
  if (pcap_dump_flush(file.get()) != 0) return tl::unexpected(path() + ": " + std::generic_category().message(errno));
  return {};
}

std::string PlayedCapture::device() const { return "net_pcap0,rx_pcap=" + path() + ",infinite_rx=1"; }

}  // namespace strata::bench
