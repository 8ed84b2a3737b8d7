package auth_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/canary"
)

// canaries are what a test let out to people who may have it, and what nobody
// else may find: the codes of its mails, the tokens of its answers. Each test
// with a kit, or with a database, ends with a search for them in its log and in
// the files of its database.
type canaries struct {
	mu      sync.Mutex
	secrets []string
}

var (
	canariesMu sync.Mutex
	byTest     = make(map[string]*canaries)
)

// canariesOf are those of the test.
func canariesOf(t *testing.T) *canaries {
	canariesMu.Lock()
	defer canariesMu.Unlock()
	c := byTest[t.Name()]
	if c == nil {
		c = &canaries{}
		byTest[t.Name()] = c
	}
	return c
}

func (c *canaries) add(secrets ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= 6 && !slices.Contains(c.secrets, s) {
			c.secrets = append(c.secrets, s)
		}
	}
}

// answered takes what opens something out of an answer.
func (c *canaries) answered(a answer) {
	var body struct {
		Session string `json:"session_token"`
		ID      string `json:"id_token"`
		Ticket  string `json:"captcha_token"`
		Captcha string `json:"token"`
	}
	_ = json.Unmarshal(a.body, &body) // most answers have no such thing
	c.add(body.Session, body.ID, body.Ticket, body.Captcha)
	for _, cookie := range (&http.Response{Header: a.header}).Cookies() {
		c.add(cookie.Value)
	}
}

// searchLog is called at the end of a kit.
func (c *canaries) searchLog(k *kit) {
	private := []string{string(testSecret)}
	k.mails.mu.Lock()
	for _, m := range k.mails.tried {
		c.add(m.Code)
		private = append(private, m.To, strings.ToLower(m.To))
	}
	k.mails.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, found := range canary.Find([]byte(k.log.String()), canary.IsAlnum, append(private, c.secrets...)...) {
		k.Errorf("the log has %s:\n%s", found, k.log)
	}
}

// searchFiles is called when the database is closed.
func (c *canaries) searchFiles(t *testing.T, path string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Errorf("%s: %q, %v", path, files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		for _, found := range canary.Find(content, canary.IsDigit, append(c.secrets, string(testSecret))...) {
			t.Errorf("%s has %s", filepath.Base(file), found)
		}
	}
}

// The search knows what to look for.
func TestAbuse_J02_CanariesAreTaken(t *testing.T) {
	t.Parallel()
	var c canaries
	c.answered(answer{
		header: map[string][]string{"Set-Cookie": {auth.CookieName + "=a-cookie; Path=/"}},
		body:   []byte(`{"session_token":"the session","id_token":"the id_token","captcha_token":"the ticket","token":"the captcha","expire":432000}`),
	})
	if want := []string{"the session", "the id_token", "the ticket", "the captcha", "a-cookie"}; !slices.Equal(c.secrets, want) {
		t.Errorf("taken from an answer: %q, want %q", c.secrets, want)
	}
}
