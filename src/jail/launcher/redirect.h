// A kernel with nftables brings every TCP connection that leaves the loopback's own
// addresses to one listener, whatever its port. The listener sees the address that
// was meant as its own: tproxy, which needs no tracking of connections and so
// costs the others nothing. Freestanding; also linked into carrel, for the doctor.
// Sources: nft(8) (tproxy statement), linux/netfilter/nf_tables.h,
// Documentation/networking/tproxy.rst.
#pragma once

#include <cstdint>

namespace carrel::launcher {

// Where the listeners for them are: addresses of carrel's own range, which no name
// is given, so that the sandbox's localhost keeps all its ports.
inline constexpr std::uint8_t kTransparentV4[4] = {198, 18, 0, 1};
inline constexpr std::uint8_t kTransparentV6[16] = {0xfd, 0x63, 0x61, 0x72, 0x72, 0x65, 0x6c, 0,
                                                    0,    0,    0,    0,    0,    0,    0,    1};
inline constexpr std::uint16_t kTransparentPort = 1;

enum class Families : std::uint8_t { kV4, kBoth };

// For the network namespace of the calling thread, which needs CAP_NET_ADMIN over
// it. 0, or a negative errno: nothing was changed.
long redirect_connections(Families families);

}  // namespace carrel::launcher
