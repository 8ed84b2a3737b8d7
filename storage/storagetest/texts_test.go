package storagetest

import (
	"context"
	"errors"
	"slices"
	"strings"

	"example.com/mailkey/storage"
)

// judgesStrange answers for a login with a text that it cannot keep.
func judgesStrange(judge func(g guessing, try try) (storage.Redeemed, error)) func(*tampered) {
	return judges(func(g guessing, try try) (storage.Redeemed, error) {
		if slices.Contains(strange, g.Session.Agent) {
			return judge(g, try)
		}
		return try(g)
	})
}

var brokenTexts = []broken{
	{"cuts texts at a zero", by("texts/are kept whole or refused"), tries(func(g *guessing) {
		g.Session.Agent, _, _ = strings.Cut(g.Session.Agent, "\x00")
	})},
	{"is busy with texts that it cannot keep", by("texts/are kept whole or refused"), judgesStrange(func(guessing, try) (storage.Redeemed, error) {
		return storage.Redeemed{}, storage.ErrBusy
	})},
	{"spends a code and cannot keep the text", by("texts/are kept whole or refused"), judgesStrange(func(g guessing, try try) (storage.Redeemed, error) {
		_, err := try(g)
		return storage.Redeemed{}, errors.Join(err, errors.New("invalid text"))
	})},
	{"looks for what is before a zero", by("texts/find nobody"), func(s *tampered) {
		find := s.userByEmail
		s.userByEmail = func(ctx context.Context, email string) (storage.User, bool, error) {
			email, _, _ = strings.Cut(email, "\x00")
			return find(ctx, email)
		}
	}},
}
