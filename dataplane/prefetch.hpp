// Asks for what is looked at soon.
#pragma once

namespace strata {

// The line that an octet is in. An instruction: GCC takes a function that does nothing but __builtin_prefetch for one
// without effect, and where it has not been inlined its calls are left out.
inline void prefetch_line(const void* octet) {
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(octet)));
}

}  // namespace strata
