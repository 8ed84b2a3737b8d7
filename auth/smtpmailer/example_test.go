package smtpmailer_test

import (
	"bytes"
	"fmt"
	"net/mail"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/smtpmailer"
)

// A relay, a sender, and a subject of our own; then a look at the mail without
// sending it.
func Example() {
	mailer, err := smtpmailer.New(smtpmailer.Config{
		URL:  "smtp://login:p%40ssword@smtp.example.net:587",
		From: "Example <login@app.example>",
		Templates: map[string]smtpmailer.Template{
			"en": {Subject: "Sign in to {{.Product}}"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	text, err := mailer.Message(auth.CodeMail{
		To:        "alice@example.org",
		Code:      "407182",
		ExpiresAt: time.Now().Add(10 * time.Minute),
		Language:  "en-GB",
		Product:   "Example",
		Host:      "app.example",
		MessageID: "5f1c@app.example",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	msg, _ := mail.ReadMessage(bytes.NewReader(text))
	for _, header := range []string{"From", "To", "Subject", "Message-Id", "Auto-Submitted"} {
		fmt.Printf("%s: %s\n", header, msg.Header.Get(header))
	}
	// Output:
	// From: "Example" <login@app.example>
	// To: <alice@example.org>
	// Subject: Sign in to Example
	// Message-Id: <5f1c@app.example>
	// Auto-Submitted: auto-generated
}

// A configuration is checked at once, and every mistake is named. What is
// wrong with a URL is said without repeating it.
func ExampleNew_mistakes() {
	_, err := smtpmailer.New(smtpmailer.Config{
		URL:       "http://login:pa/ssword@smtp.example.net",
		From:      "Example",
		Templates: map[string]smtpmailer.Template{"de": {Subject: "Dein Code"}},
	})
	fmt.Println(err)
	// Output:
	// smtpmailer: URL cannot be parsed: percent-encode the user and the password, as in smtp://user:p%40ss@host:587
	// smtpmailer: From must be "Name <address>" or a bare address, in ASCII: "Example"
	// smtpmailer: Templates["de"] must have Subject, Text and HTML: none is built in
}
