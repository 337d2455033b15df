// What libyaml takes its memory with, and calls by these names: a configuration's text, keys too, goes through buffers
// that it makes larger as it reads, and the smaller ones are given back as they are.
#include <yaml.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

#include "secret/memory.hpp"

namespace {

using strata::secret::kAlignment;

// In the line before what libyaml is given.
struct alignas(kAlignment) Head {
  std::size_t size;  // without this line
};

Head* head_of(void* memory) { return static_cast<Head*>(memory) - 1; }

}  // namespace

extern "C" {

void* yaml_malloc(std::size_t size) {
  try {
    return new (strata::secret::allocate(sizeof(Head) + size)) Head{size} + 1;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void yaml_free(void* memory) {
  if (memory != nullptr) strata::secret::deallocate(head_of(memory), sizeof(Head) + head_of(memory)->size);
}

void* yaml_realloc(void* memory, std::size_t size) {
  void* const larger = yaml_malloc(size);
  if (memory == nullptr || larger == nullptr) return larger;
  std::memcpy(larger, memory, std::min(size, head_of(memory)->size));
  yaml_free(memory);
  return larger;
}

yaml_char_t* yaml_strdup(const yaml_char_t* text) {
  if (text == nullptr) return nullptr;
  const std::size_t size = std::string_view(reinterpret_cast<const char*>(text)).size() + 1;
  void* const copy = yaml_malloc(size);
  return copy == nullptr ? nullptr : static_cast<yaml_char_t*>(std::memcpy(copy, text, size));
}

}  // extern "C"
