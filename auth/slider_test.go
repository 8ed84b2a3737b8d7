package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
)

// tellingSlider is a slider that tells where its last gap is.
type tellingSlider struct {
	captcha.Engine
	x int
}

func (e *tellingSlider) New() ([]byte, captcha.Puzzle, error) {
	state, p, err := e.Engine.New()
	right := false
	for e.x = -1; err == nil && !right; {
		e.x++
		right, err = e.Check(context.Background(), state, captcha.Answer{Point: pointAt(e.x)})
	}
	e.x += 3 // from the first right answer to the exact one
	return state, p, err
}

func pointAt(x int) string { return fmt.Sprintf(`{"x":%d.0,"y":5.0}`, x) }

func withSlider(c *auth.Config) {
	c.Captchas = []captcha.Engine{&tellingSlider{Engine: captcha.Slider()}, captcha.ProofOfWork(1)}
	many := auth.Rate{Count: 1000, Per: time.Minute}
	c.Limits.Captcha, c.Limits.VerifyCaptcha, c.Limits.WrongCaptcha = many, many, many
}

// slide gets a slider and tells where its gap is.
func (k *kit) slide() (token string, x int) {
	k.Helper()
	a := k.get(captchaPath)
	if a.status != 200 {
		k.Fatalf("captcha: %d %s", a.status, a.body)
	}
	return a.field(k.T, "token"), k.conf.Captchas[0].(*tellingSlider).x
}

// The family's own shape of a captcha.
func TestSlider_reply(t *testing.T) {
	t.Parallel()
	play(t, withSlider, func(k *kit) {
		for _, query := range []string{"", "?type=slider", "?type=digits", "?type=SLIDER"} {
			a := k.get(captchaPath + query)
			var reply map[string]any
			if err := json.Unmarshal(a.body, &reply); err != nil || a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for name, v := range reply {
				switch name {
				case "token", "originalImageBase64", "jigsawImageBase64", "result", "captchaType", "expire":
				default:
					if v != nil {
						t.Errorf("%s: %s is %v, want null", query, name, v)
					}
				}
			}
			if len(reply) != 18 || reply["captchaType"] != "slider" || reply["result"] != false {
				t.Errorf("%s: %d fields, captchaType %v, result %v", query, len(reply), reply["captchaType"], reply["result"])
			}
			var images struct{ OriginalImageBase64, JigsawImageBase64 []byte }
			if err := json.Unmarshal(a.body, &images); err != nil {
				t.Fatal(err)
			}
			for _, image := range []struct {
				png   []byte
				width int
			}{{images.OriginalImageBase64, 310}, {images.JigsawImageBase64, 47}} {
				c, err := png.DecodeConfig(bytes.NewReader(image.png))
				if err != nil || c.Width != image.width || c.Height != 155 {
					t.Errorf("%s: picture of %d by %d, error %v, want %d by 155", query, c.Width, c.Height, err, image.width)
				}
			}
		}
		if got := k.get(captchaPath+"?type=pow").field(t, "captchaType"); got != "pow" {
			t.Errorf("?type=pow: got %s", got)
		}
	})
}

func TestSlider_login(t *testing.T) {
	t.Parallel()
	play(t, withSlider, func(k *kit) {
		for _, off := range []int{0, -3, 3} {
			token, x := k.slide()
			a := k.post(verifyPath, "token", token, "sender", "ann@b.example", "point_json", pointAt(x+off))
			if a.status != 200 || a.field(t, "captcha_token") == "" {
				t.Fatalf("%d off: %d %s", off, a.status, a.body)
			}
			if again := k.post(verifyPath, "token", token, "sender", "ann@b.example", "point_json", pointAt(x)); again.code() != string(auth.ReasonCaptcha) {
				t.Errorf("a second time: %d %s", again.status, again.body)
			}
			if off != 0 {
				continue
			}
			if a = k.post(sendPath, "email", "ann@b.example", "type", "LOGIN_EMS", "captcha_token", a.field(t, "captcha_token")); a.status != 200 {
				t.Fatalf("send: %d %s", a.status, a.body)
			}
			time.Sleep(time.Second)
			if a = k.post(loginPath, "emial", "ann@b.example", "verify_code", k.mails.last().Code); a.field(t, "session_token") == "" {
				t.Errorf("login: %d %s", a.status, a.body)
			}
		}
	})
}

// What is nearly the right point is wrong, and spends the captcha.
func TestAbuse_A10_sliderAliases(t *testing.T) {
	t.Parallel()
	aliases := map[string]func(x string) string{
		"empty":             func(x string) string { return `` },
		"null":              func(x string) string { return `null` },
		"number":            func(x string) string { return x },
		"plus":              func(x string) string { return `{"x":+` + x + `,"y":5.0}` },
		"minus":             func(x string) string { return `{"x":-` + x + `,"y":5.0}` },
		"exponent":          func(x string) string { return `{"x":` + x + `e0,"y":5.0}` },
		"leading zero":      func(x string) string { return `{"x":0` + x + `,"y":5.0}` },
		"hexadecimal":       func(x string) string { return `{"x":0x` + x + `,"y":5.0}` },
		"string":            func(x string) string { return `{"x":"` + x + `","y":5.0}` },
		"list":              func(x string) string { return `{"x":[` + x + `],"y":5.0}` },
		"nested":            func(x string) string { return `{"x":{"x":` + x + `},"y":5.0}` },
		"in a list":         func(x string) string { return `[{"x":` + x + `,"y":5.0}]` },
		"in a string":       func(x string) string { return `"{\"x\":` + x + `,\"y\":5.0}"` },
		"full width":        func(x string) string { return `{"x":` + fullWidth(x) + `,"y":5.0}` },
		"comma":             func(x string) string { return `{"x":` + x + `,0,"y":5.0}` },
		"NaN":               func(x string) string { return `{"x":NaN,"y":5.0}` },
		"infinite":          func(x string) string { return `{"x":Infinity,"y":5.0}` },
		"out of range":      func(x string) string { return `{"x":1e309,"y":5.0}` },
		"huge":              func(x string) string { return `{"x":` + strings.Repeat("9", 400) + `,"y":5.0}` },
		"no y":              func(x string) string { return `{"x":` + x + `}` },
		"another y":         func(x string) string { return `{"x":` + x + `,"y":6.0}` },
		"x twice":           func(x string) string { return `{"x":1.0,"x":` + x + `,"y":5.0}` },
		"a third":           func(x string) string { return `{"x":` + x + `,"y":5.0,"z":0}` },
		"capitals":          func(x string) string { return `{"X":` + x + `,"Y":5.0}` },
		"trailing data":     func(x string) string { return `{"x":` + x + `,"y":5.0}{}` },
		"trailing comma":    func(x string) string { return `{"x":` + x + `,"y":5.0,}` },
		"full width spaces": func(x string) string { return "{\"x\":\u3000" + x + `,"y":5.0}` },
	}
	play(t, withSlider, func(k *kit) {
		for name, alias := range aliases {
			token, x := k.slide()
			point := alias(fmt.Sprint(x))
			if a := k.post(verifyPath, "token", token, "sender", "a@b.example", "point_json", point); a.code() != string(auth.ReasonCaptcha) {
				t.Errorf("%s: %s got %d %s", name, point, a.status, a.body)
			}
			if a := k.post(verifyPath, "token", token, "sender", "a@b.example", "point_json", pointAt(x)); a.code() != string(auth.ReasonCaptcha) {
				t.Errorf("%s: it did not spend the captcha: %d %s", name, a.status, a.body)
			}
		}
		token, x := k.slide()
		if a := k.post(verifyPath, "token", token, "sender", "a@b.example", "point_json", pointAt(x)); a.status != 200 {
			t.Errorf("the right one: %d %s", a.status, a.body)
		}
	})
}

// fullWidth writes digits as a Chinese keyboard may.
func fullWidth(digits string) string {
	return strings.Map(func(c rune) rune { return c - '0' + '０' }, digits)
}
