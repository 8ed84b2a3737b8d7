package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"math/bits"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/program"
)

// exampleClient is a client of the API, as simple as one can be. What it gets
// to know goes to the home's list of what must not be found anywhere.
type exampleClient struct {
	home   *exampleHome
	url    string
	id     string // of the client
	header http.Header
}

func (h *exampleHome) client(p *program.Process, id string) *exampleClient {
	return &exampleClient{home: h, url: p.URL, id: id, header: make(http.Header)}
}

type exampleReply struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

// field returns a field of the JSON; the empty string when it is not there.
func (r exampleReply) field(name string) string {
	s, _ := r.json[name].(string)
	return s
}

var exampleHTTP = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true},
	Timeout:   30 * time.Second,
}

func (c *exampleClient) do(t *testing.T, method, path string, body map[string]string) exampleReply {
	t.Helper()
	var content io.Reader
	if body != nil {
		doc, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(doc)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, content)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, c.header)
	if host := c.header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header.Set("X-Operating-Sys-Version", "test 1.0")
	r.Header.Set("X-Device-Fingerprint", "device-of-the-test")
	r.Header.Set("X-Agent", "exampleClient")
	r.Header.Set("X-Client-Id", c.id)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := exampleHTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	reply := exampleReply{status: response.StatusCode, header: response.Header, text: string(text)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(text, &reply.json); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	for _, name := range []string{"captcha_token", "token", "session_token", "id_token"} {
		if value := reply.field(name); value != "" {
			c.home.private = append(c.home.private, value)
		}
	}
	return reply
}

// ok is do for a request that has to succeed.
func (c *exampleClient) ok(t *testing.T, method, path string, body map[string]string) exampleReply {
	t.Helper()
	reply := c.do(t, method, path, body)
	if reply.status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, reply.status, reply.text)
	}
	return reply
}

// refused is do for a request that has to be answered with an error_code.
func (c *exampleClient) refused(t *testing.T, method, path string, body map[string]string, status int, code string) {
	t.Helper()
	if reply := c.do(t, method, path, body); reply.status != status || reply.field("error_code") != code {
		t.Errorf("%s %s: got %d %s, want %d %s", method, path, reply.status, reply.text, status, code)
	}
}

// send has a code mailed, with a captcha solved as a proof of work.
func (c *exampleClient) send(t *testing.T, address string) {
	t.Helper()
	c.home.addresses = append(c.home.addresses, address)
	puzzle := c.ok(t, "GET", "/api/v2/sdk/captcha?type=pow", nil)
	pow, ok := puzzle.json["pow"].(map[string]any)
	if !ok {
		t.Fatalf("no proof of work in %s", puzzle.text)
	}
	ticket := c.ok(t, "POST", "/api/v2/sdk/captcha/verify", map[string]string{
		"token": puzzle.field("token"), "sender": address,
		"captcha_code": solveProof(pow["salt"].(string), int(pow["difficulty"].(float64))),
	})
	sent := c.ok(t, "POST", "/api/v2/sdk/email/send", map[string]string{
		"email": address, "type": "LOGIN_EMS", "captcha_token": ticket.field("captcha_token"),
	})
	if got := sent.json["resend_after"]; got != 60.0 {
		t.Errorf("resend_after: got %v, want 60", got)
	}
}

// login logs in with the code; a header client keeps its session_token.
func (c *exampleClient) login(t *testing.T, address, code string) exampleReply {
	t.Helper()
	c.home.private = append(c.home.private, code)
	reply := c.ok(t, "POST", "/api/v2/sdk/login/email-verify-code", map[string]string{"email": address, "verify_code": code})
	if token := reply.field("session_token"); token != "" {
		c.header.Set("Session-Token", token)
	}
	return reply
}

func solveProof(salt string, difficulty int) string {
	for n := 0; ; n++ {
		answer := strconv.Itoa(n)
		sum := sha256.Sum256([]byte(salt + answer))
		if bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= difficulty {
			return answer
		}
	}
}

// decodeToken returns the bytes that a token stands for, or the token itself.
func decodeToken(token string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < 16 {
		return []byte(token)
	}
	return raw
}
