package captcha_test

import (
	"bytes"
	"encoding/binary"
	"image/png"
	"strings"
	"testing"

	"example.com/mailkey/captcha"
)

// Exact grammar only: A09 is about answers that are nothing, A10 about
// answers that are nearly right.
func TestAbuse_A09_A10_digits(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("\x00", 6)
	tests := []struct {
		name   string
		state  string
		answer captcha.Answer
		want   bool
	}{
		{"right", "482913", captcha.Answer{Code: "482913"}, true},
		{"right, leading zero", "000001", captcha.Answer{Code: "000001"}, true},
		{"wrong", "482913", captcha.Answer{Code: "482914"}, false},
		{"nothing", "482913", captcha.Answer{}, false},
		{"nothing at all", "", captcha.Answer{}, false},
		{"empty state", "", captcha.Answer{Code: "482913"}, false},
		{"zero state", zeros, captcha.Answer{Code: zeros}, false},
		{"zero state, digits", zeros, captcha.Answer{Code: "000000"}, false},
		{"short state", "4829", captcha.Answer{Code: "4829"}, false},
		{"short", "482913", captcha.Answer{Code: "48291"}, false},
		{"long", "482913", captcha.Answer{Code: "4829130"}, false},
		{"number", "000001", captcha.Answer{Code: "1"}, false},
		{"sign", "000001", captcha.Answer{Code: "+00001"}, false},
		{"minus", "000000", captcha.Answer{Code: "-00000"}, false},
		{"exponent", "100000", captcha.Answer{Code: "1e5"}, false},
		{"hexadecimal", "000010", captcha.Answer{Code: "0x000a"}, false},
		{"fraction", "482913", captcha.Answer{Code: "482913.0"}, false},
		{"space before", "482913", captcha.Answer{Code: " 482913"}, false},
		{"space after", "482913", captcha.Answer{Code: "482913 "}, false},
		{"newline after", "482913", captcha.Answer{Code: "482913\n"}, false},
		{"space for zero", "102030", captcha.Answer{Code: "1 2 3 "}, false},
		{"spaces between", "482913", captcha.Answer{Code: "482 913"}, false},
		{"comma", "482913", captcha.Answer{Code: "482,913"}, false},
		{"NUL after", "482913", captcha.Answer{Code: "482913\x00"}, false},
		{"full width", "482913", captcha.Answer{Code: "４８２９１３"}, false},
		{"one full width", "482913", captcha.Answer{Code: "48291３"}, false},
		{"Arabic-Indic", "482913", captcha.Answer{Code: "٤٨٢٩١٣"}, false},
		{"digit values", "482913", captcha.Answer{Code: "\x04\x08\x02\x09\x01\x03"}, false},
		{"invalid UTF-8", "482913", captcha.Answer{Code: "48291\xff"}, false},
		{"infinite", "482913", captcha.Answer{Code: "Infinity"}, false},
		{"JSON string", "482913", captcha.Answer{Code: `"482913"`}, false},
		{"JSON object", "482913", captcha.Answer{Code: `{"x":482913}`}, false},
		{"point", "482913", captcha.Answer{Point: "482913"}, false},
		{"code and point", "482913", captcha.Answer{Code: "482913", Point: `{"x":1.0,"y":5.0}`}, false},
		{"code twice", "482913", captcha.Answer{Code: "482913", Point: "482913"}, false},
		{"huge", "482913", captcha.Answer{Code: strings.Repeat("482913", 100_000)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := isRight(captcha.Digits(), []byte(tt.state), tt.answer); got != tt.want {
				t.Errorf("Check(%q, %.60q) = %v, want %v", tt.state, tt.answer, got, tt.want)
			}
		})
	}
}

func TestDigits_picture(t *testing.T) {
	t.Parallel()
	e := captcha.Digits()
	for range 50 {
		state, p, err := e.New()
		if err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(bytes.NewReader(p.Image))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Bounds(); got.Dx() != 240 || got.Dy() != 80 {
			t.Fatalf("picture of %v, want 240 by 80", got)
		}
		if _, _, _, a := m.At(0, 0).RGBA(); a != 0xffff {
			t.Errorf("the background is transparent")
		}
		if bytes.Contains(p.Image, state) {
			t.Errorf("the picture contains its digits %s", state)
		}
		for _, chunk := range chunks(t, p.Image) {
			switch chunk {
			case "IHDR", "PLTE", "IDAT", "IEND":
			default:
				t.Errorf("the picture has a chunk %q", chunk)
			}
		}
		if p.Piece != nil || p.Proof != nil {
			t.Errorf("digits with a piece or a proof")
		}
	}
}

// chunks lists the chunk types of a PNG.
func chunks(t *testing.T, b []byte) []string {
	t.Helper()
	var types []string
	for b = b[8:]; len(b) >= 12; {
		n := int(binary.BigEndian.Uint32(b))
		types = append(types, string(b[4:8]))
		b = b[12+n:]
	}
	return types
}

func TestAbuse_A12_twoPicturesOfTheSameDigitsDiffer(t *testing.T) {
	t.Parallel()
	one, err1 := captcha.Draw("482913")
	two, err2 := captcha.Draw("482913")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if bytes.Equal(one, two) {
		t.Error("two pictures of the same digits are the same")
	}
}

func TestDigits_random(t *testing.T) {
	t.Parallel()
	e, seen, counts := captcha.Digits(), make(map[string]bool), make(map[byte]int)
	const n = 100
	for range n {
		state, _, err := e.New()
		if err != nil || len(state) != 6 {
			t.Fatalf("state %q, error %v", state, err)
		}
		seen[string(state)] = true
		for _, c := range state {
			counts[c]++
		}
	}
	if len(seen) < n-3 {
		t.Errorf("%d different codes of %d", len(seen), n)
	}
	for c := byte('0'); c <= '9'; c++ {
		if counts[c] < 16 || counts[c] > 104 { // 60 expected, give or take six times 7.3
			t.Errorf("%d digits of %d are %c", counts[c], 6*n, c)
		}
	}
}

func TestDigits_audio(t *testing.T) {
	t.Parallel()
	e, state := captcha.Digits(), []byte("482913")
	sounds := make(map[string][]byte)
	for _, lang := range []string{"en", "zh", "zh-CN", "ZH-Hant-TW", "", "fr", "ja", "zhx", "../zh"} {
		wav, err := e.Audio(state, lang)
		if err != nil {
			t.Fatal(err)
		}
		if len(wav) < 50<<10 || len(wav) > 300<<10 {
			t.Errorf("%q: %d bytes", lang, len(wav))
		}
		if string(wav[:4]) != "RIFF" || string(wav[8:12]) != "WAVE" {
			t.Errorf("%q: not a WAV: %q", lang, wav[:12])
		}
		if got := int(binary.LittleEndian.Uint32(wav[4:])) + 8; got != len(wav) {
			t.Errorf("%q: the header says %d bytes, there are %d", lang, got, len(wav))
		}
		if bytes.Contains(wav, state) {
			t.Errorf("%q: the sound contains its digits", lang)
		}
		sounds[lang] = wav
	}
	if bytes.Equal(sounds["en"], sounds["zh"]) {
		t.Error("English and Chinese sound the same")
	}
	if again, _ := e.Audio(state, "en"); bytes.Equal(sounds["en"], again) {
		t.Error("two playings sound the same")
	}
	for _, state := range []string{"", "48291", "4829130", "48291x", "\x00\x00\x00\x00\x00\x00"} {
		if wav, err := e.Audio([]byte(state), "en"); err == nil || wav != nil {
			t.Errorf("state %q was spoken", state)
		}
	}
}
