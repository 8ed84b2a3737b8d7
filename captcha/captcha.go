// Package captcha lets an app ask for a little effort before it does something
// costly for a stranger, such as sending a mail.
//
// A [Service] issues challenges and checks the one answer that each may get:
//
//	s, err := captcha.New(captcha.Config{Store: store})
//	…
//	c, err := s.Issue(ctx, "", peer) // show c.Image, hand out c.Token
//	…
//	ok, err := s.Verify(ctx, token, captcha.Answer{Code: typed})
//
// An answer spends its challenge, right or wrong, so nobody tries twice at the
// same picture. [Service.Audio] speaks what the picture shows, for people who
// cannot see it. [Service.Handler] serves the three over HTTP.
//
// What the puzzle is, is up to an [Engine]: [Digits] shows six digits, [Slider]
// a picture with a piece missing, [ProofOfWork] asks the client's machine
// instead of the person, and an app can bring its own.
//
// # What it is worth
//
// A captcha is friction, not a security boundary. A small neural network,
// trained within minutes on pictures that anybody can draw with the same
// public code, reads nine of ten; a few dozen lines, without any training, find
// the gap of a slider; a proof of work costs a patient attacker nothing but
// electricity; and people solve captchas for cents. Whatever lies behind the
// captcha has to be safe with the captcha switched off: its limits must hold
// on their own.
//
// # What is kept
//
// The store gets a hash of the token, and the answer sealed under a key that
// is derived from the token, which the client alone holds. Who reads the
// database learns no answer. Pictures and sounds are never kept.
package captcha

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

// ErrBusy is returned when too many puzzles are being drawn at the moment.
// Nothing was issued, counted or spent, and the same call may succeed a second
// later. A store that is busy says so with an error of its own.
var ErrBusy = errors.New("captcha: busy")

// Config says how a [Service] works.
type Config struct {
	// Store keeps the challenges that wait for their answer. Required.
	Store storage.Captchas

	// Engines are the enabled kinds of puzzle in order, the first being the
	// default. Default: Digits alone.
	Engines []Engine

	// Lifetime is how long a challenge waits for its answer. Default: 2 minutes
	// (1 second to 5 minutes).
	Lifetime time.Duration

	// MaxPerPeer and MaxTotal bound the challenges that wait at a time, those
	// of one peer and all of them; the oldest make room for new ones. Default:
	// 20 and 20000.
	MaxPerPeer int
	MaxTotal   int

	// MaxAudio is how often one challenge can be listened to. Default: 3.
	MaxAudio int

	// Peer tells the clients of Handler apart, for MaxPerPeer; it is not used
	// otherwise. Behind a reverse proxy, where all come from one address, it has
	// to be set. Default: by the address of the connection, IPv6 addresses by
	// their /64.
	Peer func(*http.Request) []byte

	// Logger is where Handler reports failures. Default: slog.Default.
	Logger *slog.Logger
}

// Service issues challenges and checks their one answer. It is made by [New],
// holds no challenge itself, and may be used concurrently. Any number of
// services, in one process or in many, may share a store.
type Service struct {
	cfg   Config
	slots slots
}

// New returns a Service, or all mistakes of the configuration joined.
func New(cfg Config) (*Service, error) {
	cfg.Engines = slices.Clone(cfg.Engines)
	if len(cfg.Engines) == 0 {
		cfg.Engines = []Engine{Digits()}
	}
	cfg.Lifetime = cmp.Or(cfg.Lifetime, 120*time.Second)
	cfg.MaxPerPeer = cmp.Or(cfg.MaxPerPeer, 20)
	cfg.MaxTotal = cmp.Or(cfg.MaxTotal, 20_000)
	cfg.MaxAudio = cmp.Or(cfg.MaxAudio, 3)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}

	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("captcha: "+format, args...))
	}
	if cfg.Store == nil {
		mistake("Store is missing")
	}
	if cfg.Lifetime < time.Second || cfg.Lifetime > 300*time.Second {
		mistake("Lifetime is %v, want 1s to 5m", cfg.Lifetime)
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"MaxPerPeer", cfg.MaxPerPeer}, {"MaxTotal", cfg.MaxTotal}, {"MaxAudio", cfg.MaxAudio}} {
		if n.value < 1 {
			mistake("%s is %d, want at least 1", n.name, n.value)
		}
	}
	kinds := make(map[string]bool)
	for i, e := range cfg.Engines {
		if e == nil {
			mistake("Engines[%d] is nil", i)
			continue
		}
		if kinds[e.Kind()] || e.Kind() == "" {
			mistake("Engines[%d]: kind %q is empty or there twice", i, e.Kind())
		}
		kinds[e.Kind()] = true
		if p, ok := e.(proofOfWork); ok && (p < 1 || p > maxDifficulty) {
			mistake("ProofOfWork difficulty is %d, want 1 to %d", p, maxDifficulty)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &Service{cfg: cfg, slots: make(slots, max(1, runtime.GOMAXPROCS(0)/2))}, nil
}

// Kinds returns the enabled kinds of puzzle in order, the default first.
func (s *Service) Kinds() []string {
	kinds := make([]string, len(s.cfg.Engines))
	for i, e := range s.cfg.Engines {
		kinds[i] = e.Kind()
	}
	return kinds
}

// engine returns the enabled engine of that kind, or nil.
func (s *Service) engine(kind string) Engine {
	for _, e := range s.cfg.Engines {
		if e.Kind() == kind {
			return e
		}
	}
	return nil
}
