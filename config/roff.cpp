#include "config/roff.hpp"

namespace strata {

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    // At the beginning of a line these two begin a request.
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string roff_prose(std::string_view text) {
  std::string out;
  bool is_code = false;
  while (true) {
    const std::size_t at = text.find('`');
    const std::string part = roff(text.substr(0, at));
    out += is_code ? "\\fB" + part + "\\fR" : part;
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
    is_code = !is_code;
  }
}

std::string roff_head(std::string_view title, int section, std::string_view version) {
  return ".\\\" Made by strata manual.\n.TH " + std::string(title) + " " + std::to_string(section) + " \"\" \"strata " +
         std::string(version) + "\" \"\"\n.nh\n.ad l\n";
}

}  // namespace strata
