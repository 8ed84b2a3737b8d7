package captcha_test

import (
	"context"
	"testing"
	"time"

	"example.com/mailkey/captcha"
	"example.com/mailkey/storage"
)

// endless is a store whose captchas can be taken and heard again and again.
type endless struct{ *fakeStore }

func (s endless) TakeCaptcha(ctx context.Context, id []byte, now time.Time) (storage.Captcha, bool, error) {
	c, ok := s.captchas[string(id)]
	return c, ok, nil
}

func (s endless) HearCaptcha(ctx context.Context, id []byte, limit int, now time.Time) (storage.Captcha, bool, error) {
	return s.TakeCaptcha(ctx, id, now)
}

func benchmarkIssue(b *testing.B, e captcha.Engine) {
	s := newService(b, captcha.Config{Store: newFakeStore(), Engines: []captcha.Engine{e}})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Issue(b.Context(), "", nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIssueDigits(b *testing.B) { benchmarkIssue(b, captcha.Digits()) }

func BenchmarkIssueSlider(b *testing.B) { benchmarkIssue(b, captcha.Slider()) }

func BenchmarkIssueProofOfWork(b *testing.B) { benchmarkIssue(b, captcha.ProofOfWork(16)) }

func BenchmarkVerify(b *testing.B) {
	k := newKit(b)
	c, a := k.issue(b)
	s := newService(b, captcha.Config{Store: endless{k.store}, Engines: []captcha.Engine{k.digits}})
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := s.Verify(b.Context(), c.Token, a); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkAudio(b *testing.B) {
	for _, lang := range []string{"en", "zh"} {
		b.Run(lang, func(b *testing.B) {
			k := newKit(b)
			c, _ := k.issue(b)
			s := newService(b, captcha.Config{Store: endless{k.store}})
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, err := s.Audio(b.Context(), c.Token, lang); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

func BenchmarkProofOfWorkCheck(b *testing.B) {
	e, state, a := captcha.ProofOfWork(16), []byte("\x10MAILKEYSALT"), captcha.Answer{Code: "9962"}
	b.ReportAllocs()
	for b.Loop() {
		if right, err := e.Check(b.Context(), state, a); !right || err != nil {
			b.Fatal(right, err)
		}
	}
}

func BenchmarkSliderCheck(b *testing.B) {
	e, state, a := captcha.Slider(), captcha.SliderState(237), captcha.Answer{Point: `{"x":237.0,"y":5.0}`}
	b.ReportAllocs()
	for b.Loop() {
		if right, err := e.Check(b.Context(), state, a); !right || err != nil {
			b.Fatal(right, err)
		}
	}
}
