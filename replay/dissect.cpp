#include "replay/dissect.hpp"

#include <algorithm>

#include "replay/dissect/builder.hpp"

namespace strata::replay {
namespace {

using detail::Builder;
using detail::Next;

// A parser returns what stands next instead of calling it, so that no packet, however nested, uses up the stack.
Next step(Builder& b, const Next& next) {
  switch (next.kind) {
    case Next::Kind::ether_type: return detail::by_ether_type(b, next);
    case Next::Kind::protocol: return detail::by_protocol(b, next);
    case Next::Kind::payload: return b.payload(next.at);
    case Next::Kind::end: break;
  }
  return {};
}

bool is_ip(const Layer& layer) { return layer.name == "IPv4" || layer.name == "IPv6"; }

// As the header says it; the header is whole in the frame, else there were no layer.
std::size_t ip_octets(std::span<const std::uint8_t> frame, const Layer& ip) {
  const auto word = [&](std::size_t at) -> std::size_t {
    return frame[ip.offset + at] << 8 | frame[ip.offset + at + 1];
  };
  return ip.name == "IPv4" ? word(2) : 40 + word(4);
}

std::string last_words(std::span<const std::uint8_t> frame, const std::vector<Layer>& layers) {
  const auto outermost = std::ranges::find_if(layers, is_ip);
  if (outermost == layers.end()) {
    const bool arp = std::ranges::any_of(layers, [](const Layer& layer) { return layer.name == "ARP"; });
    return arp ? "" : ", " + detail::octet_count(frame.size());
  }
  const bool esp = std::ranges::any_of(layers, [](const Layer& layer) { return layer.name == "ESP"; });
  if (esp) return ", " + detail::octet_count(ip_octets(frame, *outermost));
  const auto innermost = std::find_if(layers.rbegin(), layers.rend(), is_ip);
  if (const Field* ttl = find_field(*innermost, "TTL")) return ", ttl " + ttl->value;
  if (const Field* limit = find_field(*innermost, "hop limit")) return ", hop limit " + limit->value;
  return {};
}

// Of a frame that is neither ARP nor IP: "02:00:00:00:00:02 > 02:00:00:00:00:01 type 0x88cc".
std::string ethernet_words(const std::vector<Layer>& layers) {
  const Layer& ethernet = layers.front();
  if (ethernet.name != "Ethernet") return {};
  std::string type = find_field(ethernet, "type")->value;
  for (const Layer& layer : layers)
    if (layer.name == "VLAN") type = find_field(layer, "type")->value;
  return find_field(ethernet, "source")->value + " > " + find_field(ethernet, "destination")->value + " type " + type;
}

}  // namespace

std::vector<Layer> dissect(std::span<const std::uint8_t> frame, const DissectOptions& options) {
  Builder b(frame, options);
  Next next = detail::ethernet(b, {0, frame.size()});
  while (next.kind != Next::Kind::end) next = step(b, next);
  return b.finish();
}

std::string summary(std::span<const std::uint8_t> frame, const DissectOptions& options) {
  const std::vector<Layer> layers = dissect(frame, options);
  std::string text;
  bool network = false;
  const auto add = [&text](const std::string& words) {
    if (words.empty()) return;
    if (!text.empty()) text += ' ';
    text += words;
  };
  for (const Layer& layer : layers) {
    if (is_ip(layer) && network) text += ':';
    network |= is_ip(layer) || layer.name == "ARP";
    add(layer.gist);
  }
  if (!network) text = ethernet_words(layers) + (text.empty() ? "" : " " + text);
  if (text.starts_with(' ')) text.erase(0, 1);
  return text + last_words(frame, layers);
}

const Field* find_field(const Layer& layer, std::string_view name) {
  const auto found = std::ranges::find(layer.fields, name, &Field::name);
  return found == layer.fields.end() ? nullptr : &*found;
}

}  // namespace strata::replay
