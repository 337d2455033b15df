// What is looked at of a frame before its turn, where the table of SPIs is so large that its slots are asked for: never
// more octets than it has.
#include <gtest/gtest.h>

#include "dataplane/stage/classify.hpp"
#include "dataplane/stage/host_input.hpp"
#include "tests/unit/dataplane_env.hpp"
#include "tests/unit/frames.hpp"
#include "tests/unit/guard_page.hpp"

namespace strata {
namespace {

constexpr std::uint16_t kEspPort = 4500;
constexpr std::uint32_t kManySas = 20'000;

static_assert(LooksAhead<Straight<ClassifyStep<Straight<HostInputStep>>>>);
static_assert(!LooksAhead<Straight<ClassifyStep<Burst<stage::Host>>>>);

class HostInputAsk : public testing::Test {
 protected:
  HostInputAsk() {
    std::vector<std::pair<SpiKey, SpiEntry>> entries;
    for (std::uint32_t i = 0; i < kManySas; ++i) entries.push_back({{0x1000 + i, {0xc0000201}}, {SaId(i), kEspPort}});
    tables_.spis = SpiTable(entries);
    tables_.esp_ports.insert(kEspPort);
  }
  // use: gets both steps, the second one behind the first.
  template <class Use>
  void with_steps(Use use) {
    Straight host(HostInputStep({tables_, audit_, esp_, fragments_, local_, HostInputEnds(ends_)}));
    use(ClassifyStep<decltype(host)>({tables_, mac_, arp_, ip4_, ip6_, ClassifyEnds(ends_)}, host));
  }

  Tables tables_;
  wire::MacAddress mac_{};
  Audit audit_;
  Ends ends_;
  Burst<stage::Arp> arp_;
  Burst<stage::Ip4> ip4_;
  Burst<stage::Ip6> ip6_;
  Burst<stage::EspIn> esp_;
  Burst<stage::Fragment> fragments_;
  Burst<stage::Local> local_;
};

TEST_F(HostInputAsk, NoOctetBeyondTheFrame) {
  ASSERT_TRUE((LastFound<SpiKey, SpiEntry>(tables_.spis).is_far())) << "or nothing is looked at";
  const test::Octets esp = test::from_hex("0000 1001 0000 0001 0000 0000 0000 0001");
  const test::Octets frame = test::ethernet(
      "020000000101", 0x0800, test::ipv4({"c0000202", "c0000201", 17, 0, 64, 1}, test::udp(kEspPort, kEspPort, esp)));
  with_steps([&](const auto& first) {
    test::at_every_length(frame, [&](std::span<const std::uint8_t> octets) { first.ask(octets); });
  });
}

}  // namespace
}  // namespace strata
