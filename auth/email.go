package auth

import (
	"strings"

	"golang.org/x/net/idna"
)

// address is an e-mail address that passed the grammar.
type address struct {
	typed  string // as the client wrote it: where mail goes to
	folded string // the form that is compared: ASCII lower case
}

// parseAddress accepts the addresses that mailboxes really have: a dot-atom of
// RFC 5321 in ASCII, at a domain of at least two labels, internationalised
// ones as A-labels. Not among them are quoted local parts, comments, address
// literals, the routes of old ("%" and "!") and "?", with which encoded words of
// RFC 2047 begin. Nothing is normalised but the
// case of ASCII letters, so two different people never share a form; "+tags"
// and dots make different addresses.
func parseAddress(s string) (address, bool) {
	local, domain, found := strings.Cut(s, "@")
	if !found || len(s) > 254 || len(local) > 64 || !isDotAtom(local) || !isDomain(domain) {
		return address{}, false
	}
	return address{typed: s, folded: lowerASCII(s)}, true
}

func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if !isAlnum(atom[i]) && !strings.ContainsRune("#$&'*+-/=^_`{|}~", rune(atom[i])) {
				return false
			}
		}
	}
	return true
}

func isDomain(s string) bool {
	labels := strings.Split(lowerASCII(s), ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if !isLabel(label) {
			return false
		}
	}
	top := labels[len(labels)-1] // a number there would make it an IPv4 address
	return top[0] > '9' && len(top) > 1
}

func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '-' {
			return false
		}
	}
	if len(s) < 4 || s[2:4] != "--" {
		return true
	}
	// An A-label must be the one spelling of what it stands for.
	unicode, err := idna.Lookup.ToUnicode(s)
	if err != nil {
		return false
	}
	ascii, err := idna.Lookup.ToASCII(unicode)
	return err == nil && ascii == s && strings.HasPrefix(s, "xn--")
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// lowerASCII folds without the surprises of Unicode, where the Kelvin sign
// becomes a k.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
