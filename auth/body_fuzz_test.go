package auth_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/storage/memory"
)

// fieldsOf are the members that the bodies of each path may have.
var fieldsOf = map[string][]string{
	verifyPath: {"token", "sender", "point_json", "captcha_code"},
	sendPath:   {"email", "type", "captcha_token"},
	loginPath:  {"email", "emial", "verify_code"},
}

// Whatever is in a body, it is answered with one of the contract's sentences,
// and not with a fault. What encoding/json cannot read, or reads as something
// else than the members that belong there, is malformed.
func FuzzBodies(f *testing.F) {
	much := auth.Rate{Count: 1_000_000, Per: 1_000_000 * time.Second}
	a, err := auth.New(auth.Config{
		Limits: auth.Limits{VerifyCaptcha: much, WrongCaptcha: much, SendCode: much, SendCodeLong: much, Login: much, LoginDevice: much},
		Store:  memory.New(), Mailer: &mailbox{}, Secret: testSecret, Issuer: "https://app.example", SigningAlgorithm: auth.ES256,
		Clients: []auth.Client{{ID: "app"}}, Captchas: []captcha.Engine{captcha.Digits(), captcha.ProofOfWork(1)},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	handler := a.Handler()
	var answers []string
	for _, r := range auth.Reasons() {
		body, _ := json.Marshal(map[string]string{"error_code": string(r), "error_msg": a.Text("en", r)})
		answers = append(answers, string(body)+"\n")
	}
	paths := []string{verifyPath, sendPath, loginPath}
	valid := []string{
		`{"token":"` + strings.Repeat("A", 43) + `","sender":"ann@b.example","captcha_code":"1"}`,
		`{"email":"ann@b.example","type":"LOGIN_EMS","captcha_token":"` + strings.Repeat("A", 43) + `"}`,
		`{"email":"ann@b.example","verify_code":"123456"}`,
	}
	for i, body := range valid {
		for _, seed := range []string{
			body, "", "{}", "[]", "null", `"x"`, "\ufeff" + body, body + body, body + "x", strings.ToUpper(body), body[:len(body)-1] + `,"email":"c@d.example"}`,
			body[:len(body)-1] + `,"user_id":"1"}`, strings.Replace(body, "ann", `\u0061nn`, 1), strings.Replace(body, "ann", `\u0000`, 1),
			strings.Replace(body, "ann", "\xff", 1), strings.Replace(body, "ann", `\ud800`, 1), strings.Replace(body, `"ann@b.example"`, "1e400", 1),
			strings.Replace(body, `"ann@b.example"`, "-0", 1), strings.Replace(body, `"ann@b.example"`, `{"$ne":null}`, 1), strings.Repeat("[", 5000),
			strings.Replace(body, "ann", "a'; DROP TABLE users; --", 1), strings.Replace(body, "captcha_code", "point_json", 1), strings.Replace(body, "email", "emial", 1),
		} {
			f.Add(uint8(i), []byte(seed))
		}
	}
	var served atomic.Uint32
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		path := paths[int(which)%len(paths)]
		r := httptest.NewRequest("POST", path, strings.NewReader(string(body)))
		r.RemoteAddr = fmt.Sprintf("10.0.%d.1:80", served.Add(1)%256) // or all of it would be limited some day
		for name, value := range map[string]string{
			"Content-Type": "application/json", "X-Operating-Sys-Version": "x", "X-Agent": "x", "X-Device-Fingerprint": "x", "X-Client-Id": "app",
		} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code == 200 || !slices.Contains(answers, w.Body.String()) {
			t.Fatalf("%s %q: %d %s", path, body, w.Code, w.Body)
		}
		malformed := strings.Contains(w.Body.String(), string(auth.ReasonMalformed))
		if len(body) > 8<<10 {
			if w.Code != 413 {
				t.Fatalf("%s with %d bytes: %d", path, len(body), w.Code)
			}
			return
		}
		var members map[string]*string
		if err := json.Unmarshal(body, &members); (err != nil || members == nil) && !malformed {
			t.Fatalf("%s %q, which is %v: %s", path, body, err, w.Body)
		}
		for name, value := range members {
			if (value == nil || !slices.Contains(fieldsOf[path], name)) && !malformed {
				t.Fatalf("%s %q, with the member %q: %s", path, body, name, w.Body)
			}
		}
	})
}
