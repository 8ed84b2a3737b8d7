package auth

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

// oneChallenge is a store with a code for everybody that nothing uses up. It
// notes whether a guess was right, and lets nobody in.
type oneChallenge struct {
	storage.Store
	level int
	right bool
}

func (s *oneChallenge) TakeLimits(context.Context, time.Time, ...storage.Limit) (time.Duration, error) {
	return 0, nil
}

func (s *oneChallenge) FindChallenge(context.Context, []byte, storage.AddressLimits, time.Time) (storage.Challenge, bool, error) {
	return storage.Challenge{
		ID: []byte("sixteen bytes 00"), Level: s.level, SecretID: leastConfig().Secret.keys().id, UserID: "u",
	}, true, nil
}

func (s *oneChallenge) Redeem(_ context.Context, g storage.Guess, _ storage.AddressLimits, _ time.Time) (storage.Redeemed, error) {
	s.right = g.Right
	return storage.Redeemed{Result: storage.GuessWrong}, nil
}

// One text is the right code, with white space of ASCII around it and, at the
// longest level, in whatever case of ASCII. Whatever else comes is answered the
// same.
func FuzzAbuse_C19_C20_verifyCode(f *testing.F) {
	store := &oneChallenge{Store: memory.New()}
	config := leastConfig()
	config.Store, config.SigningAlgorithm, config.Logger = store, ES256, slog.New(slog.DiscardHandler)
	a, err := New(config)
	if err != nil {
		f.Fatal(err)
	}
	c := &call{client: Client{ID: "app"}, device: device{fingerprint: "x"}}
	addr, _ := parseAddress("ann@b.example")
	var codes [3]string
	for level := range codes {
		store.level = level
		challenge, _, _ := store.FindChallenge(f.Context(), nil, storage.AddressLimits{}, time.Time{})
		codes[level] = deriveCode(a.secrets[0].code, a.who(c, addr, purposeLogin).binding, challenge)
		for _, typed := range []string{
			"", "0", "000000", "１２３４５６", "+12345", "0x1234", "1e5", "null", "\x00", "\u202e", "\u00a0", strings.Repeat("9", 600),
			codes[level], " " + codes[level] + "\r\n", codes[level] + "\u00a0", codes[level] + "\x00", codes[level][1:], codes[level] + codes[level],
			strings.ToLower(codes[level]), strings.ToUpper(codes[level]), strings.ReplaceAll(codes[level], "K", "\u212a"), strings.ReplaceAll(codes[level], "0", "O"),
		} {
			f.Add(uint8(level), typed)
		}
	}
	handler := a.Handler()
	f.Fuzz(func(t *testing.T, level uint8, typed string) {
		store.level, store.right = int(level%3), false
		typed = strings.ToValidUTF8(typed, "") // what is not goes no further than the JSON
		body, err := json.Marshal(map[string]string{"email": "ann@b.example", "verify_code": typed})
		if err != nil {
			t.Fatal(err)
		}
		if len(body) > maxBody {
			return
		}
		r := httptest.NewRequest("POST", pathLogin, strings.NewReader(string(body)))
		for name, value := range map[string]string{
			"Content-Type": "application/json", "X-Operating-Sys-Version": "x", "X-Agent": "x", "X-Device-Fingerprint": "x", "X-Client-Id": "app",
		} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)

		want := codes[store.level]
		guess := []byte(strings.Trim(typed, " \t\r\n"))
		if store.level == level2 {
			for i, c := range guess {
				if 'a' <= c && c <= 'z' {
					guess[i] = c - 'a' + 'A'
				}
			}
		}
		if store.right != (string(guess) == want) {
			t.Fatalf("%q is right for %q: %v", typed, want, store.right)
		}
		reason := ReasonCode
		switch {
		case strings.Contains(typed, "\x00") || len(typed) > maxString:
			reason = ReasonMalformed
		case len(guess) == 0:
			reason = ReasonCodeEmpty
		}
		if w.Code != 400 || !strings.Contains(w.Body.String(), string(reason)) {
			t.Fatalf("%q: %d %s, want %s", typed, w.Code, w.Body, reason)
		}
	})
}
