package auth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/mailkey/auth"
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
	for _, found := range leaks([]byte(k.log.String()), isAlnum, append(private, c.secrets...)...) {
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
		for _, found := range leaks(content, isDigit, append(c.secrets, string(testSecret))...) {
			t.Errorf("%s has %s", filepath.Base(file), found)
		}
	}
}

// leaks finds secrets in a text, as they are or as what they encode. What stands
// amid others of the kind that part is true for is something else: every log is
// full of digits.
func leaks(text []byte, part func(byte) bool, secrets ...string) (found []string) {
	for _, secret := range secrets {
		spellings := map[string]string{"plain": secret, "base 64": base64.StdEncoding.EncodeToString([]byte(secret)), "hexadecimal": hex.EncodeToString([]byte(secret))}
		if raw, err := base64.RawURLEncoding.DecodeString(secret); err == nil && len(raw) >= 16 {
			spellings["decoded"], spellings["decoded, hexadecimal"] = string(raw), hex.EncodeToString(raw)
		}
		for how, spelling := range spellings {
			for rest := text; ; {
				i := bytes.Index(rest, []byte(spelling))
				if i < 0 {
					break
				}
				end := i + len(spelling)
				if len(secret) > 10 || (i == 0 || !part(rest[i-1])) && (end == len(rest) || !part(rest[end])) {
					found = append(found, fmt.Sprintf("%q, %s", secret, how))
					break
				}
				rest = rest[i+1:]
			}
		}
	}
	return found
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlnum(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

// The search finds what it is for.
func TestAbuse_J02_CanariesAreFound(t *testing.T) {
	t.Parallel()
	const token = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
	raw, err := base64.RawURLEncoding.DecodeString(token[:40])
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, text, secret string
		part               func(byte) bool
		found              int
	}{
		{"a code", "code=482913 x", "482913", isAlnum, 1},
		{"a code at the end", "482913", "482913", isAlnum, 1},
		{"a code between columns", "LOGIN_EMS482913app", "482913", isDigit, 1},
		{"a code in a time", "1482913000", "482913", isDigit, 0},
		{"a code in a hash", "ab482913cd", "482913", isAlnum, 0},
		{"a code in a hash, and alone", "ab482913cd 482913", "482913", isAlnum, 1},
		{"a code in base 64", "x=" + base64.StdEncoding.EncodeToString([]byte("482913")), "482913", isAlnum, 1},
		{"a token", "x" + token + "y", token, isAlnum, 1},
		{"a token's bytes", "\x00" + string(raw) + "\x00", token[:40], isDigit, 1},
		{"a token's bytes in hexadecimal", hex.EncodeToString(raw), token[:40], isDigit, 1},
		{"nothing", "code=482914", "482913", isAlnum, 0},
	} {
		if found := leaks([]byte(row.text), row.part, row.secret); len(found) != row.found {
			t.Errorf("%s: found %q, want %d", row.name, found, row.found)
		}
	}

	var c canaries
	c.answered(answer{
		header: map[string][]string{"Set-Cookie": {auth.CookieName + "=a-cookie; Path=/"}},
		body:   []byte(`{"session_token":"the session","id_token":"the id_token","captcha_token":"the ticket","token":"the captcha","expire":432000}`),
	})
	if want := []string{"the session", "the id_token", "the ticket", "the captcha", "a-cookie"}; !slices.Equal(c.secrets, want) {
		t.Errorf("taken from an answer: %q, want %q", c.secrets, want)
	}
}
