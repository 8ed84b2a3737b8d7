package auth

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// badLabel finds a label of a domain that is no name: an A-label that cannot be
// decoded, or stands for what is plain ASCII or invisible, or for another
// spelling of something else.
func badLabel(domain string) (label string, bad bool) {
	for label := range strings.SplitSeq(domain, ".") {
		if len(label) < 4 || label[2:4] != "--" {
			continue
		}
		runes, ok := decodeLabel(label)
		international := false
		for _, r := range runes {
			international = international || r >= 0x80
			joiner := r == '\u200c' || r == '\u200d'                             // some scripts need them, between certain letters
			folded := unicode.ToLower(r) == r || unicode.Is(unicode.Cherokee, r) // which folds the other way round
			ok = ok && folded && (unicode.IsPrint(r) || joiner) && (r >= 0x80 || isAlnum(byte(r)) || r == '-')
		}
		if !ok || !international || !norm.NFKC.IsNormalString(string(runes)) {
			return label, true
		}
	}
	return "", false
}

// Every A-label of up to three characters behind the prefix is looked at, and
// tricks that were played on other parsers.
func TestAbuse_D04_ALabels(t *testing.T) {
	t.Parallel()
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789-"
	labels := []string{""}
	for from, length := 0, 0; length < 3; length++ {
		end := len(labels)
		for _, l := range labels[from:end] {
			for _, c := range alphabet {
				labels = append(labels, l+string(c))
			}
		}
		from = end
	}
	accepted := 0
	for _, l := range labels {
		if _, ok := parseAddress("ann@xn--" + l + ".example"); !ok {
			continue
		}
		accepted++
		if label, bad := badLabel("xn--" + l); bad {
			t.Fatalf("accepted %s", label)
		}
	}
	if accepted < 1000 {
		t.Errorf("%d labels were accepted, want many", accepted)
	}

	for _, row := range []struct {
		name, domain string
		ok           bool
	}{
		{"a name", "xn--mnchen-3ya.example", true},
		{"another that looks like one in ASCII", "xn--80ak6aa92e.example", true}, // it is compared as it is written
		{"two scripts in one label", "xn--pple-43d.example", true},
		{"a symbol", "xn--n3h.example", true}, // there are such names
		{"digits alone", "xn--0049.example", false},
		{"a comma", "xn--0049-.example", false},
		{"plain ASCII", "xn--example-.example", false},
		{"plain ASCII with an @", "xn--a@b-.example", false},
		{"a dot", "xn--a.b-.example", false},
		{"a full-width dot", "xn--ab-yu3n.example", false},
		{"a one dot leader", "xn--ab-l3t.example", false},
		{"a full-width letter", "xn--b-yq0i.example", false},
		{"a ligature", "xn--x-sy8h.example", false},
		{"a Kelvin sign", "xn--K-4wn.example", false},
		{"a long s", "xn--kha.example", false},
		{"a Roman numeral", "xn--x4g.example", false},
		{"a capital letter", "xn--mnchen-psa.example", false},
		{"a letter with a loose accent", "xn--e-xbb.example", false},
		{"a zero-width space", "xn--ab-g1t.example", false},
		{"a zero-width joiner where none belongs", "xn--ab-m1t.example", false},
		{"a soft hyphen", "xn--ab-5da.example", false},
		{"a no-break space", "xn--ab-1ca.example", false},
		{"a right-to-left override", "xn--ab-g4t.example", false},
		{"a tag character", "xn--a-b611m.example", false},
		{"a prefix twice", "xn--xn--mnchen-3ya.example", false},
		{"another prefix", "bq--mnchen-3ya.example", false},
		{"an A-label of 63", "xn--" + strings.Repeat("a", 59) + ".example", false},
	} {
		if _, ok := parseAddress("ann@" + row.domain); ok != row.ok {
			t.Errorf("%s: %s: accepted is %v", row.name, row.domain, ok)
		}
	}
}
