#include "config/key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "config/problem.hpp"

namespace strata::config {
namespace {

constexpr std::size_t kLongestKeyFile = 4096;  // the longest key has 36 octets
constexpr mode_t kOthers = 077;

using Refusal = tl::unexpected<std::string>;

std::optional<std::uint8_t> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

tl::expected<Secret, std::string> from_hex(std::string_view digits) {
  if (digits.empty()) return Refusal("no digits; allowed: two hexadecimal digits for each octet");
  secret::Octets octets((digits.size() + 1) / 2);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::optional<std::uint8_t> d = digit(digits[i]);
    if (!d)
      return Refusal("character " + std::to_string(i + 1) +
                     " of the key is not a hexadecimal digit; allowed: 0-9, a-f, A-F");
    octets[i / 2] = static_cast<std::uint8_t>(octets[i / 2] << 4 | *d);
  }
  if (digits.size() % 2 != 0) {
    return Refusal(std::to_string(digits.size()) + " hexadecimal digits, an odd number; allowed: two for each octet");
  }
  return Secret(std::move(octets));
}

class OpenFile {
 public:
  // Not blocking: a FIFO with no writer must not stop the reader before it is refused.
  explicit OpenFile(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string octal(mode_t mode) {
  std::string out(4, '0');
  for (std::size_t i = 0; i < out.size(); ++i) out[3 - i] = static_cast<char>('0' + (mode >> (3 * i) & 7));
  return out;
}

// Looks at the open file and not at its name, so that it cannot be changed between the look and the reading.
std::optional<std::string> objection(int descriptor, const std::string& name) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return "key file " + name + ": " + std::strerror(errno);
  if (!S_ISREG(status.st_mode)) return "key file " + name + " is not a regular file";
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return "key file " + name + " belongs to user " + std::to_string(status.st_uid) +
           "; allowed: the user who runs strata, or root";
  }
  if ((status.st_mode & kOthers) != 0) {
    return "key file " + name + " is open to others (mode " + octal(status.st_mode & 07777) +
           "); allowed: its owner alone (chmod 600)";
  }
  return std::nullopt;
}

tl::expected<Secret, std::string> from_file(std::string_view path, const std::string& folder) {
  if (path.empty()) return Refusal("no file name; allowed: file:PATH");
  if (has_control_character(path)) return Refusal("a control character in the file's name; allowed: file:PATH");
  const std::string full = path.front() == '/' || folder.empty() ? std::string(path) : folder + "/" + std::string(path);
  const std::string name = shown(full);
  const OpenFile file(full);
  if (file.descriptor() < 0) return Refusal("key file " + name + ": " + std::strerror(errno));
  if (auto words = objection(file.descriptor(), name)) return Refusal(*std::move(words));

  secret::Text text(kLongestKeyFile, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < text.size() && (got = ::read(file.descriptor(), text.data() + size, text.size() - size)) > 0) {
    size += static_cast<std::size_t>(got);
  }
  if (got < 0) return Refusal("key file " + name + ": " + std::strerror(errno));
  std::string_view digits = trimmed({text.data(), size});
  if (digits.starts_with("hex:")) digits.remove_prefix(4);
  tl::expected<Secret, std::string> key =
      size == text.size() ? Refusal("larger than 4095 octets; allowed: one key in hexadecimal") : from_hex(digits);
  if (!key) return Refusal("key file " + name + ": " + key.error());
  return key;
}

}  // namespace

std::string folder_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  if (slash == std::string::npos) return {};
  return slash == 0 ? "/" : file.substr(0, slash);
}

bool is_key_text(std::string_view text) { return trimmed(text).starts_with("hex:"); }

tl::expected<Secret, std::string> read_key(std::string_view text, const std::string& folder) {
  text = trimmed(text);
  if (text.starts_with("hex:")) return from_hex(text.substr(4));
  if (text.starts_with("file:")) return from_file(text.substr(5), folder);
  return Refusal("neither hex: nor file: in front; allowed: hex:DIGITS or file:PATH");
}

}  // namespace strata::config
