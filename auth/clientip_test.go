package auth

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

var testProxies = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48"), netip.MustParsePrefix("127.0.0.1/32"),
}

func requestFrom(remote string, header http.Header) *http.Request {
	if header == nil {
		header = make(http.Header)
	}
	return &http.Request{RemoteAddr: remote, Header: header}
}

func TestAbuse_C10_C11_peer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		remote    string
		forwarded []string // X-Forwarded-For, a header each
		want      string
	}{
		{"a client", "192.0.2.1:1234", nil, "192.0.2.1"},
		{"a client that forwards for another", "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"a client that forwards for a proxy", "192.0.2.1:1234", []string{"10.0.0.1"}, "192.0.2.1"},
		{"a client over IPv6", "[2001:db8::1]:1234", nil, "2001:db8::1"},
		{"a client over IPv6 in capitals", "[2001:DB8::A]:1234", nil, "2001:db8::a"},
		{"a client over IPv6, written at length", "[2001:0db8:0:0:0:0:0:1]:1234", nil, "2001:db8::1"},
		{"a client over IPv6 with a zone", "[fe80::1%eth0]:1234", nil, "fe80::1"},
		{"an IPv4 client of an IPv6 socket", "[::ffff:192.0.2.1]:1234", nil, "192.0.2.1"},
		{"the same in hexadecimal", "[::ffff:c000:201]:1234", nil, "192.0.2.1"},
		{"no port", "192.0.2.1", nil, "192.0.2.1"},
		{"no port over IPv6", "2001:db8::1", nil, "2001:db8::1"},

		{"a proxy", "10.0.0.1:80", []string{"192.0.2.1"}, "192.0.2.1"},
		{"a proxy over IPv6", "[2001:db8:ffff::1]:80", []string{"192.0.2.1"}, "192.0.2.1"},
		{"a proxy of an IPv6 socket", "[::ffff:10.0.0.1]:80", []string{"192.0.2.1"}, "192.0.2.1"},
		{"a proxy with a zone", "[2001:db8:ffff::1%eth0]:80", []string{"192.0.2.1"}, "192.0.2.1"},
		{"a proxy that forwards nothing", "10.0.0.1:80", nil, "10.0.0.1"},
		{"a proxy with an empty list", "10.0.0.1:80", []string{""}, "10.0.0.1"},
		{"a list that the client began", "10.0.0.1:80", []string{"198.51.100.7, 192.0.2.1"}, "192.0.2.1"},
		{"a list that the client began in a header of its own", "10.0.0.1:80", []string{"198.51.100.7", "192.0.2.1"}, "192.0.2.1"},
		{"a client that claims to be a proxy's client", "10.0.0.1:80", []string{"198.51.100.7, 10.0.0.9, 192.0.2.1"}, "192.0.2.1"},
		{"two proxies", "10.0.0.1:80", []string{"198.51.100.7, 192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"two proxies, a header each", "10.0.0.1:80", []string{"198.51.100.7", "192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
		{"proxies alone", "10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"no space", "10.0.0.1:80", []string{"198.51.100.7,192.0.2.1"}, "192.0.2.1"},
		{"much space", "10.0.0.1:80", []string{"198.51.100.7 ,\t 192.0.2.1 "}, "192.0.2.1"},
		{"a port", "10.0.0.1:80", []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"brackets", "10.0.0.1:80", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"brackets and a port", "10.0.0.1:80", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"no brackets", "10.0.0.1:80", []string{"2001:DB8::1"}, "2001:db8::1"},
		{"an IPv4 address as IPv6", "10.0.0.1:80", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"a zone", "10.0.0.1:80", []string{"fe80::1%eth0"}, "fe80::1"},
		{"junk at the left", "10.0.0.1:80", []string{"unknown, <script>, 192.0.2.1"}, "192.0.2.1"},
		{"junk in the middle", "10.0.0.1:80", []string{"198.51.100.7, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"an empty hop in the middle", "10.0.0.1:80", []string{"198.51.100.7, , 10.0.0.2"}, "10.0.0.2"},
		{"junk at the right", "10.0.0.1:80", []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		{"a comma at the right", "10.0.0.1:80", []string{"192.0.2.1,"}, "10.0.0.1"},
		{"half a bracket", "10.0.0.1:80", []string{"[2001:db8::1"}, "10.0.0.1"},
		{"brackets in brackets", "10.0.0.1:80", []string{"[[2001:db8::1]]"}, "10.0.0.1"},
		{"a zone that swallows the port", "10.0.0.1:80", []string{"[2001:db8::1%]:80"}, "10.0.0.1"},
		{"an obfuscated name", "10.0.0.1:80", []string{"192.0.2.1, _hidden"}, "10.0.0.1"},
		{"an IPv4 address with zeros", "10.0.0.1:80", []string{"192.000.002.001"}, "10.0.0.1"},
		{"an IPv4 address as one number", "10.0.0.1:80", []string{"3221225985"}, "10.0.0.1"},
		{"a host name", "10.0.0.1:80", []string{"localhost"}, "10.0.0.1"},

		{"a socket of Unix", "@", []string{"192.0.2.1"}, "invalid IP"},
		{"nothing", "", nil, "invalid IP"},
		{"a host name as the peer", "localhost:80", nil, "invalid IP"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := requestFrom(row.remote, http.Header{"X-Forwarded-For": row.forwarded})
			if got := peerOf(r, testProxies).String(); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if r.RemoteAddr != row.remote || !slices.Equal(r.Header["X-Forwarded-For"], row.forwarded) {
				t.Error("the request was changed")
			}
			if got, want := peerOf(r, nil), parseHop(row.remote); got != want {
				t.Errorf("without trusted proxies: got %s, want %s", got, want)
			}
		})
	}
}

// Only one header counts, whoever sends the others.
func TestAbuse_C11_otherHeaders(t *testing.T) {
	t.Parallel()
	for _, remote := range []string{"192.0.2.1:1", "10.0.0.1:1"} {
		for _, name := range []string{
			"X-Device-Ip", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "Forwarded", "Via",
			"X_Forwarded_For", "X-Forwarded", "X-Cluster-Client-Ip", "X-Forwarded-Host", "Client-Ip",
		} {
			got := peerOf(requestFrom(remote, http.Header{name: {"198.51.100.7"}}), testProxies)
			if want := parseHop(remote); got != want {
				t.Errorf("%s from %s: got %s, want %s", name, remote, got, want)
			}
		}
	}
}

// Who shares a limit with whom.
func TestAbuse_C10_hostAndNetwork(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, remote, host, network string }{
		{"IPv4", "192.0.2.1:1", "192.0.2.1/32", "192.0.2.0/24"},
		{"IPv4 as IPv6", "[::ffff:192.0.2.1]:1", "192.0.2.1/32", "192.0.2.0/24"},
		{"IPv6", "[2001:db8:1:2:3:4:5:6]:1", "2001:db8:1:2::/64", "2001:db8:1::/48"},
		{"IPv6 in the same /64", "[2001:DB8:1:2:ffff::]:1", "2001:db8:1:2::/64", "2001:db8:1::/48"},
		{"IPv6 in the same /48", "[2001:db8:1:3::1]:1", "2001:db8:1:3::/64", "2001:db8:1::/48"},
		{"IPv6 with a zone", "[fe80::1%eth0]:1", "fe80::/64", "fe80::/48"},
		{"IPv6 with another zone", "[fe80::1%eth1]:1", "fe80::/64", "fe80::/48"},
		{"none", "@", "invalid Prefix", "invalid Prefix"},
	} {
		host, network := hostAndNetwork(peerOf(requestFrom(row.remote, nil), nil))
		if host.String() != row.host || network.String() != row.network {
			t.Errorf("%s: got %s in %s, want %s in %s", row.name, host, network, row.host, row.network)
		}
	}
}

func FuzzPeer(f *testing.F) {
	for _, seed := range [][2]string{
		{"10.0.0.1:80", "198.51.100.7, 192.0.2.1"}, {"192.0.2.1:1", "10.0.0.1"}, {"[::ffff:10.0.0.1]:80", "[2001:db8::1]:80, unknown"},
		{"@", ""}, {"10.0.0.1:80", "fe80::1%eth0,,10.0.0.2"}, {"[2001:db8:ffff::1%a]:1", "::ffff:1.2.3.4"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		of := func(list ...string) netip.Addr {
			return peerOf(requestFrom(remote, http.Header{"X-Forwarded-For": list}), testProxies)
		}
		connection, peer := of(), of(forwarded)
		zones := strings.Contains(remote+forwarded, "%") // of which each parser has a view of its own
		if got, want := peer.String(), naivePeer(remote, forwarded, testProxies); got != want && !zones {
			t.Fatalf("%q, %q: got %s, want %s", remote, forwarded, got, want)
		}
		if peer.Is4In6() || peer.Zone() != "" {
			t.Fatalf("%q, %q: %s has another spelling", remote, forwarded, peer)
		}
		if !isTrusted(connection, testProxies) && peer != connection {
			t.Fatalf("%q is no proxy, but was believed %q: %s", remote, forwarded, peer)
		}
		if i := strings.LastIndexByte(forwarded, ','); of(forwarded[:max(i, 0)], forwarded[i+1:]) != peer {
			t.Fatalf("%q, %q: two headers are read differently from one", remote, forwarded)
		}
		if peer != connection && !isTrusted(peer, testProxies) {
			for _, lie := range []string{"203.0.113.9", "10.0.0.9", "junk", ""} {
				if got := of(lie + "," + forwarded); got != peer {
					t.Fatalf("%q, %q: with %q to the left %s becomes %s", remote, forwarded, lie, peer, got)
				}
			}
		}
		host, network := hostAndNetwork(peer)
		if peer.IsValid() && (!host.Contains(peer) || !network.Contains(host.Addr()) || network.Bits() >= host.Bits()) {
			t.Fatalf("%s is not of %s in %s", peer, host, network)
		}
	})
}
