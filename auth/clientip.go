package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// peerOf is the address of whoever sent the request. It is the connection's,
// unless that is a trusted proxy: then the X-Forwarded-For list is read from
// the right, where the proxies wrote, up to the first address that is not a
// trusted proxy. What stands left of it was written by the client and is
// ignored. r is not changed. An address that cannot be read is the zero Addr,
// and all such requests share one limit.
func peerOf(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer := parseHop(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(peer, trusted); i-- {
		hop := parseHop(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		peer = hop
	}
	return peer
}

// parseHop reads an address with or without a port, and with or without
// brackets.
func parseHop(s string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = s[1 : len(s)-1]
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// host is the part of the address that one customer of a provider has: a whole
// IPv4 address, a /64 of IPv6. network is what many of them share.
func hostAndNetwork(addr netip.Addr) (host, network netip.Prefix) {
	hostBits, networkBits := 64, 48
	if addr.Is4() {
		hostBits, networkBits = 32, 24
	}
	host, _ = addr.Prefix(hostBits) // fails for the zero Addr only: the zero Prefix
	network, _ = addr.Prefix(networkBits)
	return host, network
}
