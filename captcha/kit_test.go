package captcha_test

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/captcha"
	"example.com/mailkey/storage"
)

// fakeStore keeps captchas in a map and never makes room.
type fakeStore struct {
	mu       sync.Mutex
	captchas map[string]storage.Captcha
	heard    map[string]int
	calls    int
	perPeer  int
	total    int
	err      error // returned by all methods if set
}

var errBroken = errors.New("store broken")

func newFakeStore() *fakeStore {
	return &fakeStore{captchas: make(map[string]storage.Captcha), heard: make(map[string]int)}
}

func (s *fakeStore) PutCaptcha(ctx context.Context, c storage.Captcha, perPeer, total int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.err != nil {
		return s.err
	}
	s.perPeer, s.total = perPeer, total
	s.captchas[string(c.ID)] = c
	return nil
}

func (s *fakeStore) TakeCaptcha(ctx context.Context, id []byte, now time.Time) (storage.Captcha, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	c, ok := s.captchas[string(id)]
	delete(s.captchas, string(id))
	if s.err != nil || !ok || !now.Before(c.ExpiresAt) {
		return storage.Captcha{}, false, s.err
	}
	return c, true, nil
}

func (s *fakeStore) HearCaptcha(ctx context.Context, id []byte, limit int, now time.Time) (storage.Captcha, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	c, ok := s.captchas[string(id)]
	if s.err != nil || !ok || !now.Before(c.ExpiresAt) || s.heard[string(id)] == limit {
		return storage.Captcha{}, false, s.err
	}
	s.heard[string(id)]++
	return c, true, nil
}

// change changes every captcha in the store.
func (s *fakeStore) change(f func(*storage.Captcha)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, c := range maps.Clone(s.captchas) {
		f(&c)
		s.captchas[id] = c
	}
}

func (s *fakeStore) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// telling is the digits engine that tells which digits it made last.
type telling struct {
	captcha.AudioEngine
	mu   sync.Mutex
	last string
}

func (e *telling) New() ([]byte, captcha.Puzzle, error) {
	state, p, err := e.AudioEngine.New()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = string(state)
	return state, p, err
}

func (e *telling) code() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

// kit is a service for digits and proofs of work whose answers are known.
type kit struct {
	*captcha.Service
	store  *fakeStore
	digits *telling
}

func newKit(tb testing.TB) *kit {
	tb.Helper()
	k := &kit{store: newFakeStore(), digits: &telling{AudioEngine: captcha.Digits()}}
	k.Service = newService(tb, captcha.Config{
		Store:   k.store,
		Engines: []captcha.Engine{k.digits, captcha.ProofOfWork(4)},
	})
	return k
}

func newService(tb testing.TB, cfg captcha.Config) *captcha.Service {
	tb.Helper()
	s, err := captcha.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// issue returns a digits challenge and its answer.
func (k *kit) issue(tb testing.TB) (captcha.Challenge, captcha.Answer) {
	tb.Helper()
	c, err := k.Issue(tb.Context(), "digits", []byte("peer"))
	if err != nil {
		tb.Fatal(err)
	}
	return c, captcha.Answer{Code: k.digits.code()}
}

func (k *kit) wantVerify(tb testing.TB, token string, a captcha.Answer, want bool) {
	tb.Helper()
	got, err := k.Verify(tb.Context(), token, a)
	if err != nil {
		tb.Fatal(err)
	}
	if got != want {
		tb.Errorf("Verify(%q, %q) = %v, want %v", token, a, got, want)
	}
}

// wrong returns six digits that are not the answer.
func wrong(a captcha.Answer) captcha.Answer {
	code := []byte(a.Code)
	code[0] = '0' + (code[0]-'0'+1)%10
	return captcha.Answer{Code: string(code)}
}

// isRight is the Check of an engine that asks nobody.
func isRight(e captcha.Engine, state []byte, a captcha.Answer) bool {
	right, err := e.Check(context.Background(), state, a)
	if err != nil {
		panic(err)
	}
	return right
}

// solve finds a proof of work.
func solve(p *captcha.Proof) captcha.Answer {
	check := captcha.ProofOfWork(p.Difficulty)
	state := append([]byte{byte(p.Difficulty)}, p.Salt...)
	for n := range 1 << 20 {
		if a := (captcha.Answer{Code: strconv.Itoa(n)}); isRight(check, state, a) {
			return a
		}
	}
	return captcha.Answer{} // which is never right
}
