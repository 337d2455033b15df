#include "cli/last_drops.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "cli/hex.hpp"
#include "dataplane/wire/bytes.hpp"
#include "replay/dissect.hpp"
#include "replay/hex_dump.hpp"

namespace strata::cli {
namespace {

using Json = nlohmann::ordered_json;
using Octets = std::vector<std::uint8_t>;

// One line of what it is. A packet that has no link header where it ended is read as if it had; what was not kept of it
// stands for zeros, so that its lengths hold.
std::string gist_of(const std::string& begins, Octets octets, std::size_t length) {
  if (octets.empty()) return "";
  if (begins == "esp") {
    std::array<char, 64> text{};
    if (octets.size() < 8) return "ESP, cut short";
    std::snprintf(text.data(), text.size(), "ESP spi 0x%08x seq %u", wire::load_be32(octets.data()),
                  wire::load_be32(octets.data() + 4));
    return text.data();
  }
  octets.resize(std::max(octets.size(), length));
  const std::uint16_t type = begins == "ipv4" ? 0x0800 : begins == "ipv6" ? 0x86dd : begins == "arp" ? 0x0806 : 0;
  if (type != 0) {
    Octets link(12);
    link.push_back(static_cast<std::uint8_t>(type >> 8));
    link.push_back(static_cast<std::uint8_t>(type & 0xff));
    octets.insert(octets.begin(), link.begin(), link.end());
  }
  return replay::summary(octets);
}

std::string age_of(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), seconds < 100 ? "%.1f s ago" : "%.0f s ago", seconds);
  return text.data();
}

std::string text_in(const Json& row, const char* name) {
  const Json value = row.value(name, Json(nullptr));
  return value.is_string() ? value.get<std::string>() : "";
}

std::string packet_text(const Json& row) {
  const std::size_t length = row.value("length", std::size_t{0});
  const Octets octets = octets_of(text_in(row, "octets"));
  const std::string port = text_in(row, "port");
  const std::string stage = text_in(row, "stage");
  std::string text = "  " + age_of(row.value("age", 0.0)) + (port.empty() ? "" : ", from " + port) + ", worker " +
                     std::to_string(row.value("worker", 0U)) + (stage.empty() ? "" : ", at " + stage) + ", " +
                     std::to_string(length) + " octets";
  if (const std::string gist = gist_of(text_in(row, "begins"), octets, length); !gist.empty()) text += ": " + gist;
  text += "\n" + replay::dump(octets);
  if (const auto withheld = row.value("withheld", std::size_t{0}); withheld != 0)
    text += "  (" + std::to_string(withheld) + " octets are not for you: an SA opened them, or may seal them; " +
            "be root, or in the group of control.payload_group)\n";
  return text;
}

}  // namespace

std::string last_drops_text(const Json& rows) {
  std::string text;
  std::string before;
  for (const Json& row : rows) {
    const std::string cause = text_in(row, "cause");
    if (cause != before)
      text += (before.empty() ? "" : "\n") + cause + ", " + text_in(row, "fate") + ": " + text_in(row, "why") + "\n";
    before = cause;
    text += packet_text(row);
  }
  return text.empty() ? "no packet has ended but by being sent\n" : text;
}

}  // namespace strata::cli
