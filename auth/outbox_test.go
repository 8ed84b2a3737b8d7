package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// deliveries plays one mail against a relay that answers as told, and returns
// when it was tried, in seconds after it was asked for, and what arrived.
func deliveries(t *testing.T, fail func(try int) error) (tries []string, arrived []auth.CodeMail) {
	playOn(t, openSQLite, nil, func(k *kit) {
		start := time.Now()
		k.mails.failing(func(try int) error {
			tries = append(tries, fmt.Sprint(int(time.Since(start).Seconds())))
			return fail(try)
		})
		if a := k.send("ann@b.example"); a.status != 200 {
			t.Fatal(string(a.body))
		}
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		arrived = k.mails.Mails()
		for _, m := range k.mails.tried {
			if m != k.mails.tried[0] {
				t.Errorf("one try differs from the other: %+v, %+v", m, k.mails.tried[0])
			}
		}
	})
	return tries, arrived
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	down := errors.New("451 try later")
	for _, row := range []struct {
		name    string
		fail    func(try int) error
		tries   string
		arrived int
	}{
		{"at once", func(int) error { return nil }, "0", 1},
		{"greylisted for a while", func(try int) error {
			if try <= 3 {
				return down
			}
			return nil
		}, "0 5 35 95", 1},
		{"never, while the code lives for another minute", func(int) error { return down }, "0 5 35 95 215 335 455", 0},
		{"deferred", func(int) error { return fmt.Errorf("450: %w", auth.ErrMailDeferred) }, "0 5 35 95 215 335 455", 0},
		{"rejected", func(int) error { return fmt.Errorf("550: %w", auth.ErrMailRejected) }, "0", 0},
		{"unknown once", func(try int) error {
			if try == 1 {
				return fmt.Errorf("cut: %w", auth.ErrMailUnknown)
			}
			return nil
		}, "0 5", 1},
		{"always unknown", func(int) error { return fmt.Errorf("cut: %w", auth.ErrMailUnknown) }, "0 5", 0},
		{"a panic", func(try int) error {
			if try == 1 {
				panic("oops")
			}
			return nil
		}, "0 5", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tries, arrived := deliveries(t, row.fail)
			if got := strings.Join(tries, " "); got != row.tries || len(arrived) != row.arrived {
				t.Errorf("tried after %s s and %d arrived, want %s s and %d", got, len(arrived), row.tries, row.arrived)
			}
		})
	}
}

// A code that was redeemed is not mailed any more.
func TestNoMailAfterLogin(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		k.mails.failing(func(int) error { return errors.New("accepted, said the relay to itself") })
		k.send("ann@b.example")
		synctest.Wait()
		if a := k.login("ann@b.example", k.mails.tried[0].Code); a.status != 200 {
			t.Fatal(string(a.body))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(k.mails.tried); n != 1 {
			t.Errorf("tried %d times", n)
		}
	})
}

// The process dies between taking a mail and recording its end: another one
// mails the same once more, and only once more.
func TestDeliveryAfterCrash(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		k.stop()
		if a := k.send("ann@b.example"); a.code() != "200" {
			t.Fatal(string(a.body))
		}
		for range 2 { // claim as a worker does, and die
			if mails, err := k.conf.Store.ClaimMails(context.Background(), 10, time.Minute, time.Minute, time.Now()); err != nil || len(mails) != 1 {
				t.Fatalf("%v, %v", mails, err)
			}
			time.Sleep(time.Minute)
		}
		k.run()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := k.mails.count(); n != 0 {
			t.Errorf("after two attempts with an unknown end it was mailed %d times more", n)
		}
	})
}

// Who asks again while the first mail is on its way gets two mails with the
// same code, and two Message-IDs.
func TestResendDuringDelivery(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		k.mails.failing(func(try int) error {
			switch try {
			case 1, 2:
				return errors.New("451 try later")
			case 3: // from second 35 to 63
				time.Sleep(28 * time.Second)
			}
			return nil
		})
		k.send("ann@b.example")
		time.Sleep(time.Minute)
		k.send("ann@b.example")
		time.Sleep(time.Minute)
		synctest.Wait()
		mails := k.mails.Mails()
		if len(mails) != 2 || mails[0].Code != mails[1].Code || mails[0].MessageID == mails[1].MessageID {
			t.Errorf("%d mails: %+v", len(mails), mails)
		}
	})
}

func TestMailsOfManyArriveOnce(t *testing.T) {
	onEachStore(t, func(c *auth.Config) {
		c.Limits.SendCode = auth.Rate{Count: 1000, Per: time.Minute}
		c.Limits.SendCodeLong = auth.Rate{Count: 1000, Per: time.Minute}
		c.Limits.VerifyCaptcha = auth.Rate{Count: 1000, Per: time.Minute}
		c.Limits.Captcha = auth.Rate{Count: 1000, Per: time.Minute}
	}, func(k *kit) {
		k.run() // a second worker
		var want []string
		for i := range 100 {
			want = append(want, fmt.Sprintf("a%03d@b.example", i))
			k.send(want[i])
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		var got []string
		for _, m := range k.mails.Mails() {
			got = append(got, m.To)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%d mails arrived, want each of %d once", len(got), len(want))
		}
	})
}

// Another process delivers: this one sees its sign of life, for a while.
func TestAnotherProcessDelivers(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		other := k.as(func(*kit) {})
		other.restart() // without Run
		if a := other.send("ann@b.example"); a.code() != "200" {
			t.Errorf("beside a process that delivers: %s", a.body)
		}
		k.stop()
		time.Sleep(time.Minute)
		a := other.send("bob@b.example")
		if a.code() != string(auth.ReasonNotSent) || a.header.Get("Retry-After") == "" {
			t.Errorf("a minute after it ended: %s", a.body)
		}
		if !strings.Contains(k.log.String(), "call Auth.Run") {
			t.Errorf("the log does not say why: %s", k.log)
		}
	})
}

func TestRelayRecovers(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		var up atomic.Bool
		k.mails.failing(func(int) error {
			if !up.Load() {
				return errors.New("connection refused")
			}
			return nil
		})
		k.stop()
		k.run() // again
		for i := range 10 {
			k.as(func(k *kit) { k.peer = fmt.Sprintf("198.51.%d.1", i) }).send(fmt.Sprintf("a%d@b.example", i))
		}
		synctest.Wait()
		if a := k.send("ann@b.example"); a.code() != string(auth.ReasonNotSent) {
			t.Fatalf("while the relay fails: %s", a.body)
		}
		up.Store(true)
		time.Sleep(time.Minute)
		if n := k.mails.count(); n != 10 {
			t.Errorf("%d of 10 mails arrived after the relay came back", n)
		}
		if a := k.send("ann@b.example"); a.code() != "200" {
			t.Errorf("after the relay came back: %s", a.body)
		}
	})
}

// Run ends when it is told to, and what is being delivered comes to its end.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		var began, ended time.Time
		k.mails.failing(func(int) error {
			began = time.Now()
			time.Sleep(8 * time.Second)
			ended = time.Now()
			return nil
		})
		k.send("ann@b.example")
		synctest.Wait()
		k.stop()
		if k.mails.count() != 1 || time.Since(began) != 8*time.Second || ended.IsZero() {
			t.Errorf("Run ended after %v with %d mails delivered", time.Since(began), k.mails.count())
		}
		time.Sleep(time.Minute)
		if a := k.send("bob@b.example"); a.code() != string(auth.ReasonNotSent) {
			t.Errorf("a minute after Run ended: %s", a.body)
		}
	})
}

// Recipients that are refused for now say nothing about the relay.
func TestDeferredMailsCloseNothing(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		k.mails.failing(func(int) error { return fmt.Errorf("450 4.1.2 no such domain: %w", auth.ErrMailDeferred) })
		for i := range 12 {
			k.as(func(k *kit) { k.peer = fmt.Sprintf("198.51.%d.1", i) }).send(fmt.Sprintf("a%d@nowhere.example", i))
		}
		synctest.Wait()
		k.mails.failing(nil)
		if a := k.send("ann@b.example"); a.code() != "200" {
			t.Errorf("after 12 mails that nobody takes: %s", a.body)
		}
		synctest.Wait()
		if n := k.mails.count(); n != 1 {
			t.Errorf("%d mails arrived, want 1", n)
		}
	})
}

// A Mailer that does not return, whatever its context says, holds up neither
// the other mails nor the end of Run.
func TestMailerThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		hung := make(chan struct{})
		defer close(hung)
		k.mails.failing(func(try int) error {
			if try <= 5 {
				<-hung
			}
			return nil
		})
		for i := range 4 { // as many as there are workers
			k.as(func(k *kit) { k.peer = fmt.Sprintf("198.51.%d.1", i) }).send(fmt.Sprintf("a%d@b.example", i))
		}
		synctest.Wait()
		k.send("ann@b.example")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := k.mails.count(); n != 5 {
			t.Errorf("%d mails arrived in the end, want 5", n)
		}
		if n := strings.Count(k.log.String(), "did not return when its context ended"); n != 5 {
			t.Errorf("the log speaks of it %d times, want 5: %s", n, k.log)
		}

		k.mails.failing(func(int) error { <-hung; return nil })
		k.pass(time.Minute)
		k.send("ben@b.example")
		synctest.Wait()
		start := time.Now()
		k.stop()
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("Run ended after %v", took)
		}
	})
}

// A delivery whose end cannot be recorded at once is recorded later: the mail
// does not go out again.
func TestEndOfDeliveryIsRecorded(t *testing.T) {
	t.Parallel()
	var store *finishing
	play(t, func(c *auth.Config) {
		store = &finishing{Store: c.Store}
		c.Store = store
	}, func(k *kit) {
		store.busy.Store(3)
		k.send("ann@b.example")
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if n := k.mails.count(); n != 1 || store.busy.Load() >= 0 {
			t.Errorf("%d mails arrived, want 1; %d more faults were to come", n, store.busy.Load())
		}
	})
}

// finishing is a store that is busy so many times when a delivery ends.
type finishing struct {
	storage.Store
	busy atomic.Int32
}

func (s *finishing) FinishMail(ctx context.Context, m storage.Mail, r storage.MailResult, now time.Time) error {
	if s.busy.Add(-1) >= 0 {
		return errors.New("no connection within a second")
	}
	return s.Store.FinishMail(ctx, m, r, now)
}
