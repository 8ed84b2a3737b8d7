package captcha_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"example.com/mailkey/captcha"
	"example.com/mailkey/storage/memory"
)

// hosted is a captcha of a provider such as Turnstile: its script shows a
// widget in the page, the widget gives the page a text, the page sends that as
// the answer, and the provider says what it is worth.
type hosted struct {
	verifyURL string
	secret    string
	client    *http.Client
}

// Kind implements [captcha.Engine]. The page knows by it what to show.
func (*hosted) Kind() string { return "hosted" }

// New implements [captcha.Engine]: there is nothing to draw nor to remember.
func (*hosted) New() ([]byte, captcha.Puzzle, error) { return nil, captcha.Puzzle{}, nil }

// Check implements [captcha.Engine].
func (h *hosted) Check(ctx context.Context, _ []byte, a captcha.Answer) (bool, error) {
	if a.Code == "" || a.Point != "" {
		return false, nil
	}
	form := url.Values{"secret": {h.secret}, "response": {a.Code}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.verifyURL, strings.NewReader(form.Encode()))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := h.client.Do(r)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	var verdict struct {
		Success bool     `json:"success"`
		Errors  []string `json:"error-codes"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&verdict); err != nil {
		return false, fmt.Errorf("captcha provider: %s: %w", res.Status, err)
	}
	for _, e := range verdict.Errors {
		if e != "invalid-input-response" && e != "timeout-or-duplicate" { // our secret is wrong, or they are down
			return false, fmt.Errorf("captcha provider: %s", e)
		}
	}
	return verdict.Success, nil
}

// An engine of one's own: a captcha that somebody else hosts. With
// auth.Config.Captchas it is in front of a login, and captcha_code on the wire
// is what the widget gave the page.
func ExampleEngine() {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.PostFormValue("secret") != "s3cret":
			fmt.Fprint(w, `{"success": false, "error-codes": ["invalid-input-secret"]}`)
		case r.PostFormValue("response") != "given by the widget":
			fmt.Fprint(w, `{"success": false, "error-codes": ["invalid-input-response"]}`)
		default:
			fmt.Fprint(w, `{"success": true, "error-codes": []}`)
		}
	}))
	defer provider.Close()

	engine := &hosted{verifyURL: provider.URL, secret: "s3cret", client: provider.Client()}
	service, err := captcha.New(captcha.Config{Store: memory.New(), Engines: []captcha.Engine{engine}})
	if err != nil {
		panic(err)
	}
	answer := func(code string) {
		challenge, err := service.Issue(context.Background(), "hosted", nil)
		if err != nil {
			panic(err)
		}
		fmt.Println(service.Verify(context.Background(), challenge.Token, captcha.Answer{Code: code}))
	}
	answer("given by the widget")
	answer("made up")
	engine.secret = "misspelt"
	answer("given by the widget")
	// Output:
	// true <nil>
	// false <nil>
	// false check captcha: captcha provider: invalid-input-secret
}
