package storage

import (
	"encoding/json"
	"slices"
	"time"
)

// Address is what is remembered about one e-mail address, with an account or
// without. It is not a contract of its own: [Challenges] reads and writes it,
// and stores keep it as one document (see [Address.Encode]), so that its
// rules are written once. The zero value is an address never heard of.
type Address struct {
	// UserID is the id that the address's user has or will get.
	UserID string `json:"user,omitempty"`

	// Sends are the mails of the last day, oldest first.
	Sends []Send `json:"sends,omitempty"`

	// Failures are the wrong guesses of the last year by day, oldest first.
	Failures []DayCount `json:"failures,omitempty"`

	// Strangers are today's wrong guesses from devices that never logged in
	// to the address, and LastStranger is when the last one came.
	Strangers    DayCount `json:"strangers,omitzero"`
	LastStranger int64    `json:"last_stranger,omitempty"` // Unix milliseconds
}

// Send is one mail that was asked for.
type Send struct {
	At    int64 `json:"at"`              // Unix milliseconds
	Known bool  `json:"known,omitempty"` // by a device that had logged in before
}

// DayCount counts something on one day.
type DayCount struct {
	Day int64 `json:"day"` // days since 1970-01-01 UTC
	N   int   `json:"n"`   // how often it happened
}

// AddressLimits are the bounds on what may happen to one address. The defaults
// are those of package auth, which fills them in; a store is given all of them.
//
// Strangers are devices that never logged in to the address. They have less of
// its mails than there are, so that they cannot use up the owner's.
type AddressLimits struct {
	Cooldown         time.Duration // between two mails; strangers have one of their own. Default: 1 minute (1 second to 1 hour)
	PerHour          int           // mails in an hour. Default: 5 (1 to 1000)
	PerDay           int           // mails in a day. Default: 10 (1 to 1000)
	StrangersPerHour int           // of PerHour, what strangers may use. Default: 3 (1 to PerHour)
	StrangersPerDay  int           // of PerDay, what strangers may use. Default: 6 (1 to PerDay)

	GuessesPerCode int // wrong guesses that end a code. Default: 5 (1 to 5)

	// Level1After and Level2After are the wrong guesses within a year after which
	// codes have 8 digits, and 10 letters and digits; shorter ones are not
	// accepted any more. Default: 50 and 4050 (at most that).
	Level1After int
	Level2After int

	// StrangerGuessesPerDay is after how many wrong guesses of strangers on one
	// day strangers have to wait before the next. Default: 25 (1 to 1000).
	StrangerGuessesPerDay int

	FirstWait time.Duration // the first such wait; each is twice the one before. Default: 30 seconds (1 second to 1 hour)
	LastWait  time.Duration // the longest such wait. Default: 1 hour (FirstWait to 1 day)
}

const (
	day  = 24 * time.Hour
	year = 366 // days that 365 times 24 hours may touch: what is counted in any year is
)

// DayOf is the day that a moment belongs to.
func DayOf(t time.Time) int64 { return t.UnixMilli() / day.Milliseconds() }

// EndOfDay is the end of the day that a moment belongs to. Stores remember of an
// address no more than the day of its last mail, and count [AddressLife] from its
// end: then asking for the next mail of a day changes as much as asking for an
// address's first, and takes as long.
func EndOfDay(t time.Time) time.Time { return time.UnixMilli((DayOf(t) + 1) * day.Milliseconds()) }

// SendWait is how long to wait until one more mail may go to the address.
func (a *Address) SendWait(now time.Time, known bool, l AddressLimits) time.Duration {
	var all, lane, strangers []int64
	for _, s := range a.Sends {
		all = append(all, s.At)
		if s.Known == known {
			lane = append(lane, s.At)
		}
		if !s.Known {
			strangers = append(strangers, s.At)
		}
	}
	at := now.UnixMilli()
	wait := max(
		windowWait(lane, 1, l.Cooldown, at),
		windowWait(all, l.PerHour, time.Hour, at),
		windowWait(all, l.PerDay, day, at))
	if !known {
		wait = max(wait,
			windowWait(strangers, l.StrangersPerHour, time.Hour, at),
			windowWait(strangers, l.StrangersPerDay, day, at))
	}
	return wait
}

// windowWait is how long until fewer than n of the times lie in the window
// that ends now. The times are sorted, oldest first.
func windowWait(times []int64, n int, window time.Duration, now int64) time.Duration {
	if n < 1 { // never
		return window
	}
	if len(times) < n {
		return 0
	}
	free := times[len(times)-n] + window.Milliseconds()
	return time.Duration(max(0, free-now)) * time.Millisecond
}

// AddSend remembers a mail and forgets those that count no more.
func (a *Address) AddSend(now time.Time, known bool) {
	old := now.Add(-day).UnixMilli()
	a.Sends = slices.DeleteFunc(a.Sends, func(s Send) bool { return s.At <= old })
	a.Sends = append(a.Sends, Send{At: now.UnixMilli(), Known: known})
}

// Level is the length of code that the address needs: 0, 1 or 2.
func (a *Address) Level(now time.Time, l AddressLimits) int {
	failures, today := 0, DayOf(now)
	for _, f := range a.Failures {
		if f.Day > today-year {
			failures += f.N
		}
	}
	switch {
	case failures >= l.Level2After:
		return 2
	case failures >= l.Level1After:
		return 1
	}
	return 0
}

// GuessWait is how long to wait until the device may guess again.
func (a *Address) GuessWait(now time.Time, known bool, l AddressLimits) time.Duration {
	over := a.Strangers.N - l.StrangerGuessesPerDay
	if known || over < 0 || a.Strangers.Day != DayOf(now) {
		return 0
	}
	wait := l.FirstWait
	for ; over > 0 && wait < l.LastWait; over-- {
		wait *= 2
	}
	wait = min(wait, l.LastWait)
	return max(0, time.UnixMilli(a.LastStranger).Add(wait).Sub(now))
}

// AddFailure counts a wrong guess at a code that was made on the given day.
// This is where failures that outlive a code are counted; the guesses of the
// code itself are counted by the statement that redeems it.
func (a *Address) AddFailure(now time.Time, codeDay int64, known bool) {
	a.addFailures(codeDay, 1)
	today := DayOf(now)
	a.Failures = slices.DeleteFunc(a.Failures, func(f DayCount) bool { return f.Day <= today-year })
	if known {
		return
	}
	if a.Strangers.Day != today {
		a.Strangers = DayCount{Day: today}
	}
	a.Strangers.N++
	a.LastStranger = now.UnixMilli()
}

// Forgive takes back the wrong guesses of a flow that ended in a login: they
// were the owner's typing errors.
func (a *Address) Forgive(codeDay int64, wrong int, known bool) {
	a.addFailures(codeDay, -wrong)
	if !known {
		a.Strangers.N = max(0, a.Strangers.N-wrong)
	}
}

func (a *Address) addFailures(codeDay int64, n int) {
	i, found := slices.BinarySearchFunc(a.Failures, codeDay, func(f DayCount, d int64) int { return int(f.Day - d) })
	if !found {
		a.Failures = slices.Insert(a.Failures, i, DayCount{Day: codeDay})
	}
	a.Failures[i].N += n
	if a.Failures[i].N <= 0 {
		a.Failures = slices.Delete(a.Failures, i, i+1)
	}
}

// Encode returns the document that a store keeps for the address.
func (a *Address) Encode() ([]byte, error) { return json.Marshal(a) }

// DecodeAddress reads what [Address.Encode] wrote. No document at all is an
// address never heard of.
func DecodeAddress(doc []byte) (*Address, error) {
	a := new(Address)
	if len(doc) == 0 {
		return a, nil
	}
	return a, json.Unmarshal(doc, a)
}
