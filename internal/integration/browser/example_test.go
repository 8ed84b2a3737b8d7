package browser

import (
	"bufio"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"example.com/mailkey/internal/integration/program"
)

// startExample builds and starts the example, with all kinds of captcha, and
// returns its address.
func startExample(t *testing.T) (url string) {
	t.Helper()
	path, err := program.Build(t.TempDir(), "example.com/mailkey/example")
	if err != nil {
		t.Fatal(err)
	}
	example := exec.Command(path, "-addr", "127.0.0.1:0", "-captcha", "pow,digits,slider")
	example.Dir = t.TempDir()
	stdout, err := example.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := example.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = example.Process.Signal(syscall.SIGTERM)
		if err := example.Wait(); err != nil {
			t.Errorf("the example ended with %v", err)
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := regexp.MustCompile(`open (http://127\.0\.0\.1:\d+)/`).FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	t.Fatal("the example did not start")
	return ""
}

// What somebody does who tries the example: open it, ask for a code, read the
// mail beside it, sign in, look at the devices, sign out.
func TestExample(t *testing.T) {
	t.Parallel()
	s := &site{url: startExample(t)}
	b := s.newTab(t, desktop)
	b.open("/")
	b.at("/login?return_to=%2F")
	b.step("email")
	b.fill("address", "ann@example.org\r") // the device does the work
	b.step("code")
	b.shot("example-code")

	mails := b.another(t, desktop)
	mails.open("/dev/mail")
	mails.wait(`document.querySelector('iframe')`)
	mails.shot("example-mail")
	if got := mails.rawText("article"); !strings.Contains(got, "ann@example.org") {
		t.Errorf("the mail is shown as %q", got)
	}
	mails.click("details:last-of-type summary")
	code := regexp.MustCompile(`(?m)^(\d{6})$`).FindString(eval[string](mails, `document.querySelector('pre').innerText`))
	mails.shot("example-mail-text")
	mails.open("/dev/mail/1") // what is in the frame
	if got := eval[string](mails, `document.body.innerText`); code == "" || !strings.Contains(got, code) {
		t.Errorf("the code is %q, and the mail says %q", code, got)
	}

	b.fill("typed", code+"\r")
	b.at("/")
	b.wait(`document.querySelector('h1')?.innerText === 'Hello ann@example.org'`)
	b.shot("example-account")
	b.click("a[href='/login/sessions']")
	b.wait(`document.querySelectorAll('#list li').length === 1`)
	b.click(".more a")
	b.at("/")
	b.click("a[href='/login']")
	b.click("#sign-out")
	b.step("email")
	b.back() // to the page that was there before
	b.at("/login?return_to=%2F")
	b.step("email")
}
