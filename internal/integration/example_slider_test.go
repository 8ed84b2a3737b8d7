package integration

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"example.com/mailkey/internal/integration/smtpd"
)

// exampleSliderClient plays an SDK of the API family. It reads and writes what
// the family has published and nothing else: it does not know that there are
// other kinds of captcha, so the slider has to be the default, and it spells
// emial as the published example does.
func exampleSliderClient(t *testing.T, program string) {
	relay := smtpd.New(t, smtpd.Config{})
	home := newExampleHome(t, program, "-captcha", "slider,pow", "-smtp", relay.URL())
	p := home.start(t)

	page := home.client(p, "web") // uses the same server otherwise
	page.send(t, "page@example.org")
	page.login(t, "page@example.org", relay.Next(t, "page@example.org").Code(t))

	sdk, address := home.client(p, "example"), "sdk@example.org"
	home.addresses = append(home.addresses, address)
	if sdk.slide(t, address, stay) != "" {
		t.Error("got a captcha_token for a wrong answer")
	}
	ticket := ""
	for try := 0; ticket == ""; try++ {
		if try == 5 {
			t.Fatalf("%d answers were wrong", try)
		}
		ticket = sdk.slide(t, address, solveSlider)
	}
	sdk.ok(t, "POST", "/api/v2/sdk/email/send", map[string]string{
		"email": address, "type": "LOGIN_EMS", "captcha_token": ticket,
	})
	code := relay.Next(t, address).Code(t)
	home.private = append(home.private, code)
	login := sdk.ok(t, "POST", "/api/v2/sdk/login/email-verify-code", map[string]string{
		"emial": address, "verify_code": code,
	})
	session := login.field("session_token")
	if session == "" || login.field("id_token") == "" || login.field("status") != "SUCCESS" || login.json["expire"] != 432000.0 {
		t.Fatalf("login: got %s", login.text)
	}

	sdk.header.Set("session-token", session)
	if fresh := sdk.ok(t, "POST", "/api/v2/sdk/sso/session-token/id-token", nil); fresh.field("id_token") == "" {
		t.Errorf("refresh: got %s", fresh.text)
	}
	sdk.ok(t, "GET", exampleLogout, nil)
	sdk.refused(t, "GET", exampleLogout, nil, http.StatusBadRequest, "IDAAS.SDK.PARAM.0023")
	p.Terminate(t)
	home.checkTraces(t)
}

// slide gets a slider and answers it. It returns the captcha_token, or the
// empty string when the answer was wrong.
func (c *exampleClient) slide(t *testing.T, address string, solve func(picture, strip []byte) (int, error)) string {
	t.Helper()
	challenge := c.ok(t, "GET", "/api/v2/sdk/captcha", nil)
	picture, err := base64.StdEncoding.DecodeString(challenge.field("originalImageBase64"))
	if err != nil {
		t.Fatal(err)
	}
	strip, err := base64.StdEncoding.DecodeString(challenge.field("jigsawImageBase64"))
	if err != nil {
		t.Fatal(err)
	}
	x, err := solve(picture, strip)
	if err != nil {
		t.Fatal(err)
	}
	verified := c.do(t, "POST", "/api/v2/sdk/captcha/verify", map[string]string{
		"token": challenge.field("token"), "sender": address, "point_json": fmt.Sprintf(`{"x":%d.0,"y":5.0}`, x),
	})
	switch {
	case verified.status == http.StatusOK && verified.field("captcha_token") != "":
		return verified.field("captcha_token")
	case verified.status == http.StatusBadRequest && verified.field("error_code") == "IDAAS.SDK.CAPTCHA.0002":
		return ""
	}
	t.Fatalf("captcha/verify: got %d %s", verified.status, verified.text)
	return ""
}

// stay leaves the strip where it was: never right.
func stay(picture, strip []byte) (int, error) { return 0, nil }
