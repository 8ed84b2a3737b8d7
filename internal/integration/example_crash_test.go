package integration

import (
	"database/sql"
	"testing"

	_ "modernc.org/sqlite"

	"example.com/mailkey/internal/integration/smtpd"
)

func exampleCodeSurvives(t *testing.T, program string) {
	relay := smtpd.New(t, smtpd.Config{})
	home := newExampleHome(t, program, "-smtp", relay.URL(), "-client", "app-1, app-2")
	p := home.start(t, "MAILKEY_CAPTCHA=digits,pow", "MAILKEY_CLIENT=the-flag-wins")
	home.client(p, "app-2").send(t, "code@example.org")
	code := relay.Next(t, "code@example.org").Code(t)
	p.Kill()
	home.checkTraces(t)

	p = home.start(t)
	c := home.client(p, "app-2")
	c.login(t, "code@example.org", code)
	p.Kill()

	p = home.start(t)
	c.url = p.URL
	c.ok(t, "POST", exampleLogout, nil)
	p.Terminate(t)
	home.checkTraces(t)
}

func exampleMailSurvives(t *testing.T, program string) {
	relay := smtpd.New(t, smtpd.Config{})
	relay.Always(smtpd.Greeting, smtpd.Cut())
	home := newExampleHome(t, program, "-captcha", "pow", "-smtp", relay.URL())
	p := home.start(t)
	home.client(p, "example").send(t, "mail@example.org")
	p.Kill()
	home.checkTraces(t)

	// However far the first attempt had come: let its time be over.
	db := openExample(t, home)
	if _, err := db.Exec(`UPDATE challenges SET due_at = 1 WHERE due_at IS NOT NULL`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	relay.Always(smtpd.Greeting, smtpd.Pass())
	p = home.start(t)
	code := relay.Next(t, "mail@example.org").Code(t)
	home.client(p, "example").login(t, "mail@example.org", code)
	p.Terminate(t) // and what became of the mail is recorded

	var due int
	if err := openExample(t, home).QueryRow(`SELECT count(*) FROM challenges WHERE due_at IS NOT NULL`).Scan(&due); err != nil {
		t.Fatal(err)
	}
	if sent := len(relay.Messages()); sent != 1 || due != 0 {
		t.Errorf("mails: got %d and %d to come, want 1 and none", sent, due)
	}
	home.checkTraces(t)
}

// openExample opens the database of a home in which no process runs.
func openExample(t *testing.T, home *exampleHome) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", home.database())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
