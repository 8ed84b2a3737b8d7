package memory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
	"example.com/mailkey/storage/storagetest"
)

func open(*testing.T) storage.Store { return memory.New() }

func TestStore(t *testing.T) { storagetest.Run(t, open) }

func BenchmarkLogin(b *testing.B) {
	limits := storage.AddressLimits{
		Cooldown: time.Minute, PerHour: 5, PerDay: 10, StrangersPerHour: 3, StrangersPerDay: 6,
		GuessesPerCode: 5, Level1After: 50, Level2After: 4050,
		StrangerGuessesPerDay: 25, FirstWait: 30 * time.Second, LastWait: time.Hour,
	}
	ctx, s, now := context.Background(), memory.New(), time.Now()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprint(i)
		key := []byte(name)
		_, err := s.RequestCode(ctx, storage.CodeRequest{
			Binding: key, Address: key, Device: key, MailTo: name, ChallengeID: key,
			Lifetime: time.Minute, UserID: name, MaxPending: 1000,
		}, limits, now)
		if err != nil {
			b.Fatal(err)
		}
		got, err := s.Redeem(ctx, storage.Guess{
			Binding: key, ChallengeID: key, Address: key, Device: key, Right: true, Register: true, Email: name,
			Session: storage.Session{TokenHash: name, UserID: name, ExpiresAt: now.Add(time.Hour)}, MaxSessions: 10,
		}, limits, now)
		if err != nil || got.Result != storage.GuessLoggedIn {
			b.Fatal(got, err)
		}
	}
}
