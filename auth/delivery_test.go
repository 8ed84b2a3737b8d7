package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/storage"
)

// After ten failures in a row the relay is left alone for fifteen seconds.
func TestCircuit(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, row := range []struct {
		name string
		ends string // of attempts: well, failed, rejected, deferred
		want time.Duration
	}{
		{"nine failures", "---------", 0},
		{"ten", "----------", 15 * time.Second},
		{"nine, and nine more after a success", "---------+---------", 0},
		{"ten after a success", "---------+----------", 15 * time.Second},
		{"one more after the pause", "-----------", 15 * time.Second},
		{"ten that have to do with the recipient", "rrrrrdddddd", 0},
		{"ten, and some of those between", "-----rd-----", 15 * time.Second},
	} {
		var d delivery
		for _, end := range row.ends {
			d.record(map[rune]error{'-': errors.New("failed"), 'r': ErrMailRejected, 'd': ErrMailDeferred}[end], now)
		}
		if got := d.circuitWait(now); got != row.want {
			t.Errorf("%s: the relay is left alone for %v", row.name, got)
		}
	}
}

// beatStore was given a sign of life, and counts how often it is asked for it.
type beatStore struct {
	storage.Store
	at    time.Time
	asked int
}

func (s *beatStore) LastBeat(context.Context) (time.Time, error) {
	s.asked++
	return s.at, nil
}

// Another process delivers if it gave a sign of life within half a minute; one
// that is no older than half of that is believed without asking again.
func TestSignOfLife(t *testing.T) {
	t.Parallel()
	start := time.UnixMilli(1_700_000_000_000)
	store := &beatStore{at: start}
	a := &Auth{config: Config{Store: store}}
	for _, row := range []struct {
		after   time.Duration
		asked   int
		refused bool
	}{
		{0, 1, false},
		{15 * time.Second, 1, false},
		{15*time.Second + time.Millisecond, 2, false},
		{30 * time.Second, 3, false},
		{30*time.Second + time.Millisecond, 4, true},
	} {
		err := a.deliverable(&call{ctx: t.Context(), now: start.Add(row.after)})
		if (err != nil) != row.refused || store.asked != row.asked {
			t.Errorf("after %v: %v, asked %d times", row.after, err, store.asked)
		}
	}
}

// brokenOutbox cannot record anything.
type brokenOutbox struct {
	storage.Store
	tries []time.Time
}

func (s *brokenOutbox) FinishMail(context.Context, storage.Mail, storage.MailResult, time.Time) error {
	s.tries = append(s.tries, time.Now())
	return storage.ErrBusy
}

// The end of a delivery is recorded after 1, 2 and 4 seconds more, and then not.
func TestFinishMail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &brokenOutbox{}
		a := &Auth{config: Config{Store: store}}
		start, waits := time.Now(), []string{}
		if err := a.finishMail(t.Context(), storage.Mail{}, storage.MailResult{}, start); err == nil {
			t.Error("it was recorded")
		}
		for _, at := range store.tries {
			waits = append(waits, at.Sub(start).String())
		}
		if got := strings.Join(waits, " "); got != "0s 1s 3s 7s" || time.Since(start) != 10*time.Second {
			t.Errorf("it was tried after %s, and given up after %v", got, time.Since(start))
		}
	})
}

// A Message-ID is another for each mail that is asked for, and says nothing.
func TestMessageID(t *testing.T) {
	t.Parallel()
	a := &Auth{issuer: &url.URL{Host: "app.example:443"}}
	m := storage.Mail{Challenge: storage.Challenge{ID: []byte("an id")}, Number: 1}
	id := a.messageID(m)
	local, host, _ := strings.Cut(id, "@")
	if random, err := base64.RawURLEncoding.DecodeString(local); err != nil || len(random) != 16 || host != "app.example" {
		t.Errorf("%s", id)
	}
	if again := a.messageID(m); again != id {
		t.Errorf("%s, then %s", id, again)
	}
	if m.Number = 2; a.messageID(m) == id {
		t.Error("a resend has the same")
	}
}
