#include "replay/feed.hpp"

namespace strata::replay {

tl::expected<void, std::string> Feed::add(PortId port, const std::string& file) {
  auto reader = CaptureReader::open(file);
  if (!reader) return tl::unexpected(std::move(reader.error()));
  sources_.push_back({port, std::move(*reader), {}, false});
  read(sources_.back());
  choose();
  return {};
}

void Feed::read(Source& source) {
  switch (source.reader.next(source.packet)) {
    case CaptureReader::Next::packet: return;
    case CaptureReader::Next::failed: errors_.push_back(source.reader.error()); break;
    case CaptureReader::Next::end: break;
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

}  // namespace strata::replay
