package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// installJose returns a directory with verify.js and what it needs. The tests
// need Node.js 18 or later and npm; without them they are skipped.
func installJose(t *testing.T) (dir string) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (Debian: apt-get install nodejs npm): %v", program, err)
		}
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("jose")); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

// The library that clients in JavaScript use reads our tokens, too, and needs
// nothing but the issuer's URL.
func TestJose(t *testing.T) {
	t.Parallel()
	dir := installJose(t)
	onEachOIDCIssuer(t, func(t *testing.T, i *oidcIssuer) {
		session, idToken := i.login(t, "app", "Ann@b.example")
		_, foreign := i.login(t, "other", "ben@b.example")
		if err := i.auth.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		tokens := []string{idToken, i.refresh(t, "app", session), foreign, spoil(idToken), session}

		verify := exec.Command("node", "verify.js", i.url, "app")
		verify.Dir = dir
		verify.Stdin = strings.NewReader(strings.Join(tokens, "\n") + "\n")
		out, err := verify.CombinedOutput()
		if err != nil {
			t.Fatalf("node: %v\n%s", err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(lines) != len(tokens) {
			t.Fatalf("%d answers to %d tokens:\n%s", len(lines), len(tokens), out)
		}
		for n, want := range []string{"", "", "ERR_JWT_CLAIM_VALIDATION_FAILED", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "ERR_JWS_INVALID"} {
			var got struct {
				Error   string
				Payload struct {
					Iss, Sub, Aud, Email string
				}
			}
			if err := json.Unmarshal([]byte(lines[n]), &got); err != nil {
				t.Fatalf("%v in %s", err, lines[n])
			}
			if got.Error != want {
				t.Errorf("token %d: got %s, want the error %q", n, lines[n], want)
			}
			if p := got.Payload; want == "" && (p.Iss != i.url || p.Sub == "" || p.Aud != "app" || p.Email != "ann@b.example") {
				t.Errorf("token %d: got %s", n, lines[n])
			}
		}
	})
}
