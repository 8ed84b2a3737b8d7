package integration

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/integration/services"
)

// documentCode returns the one block of a document, named from the root, that is
// fenced as being of a kind and begins so.
func documentCode(t *testing.T, document, kind, beginning string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", document))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?ms)^```" + kind + "\n(" + regexp.QuoteMeta(beginning) + ".*?)^```$")
	found := block.FindAllSubmatch(text, -1)
	if len(found) != 1 {
		t.Fatalf("%s has %d blocks of %s that begin with %q, want one", document, len(found), kind, beginning)
	}
	return string(found[0][1])
}

// shell runs commands in a directory, as a reader would.
func shell(t *testing.T, dir, commands string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", commands)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=", "GOFLAGS=") // a reader has none
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, commands, out)
	}
}

// The commands of the README make an app, to which somebody logs in.
func TestFirstFiveMinutes(t *testing.T) {
	t.Parallel()
	commands := documentCode(t, "README.md", "sh", "mkdir hello")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(root, filepath.Join(dir, "mailkey")); err != nil { // the clone
		t.Fatal(err)
	}
	shell(t, dir, replaceOnce(t, commands, "go run .\n", ""))

	// What a person does with their eyes, a program does with a proof of work.
	file := filepath.Join(dir, "hello", "main.go")
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	addr := services.FreeAddr(t)
	app := strings.ReplaceAll(string(code), "127.0.0.1:8080", addr)
	app = replaceOnce(t, app, "Issuer:", "Captchas: []captcha.Engine{captcha.ProofOfWork(1)}, Issuer:")
	app = replaceOnce(t, app, `"example.com/mailkey/middleware"`, `"example.com/mailkey/captcha"; "example.com/mailkey/middleware"`)
	if err := os.WriteFile(file, []byte(app), 0o600); err != nil {
		t.Fatal(err)
	}
	shell(t, dir, "cd hello && go build -o hello .")
	home := newExampleHome(t, filepath.Join(dir, "hello", "hello"))
	p := home.launch(t, nil)
	p.Serves(t)

	ann := home.client(p, "web")
	ann.header.Set("Sec-Fetch-Mode", "navigate") // as a browser that opens a page
	if page := ann.ok(t, "GET", "/", nil); !strings.Contains(page.text, "<form") {
		t.Errorf("before the login, / shows\n%s", page.text)
	}
	ann.send(t, "ann@example.org")
	mailed := p.WaitFor(t, p.Stdout, `the code for ann@example\.org is (\w+)\n`)
	reply := ann.login(t, "ann@example.org", mailed)
	cookie := (&http.Response{Header: reply.header}).Cookies()[0]
	ann.header.Set("Cookie", fmt.Sprintf("%s=%s", cookie.Name, cookie.Value))
	if page := ann.ok(t, "GET", "/", nil); !strings.HasPrefix(page.text, "Hello ann@example.org") {
		t.Errorf("after the login, / shows\n%s", page.text)
	}
}

// The commands of docs/operating.md take a backup of a running server, and bring
// it back.
func TestBackup(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("sqlite3 is not installed")
	}
	backup, restore := documentCode(t, "docs/operating.md", "sh", "(umask"), documentCode(t, "docs/operating.md", "sh", "rm -f")
	home := newExampleHome(t, buildExample(t), "-captcha", "digits,pow")
	p := home.start(t)
	login := func(p *program.Process, address string) *exampleClient {
		c := home.client(p, "example")
		c.send(t, address)
		c.login(t, address, p.WaitFor(t, p.Stdout, `(?s)To: `+regexp.QuoteMeta(address)+`\n.*@127\.0\.0\.1 #(\w+)\n`))
		return c
	}
	before := login(p, "before@example.org")
	shell(t, home.dir, backup)
	if info, err := os.Stat(filepath.Join(home.dir, "backup.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the backup: %v, %v", info, err)
	}
	after := login(p, "after@example.org")
	p.Terminate(t)

	shell(t, home.dir, restore)
	p = home.start(t)
	before.url, after.url = p.URL, p.URL
	before.ok(t, "GET", "/api/v2/sdk/sessions", nil)
	after.refused(t, "GET", "/api/v2/sdk/sessions", nil, http.StatusUnauthorized, "MAILKEY.SESSION.0001")
}
