package auth

import (
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// longDomain is a domain of n bytes.
func longDomain(n int) string {
	const end = ".example"
	labels := strings.Repeat(strings.Repeat("d", 62)+".", 5)[:n-len(end)]
	if labels[len(labels)-1] == '.' {
		labels = labels[:len(labels)-1] + "d"
	}
	return labels + end
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, in, want string }{ // no want: refused
		{"an ordinary one", "ann@b.example", "ann@b.example"},
		{"capitals", "Ann.Smith@B.Example", "ann.smith@b.example"},
		{"a tag is another address", "ann+shop@b.example", "ann+shop@b.example"},
		{"a dot is another address", "a.nn@b.example", "a.nn@b.example"},
		{"one letter", "a@b.example", "a@b.example"},
		{"digits", "1@2.example", "1@2.example"},
		{"all that an atom may have", "#$&'*+-/=^_`{|}~@b.example", "#$&'*+-/=^_`{|}~@b.example"},
		{"hyphens at the ends of the local part", "-a-@b.example", "-a-@b.example"},
		{"a top level with a digit inside", "a@b.c1d", "a@b.c1d"},
		{"an international top level", "a@b.xn--p1ai", "a@b.xn--p1ai"},
		{"an A-label", "a@xn--mnchen-3ya.example", "a@xn--mnchen-3ya.example"},
		{"an A-label in capitals", "a@XN--MNCHEN-3YA.Example", "a@xn--mnchen-3ya.example"},
		{"an A-label with a sharp s", "a@xn--strae-oqa.example", "a@xn--strae-oqa.example"},
		{"a local part of 64", strings.Repeat("a", 64) + "@b.example", strings.Repeat("a", 64) + "@b.example"},
		{"a label of 63", "a@" + strings.Repeat("b", 63) + ".example", "a@" + strings.Repeat("b", 63) + ".example"},
		{"a top level of two", "a@b.cd", "a@b.cd"},
		{"254 in all", "a@" + longDomain(252), "a@" + longDomain(252)},

		{"nothing", "", ""},
		{"no @", "ann.b.example", ""},
		{"@ alone", "@", ""},
		{"no local part", "@b.example", ""},
		{"no domain", "ann@", ""},
		{"a top level that begins with a 9", "a@b.9c", ""},
		{"two @", "ann@b@c.example", ""},
		{"two @ in a row", "ann@@b.example", ""},
		{"a local part of 65", strings.Repeat("a", 65) + "@b.example", ""},
		{"a label of 64", "a@" + strings.Repeat("b", 64) + ".example", ""},
		{"255 in all", "a@" + longDomain(253), ""},
		{"a dot at the beginning", ".ann@b.example", ""},
		{"a dot at the end of the local part", "ann.@b.example", ""},
		{"two dots", "a..nn@b.example", ""},
		{"a dot alone", ".@b.example", ""},
		{"a dot at the beginning of the domain", "ann@.b.example", ""},
		{"a dot at the end of the domain", "ann@b.example.", ""},
		{"two dots in the domain", "ann@b..example", ""},
		{"a space before", " ann@b.example", ""},
		{"a space behind", "ann@b.example ", ""},
		{"a space in the middle", "an n@b.example", ""},
		{"spaces around the @", "ann @ b.example", ""},
		{"two addresses with a comma", "ann@b.example,bob@b.example", ""},
		{"two addresses with a semicolon", "ann@b.example;bob@b.example", ""},
		{"two addresses with a space", "ann@b.example bob@b.example", ""},
		{"a quoted local part", `"ann"@b.example`, ""},
		{"a quoted local part with more in it", `"ann@c.example> NOTIFY=SUCCESS"@b.example`, ""},
		{"parameters of SMTP", "ann@b.example> NOTIFY=SUCCESS ORCPT=rfc822;c@d.example", ""},
		{"angle brackets", "<ann@b.example>", ""},
		{"a display name", "Ann <ann@b.example>", ""},
		{"a group", "all:ann@b.example;", ""},
		{"a comment", "ann(x)@b.example", ""},
		{"a comment in the domain", "ann@(x)b.example", ""},
		{"a route", "@c.example:ann@b.example", ""},
		{"a percent hack", "ann%c.example@b.example", ""},
		{"an encoded @", "ann%40b.example", ""},
		{"a bang path", "c!ann@b.example", ""},
		{"a backslash", `a\nn@b.example`, ""},
		{"brackets", "a[nn]@b.example", ""},
		{"a domain literal", "ann@[127.0.0.1]", ""},
		{"an IPv6 literal", "ann@[IPv6:::1]", ""},
		{"an IPv4 address", "ann@127.0.0.1", ""},
		{"a number as the top level", "ann@b.123", ""},
		{"a top level that begins with a digit", "ann@b.1c", ""},
		{"a top level of one letter", "ann@b.c", ""},
		{"localhost", "ann@localhost", ""},
		{"one label", "ann@example", ""},
		{"a port", "ann@b.example:25", ""},
		{"an underscore in the domain", "ann@b_c.example", ""},
		{"a hyphen at the beginning of a label", "ann@-b.example", ""},
		{"a hyphen at the end of a label", "ann@b-.example", ""},
		{"CR LF", "ann@b.example\r\nBcc: bob@b.example", ""},
		{"CR LF in the local part", "ann\r\n@b.example", ""},
		{"LF at the end", "ann@b.example\n", ""},
		{"NUL", "ann\x00@b.example", ""},
		{"a tab", "ann\t@b.example", ""},
		{"DEL", "ann\x7f@b.example", ""},
		{"escaped CR LF", "ann%0d%0a@b.example", ""},
		{"invalid UTF-8", "ann\xff@b.example", ""},
		{"invalid UTF-8 in the domain", "ann@b\xff.example", ""},
		{"a dotless i", "mıke@b.example", ""},
		{"a Kelvin sign", "mi\u212ae@b.example", ""},
		{"a long s", "ſam@b.example", ""},
		{"a capital I with a dot", "m\u0130ke@b.example", ""},
		{"full width", "ａnn@b.example", ""},
		{"a full-width @", "ann＠b.example", ""},
		{"an ideographic full stop", "ann@b。example", ""},
		{"a ligature", "ﬁnn@b.example", ""},
		{"a zero-width space", "a\u200bnn@b.example", ""},
		{"a soft hyphen", "a\u00adnn@b.example", ""},
		{"a right-to-left override", "a\u202enn@b.example", ""},
		{"a no-break space", "a\u00a0nn@b.example", ""},
		{"a tag character", "a\U000e0061nn@b.example", ""},
		{"a line separator", "ann@b.example\u2028", ""},
		{"a byte order mark", "\ufeffann@b.example", ""},
		{"a U-label", "ann@münchen.example", ""},
		{"what looks like an encoded word", "=?utf-8?q?a?=@b.example", ""},
		{"an empty A-label", "ann@xn--.example", ""},
		{"an A-label that is ASCII", "ann@xn--foo-.example", ""},
		{"an A-label that is a comma", "ann@xn--0049.example", ""},
		{"an A-label that cannot be decoded", "ann@xn--99999999.example", ""},
		{"an A-label of a control character", "ann@xn--a.example", ""},
		{"an A-label of a zero-width joiner", "ann@xn--1ug.example", ""},
		{"an A-label of a lone accent", "ann@xn--kva.example", ""},
		{"an A-label of a capital letter", "ann@xn--mnchen-psa.example", ""},
		{"a label with hyphens in third and fourth place", "ann@ab--cd.example", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, ok := parseAddress(row.in)
			if ok != (row.want != "") || got.folded != row.want {
				t.Fatalf("%q: got %q, %v, want %q", row.in, got.folded, ok, row.want)
			}
			if ok && got.typed != row.in {
				t.Errorf("mail would go to %q, not to %q", got.typed, row.in)
			}
		})
	}
}

// No letter beyond ASCII gets in, in whatever it could be folded to.
func TestAbuse_D01_D03_RefusesAllButASCII(t *testing.T) {
	t.Parallel()
	for r := rune(0x80); r <= utf8.MaxRune; r++ {
		local, domain := "a"+string(r)+"b@b.example", "a@b"+string(r)+"b.example"
		if _, ok := parseAddress(local); ok {
			t.Errorf("accepted %q", local)
		}
		if _, ok := parseAddress(domain); ok {
			t.Errorf("accepted %q", domain)
		}
	}
}

// Of two bytes in the same place, only the two cases of an ASCII letter make
// the same address.
func TestAbuse_D01_FoldsLettersOnly(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"a%sb@b.example", "a@b%sb.example", "a@b.ex%sample"} {
		spellings := make(map[string]byte)
		for b := range 0x100 {
			got, ok := parseAddress(fmt.Sprintf(format, string([]byte{byte(b)})))
			if !ok {
				continue
			}
			other, same := spellings[got.folded]
			letter := 'a' <= b && b <= 'z'
			if same && (!letter || int(other) != b-'a'+'A') {
				t.Errorf(format+": %q and %q are the same address", "…", other, byte(b))
			}
			if letter && !same {
				t.Errorf(format+": %q is not its capital", "…", byte(b))
			}
			spellings[got.folded] = byte(b)
		}
	}
}

// hardAddresses take a parser as long as anything of their length.
func hardAddresses() []string {
	const size = 8 << 10
	return []string{
		strings.Repeat("a", size),
		strings.Repeat("a.", size/2) + "@b.example",
		strings.Repeat("@", size),
		strings.Repeat("(", size) + "@b.example",
		strings.Repeat(`"\`, size/2) + "@b.example",
		"a@" + strings.Repeat("b.", size/2) + "example",
		"a@" + strings.Repeat("xn--", size/4) + ".example",
		"a@" + strings.Repeat("xn--"+strings.Repeat("9", 59)+".", 3) + "example",
		"a@" + strings.Repeat("xn--"+strings.Repeat("a", 59)+".", 3) + "example",
		"a@" + strings.Repeat("xn--mnchen-3ya.", 16) + "example",
	}
}

// The bound is loose, for slow machines: a parser that looks at each of 8192
// bytes for each other one takes longer.
func TestAbuse_D06_ParseAddressIsFast(t *testing.T) {
	t.Parallel()
	const rounds = 20
	for _, in := range hardAddresses() {
		start := time.Now()
		for range rounds {
			parseAddress(in)
		}
		if took := time.Since(start) / rounds; took > 20*time.Millisecond {
			t.Errorf("%.40q… of %d bytes took %v", in, len(in), took)
		}
	}
}

func BenchmarkAbuse_D06_ParseAddress(b *testing.B) {
	for i, in := range append(hardAddresses(), "ann@b.example") {
		b.Run(strconv.Itoa(i), func(b *testing.B) {
			for b.Loop() {
				parseAddress(in)
			}
		})
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{
		"ann@b.example", "Ann+x.y@XN--MNCHEN-3YA.Example", `"a b"@c.example`, "a%b@c.example", "=?utf-8?q?a?=@b.example",
		"a@xn--80ak6aa92e.xn--p1ai", "a@b.example\r\nBcc: c@d.example", "a@xn--foo-.example", "mı\u212ae@b.example",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, ok := parseAddress(in)
		if !ok {
			return
		}
		if got.typed != in || len(in) > 254 || strings.Count(in, "@") != 1 {
			t.Fatalf("accepted %q as %q", in, got.typed)
		}
		for _, c := range []byte(in) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>()[],;:\%!`, c) >= 0 {
				t.Fatalf("accepted %q with %q", in, c)
			}
		}
		if again, ok := parseAddress(got.folded); !ok || again.folded != got.folded {
			t.Fatalf("%q is compared as %q, and that as %q", in, got.folded, again.folded)
		}
		if !strings.EqualFold(got.folded, in) {
			t.Fatalf("%q was changed to %q", in, got.folded)
		}
		if label, bad := badLabel(in[strings.IndexByte(in, '@')+1:]); bad {
			t.Fatalf("%q was accepted, with the label %q", in, label)
		}
		if a, err := mail.ParseAddress(in); err != nil || a.Address != in || a.Name != "" {
			t.Fatalf("net/mail reads %q as %v, %v", in, a, err)
		}
	})
}
