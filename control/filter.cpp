#include "control/filter.hpp"

#include <pcap/pcap.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <vector>

namespace strata {
namespace {

constexpr std::size_t kMostInstructions = 4096;
constexpr int kLongestFrame = 65535;

// The numbers of a text, whatever stands between them. Nothing: something else is among them, or one is too large.
std::optional<std::vector<std::uint32_t>> numbers_in(std::string_view text) {
  std::vector<std::uint32_t> numbers;
  constexpr std::string_view kBetween = " ,\n\r\t";
  for (std::size_t at = text.find_first_not_of(kBetween); at != std::string_view::npos;
       at = text.find_first_not_of(kBetween, at)) {
    const std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    std::uint32_t number = 0;
    const auto [stop, fault] = std::from_chars(&text[at], text.data() + end, number);
    if (fault != std::errc() || stop != text.data() + end) return std::nullopt;
    numbers.push_back(number);
    at = end;
  }
  return numbers;
}

struct Compiled {
  bpf_program program{};
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() { pcap_freecode(&program); }
};

}  // namespace

tl::expected<FrameFilter, std::string> parse_filter(std::string_view program) {
  const auto numbers = numbers_in(program);
  if (!numbers || numbers->empty() || numbers->front() > kMostInstructions ||
      numbers->size() != 1 + std::size_t{4} * numbers->front())
    return tl::unexpected(std::string(
        "no program of a packet filter; it is the number of its instructions, and four numbers for each, as "
        "`tcpdump -ddd` prints it"));
  std::vector<bpf_insn> code;
  for (std::size_t i = 1; i < numbers->size(); i += 4)
    code.push_back({.code = static_cast<u_short>((*numbers)[i]),
                    .jt = static_cast<u_char>((*numbers)[i + 1]),
                    .jf = static_cast<u_char>((*numbers)[i + 2]),
                    .k = (*numbers)[i + 3]});
  if (bpf_validate(code.data(), static_cast<int>(code.size())) == 0)
    return tl::unexpected(std::string("the packet filter's program jumps or reads where it must not"));
  return [code = std::move(code)](wire::Bytes frame) {
    const auto length = static_cast<u_int>(frame.size());
    return bpf_filter(code.data(), frame.data(), length, length) != 0;
  };
}

tl::expected<std::string, std::string> compile_filter(const std::string& expression, FilterOf what) {
  const int link_type = what == FilterOf::frames ? DLT_EN10MB : DLT_RAW;
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> link(pcap_open_dead(link_type, kLongestFrame), &pcap_close);
  if (!link) return tl::unexpected(std::string("no memory for a packet filter"));
  Compiled compiled;
  if (pcap_compile(link.get(), &compiled.program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
    return tl::unexpected(std::string(pcap_geterr(link.get())));
  std::string text = std::to_string(compiled.program.bf_len);
  for (u_int i = 0; i < compiled.program.bf_len; ++i) {
    const bpf_insn& one = compiled.program.bf_insns[i];
    text += "," + std::to_string(one.code) + " " + std::to_string(one.jt) + " " + std::to_string(one.jf) + " " +
            std::to_string(one.k);
  }
  return text;
}

}  // namespace strata
