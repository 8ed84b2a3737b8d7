package auth_test

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/mail"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/internal/exampletest"
	"example.com/mailkey/middleware"
)

// Translations of auth/messages/en.json, one file for each language.
//
//go:embed testdata/languages
var languages embed.FS

// messages are for Config.Messages.
func messages(tags ...string) map[string]map[auth.Reason]string {
	all := make(map[string]map[auth.Reason]string)
	for _, tag := range tags {
		file, err := languages.ReadFile("testdata/languages/" + tag + ".json")
		if err != nil {
			panic(err)
		}
		texts := make(map[auth.Reason]string)
		if err := json.Unmarshal(file, &texts); err != nil {
			panic(err)
		}
		all[tag] = texts // New says which texts are missing
	}
	return all
}

// mails are for smtpmailer.Config.Templates.
var mails = map[string]smtpmailer.Template{
	"de": {
		Subject: "Anmeldung bei {{.Product}}",
		Text:    "Ihr Code ist {{.Code}}. Er gilt {{.Minutes}} Minuten.\n",
		HTML:    "<!doctype html><html lang=de><p>Ihr Code ist <b>{{.Code}}</b>. Er gilt {{.Minutes}} Minuten.",
	},
	"fr": {
		Subject: "Connexion à {{.Product}}",
		Text:    "Votre code est {{.Code}}. Il est valable {{.Minutes}} minutes.\n",
		HTML:    "<!doctype html><html lang=fr><p>Votre code est <b>{{.Code}}</b>. Il est valable {{.Minutes}} minutes.",
	},
}

// Two languages more than English and Chinese, in answers and in mails. Who
// reads none of them is answered in the default one.
func ExampleConfig_messages() {
	mailer, err := smtpmailer.New(smtpmailer.Config{
		URL: "smtps://smtp.example.net", From: "Example <login@app.example>", Templates: mails,
	})
	if err != nil {
		panic(err)
	}
	t := exampletest.New() // stands in for a test; auth.New takes the same Config
	defer t.End()
	kit := authtest.New(t, func(c *auth.Config) {
		c.Messages, c.DefaultLanguage = messages("de", "fr"), "fr"
		c.ProductName = "Example"
	})
	account := middleware.RequireSession(kit.Auth)(http.NotFoundHandler())

	for _, language := range []string{"de-CH, de;q=0.9", "en", "nl"} {
		r := httptest.NewRequest("GET", "/account", nil)
		r.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		account.ServeHTTP(w, r)
		fmt.Print(w.Body)
	}

	kit.Login(t, "ann@b.example") // speaks none of them
	text, err := mailer.Message(kit.Mailbox.Mails()[0])
	if err != nil {
		panic(err)
	}
	message, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	fmt.Println(new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")))
	// Output:
	// {"error_code":"MAILKEY.SESSION.0001","error_msg":"Sie sind nicht angemeldet"}
	// {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// {"error_code":"MAILKEY.SESSION.0001","error_msg":"Vous n'êtes pas connecté"}
	// Connexion à Example <nil>
}
