#include "config/parser.hpp"

#include <malloc.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "config/document.hpp"
#include "config/key.hpp"
#include "config/memory.hpp"
#include "config/sections.hpp"

namespace strata::config {
namespace {

using Mistakes = tl::unexpected<std::vector<Problem>>;

Mistakes unreadable(const std::string& why) {
  return Mistakes(
      std::vector<Problem>{Problem{.mark = {}, .field = "", .found = "", .message = "cannot be read: " + why}});
}

// Nothing, or why not. One octet more than allowed is read, so that the document's reader refuses what is too large.
std::string read_text(const std::string& path, secret::Text& text) {
  struct Close {
    void operator()(std::FILE* f) const { (void)std::fclose(f); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "re"));
  if (!file) return std::strerror(errno);
  struct stat status {};
  if (fstat(fileno(file.get()), &status) != 0) return std::strerror(errno);
  if (S_ISDIR(status.st_mode)) return std::strerror(EISDIR);
  // No second copy of the keys in a buffer that nobody wipes.
  if (std::setvbuf(file.get(), nullptr, _IONBF, 0) != 0) return "its buffer cannot be switched off";
  const auto expected = static_cast<std::size_t>(status.st_size > 0 ? status.st_size : 0);
  text.resize(std::min(expected, kLargestDocument) + 4096);
  std::size_t size = 0;
  while (size <= kLargestDocument) {
    if (size == text.size()) text.resize(size * 2);
    const std::size_t got = std::fread(text.data() + size, 1, text.size() - size, file.get());
    size += got;
    if (got == 0) break;
  }
  if (std::ferror(file.get()) != 0) return std::strerror(errno);
  text.resize(size);
  return {};
}

// A line that is cut may read as another one. A closing bracket is the end of what has no lines.
bool ends_a_line(const secret::Text& text) {
  return text.empty() || text.back() == '\n' || text.back() == '}' || text.back() == ']';
}

}  // namespace

tl::expected<Config, std::vector<Problem>> parse_text(std::string_view text, const std::string& file_name) {
  const tl::expected<Document, Problem> document = read_document(text);
  if (!document) return Mistakes(std::vector<Problem>{document.error()});
  const Node& top = document->root();
  Problems problems;
  Config config;
  config.file = file_name;
  if (top.kind != NodeKind::mapping) {
    problems.add({.mark = top.mark, .field = "", .found = "no mapping", .message = "allowed: a mapping with 'ports'"});
    return Mistakes(problems.take_sorted());
  }
  Interfaces interfaces(config.ports);
  Scene scene{.problems = problems,
              .config = config,
              .interfaces = interfaces,
              .folder = folder_of(file_name),
              .takes_key_files = true,
              .claims = {}};
  const Mapping root(*document, problems, top, root_section(), Path{});
  read_ports(scene, root);
  read_machine(scene, root);
  read_neighbors(scene, root);
  read_ipsec(scene, root);
  read_routes(scene, root);
  read_srv6(scene, root);
  read_bypass(scene, root);
  if (problems.empty()) check_inner_mtus(scene);
  if (!problems.empty()) return Mistakes(problems.take_sorted());
  if (!scene.memory_said) config.eal.memory = memory_unsaid(config);
  return config;
}

tl::expected<Config, std::vector<Problem>> parse_file(const std::string& path) {
  secret::Text text;  // inline keys are in it
  const std::string why = read_text(path, text);
  if (!why.empty()) return unreadable(why);
  if (text.size() <= kLargestDocument && !ends_a_line(text))
    return unreadable("end it with a newline: its last line has no end, and may be written in part only");
  auto parsed = parse_text(text, path);
  malloc_trim(0);  // what the document took, hundreds of megabytes perhaps, is not needed again
  return parsed;
}

}  // namespace strata::config
