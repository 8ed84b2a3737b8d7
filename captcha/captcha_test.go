package captcha_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/captcha"
)

func TestNew_mistakes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config captcha.Config
		want   []string // in the error; none: no error
	}{
		{"defaults", captcha.Config{Store: newFakeStore()}, nil},
		{"least", captcha.Config{Store: newFakeStore(), Lifetime: time.Second, MaxPerPeer: 1, MaxTotal: 1, MaxAudio: 1,
			Engines: []captcha.Engine{captcha.ProofOfWork(1)}}, nil},
		{"most", captcha.Config{Store: newFakeStore(), Lifetime: 5 * time.Minute,
			Engines: []captcha.Engine{captcha.ProofOfWork(32)}}, nil},
		{"short life", captcha.Config{Store: newFakeStore(), Lifetime: 120}, []string{"Lifetime"}},
		{"long life", captcha.Config{Store: newFakeStore(), Lifetime: 301 * time.Second}, []string{"Lifetime"}},
		{"nil engine", captcha.Config{Store: newFakeStore(), Engines: []captcha.Engine{nil}}, []string{"Engines[0]"}},
		{"kind twice", captcha.Config{Store: newFakeStore(),
			Engines: []captcha.Engine{captcha.Digits(), captcha.Digits()}}, []string{`Engines[1]: kind "digits"`}},
		{"no kind", captcha.Config{Store: newFakeStore(), Engines: []captcha.Engine{testEngine{}}}, []string{"Engines[0]"}},
		{"too easy", captcha.Config{Store: newFakeStore(),
			Engines: []captcha.Engine{captcha.ProofOfWork(-1)}}, []string{"difficulty"}},
		{"too hard", captcha.Config{Store: newFakeStore(),
			Engines: []captcha.Engine{captcha.ProofOfWork(33)}}, []string{"difficulty"}},
		{"all at once", captcha.Config{Lifetime: -1, MaxPerPeer: -1, MaxTotal: -1, MaxAudio: -1},
			[]string{"Store", "Lifetime", "MaxPerPeer", "MaxTotal", "MaxAudio"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := captcha.New(tt.config)
			if got, want := err != nil, tt.want != nil; got != want {
				t.Fatalf("error %v, want one: %v", err, want)
			}
			if (s == nil) != (err != nil) {
				t.Errorf("service %v and error %v, want one of them", s, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not mention %q", err, want)
				}
			}
		})
	}
}

// On one processor, too, a puzzle can be drawn.
func TestNew_oneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := newService(t, captcha.Config{Store: newFakeStore()})
	if _, err := s.Issue(t.Context(), "", []byte("198.51.100.7")); err != nil {
		t.Error(err)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	engines := []captcha.Engine{captcha.ProofOfWork(0), captcha.Digits()}
	s := newService(t, captcha.Config{Store: newFakeStore(), Engines: engines})
	engines[0] = nil // the service has a copy
	if got, want := s.Kinds(), []string{"pow", "digits"}; !slices.Equal(got, want) {
		t.Errorf("kinds %q, want %q", got, want)
	}
	s = newService(t, captcha.Config{Store: newFakeStore()})
	if got, want := s.Kinds(), []string{"digits"}; !slices.Equal(got, want) {
		t.Errorf("kinds by default %q, want %q", got, want)
	}
}

func TestChallenge_printsNoSecret(t *testing.T) {
	t.Parallel()
	c := captcha.Challenge{Token: "SECRET", Kind: "digits", Puzzle: captcha.Puzzle{Image: []byte("SECRET")}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("issued", "captcha", c)
	for _, got := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%s", &c), log.String()} {
		if strings.Contains(got, "SECRET") || strings.Contains(got, "83 69 67") || !strings.Contains(got, "digits") {
			t.Errorf("printed as %q", got)
		}
	}
}
