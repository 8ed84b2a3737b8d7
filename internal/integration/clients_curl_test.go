package integration

import (
	"bytes"
	"io"
	"os/exec"
	"regexp"
	"testing"

	"example.com/mailkey/auth"
)

// The commands of docs/clients.md are run, in a directory of their own.
func TestCurl(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	server := newClientServer(t, auth.Client{ID: "example"})
	script := replaceOnce(t, documentCode(t, "docs/clients.md", "sh", "server="), "http://127.0.0.1:8080", server.url)
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = t.TempDir()
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, typed := range []func() string{
		func() string { return server.read(t) },
		func() string { return server.Mailbox.Code(t, "you@example.org") },
	} {
		if _, err := io.WriteString(stdin, typed()+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil || complaints.Len() > 0 {
		t.Fatalf("%v\n%s%s", err, &out, &complaints)
	}
	want := regexp.MustCompile(`^\{"expire":600,"resend_after":\d+\}\n` +
		`\{"session_token":"[\w-]{43}","expire":432000,"status":"SUCCESS","id_token":"[\w.-]+"\}\n` +
		`\{"session_token":"[\w-]{43}","expire":\d+,"id_token":"[\w.-]+"\}\n` +
		`\{"sessions":\[\{"id":"[\w-]+","client_id":"example","agent":"curl","operating_sys_version":"linux",.*"current":true\}\]\}\n` +
		`\{\}\n$`)
	if !want.Match(out.Bytes()) {
		t.Errorf("got %s", &out)
	}
}
