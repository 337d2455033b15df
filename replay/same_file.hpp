// Whether two names are one file: what is written must not be what is read.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace strata::replay {

struct NamedFile {
  std::string name;  // for a sentence: "--out lan=lan.pcap"
  std::string file;
};

// Error: a file that would be written is one of those that are read, or would be written twice; also through links, and
// when it does not exist yet. Devices and pipes may be had several times. Opens nothing.
tl::expected<void, std::string> keep_apart(const std::vector<NamedFile>& read, const std::vector<NamedFile>& written);

}  // namespace strata::replay
