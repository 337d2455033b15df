#include "replay/feed.hpp"

namespace strata::replay {
namespace {

std::string frames(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " frame was " : " frames were ");
}

}  // namespace

void Feed::Tally::add(std::uint64_t packet_number, const CaptureReader::Packet& packet) {
  if (count++ == 0) {
    number = packet_number;
    octets = packet.bytes.size();
    wire_octets = packet.wire_length;
  }
}

tl::expected<void, std::string> Feed::add(PortId port, const std::string& file) {
  auto reader = CaptureReader::open(file);
  if (!reader) return tl::unexpected(std::move(reader.error()));
  sources_.push_back({port, file, std::move(*reader), {}, {}, {}, false});
  read(sources_.back());
  choose();
  return {};
}

void Feed::read(Source& source) {
  while (source.reader.next(source.packet) == CaptureReader::Next::packet) {
    const CaptureReader::Packet& packet = source.packet;
    if (packet.bytes.size() > most_) {
      source.too_large.add(source.reader.packets_read(), packet);
      continue;
    }
    if (packet.bytes.size() < packet.wire_length) source.cut.add(source.reader.packets_read(), packet);
    return;
  }
  source.ended = true;
}

void Feed::choose() {
  next_.reset();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].ended) continue;
    if (!next_ || sources_[i].packet.time_ns < sources_[*next_].packet.time_ns) next_ = i;
  }
}

std::optional<Feed::Frame> Feed::front() const {
  if (!next_) return std::nullopt;
  const Source& source = sources_[*next_];
  return Frame{source.port, source.packet.time_ns, source.packet.bytes};
}

void Feed::advance() {
  read(sources_[*next_]);
  choose();
}

std::vector<std::string> Feed::errors() const {
  std::vector<std::string> sentences;
  for (const Source& source : sources_) {
    if (const Tally& cut = source.cut; cut.count != 0)
      sentences.push_back(source.file + ": " + frames(cut.count) + "cut by the capture's snap length (first: number " +
                          std::to_string(cut.number) + ", " + std::to_string(cut.octets) + " of " +
                          std::to_string(cut.wire_octets) + " octets) and cannot be judged as on the wire");
    if (const Tally& large = source.too_large; large.count != 0)
      sentences.push_back(source.file + ": " + frames(large.count) + "left out for having more than " +
                          std::to_string(most_) + " octets (first: number " + std::to_string(large.number) + ", " +
                          std::to_string(large.octets) + " octets)");
    if (!source.reader.error().empty()) sentences.push_back(source.reader.error());
  }
  return sentences;
}

}  // namespace strata::replay
