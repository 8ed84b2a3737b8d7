package integration

import (
	"net"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/smtpd"
)

// The relay is told the spelling that was proved, whatever spelling of it is
// asked for later: to some mail servers they are two mailboxes.
func exampleSpelling(t *testing.T, program string) {
	relay := smtpd.New(t, smtpd.Config{})
	home := newExampleHome(t, program, "-captcha", "pow", "-smtp", relay.URL())
	p := home.start(t)
	c := home.client(p, "example")
	c.send(t, "Ann.Smith@Example.org")
	c.login(t, "Ann.Smith@Example.org", relay.Next(t, "Ann.Smith@Example.org").Code(t))

	db := openExample(t, home)
	if _, err := db.Exec(`DELETE FROM addresses`); err != nil { // or it would be a minute until the next mail
		t.Fatal(err)
	}
	c.send(t, "ANN.SMITH@example.ORG")
	c.login(t, "ann.smith@EXAMPLE.org", relay.Next(t, "Ann.Smith@Example.org").Code(t))
	var users int
	if err := db.QueryRow(`SELECT count(*) FROM users`).Scan(&users); err != nil || users != 1 {
		t.Errorf("%d users, %v", users, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	p.Terminate(t)
	home.checkTraces(t)
}

// Whoever sends a byte of the headers now and then does not hold the connection
// for long. The timeouts are those of the server, which is the app's: the example
// shows them.
func exampleSlowHeaders(t *testing.T, program string) {
	home := newExampleHome(t, program, "-captcha", "pow")
	p := home.start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	drip := time.NewTicker(250 * time.Millisecond)
	defer drip.Stop()
	closed := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		closed <- err
	}()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")); err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case err := <-closed:
			if took := time.Since(start); err == nil || took < 4*time.Second {
				t.Errorf("the connection ended after %v: %v", took, err)
			}
			p.Terminate(t)
			return
		case <-drip.C:
			if time.Since(start) > 30*time.Second {
				t.Fatal("the connection is still open")
			}
			_, _ = conn.Write([]byte("x")) // fails when it is closed
		}
	}
}
