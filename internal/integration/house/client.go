package house

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"net/http"
	"strconv"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/integration/burst"
)

// OK is the code of an answer that is no error.
const OK = "200"

// Code is an answer's error_code, or [OK].
func Code(tb testing.TB, a burst.Answer) string {
	tb.Helper()
	if a.Status == http.StatusOK {
		return OK
	}
	return cmp.Or(Field(tb, a, "error_code"), strconv.Itoa(a.Status))
}

// Field is a field of an answer.
func Field(tb testing.TB, a burst.Answer, name string) string {
	tb.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		tb.Fatalf("%s: %v", a.Body, err)
	}
	s, _ := body[name].(string)
	return s
}

// Call makes one request of the first instance.
func (h *House) Call(r burst.Request) burst.Answer { return h.Servers[0].Call(r) }

// Do is Call for a request that has to succeed.
func (h *House) Do(r burst.Request) burst.Answer {
	h.Helper()
	a := h.Call(r)
	if a.Status != http.StatusOK {
		h.Fatalf("%s: %d %s", r.Path, a.Status, a.Body)
	}
	return a
}

// Refused makes a request that has to be refused for the reason.
func (h *House) Refused(r burst.Request, reason auth.Reason, why string) {
	h.Helper()
	if a := h.Call(r); Code(h, a) != string(reason) {
		h.Errorf("%s: %d %s, want %s", why, a.Status, a.Body, reason)
	}
}

// Puzzle gets a captcha and its answer.
func (h *House) Puzzle() (token, answer string) {
	h.Helper()
	return Solve(h, h.Do(Puzzle()))
}

// Solve reads an answer to [Puzzle], and finds the captcha's.
func Solve(tb testing.TB, a burst.Answer) (token, answer string) {
	tb.Helper()
	var c struct {
		Token string
		Pow   captcha.Proof
	}
	if err := json.Unmarshal([]byte(a.Body), &c); err != nil {
		tb.Fatal(err)
	}
	for n := 0; ; n++ {
		answer := strconv.Itoa(n)
		sum := sha256.Sum256([]byte(c.Pow.Salt + answer))
		if bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= c.Pow.Difficulty {
			return c.Token, answer
		}
	}
}

// Ticket gets a captcha_token for the address.
func (h *House) Ticket(email string) string {
	h.Helper()
	token, answer := h.Puzzle()
	return Field(h, h.Do(Verify(token, answer, email)), "captcha_token")
}

// Mailed has a first code mailed to the address and returns it.
func (h *House) Mailed(email string) string {
	h.Helper()
	h.Do(Send(email, h.Ticket(email)))
	return h.Mails.Wait(h, email, 1).Code
}

// SignedIn logs in and returns the session_token.
func (h *House) SignedIn(email string) string {
	h.Helper()
	return Field(h, h.Do(Guess(email, h.Mailed(email))), "session_token")
}
