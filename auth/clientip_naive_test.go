package auth

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// naivePeer is the rule of peerOf once more, by other means: of everybody on
// the way, from the server outwards, the first who is no trusted proxy. Where
// somebody cannot be read, it is the proxy before.
func naivePeer(remote, forwarded string, trusted []netip.Prefix) string {
	peer := "invalid IP"
	way := strings.Split(forwarded, ",")
	for i, hop := range way {
		way[i] = strings.TrimSpace(hop)
	}
	for _, hop := range slices.Backward(append(way, remote)) {
		ip := naiveIP(hop)
		if ip == nil {
			return peer
		}
		peer = ip.String()
		proxy := false
		for _, p := range trusted {
			_, network, err := net.ParseCIDR(p.String())
			proxy = proxy || err == nil && network.Contains(ip)
		}
		if !proxy {
			return peer
		}
	}
	return peer
}

// naiveIP reads an address with or without a port, but none with a zone.
func naiveIP(s string) net.IP {
	host, port, err := net.SplitHostPort(s)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || strings.HasPrefix(s, "[") != strings.Contains(host, ":") {
		host = s
		if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
			host = strings.TrimSuffix(inner, "]")
		}
	}
	return net.ParseIP(host)
}
