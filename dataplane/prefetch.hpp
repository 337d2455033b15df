// Asks for what is looked at soon.
#pragma once

namespace strata {

// The line that an octet is in. An instruction: GCC takes a function that does nothing but __builtin_prefetch for one
// without effect, and where it has not been inlined its calls are left out.
inline void prefetch_line(const void* octet) {
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(octet)));
}

// The same of a line that another core has written and this one is going to write: it comes once, and not once to be
// read and once more to be written. An instruction that does nothing on CPUs that do not know it.
inline void prefetch_line_to_write(const void* octet) {
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(octet)));
}

}  // namespace strata
