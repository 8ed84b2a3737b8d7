package timing_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/integration/smtpd"
	"example.com/mailkey/internal/integration/timing"
	"example.com/mailkey/storage"
)

var samples = flag.Int("samples", 0, "pairs of requests to compare in each of two runs; 0: a few, and no verdict on their times")

const few = 16

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(house.Main(m))
}

// scene is a house whose limits nobody meets.
type scene struct {
	*house.House
	conn  *timing.Conn
	mails *relay
	store *store
	pairs map[string]*pair

	crowded bool
	waiting int // mails in the outbox, at most
}

// onEachDatabase plays f on the stores that promise to take as long for one
// address as for another, and judges what it compared. It does so twice, on new
// databases: where rows happen to lie in one makes microseconds, too.
func onEachDatabase(t *testing.T, f func(s *scene)) {
	t.Helper()
	for name, open := range map[string]func(*testing.T) house.Database{"sqlite": house.SQLite, "postgres": house.Postgres} {
		t.Run(name, func(t *testing.T) {
			pairs := make(map[string]*pair)
			for run := range min(*samples, 1) + 1 {
				t.Run(fmt.Sprint("run ", run+1), func(t *testing.T) {
					s := newScene(t, open)
					s.pairs = pairs
					f(s)
				})
			}
			for name, p := range pairs {
				differ := timing.Differ(p.runs...)
				t.Logf("%s: %v", name, p.runs)
				switch {
				case differ && p.want == alike && *samples > 0:
					t.Errorf("%s: they can be told apart", name)
				case !differ && (p.want == different || p.want == control && *samples > 0):
					t.Errorf("%s: it was not noticed", name)
				}
			}
		})
	}
}

// pair is two classes that were compared, in each run.
type pair struct {
	want outcome
	runs []timing.Comparison
}

type outcome int

const (
	alike     outcome = iota // which a few samples cannot tell
	control                  // that has to be noticed, by more than a few samples
	different                // by how many samples ever
	either
)

func newScene(t *testing.T, open func(*testing.T) house.Database) *scene {
	t.Helper()
	s := &scene{store: &store{}, mails: &relay{slow: slowRelay(t)}}
	s.House = house.Open(t, open(t), 1, func(c *auth.Config) {
		const most = 1000
		much := auth.Rate{Count: 1_000_000, Per: 1_000_000 * time.Second}
		c.Limits = auth.Limits{
			Captcha: much, VerifyCaptcha: much, WrongCaptcha: much, SendCode: much, SendCodeLong: much, Login: much,
			SendCodeDevice: much, LoginDevice: much,
			Address: storage.AddressLimits{
				Cooldown: time.Second, PerHour: most, PerDay: most, StrangersPerHour: most, StrangersPerDay: most,
				StrangerGuessesPerDay: most,
			},
		}
		s.store.Store, c.Store = c.Store, s.store
		s.mails.fast, c.Mailer = c.Mailer, s.mails
	})
	var err error
	if s.conn, err = timing.Dial(s.Servers[0].Addr()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.conn.Close() })
	return s
}

// slowRelay takes two seconds for each mail.
func slowRelay(t *testing.T) auth.Mailer {
	t.Helper()
	server := smtpd.New(t, smtpd.Config{})
	server.Always(smtpd.Dot, smtpd.Wait(2*time.Second))
	mailer, err := smtpmailer.New(smtpmailer.Config{URL: server.URL(), From: "login@house.example"})
	if err != nil {
		t.Fatal(err)
	}
	return mailer
}

// relay delivers to the mailbox, and slowly when it is told so.
type relay struct {
	fast, slow auth.Mailer
	isSlow     atomic.Bool
}

func (r *relay) SendCode(ctx context.Context, m auth.CodeMail) error {
	if r.isSlow.Load() {
		return r.slow.SendCode(ctx, m)
	}
	return r.fast.SendCode(ctx, m)
}

// store is told how long codes live, and how much longer it takes where there
// is an account or a live code. It lets everybody guess as often as they like,
// and has codes mailed one right after the other.
type store struct {
	storage.Store
	lifetime time.Duration // 0: as asked
	known    time.Duration // for sends
	live     time.Duration // for guesses at codes that are alive
}

// Sweep leaves what has expired: it is guessed at.
func (s *store) Sweep(context.Context, time.Time, int) (int, error) { return 0, nil }

const unlimited = 1_000_000

func unlimitedly(l storage.AddressLimits) storage.AddressLimits {
	l.Cooldown, l.GuessesPerCode, l.StrangerGuessesPerDay = 0, unlimited, unlimited
	l.Level1After, l.Level2After = unlimited, unlimited
	return l
}

func (s *store) FindChallenge(ctx context.Context, binding []byte, l storage.AddressLimits, now time.Time) (storage.Challenge, bool, error) {
	return s.Store.FindChallenge(ctx, binding, unlimitedly(l), now)
}

func (s *store) GuessWait(ctx context.Context, address, device []byte, l storage.AddressLimits, now time.Time) (wait time.Duration, level int, err error) {
	return s.Store.GuessWait(ctx, address, device, unlimitedly(l), now)
}

func (s *store) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	if len(g.ChallengeID) > 0 {
		spin(s.live)
	}
	return s.Store.Redeem(ctx, g, unlimitedly(l), now)
}

func (s *store) RequestCode(ctx context.Context, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (storage.CodeRequested, error) {
	if s.lifetime > 0 {
		r.Lifetime = s.lifetime
	}
	if s.known > 0 {
		if _, ok, err := s.UserByEmail(ctx, r.Email); ok && err == nil {
			spin(s.known)
		}
	}
	return s.Store.RequestCode(ctx, r, unlimitedly(l), now)
}

// spin waits: sleeping for so short a time takes longer.
func spin(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
		runtime.Gosched()
	}
}

// from makes a request come from a device, in one network for all of them.
func from(device string, r burst.Request) burst.Request {
	return house.With(house.With(r, "X-Device-Fingerprint", device), "X-Forwarded-For", "192.0.2.1")
}

// ticket gets a device's captcha_token.
func (s *scene) ticket(device, email string) string {
	s.Helper()
	token, answer := s.Puzzle()
	return house.Field(s, s.Do(from(device, house.Verify(token, answer, email))), "captcha_token")
}

// asks has a code mailed for a device.
func (s *scene) asks(device, email string) {
	s.Helper()
	s.makeRoom()
	s.Do(from(device, house.Send(email, s.ticket(device, email))))
}

// makeRoom is called before a mail is asked for: the outbox must not fill up.
func (s *scene) makeRoom() {
	s.Helper()
	if s.waiting++; s.waiting < 200 {
		return
	}
	now := time.Now()
	due, err := s.Store.ClaimMails(s.Context(), 1000, time.Hour, 0, now)
	if err != nil {
		s.Fatal(err)
	}
	for _, m := range due {
		if err := s.Store.FinishMail(s.Context(), m, storage.MailResult{}, now); err != nil {
			s.Fatal(err)
		}
	}
	s.waiting = 0
}

// people returns addresses that are known, since their owners logged in with a
// device.
func (s *scene) people(device string, n int) []string {
	s.Helper()
	all := strangers(n)
	for _, email := range all {
		s.asks(device, email)
		s.Do(from(device, house.Guess(email, s.Mails.Wait(s, email, 1).Code)))
	}
	return all
}

func strangers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = house.Person()
	}
	return all
}

func (s *scene) disable(people []string) []string {
	s.Helper()
	for _, email := range people {
		user, _, err := s.Store.UserByEmail(s.Context(), email)
		if err != nil {
			s.Fatal(err)
		}
		if _, err := s.Store.SetUserDisabled(s.Context(), user.ID, time.Now()); err != nil {
			s.Fatal(err)
		}
	}
	return people
}

// class is one kind of request. The i-th of them is made when it is needed.
type class = func(i int) burst.Request

// compare compares two classes: their answers at once, and their times when all
// runs are over.
func (s *scene) compare(name string, want outcome, a, b class) {
	s.Helper()
	s.Run(name, func(t *testing.T) {
		n, least := *samples, few
		if s.crowded { // which takes some fifty times as long
			n, least = n/20, few/4
			defer s.crowd()()
		}
		n = max(least, n)
		// A round, so that what is read is as near for both.
		if _, err := s.conn.Pairs(max(least, n/50), [2]class{a, b}); err != nil {
			t.Fatal(err)
		}
		times, err := s.conn.Pairs(n, [2]class{a, b})
		if err != nil {
			t.Fatal(err)
		}
		if s.pairs[name] == nil {
			s.pairs[name] = &pair{want: want}
		}
		s.pairs[name].runs = append(s.pairs[name].runs, timing.Compare(times[0], times[1]))
	})
}
