// ThreadSanitizer sees what is compiled with it, and DPDK is not: when one worker gives a buffer back and another one
// gets it, the ring between them is DPDK's, and neither knows of the other. Without this it would report each such
// buffer; with it no report need be suppressed.
#pragma once

#include <cstdint>
#include <string>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STRATA_SEEN_BY_TSAN
#endif
#endif

namespace strata::test {

// What goes through the rings of a port of rings (RingPort). Pools need no word: a program that links this has none but
// seen ones.
#ifdef STRATA_SEEN_BY_TSAN
void let_tsan_see(std::uint16_t device, const std::string& name);
#else
inline void let_tsan_see(std::uint16_t, const std::string&) {}
#endif

}  // namespace strata::test
