package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/integration/smtpd"
)

// exampleWire plays the rules of the wire against the example, with its limits
// as they are: as many as may be played at once.
func exampleWire(t *testing.T, example string) {
	wirecheck, err := program.Build(t.TempDir(), "example.com/mailkey/example/wirecheck")
	if err != nil {
		t.Fatal(err)
	}
	relay := smtpd.New(t, smtpd.Config{})
	home := newExampleHome(t, example, "-captcha", "digits,slider,pow", "-smtp", relay.URL())
	p := home.start(t)

	codes := t.TempDir() // the last one to each address, in a file of that name
	cmd := exec.CommandContext(t.Context(), wirecheck, "-server", p.URL, "-client", "example", "-cookie-client", "web",
		"-address", "check+{n}@example.org", "-code-command", "cat "+filepath.Join(codes, "{address}"), "-wait", "0")
	output := program.NewOutput()
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for delivered := 0; ; {
		select {
		case err := <-ended:
			if err != nil || !regexp.MustCompile(`\n8\d rules hold, 0 do not, 0 were not checked\.`).MatchString(output.String()) {
				t.Errorf("wirecheck: %v\n%s", err, output)
			}
			if delivered != 3 {
				t.Errorf("%d mails, want 3", delivered)
			}
			home.checkTraces(t)
			return
		case <-time.After(20 * time.Millisecond):
		}
		for _, m := range relay.Messages()[delivered:] {
			delivered++
			if err := os.WriteFile(filepath.Join(codes, m.To[0]), []byte(m.Code(t)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// exampleDescription looks whether the example says how it is talked to.
func exampleDescription(t *testing.T, program string) {
	home := newExampleHome(t, program)
	p := home.start(t)
	var d struct {
		Servers []struct{ URL string }
	}
	if err := json.Unmarshal([]byte(home.client(p, "").ok(t, "GET", "/openapi.json", nil).text), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Servers) != 1 || d.Servers[0].URL != p.URL {
		t.Errorf("servers: got %v, want %s", d.Servers, p.URL)
	}
}
