package captcha_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/captcha"
	"example.com/mailkey/storage"
)

// testEngine is an engine made of functions. Its answers are always right,
// unless check is set.
type testEngine struct {
	kind  string
	make  func() ([]byte, captcha.Puzzle, error)
	check func(ctx context.Context) (bool, error)
	audio func(state []byte, lang string) ([]byte, error)
}

func (e testEngine) Kind() string                             { return e.kind }
func (e testEngine) New() ([]byte, captcha.Puzzle, error)     { return e.make() }
func (e testEngine) Audio(b []byte, l string) ([]byte, error) { return e.audio(b, l) }

func (e testEngine) Check(ctx context.Context, _ []byte, _ captcha.Answer) (bool, error) {
	if e.check == nil {
		return true, nil
	}
	return e.check(ctx)
}

func TestIssue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		c, a := k.issue(t)
		if want := time.Now().Add(120 * time.Second); !c.ExpiresAt.Equal(want) {
			t.Errorf("expires at %v, want %v", c.ExpiresAt, want)
		}
		if raw, err := base64.RawURLEncoding.DecodeString(c.Token); err != nil || len(raw) != 32 {
			t.Errorf("token %q: %d bytes and error %v, want 32 bytes", c.Token, len(raw), err)
		}
		id := sha256.Sum256([]byte(c.Token))
		kept, ok := k.store.captchas[string(id[:])]
		if !ok {
			t.Fatal("the store does not have the challenge under the hash of its token")
		}
		if kept.Kind != "digits" || string(kept.Peer) != "peer" || !kept.ExpiresAt.Equal(c.ExpiresAt) {
			t.Errorf("the store has %+v", kept)
		}
		if bytes.Contains(kept.State, []byte(a.Code)) || len(kept.State) <= len(a.Code) {
			t.Errorf("the answer %s is in the store: %q", a.Code, kept.State)
		}
		if k.store.perPeer != 20 || k.store.total != 20_000 {
			t.Errorf("bounds %d and %d, want 20 and 20000", k.store.perPeer, k.store.total)
		}
	})
}

func TestIssue_kind(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for asked, want := range map[string]string{
		"digits": "digits", "pow": "pow", "": "digits", "slider": "digits", "none": "digits", "POW": "digits",
	} {
		c, err := k.Issue(t.Context(), asked, nil)
		if err != nil || c.Kind != want {
			t.Errorf("asked for %q: got %q and error %v, want %q", asked, c.Kind, err, want)
		}
		if (c.Image != nil) != (want == "digits") || (c.Proof != nil) != (want == "pow") || c.Piece != nil {
			t.Errorf("asked for %q: the puzzle is of another kind", asked)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c, a := k.issue(t)
	k.wantVerify(t, c.Token, a, true)
	k.wantVerify(t, c.Token, a, false)

	c, err := k.Issue(t.Context(), "pow", nil)
	if err != nil {
		t.Fatal(err)
	}
	a = solve(c.Proof)
	k.wantVerify(t, c.Token, a, true)
	k.wantVerify(t, c.Token, a, false)
}

func TestAbuse_A07_wrongAnswerSpends(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c, right := k.issue(t)
	k.wantVerify(t, c.Token, wrong(right), false)
	k.wantVerify(t, c.Token, right, false)
}

func TestAbuse_A07_oneOfParallelAnswers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c, a := k.issue(t)
	var right atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if ok, _ := k.Verify(t.Context(), c.Token, a); ok {
				right.Add(1)
			}
		})
	}
	wg.Wait()
	if got := right.Load(); got != 1 {
		t.Errorf("%d of 50 parallel answers were right, want 1", got)
	}
}

func TestVerify_expiry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		after time.Duration
		want  bool
	}{
		{0, true},
		{120*time.Second - time.Millisecond, true},
		{120 * time.Second, false},
		{121 * time.Second, false},
	} {
		t.Run(tt.after.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKit(t)
				c, a := k.issue(t)
				time.Sleep(tt.after)
				if _, ok, err := k.Audio(t.Context(), c.Token, "en"); ok != tt.want || err != nil {
					t.Errorf("after %v: played %v with error %v, want %v", tt.after, ok, err, tt.want)
				}
				k.wantVerify(t, c.Token, a, tt.want)
			})
		})
	}
}

func TestAbuse_A09_malformedTokens(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c, a := k.issue(t)
	calls := k.store.calls
	last := strings.IndexByte(base64Alphabet, c.Token[42])
	for name, token := range map[string]string{
		"empty":            "",
		"null":             "null",
		"short":            c.Token[:42],
		"long":             c.Token + "A",
		"padded":           c.Token + "=",
		"space":            c.Token[:42] + " ",
		"newline":          c.Token[:42] + "\n",
		"newline before":   "\n" + c.Token,
		"standard base64":  c.Token[:42] + "+",
		"another spelling": c.Token[:42] + base64Alphabet[last+1:last+2], // of the same bytes
		"NUL":              strings.Repeat("\x00", 43),
		"full width":       strings.Repeat("Ａ", 15)[:43],
	} {
		k.wantVerify(t, token, a, false)
		if _, ok, err := k.Audio(t.Context(), token, "en"); ok || err != nil {
			t.Errorf("%s token: played %v with error %v", name, ok, err)
		}
		if k.store.calls != calls {
			t.Errorf("%s token: the store was asked", name)
		}
	}
	k.wantVerify(t, strings.Repeat("A", 43), a, false) // unknown
	k.wantVerify(t, c.Token, captcha.Answer{}, false)
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestVerify_changedInTheStore(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	other, _ := k.issue(t)
	otherID := sha256.Sum256([]byte(other.Token))
	otherState := k.store.captchas[string(otherID[:])].State
	tests := []struct {
		name   string
		change func(*storage.Captcha)
		want   bool
	}{
		{"nothing", func(c *storage.Captcha) {}, true},
		{"no state", func(c *storage.Captcha) { c.State = nil }, false},
		{"cut state", func(c *storage.Captcha) { c.State = c.State[:10] }, false},
		{"one bit", func(c *storage.Captcha) { c.State = bytes.Clone(c.State); c.State[15] ^= 1 }, false},
		{"state of another challenge", func(c *storage.Captcha) { c.State = otherState }, false},
		{"plain state", func(c *storage.Captcha) { c.State = []byte("000000") }, false},
		{"another kind", func(c *storage.Captcha) { c.Kind = "easy" }, false},
		{"a kind that is not enabled", func(c *storage.Captcha) { c.Kind = "slider" }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := &kit{store: newFakeStore(), digits: &telling{AudioEngine: captcha.Digits()}}
			k.Service = newService(t, captcha.Config{
				Store:   k.store,
				Engines: []captcha.Engine{k.digits, testEngine{kind: "easy"}},
			})
			c, a := k.issue(t)
			k.store.change(tt.change)
			if _, ok, err := k.Audio(t.Context(), c.Token, "en"); ok != tt.want || err != nil {
				t.Errorf("played %v with error %v, want %v", ok, err, tt.want)
			}
			k.wantVerify(t, c.Token, a, tt.want)
		})
	}
}

func TestVerify_byAnotherService(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c, a := k.issue(t)
	k.Service = newService(t, captcha.Config{Store: k.store})
	k.wantVerify(t, c.Token, a, true)
}

func TestAudio(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c, a := k.issue(t)
	for n, want := range []bool{true, true, true, false, false} {
		wav, ok, err := k.Audio(t.Context(), c.Token, "en")
		if ok != want || err != nil || (len(wav) > 0) != want {
			t.Errorf("playing %d: %d bytes, %v, error %v, want %v", n+1, len(wav), ok, err, want)
		}
	}
	k.wantVerify(t, c.Token, a, true)
	if _, ok, err := k.Audio(t.Context(), c.Token, "en"); ok || err != nil {
		t.Errorf("an answered challenge was played: %v, error %v", ok, err)
	}

	c, err := k.Issue(t.Context(), "pow", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := k.Audio(t.Context(), c.Token, "en"); ok || err != nil {
		t.Errorf("a proof of work was played: %v, error %v", ok, err)
	}
}

func TestStoreBroken(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c, a := k.issue(t)
	k.store.set(errBroken)
	got, err := k.Issue(t.Context(), "", nil)
	if !errors.Is(err, errBroken) || got.Token != "" || got.Image != nil {
		t.Errorf("Issue: %v, error %v", got, err)
	}
	if wav, ok, err := k.Audio(t.Context(), c.Token, "en"); !errors.Is(err, errBroken) || ok || wav != nil {
		t.Errorf("Audio: %v, error %v", ok, err)
	}
	ok, err := k.Verify(t.Context(), c.Token, a)
	if !errors.Is(err, errBroken) || ok {
		t.Errorf("Verify: %v, error %v", ok, err)
	}
	for _, secret := range []string{c.Token, a.Code} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error %q tells a secret", err)
		}
	}
}

func TestEngineBroken(t *testing.T) {
	t.Parallel()
	failing := testEngine{
		kind:  "failing",
		make:  func() ([]byte, captcha.Puzzle, error) { return nil, captcha.Puzzle{}, errBroken },
		check: func(context.Context) (bool, error) { return true, errBroken },
		audio: func([]byte, string) ([]byte, error) { return []byte("noise"), errBroken },
	}
	panicking := testEngine{
		kind:  "panicking",
		make:  func() ([]byte, captcha.Puzzle, error) { panic("482913") },
		check: func(context.Context) (bool, error) { panic("482913") },
		audio: func([]byte, string) ([]byte, error) { panic("482913") },
	}
	for _, e := range []testEngine{failing, panicking} {
		t.Run(e.kind, func(t *testing.T) {
			t.Parallel()
			store := newFakeStore()
			s := newService(t, captcha.Config{Store: store, Engines: []captcha.Engine{e}})
			for range runtime.GOMAXPROCS(0) + 1 { // each time, the slot is freed
				c, err := s.Issue(t.Context(), "", nil)
				wantBroken(t, e, err)
				if c.Token != "" || len(store.captchas) != 0 {
					t.Errorf("issued %v", c)
				}
			}

			working := e
			working.make = func() ([]byte, captcha.Puzzle, error) { return []byte("x"), captcha.Puzzle{}, nil }
			c, err := newService(t, captcha.Config{Store: store, Engines: []captcha.Engine{working}}).Issue(t.Context(), "", nil)
			if err != nil {
				t.Fatal(err)
			}
			wav, ok, err := s.Audio(t.Context(), c.Token, "en")
			wantBroken(t, e, err)
			if wav != nil || ok {
				t.Errorf("played %q, %v", wav, ok)
			}
			right, err := s.Verify(t.Context(), c.Token, captcha.Answer{Code: "x"})
			wantBroken(t, e, err)
			if right || len(store.captchas) != 0 {
				t.Errorf("right: %v; %d captchas are left", right, len(store.captchas))
			}
		})
	}
}

func wantBroken(t *testing.T, e testEngine, err error) {
	t.Helper()
	if err == nil || (e.kind == "failing") != errors.Is(err, errBroken) || errors.Is(err, captcha.ErrBusy) {
		t.Errorf("%s engine: error %v", e.kind, err)
	}
	if err != nil && strings.Contains(err.Error(), "482913") {
		t.Errorf("error %q tells what the engine panicked with", err)
	}
}

func TestAbuse_A11_tokensAreUnique(t *testing.T) {
	t.Parallel()
	const n = 100_000
	tokens, ids := make(map[string]bool, n), make(map[string]bool, n)
	for range n {
		token, id := captcha.NewToken()
		tokens[token], ids[string(id)] = true, true
	}
	if len(tokens) != n || len(ids) != n {
		t.Errorf("%d tokens and %d ids, want %d", len(tokens), len(ids), n)
	}
}

func TestAbuse_A13_busy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var drawing atomic.Int32
		release := make(chan struct{})
		draw := func() ([]byte, captcha.Puzzle, error) {
			drawing.Add(1)
			defer drawing.Add(-1)
			<-release
			return []byte("state"), captcha.Puzzle{}, nil
		}
		store := newFakeStore()
		s := newService(t, captcha.Config{Store: store, Engines: []captcha.Engine{testEngine{kind: "slow", make: draw}}})

		slots := max(1, runtime.GOMAXPROCS(0)/2)
		var wg sync.WaitGroup
		issue := func() {
			if _, err := s.Issue(t.Context(), "", nil); err != nil {
				t.Error(err)
			}
		}
		for range slots {
			wg.Go(issue)
		}
		synctest.Wait()
		if got := int(drawing.Load()); got != slots {
			t.Fatalf("%d puzzles are drawn at a time, want %d", got, slots)
		}

		start := time.Now()
		_, err := s.Issue(t.Context(), "", nil)
		if !errors.Is(err, captcha.ErrBusy) || errors.Is(err, storage.ErrBusy) {
			t.Errorf("error %v, want ErrBusy", err)
		}
		if got, want := time.Since(start), 50*time.Millisecond; got != want {
			t.Errorf("waited %v, want %v", got, want)
		}
		token := strings.Repeat("A", 43)
		if _, _, err := s.Audio(t.Context(), token, "en"); !errors.Is(err, captcha.ErrBusy) || store.calls != 0 {
			t.Errorf("Audio: error %v after %d calls of the store, want ErrBusy and none", err, store.calls)
		}
		if ok, err := s.Verify(t.Context(), token, captcha.Answer{}); ok || err != nil {
			t.Errorf("Verify: %v, error %v: it has nothing to wait for", ok, err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		start = time.Now()
		if _, err := s.Issue(ctx, "", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		if got, want := time.Since(start), 10*time.Millisecond; got != want {
			t.Errorf("waited %v after the context ended, want %v", got, want)
		}

		wg.Go(issue) // waits, and gets the slot that is freed in time
		time.Sleep(49 * time.Millisecond)
		close(release)
		wg.Wait()
		if _, err := s.Issue(ctx, "", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v although the context had ended", err)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	var wg sync.WaitGroup
	for i := range 4 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			c, err := k.Issue(t.Context(), k.Kinds()[i%2], fmt.Append(nil, i))
			if err != nil {
				return // busy
			}
			k.Audio(t.Context(), c.Token, "zh")
			k.Verify(t.Context(), c.Token, captcha.Answer{Code: "482913"})
		})
	}
	wg.Wait()
}

// An engine that asks somebody who does not answer ends with the request.
func TestVerify_endsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, captcha.Config{Store: newFakeStore(), Engines: []captcha.Engine{testEngine{
			kind: "hosted",
			make: func() ([]byte, captcha.Puzzle, error) { return nil, captcha.Puzzle{}, nil },
			check: func(ctx context.Context) (bool, error) {
				<-ctx.Done()
				return false, ctx.Err()
			},
		}}})
		c, err := s.Issue(t.Context(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if right, err := s.Verify(ctx, c.Token, captcha.Answer{Code: "x"}); right || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, error %v", right, err)
		}
	})
}
