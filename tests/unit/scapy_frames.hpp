// Ethernet frames with right lengths and checksums, made by scapy and written down.
#pragma once

#include <string_view>

namespace strata::test {

// 10.2.0.2 to 10.1.0.2, TTL 63, DF: ICMP echo request "strata".
inline constexpr std::string_view kIcmpFrame =
    "02 00 00 00 01 01 02 00 00 00 00 02 08 00 45 00 "
    "00 22 00 07 40 00 3f 01 27 ce 0a 02 00 02 0a 01 "
    "00 02 08 00 8b 93 12 34 00 01 73 74 72 61 74 61 ";

// 192.0.2.2 to 192.0.2.1, UDP 4500 without checksum: ESP, SPI 0x1001, sequence number 7, 24 octets.
inline constexpr std::string_view kEspInUdpFrame =
    "02 00 00 00 01 01 02 00 00 00 00 02 08 00 45 00 "
    "00 3c 00 01 00 00 40 11 f6 ac c0 00 02 02 c0 00 "
    "02 01 11 94 11 94 00 28 00 00 00 00 10 01 00 00 "
    "00 07 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d "
    "0e 0f 10 11 12 13 14 15 16 17 ";

// The same ESP packet straight over IPv4.
inline constexpr std::string_view kEspFrame =
    "02 00 00 00 01 01 02 00 00 00 00 02 08 00 45 00 "
    "00 34 00 01 00 00 40 32 f6 93 c0 00 02 02 c0 00 "
    "02 01 00 00 10 01 00 00 00 07 00 01 02 03 04 05 "
    "06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 "
    "16 17 ";

// Who has 10.1.0.2, tell 10.1.0.1; 18 octets of padding.
inline constexpr std::string_view kArpFrame =
    "02 00 00 00 01 01 02 00 00 00 00 02 08 06 00 01 "
    "08 00 06 04 00 01 02 00 00 00 00 02 0a 01 00 01 "
    "00 00 00 00 00 00 0a 01 00 02 00 00 00 00 00 00 "
    "00 00 00 00 00 00 00 00 00 00 00 00 ";

// VLAN 5; fc00:2::1 to fc00:1::d4, hop limit 60, ECT(0); destination options; SRH of two segments, none left;
// 10.2.0.2 to 10.1.0.2, TTL 64, with options; TCP SYN to port 80 with an MSS option.
inline constexpr std::string_view kSrv6Frame =
    "02 00 00 00 01 01 02 00 00 00 00 02 81 00 60 05 "
    "86 dd 60 21 23 45 00 60 3c 3c fc 00 00 02 00 00 "
    "00 00 00 00 00 00 00 00 00 01 fc 00 00 01 00 00 "
    "00 00 00 00 00 00 00 00 00 d4 2b 00 01 04 00 00 "
    "00 00 04 04 04 00 01 00 00 00 fc 00 00 01 00 00 "
    "00 00 00 00 00 00 00 00 00 d4 fc 00 00 03 00 00 "
    "00 00 00 00 00 00 00 00 00 01 46 00 00 30 00 09 "
    "00 00 40 06 64 b9 0a 02 00 02 0a 01 00 02 01 00 "
    "00 00 03 e8 00 50 00 00 00 01 00 00 00 00 60 02 "
    "20 00 5f e7 00 00 02 04 05 b4 ";

// fc00:2::1 to fc00:1::1: ICMPv6 echo request "hello".
inline constexpr std::string_view kIcmp6Frame =
    "02 00 00 00 01 01 02 00 00 00 00 02 86 dd 60 00 "
    "00 00 00 0d 3a 40 fc 00 00 02 00 00 00 00 00 00 "
    "00 00 00 00 00 01 fc 00 00 01 00 00 00 00 00 00 "
    "00 00 00 00 00 01 80 00 43 d4 00 05 00 06 68 65 "
    "6c 6c 6f ";

inline constexpr std::string_view kFrames[] = {kIcmpFrame, kEspInUdpFrame, kEspFrame,
                                               kArpFrame,  kSrv6Frame,     kIcmp6Frame};

}  // namespace strata::test
