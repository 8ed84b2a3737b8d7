package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/storage"
)

// RunRandom makes random calls, one after the other, on a store and on a model
// of the contracts, and fails at the first answer that differs. The seed decides
// what happens: a run that failed fails again, and stores that pass with the
// same seed have given the same answers. 1000 steps see most of what can happen.
func RunRandom(t *testing.T, open func(t *testing.T) storage.Store, seed uint64, steps int) {
	t.Helper()
	if err := compare(t.Context(), newModel(), open(t), seed, steps); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
}

// compare makes the calls on two stores, of which a is right.
func compare(ctx context.Context, a, b storage.Store, seed uint64, steps int) error {
	w := &walk{Rand: rand.New(rand.NewPCG(seed, 0)), mails: make(map[string]storage.Mail)}
	var log []string
	for w.step = range steps {
		m := w.next()
		call := m.prepare(w)
		gotA, errA := said(call(ctx, a))
		gotB, errB := said(call(ctx, b))
		log = append(log, fmt.Sprintf("step %d, %v after the start: %s: %s", w.step, w.now, m.name, gotA))
		log = log[max(0, len(log)-15):]
		if err := errors.Join(errA, errB); err != nil {
			return fmt.Errorf("%w\n%s", err, strings.Join(log, "\n"))
		}
		if gotA != gotB {
			return fmt.Errorf("the last answer has to be another:\n%s\nand not: %s", strings.Join(log, "\n"), gotB)
		}
	}
	return nil
}

// said is an answer as it is compared. A conflict is an answer.
func said(answer any, err error) (string, error) {
	if errors.Is(err, storage.ErrConflict) {
		return "conflict", nil
	}
	return text(answer), err
}

// walk is a random walk through the verbs.
type walk struct {
	*rand.Rand
	step    int
	seconds int           // whole ones, like everything that lasts
	now     time.Duration // a tick before, at, or after them
	scene   []move

	captchas []storage.Captcha
	tickets  []storage.Ticket
	asked    []visitor
	mails    map[string]storage.Mail // the last claim of each binding
	tokens   []string
}

// pass lets time pass, so that no two things happen at one moment, and many
// just before, at and after the end of something.
func (w *walk) pass() {
	w.seconds += pick(w, 1, 1, 1, 2, 3, 5)
	switch w.IntN(300) {
	case 0:
		w.seconds += 24 * 3600
	case 1, 2, 3, 4:
		w.seconds += 1200
	}
	w.now = time.Duration(w.seconds)*second + pick(w, -tick, 0, 0, tick)
}

// next goes on to the next move.
func (w *walk) next() move {
	w.pass()
	if w.step%30 == 0 {
		w.scene = pick(w, scenes...)
	}
	if w.rarely() {
		return pick(w, pick(w, scenes...)...)
	}
	return pick(w, w.scene...)
}

// Everything is short, so that a few steps see it end.
const (
	shortLife  = 20 * second // of captchas and tickets
	shortCode  = minute
	shortLease = 10 * second
)

var tight = storage.AddressLimits{
	Cooldown: 3 * second, PerHour: 8, PerDay: 12, StrangersPerHour: 6, StrangersPerDay: 9,
	GuessesPerCode: 3, Level1After: 5, Level2After: 8,
	StrangerGuessesPerDay: 4, FirstWait: 5 * second, LastWait: 15 * second,
}

// call is a call of a verb: on two stores it has to say the same.
type call func(ctx context.Context, s storage.Store) (answer any, err error)

type move struct {
	name    string
	prepare func(w *walk) call
}

// scenes are moves that have to do with each other. The walk stays in one for
// a while.
var scenes = [][]move{
	{
		{"PutCaptcha", (*walk).putCaptcha},
		{"TakeCaptcha", (*walk).takeCaptcha},
		{"HearCaptcha", (*walk).hearCaptcha},
		{"HearCaptcha", (*walk).hearCaptcha},
	},
	{
		{"PutTicket", (*walk).putTicket},
		{"TakeTicket", (*walk).takeTicket},
		{"TakeLimits", (*walk).takeLimits},
		{"TakeLimits", (*walk).takeLimits},
		{"Beat", (*walk).beat},
		{"SaveKeys", (*walk).saveKeys},
		{"Sweep", (*walk).sweep},
	},
	{
		{"RequestCode", (*walk).requestCode},
		{"FindChallenge", (*walk).findChallenge},
		{"GuessWait", (*walk).guessWait},
		{"FailuresByHour", (*walk).failuresByHour},
		{"Redeem", (*walk).redeem},
		{"Redeem", (*walk).redeem},
		{"Redeem", (*walk).redeem},
	},
	{
		{"RequestCode", (*walk).requestCode},
		{"ClaimMails", (*walk).claimMails},
		{"ClaimMails", (*walk).claimMails},
		{"FinishMail", (*walk).finishMail},
		{"FinishMail", (*walk).finishMail},
		{"Redeem", (*walk).redeem},
	},
	{
		{"RequestCode and Redeem", (*walk).logIn},
		{"RequestCode and Redeem", (*walk).logIn},
		{"FindSession", (*walk).findSession},
		{"FindSession", (*walk).findSession},
		{"SaveSessionData", (*walk).saveSessionData},
		{"EndSession", (*walk).endSession},
		{"EndSessions", (*walk).endSessions},
		{"ListSessions", (*walk).listSessions},
		{"TouchSession", (*walk).touchSession},
		{"RotateSession", (*walk).rotateSession},
		{"RotateSession", (*walk).rotateSession},
	},
	{
		{"RequestCode and Redeem", (*walk).logIn},
		{"RequestCode and Redeem", (*walk).logIn},
		{"FindSession", (*walk).findSession},
		{"UserByEmail", (*walk).user},
		{"SetUserDisabled", (*walk).setUserDisabled},
		{"ListUsers", (*walk).listUsers},
		{"ChangeEmail", (*walk).changeEmail},
		{"DeleteUser", (*walk).deleteUser},
	},
}

func pick[T any](w *walk, from ...T) T { return from[w.IntN(len(from))] }

// recent picks one of the last few, or the zero value when there is none.
func recent[T any](w *walk, from []T) (one T) {
	if len(from) == 0 {
		return one
	}
	return pick(w, from[max(0, len(from)-4):]...)
}

func (w *walk) rarely() bool { return w.IntN(10) == 0 }
