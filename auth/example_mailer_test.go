package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"example.com/mailkey/auth"
)

// apiMailer hands codes to a mail provider that has an HTTP API.
type apiMailer struct {
	url, key, from string
	client         *http.Client
}

// SendCode implements [auth.Mailer].
func (m *apiMailer) SendCode(ctx context.Context, mail auth.CodeMail) error {
	body, err := json.Marshal(map[string]string{
		"from":    m.from,
		"to":      mail.To,
		"subject": "Sign in to " + mail.Product, // without the code: locked phones show subjects
		"text": fmt.Sprintf("Your code is %s. It is good for %.0f minutes.\n\n@%s #%s\n", // phones fill in the code by this line
			mail.Code, time.Until(mail.ExpiresAt).Minutes(), mail.Host, mail.Code),
	})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+m.key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", mail.MessageID) // sent again, it is the same mail
	res, err := m.client.Do(r)
	if err != nil {
		return err // perhaps it has arrived there, but then the key tells them so
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK, http.StatusAccepted:
		return nil
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: the provider answers %s", auth.ErrMailRejected, res.Status)
	}
	return fmt.Errorf("the provider answers %s", res.Status) // our key is wrong, or they are busy
}

// A mailer of one's own, for a provider with an HTTP API. What it returns says
// whether the mail is tried again.
func ExampleMailer() {
	answers := make(chan int, 3)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-answers) }))
	defer provider.Close()

	var mailer auth.Mailer = &apiMailer{ // for Config.Mailer
		url: provider.URL + "/v1/mails", key: "k3y", from: "Example <login@app.example>", client: provider.Client(),
	}
	for _, status := range []int{202, 503, 422} {
		answers <- status
		err := mailer.SendCode(context.Background(), auth.CodeMail{
			To: "ann@b.example", Code: "482913", ExpiresAt: time.Now().Add(10 * time.Minute),
			Product: "Example", Host: "app.example", MessageID: "4Xp0@app.example",
		})
		fmt.Println(err, errors.Is(err, auth.ErrMailRejected))
	}
	// Output:
	// <nil> false
	// the provider answers 503 Service Unavailable false
	// mail rejected: the provider answers 422 Unprocessable Entity true
}
