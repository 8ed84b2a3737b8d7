package auth

import (
	"strings"
	"testing"
)

// decodeLabel is what an A-label stands for, by RFC 3492 alone: no table of
// Unicode has a say.
func decodeLabel(label string) (runes []rune, ok bool) {
	const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
	encoded, ok := strings.CutPrefix(lowerASCII(label), "xn--")
	if !ok {
		return nil, false
	}
	if i := strings.LastIndexByte(encoded, '-'); i >= 0 {
		runes, encoded = []rune(encoded[:i]), encoded[i+1:]
	}
	n, bias := rune(128), 72
	for i, first := 0, true; encoded != ""; i, first = i+1, false {
		before := i
		for k, weight := base, 1; ; k += base {
			if encoded == "" || weight > 1<<24 {
				return nil, false
			}
			digit := strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789", encoded[0])
			if encoded = encoded[1:]; digit < 0 {
				return nil, false
			}
			i += digit * weight
			threshold := min(max(k-bias, tmin), tmax)
			if digit < threshold {
				break
			}
			weight *= base - threshold
		}
		delta := (i - before) / 2
		if first {
			delta = (i - before) / damp
		}
		delta += delta / (len(runes) + 1)
		bias = 0
		for ; delta > (base-tmin)*tmax/2; bias += base {
			delta /= base - tmin
		}
		bias += (base - tmin + 1) * delta / (delta + skew)
		n += rune(i / (len(runes) + 1))
		i %= len(runes) + 1
		if n > 0x10ffff {
			return nil, false
		}
		runes = append(runes[:i], append([]rune{n}, runes[i:]...)...)
	}
	return runes, true
}

func TestDecodeLabel(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{ // no want: not one
		"xn--mnchen-3ya": "münchen", "xn--strae-oqa": "straße", "XN--80AK6AA92E": "аррӏе", "xn--fiqs8s": "中国",
		"xn--ihqwcrb4cv8a8dqg056pqjye": "他们为什么不说中文", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l": "почемужеонинеговорятпорусски",
		"xn--n3h": "☃", "xn--foo-": "foo", "xn--a": "\u0080", "xn--0049": "", "xn--99999999": "", "foo": "",
	} {
		if got, ok := decodeLabel(label); ok != (want != "") || ok && string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", label, string(got), ok, want)
		}
	}
}
