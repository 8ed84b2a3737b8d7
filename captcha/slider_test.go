package captcha_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"

	"example.com/mailkey/captcha"
)

// The answers of TestAbuse_A09_A10_slider are about a gap at 237.
func TestAbuse_A09_A10_slider(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		point string
		want  bool
	}{
		{"as published", `{"x":237.0,"y":5.0}`, true},
		{"whole numbers", `{"x":237,"y":5}`, true},
		{"of a scaled picture", `{"x":237.48387096774195,"y":5}`, true},
		{"of a dictionary", `{"y":5.0,"x":237.0}`, true},
		{"of another encoder", "{\"x\": 237.0,\r\n\t\"y\": 5.0}\n", true},
		{"left", `{"x":234.0,"y":5.0}`, true},
		{"right", `{"x":240.0,"y":5.0}`, true},
		{"too far left", `{"x":233.99999999999997,"y":5.0}`, false},
		{"too far right", `{"x":240.00000000000003,"y":5.0}`, false},

		{"nothing", ``, false},
		{"empty", `{}`, false},
		{"null", `null`, false},
		{"null x", `{"x":null,"y":5.0}`, false},
		{"no y", `{"x":237.0}`, false},
		{"no x", `{"y":5.0}`, false},
		{"another y", `{"x":237.0,"y":6.0}`, false},
		{"y too exact", `{"x":237.0,"y":5.000000000000000000}`, false},
		{"x too exact", `{"x":237.000000000000000000,"y":5.0}`, false},
		{"x twice", `{"x":237.0,"x":237.0,"y":5.0}`, false},
		{"y twice", `{"x":237.0,"y":5.0,"y":5.0}`, false},
		{"x for y", `{"x":237.0,"x":5.0}`, false},
		{"a third", `{"x":237.0,"y":5.0,"z":0}`, false},
		{"nested", `{"point":{"x":237.0,"y":5.0}}`, false},
		{"nested x", `{"x":{"x":237.0},"y":5.0}`, false},
		{"a list", `[237.0,5.0]`, false},
		{"a list of one", `[{"x":237.0,"y":5.0}]`, false},
		{"list as x", `{"x":[237.0],"y":5.0}`, false},
		{"string as x", `{"x":"237.0","y":5.0}`, false},
		{"string", `"{\"x\":237.0,\"y\":5.0}"`, false},
		{"number", `237.0`, false},
		{"comma at the end", `{"x":237.0,"y":5.0,}`, false},
		{"no comma", `{"x":237.0 "y":5.0}`, false},
		{"two documents", `{"x":237.0,"y":5.0}{}`, false},
		{"trailing data", `{"x":237.0,"y":5.0};`, false},
		{"trailing NUL", "{\"x\":237.0,\"y\":5.0}\x00", false},
		{"second line", "{\"x\":237.0,\"y\":5.0}\n{\"x\":1.0,\"y\":5.0}", false},
		{"byte order mark", "\ufeff" + `{"x":237.0,"y":5.0}`, false},
		{"capitals", `{"X":237.0,"Y":5.0}`, false},
		{"escaped name", `{"\u0078":237.0,"y":5.0}`, false},
		{"no quotes", `{x:237.0,y:5.0}`, false},
		{"single quotes", `{'x':237.0,'y':5.0}`, false},
		{"comment", `{"x":237.0/**/,"y":5.0}`, false},
		{"space inside", `{"x":2 37.0,"y":5.0}`, false},
		{"no-break space", "{\"x\":\u00a0237.0,\"y\":5.0}", false},
		{"form feed", "{\"x\":\f237.0,\"y\":5.0}", false},

		{"plus", `{"x":+237.0,"y":5.0}`, false},
		{"minus", `{"x":-237.0,"y":5.0}`, false},
		{"exponent", `{"x":2.37e2,"y":5.0}`, false},
		{"exponent of nothing", `{"x":237e0,"y":5.0}`, false},
		{"exponent in y", `{"x":237.0,"y":50e-1}`, false},
		{"hexadecimal", `{"x":0xed,"y":5.0}`, false},
		{"octal", `{"x":0355,"y":5.0}`, false},
		{"leading zero", `{"x":0237.0,"y":5.0}`, false},
		{"underscore", `{"x":2_37.0,"y":5.0}`, false},
		{"point at the end", `{"x":237.,"y":5.0}`, false},
		{"point at the start", `{"x":.237,"y":5.0}`, false},
		{"comma in x", `{"x":237,0,"y":5.0}`, false},
		{"fraction", `{"x":474/2,"y":5.0}`, false},
		{"NaN", `{"x":NaN,"y":5.0}`, false},
		{"NaN as y", `{"x":237.0,"y":NaN}`, false},
		{"infinite", `{"x":Infinity,"y":5.0}`, false},
		{"out of range", `{"x":1e309,"y":5.0}`, false},
		{"huge", `{"x":` + strings.Repeat("9", 400) + `,"y":5.0}`, false},
		{"huge by far", `{"x":237.` + strings.Repeat("0", 1_000_000) + `,"y":5.0}`, false},
		{"full width", `{"x":２３７.0,"y":5.0}`, false},
		{"Arabic-Indic", `{"x":٢٣٧.0,"y":5.0}`, false},
		{"invalid UTF-8", "{\"x\":237.0,\"y\":5.0\xff}", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, state := captcha.Slider(), captcha.SliderState(237)
			if got := isRight(e, state, captcha.Answer{Point: tt.point}); got != tt.want {
				t.Errorf("Check of %.60q = %v, want %v", tt.point, got, tt.want)
			}
			if isRight(e, state, captcha.Answer{Code: tt.point}) || isRight(e, state, captcha.Answer{Code: "237", Point: tt.point}) {
				t.Errorf("%.60q is right with a code", tt.point)
			}
		})
	}
}

func TestAbuse_A09_sliderStates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		state []byte
		x     int
		want  bool
	}{
		{captcha.SliderState(20), 20, true},
		{captcha.SliderState(263), 263, true},
		{captcha.SliderState(263), 266, true},
		{captcha.SliderState(19), 19, false},
		{captcha.SliderState(264), 264, false},
		{captcha.SliderState(0), 0, false},
		{nil, 0, false},
		{[]byte{237}, 237, false},
		{[]byte{0, 0, 237}, 237, false},
		{[]byte("237"), 237, false},
	} {
		if got := isRight(captcha.Slider(), tt.state, at(float64(tt.x))); got != tt.want {
			t.Errorf("state %v: Check of %d = %v, want %v", tt.state, tt.x, got, tt.want)
		}
	}
}

// at is the answer of somebody who moved the strip so far.
func at(x float64) captcha.Answer { return captcha.Answer{Point: fmt.Sprintf(`{"x":%.1f,"y":5.0}`, x)} }

const (
	sliderFirst  = 20
	sliderPlaces = 244
)

// Somebody who does not look at the picture must not be right in more than 3 %
// of all cases.
func TestAbuse_A08_blindGuesses(t *testing.T) {
	t.Parallel()
	e := captcha.Slider()

	// What the test below says to be equally likely are the places of the gap.
	places := make(map[string][]int) // where an answer is right
	for x := 0.0; x <= 310; x += 0.5 {
		a := at(x)
		for place := sliderFirst; place < sliderFirst+sliderPlaces; place++ {
			if isRight(e, captcha.SliderState(place), a) {
				places[a.Point] = append(places[a.Point], place)
			}
		}
		if n := len(places[a.Point]); n > sliderPlaces*3/100 {
			t.Errorf("the answer %.1f is right at %d of %d places", x, n, sliderPlaces)
		}
	}

	// The same in experiment.
	const rounds = 10_000
	random, drawn := 0, make(map[int]int)
	for range rounds {
		x := randomX(t)
		drawn[x]++
		if isRight(e, captcha.SliderState(x), at(rand.Float64()*263)) {
			random++
		}
	}
	constant := 0
	for _, right := range places {
		n := 0
		for _, place := range right {
			n += drawn[place]
		}
		constant = max(constant, n)
	}
	t.Logf("right of %d: %d answers at random, %d with the best constant one", rounds, random, constant)
	if limit := 300 + 5*17; random > limit || constant > limit { // 3 %, and five standard deviations
		t.Errorf("more than %d were right", limit)
	}
}

func randomX(t *testing.T) int {
	t.Helper()
	x, err := captcha.RandomX()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestAbuse_A08_allPlacesAreEquallyLikely(t *testing.T) {
	t.Parallel()
	const each = 200
	counts := make(map[int]int)
	for range sliderPlaces * each {
		counts[randomX(t)]++
	}
	var chi2 float64
	for place := range sliderPlaces {
		off := float64(counts[sliderFirst+place] - each)
		chi2 += off * off / each
		delete(counts, sliderFirst+place)
	}
	if len(counts) > 0 {
		t.Errorf("places out of bounds: %v", counts)
	}
	// 243 expected, give or take 22.
	if chi2 > 243+7*22 {
		t.Errorf("χ² is %.0f: some places are likelier than others", chi2)
	}
}

func TestSlider_pictures(t *testing.T) {
	t.Parallel()
	e := captcha.Slider()
	for range 20 {
		state, p, err := e.New()
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, p.Image).Rect; got != image.Rect(0, 0, 310, 155) {
			t.Errorf("picture of %v, want 310 by 155", got)
		}
		if got := decode(t, p.Piece).Rect; got != image.Rect(0, 0, 47, 155) {
			t.Errorf("piece of %v, want 47 by 155", got)
		}
		if p.Proof != nil || len(p.Image) > 32<<10 || len(p.Piece) > 4<<10 {
			t.Errorf("proof %v, picture of %d and piece of %d bytes", p.Proof, len(p.Image), len(p.Piece))
		}
		x := float64(state[0])*256 + float64(state[1])
		if !isRight(e, state, at(x)) || isRight(e, state, at(x-4)) || isRight(e, state, at(x+4)) {
			t.Errorf("%.0f is not the place of the gap", x)
		}
	}
}

func decode(t *testing.T, b []byte) *image.Paletted {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m.(*image.Paletted)
}

// The same puzzle with its gap at one end and at the other: the second shows
// what the gap of the first hides, unless it has its dent there.
func TestSlider_pieceIsWhatIsMissing(t *testing.T) {
	const puzzles = 40
	fit := 0
	for seed := range uint64(puzzles) {
		cryptotest.SetGlobalRandom(t, seed)
		cut, piece := captcha.DrawSlider(sliderFirst)
		cryptotest.SetGlobalRandom(t, seed)
		whole, _ := captcha.DrawSlider(sliderFirst + sliderPlaces - 1)

		var same, edge, sunk, wrong int // pixels
		var gap, shape mean             // of x
		for y := range piece.Rect.Dy() {
			for x := range piece.Rect.Dx() {
				was, is := whole.ColorIndexAt(sliderFirst+x, y), cut.ColorIndexAt(sliderFirst+x, y)
				_, _, _, alpha := piece.At(x, y).RGBA()
				if is != was {
					gap.add(x)
				}
				if alpha == 0xffff {
					shape.add(x)
				}
				switch got := piece.ColorIndexAt(x, y); {
				case alpha == 0 && is != was:
					wrong++
				case alpha < 0xffff: // beside the piece, or its shadow
				case got < was:
					wrong++
				case got > was:
					edge++
				default:
					same++
					if is < was {
						sunk++
					}
				}
			}
		}
		if same > 200 && edge > 50 && sunk == same && wrong == 0 && math.Abs(gap.value()-shape.value()) < 0.5 {
			fit++
		}
	}
	if fit < puzzles/2 {
		t.Errorf("%d of %d pieces fit, want most", fit, puzzles)
	}
}

type mean struct{ sum, n int }

func (m *mean) add(x int)      { m.sum, m.n = m.sum+x, m.n+1 }
func (m *mean) value() float64 { return float64(m.sum) / float64(m.n) }

func TestAbuse_A12_sliderFilesTellNothing(t *testing.T) {
	t.Parallel()
	e := captcha.Slider()
	const puzzles = 200
	sizes := map[string]*correlation{"size of the picture": {}, "size of the piece": {}, "height of the piece": {}}
	for range puzzles {
		state, p, err := e.New()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(chunks(t, p.Image), " "); got != "IHDR PLTE IDAT IEND" {
			t.Errorf("the picture has the chunks %s", got)
		}
		if got := strings.Join(chunks(t, p.Piece), " "); got != "IHDR PLTE tRNS IDAT IEND" {
			t.Errorf("the piece has the chunks %s", got)
		}
		x := float64(state[0])*256 + float64(state[1])
		sizes["size of the picture"].add(x, float64(len(p.Image)))
		sizes["size of the piece"].add(x, float64(len(p.Piece)))
		piece := decode(t, p.Piece)
		top := slices.IndexFunc(piece.Pix, func(c uint8) bool { return c != piece.Pix[0] }) / piece.Stride
		sizes["height of the piece"].add(x, float64(top))
	}
	for name, c := range sizes {
		if r := c.coefficient(); math.Abs(r) > 0.42 { // six standard deviations
			t.Errorf("the %s goes with the place of the gap, by %.2f", name, r)
		}
	}
}

// correlation tells how much two numbers go together: from -1 to 1, and 0 for
// not at all.
type correlation struct{ n, x, y, xx, yy, xy float64 }

func (c *correlation) add(x, y float64) {
	c.n, c.x, c.y, c.xx, c.yy, c.xy = c.n+1, c.x+x, c.y+y, c.xx+x*x, c.yy+y*y, c.xy+x*y
}

func (c *correlation) coefficient() float64 {
	return (c.n*c.xy - c.x*c.y) / math.Sqrt((c.n*c.xx-c.x*c.x)*(c.n*c.yy-c.y*c.y))
}

func TestAbuse_A12_twoSlidersWithTheirGapAtOnePlaceDiffer(t *testing.T) {
	t.Parallel()
	one, onePiece := captcha.DrawSlider(100)
	two, twoPiece := captcha.DrawSlider(100)
	if bytes.Equal(one.Pix, two.Pix) || bytes.Equal(onePiece.Pix, twoPiece.Pix) {
		t.Error("two puzzles with their gap at the same place are the same")
	}
}

// tellingSlider is a slider that tells where its last gap is.
type tellingSlider struct {
	captcha.Engine
	state []byte
}

func (e *tellingSlider) New() (state []byte, p captcha.Puzzle, err error) {
	e.state, p, err = e.Engine.New()
	return e.state, p, err
}

func (e *tellingSlider) answer(off int) string {
	return at(float64(int(e.state[0])<<8 + int(e.state[1]) + off)).Point
}

func TestHandler_slider(t *testing.T) {
	t.Parallel()
	e := &tellingSlider{Engine: captcha.Slider()}
	s := newService(t, captcha.Config{Store: newFakeStore(), Engines: []captcha.Engine{captcha.ProofOfWork(4), e}})
	h := s.Handler()
	for _, tt := range []struct {
		field string
		off   int
		want  bool
	}{{"point", 0, true}, {"point", 3, true}, {"point", -4, false}, {"code", 0, false}} {
		r, body := call(t, h, "/captcha/?type=slider", nil)
		image, _ := body["image"].(string)
		piece, _ := body["piece"].(string)
		if r.StatusCode != 200 || body["type"] != "slider" || !strings.HasPrefix(image, "iVBOR") || !strings.HasPrefix(piece, "iVBOR") || len(body) != 5 {
			t.Fatalf("issued %v with status %d", body, r.StatusCode)
		}
		token := body["token"].(string)
		if r, _ := call(t, h, "/captcha/audio?token="+token, nil); r.StatusCode != 404 {
			t.Errorf("sound: status %d, want 404", r.StatusCode)
		}
		for n, want := range []bool{tt.want, false} { // an answer spends it
			_, body = call(t, h, "/captcha/", url.Values{"token": {token}, tt.field: {e.answer(tt.off)}})
			if body["ok"] != want {
				t.Errorf("%s %d off, answer %d: got %v, want %v", tt.field, tt.off, n+1, body["ok"], want)
			}
		}
	}
}
