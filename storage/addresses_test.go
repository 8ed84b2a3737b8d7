package storage_test

import (
	"reflect"
	"testing"
	"time"

	"example.com/mailkey/storage"
)

const (
	tick   = time.Millisecond
	second = time.Second
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * hour
)

var (
	midnight = time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	today    = storage.DayOf(midnight)

	limits = storage.AddressLimits{
		Cooldown: minute, PerHour: 4, PerDay: 6, StrangersPerHour: 2, StrangersPerDay: 3,
		Level1After: 50, Level2After: 4050,
		StrangerGuessesPerDay: 25, FirstWait: 30 * second, LastWait: hour,
	}
)

// sent is an address with mails at these times after midnight.
func sent(known bool, at ...time.Duration) *storage.Address {
	a := new(storage.Address)
	for _, d := range at {
		a.AddSend(midnight.Add(d), known)
	}
	return a
}

func TestAddressSendWait(t *testing.T) {
	tests := []struct {
		name  string
		a     *storage.Address
		known bool
		now   time.Duration
		want  time.Duration
	}{
		{"never heard of", sent(false), false, 0, 0},
		{"at once", sent(false, 0), false, 0, minute},
		{"before the cooldown ends", sent(false, 0), false, minute - tick, tick},
		{"after the cooldown", sent(false, 0), false, minute, 0},
		{"a known device after a stranger", sent(false, 0), true, 0, 0},
		{"a stranger after a known device", sent(true, 0), false, 0, 0},
		{"a stranger's hour", sent(false, 0, minute), false, 2 * minute, 58 * minute},
		{"a stranger's hour ends", sent(false, 0, minute), false, hour, 0},
		{"a known device in a stranger's hour", sent(false, 0, minute), true, 2 * minute, 0},
		{"the hour", sent(true, 0, 1*minute, 2*minute, 3*minute), true, 4 * minute, 56 * minute},
		{"the hour for strangers", sent(true, 0, 1*minute, 2*minute, 3*minute), false, 4 * minute, 56 * minute},
		{"a stranger's day", sent(false, 0, 2*hour, 4*hour), false, 6 * hour, 18 * hour},
		{"a stranger's day ends", sent(false, 0, 2*hour, 4*hour), false, day, 0},
		{"the day", sent(true, 0, 2*hour, 4*hour, 6*hour, 8*hour, 10*hour), true, 12 * hour, 12 * hour},
		{"the longest wait", sent(true, 0, 1*hour, 2*hour, 3*hour, 4*hour, 5*hour), true, 5 * hour, 19 * hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.SendWait(midnight.Add(tt.now), tt.known, limits); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Where none are allowed, nobody is told to come back at once.
func TestAddressSendWaitForever(t *testing.T) {
	none := limits
	none.PerHour = 0
	if got := new(storage.Address).SendWait(midnight, true, none); got != hour {
		t.Errorf("waits %v for the first of no mails an hour, want an hour", got)
	}
}

func TestAddressForgetsSends(t *testing.T) {
	a := sent(false, 0, tick, hour, day)
	want := []storage.Send{
		{At: midnight.Add(tick).UnixMilli()},
		{At: midnight.Add(hour).UnixMilli()},
		{At: midnight.Add(day).UnixMilli()},
	}
	if !reflect.DeepEqual(a.Sends, want) {
		t.Errorf("got %v, want %v", a.Sends, want)
	}
}

func TestAddressLevel(t *testing.T) {
	tests := []struct {
		name     string
		failures []storage.DayCount
		want     int
	}{
		{"none", nil, 0},
		{"almost level 1", []storage.DayCount{{Day: today - 10, N: 20}, {Day: today, N: 29}}, 0},
		{"level 1", []storage.DayCount{{Day: today - 10, N: 20}, {Day: today, N: 30}}, 1},
		{"almost level 2", []storage.DayCount{{Day: today - 1, N: 4049}}, 1},
		{"level 2", []storage.DayCount{{Day: today - 1, N: 4050}}, 2},
		{"late on the day a year ago", []storage.DayCount{{Day: today - 365, N: 50}}, 1},
		{"more than a year ago", []storage.DayCount{{Day: today - 366, N: 50}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := storage.Address{Failures: tt.failures}
			if got := a.Level(midnight.Add(hour), limits); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAddressFailures(t *testing.T) {
	var a storage.Address
	now := midnight.Add(minute)
	steps := []struct {
		name string
		do   func()
		want []storage.DayCount
	}{
		{"the first", func() { a.AddFailure(now, today, true) }, []storage.DayCount{{Day: today, N: 1}}},
		{"at a code of yesterday", func() { a.AddFailure(now, today-1, true) }, []storage.DayCount{{Day: today - 1, N: 1}, {Day: today, N: 1}}},
		{"two more", func() { a.AddFailure(now, today, true); a.AddFailure(now, today, true) }, []storage.DayCount{{Day: today - 1, N: 1}, {Day: today, N: 3}}},
		{"forgiven in part", func() { a.Forgive(today, 2, true) }, []storage.DayCount{{Day: today - 1, N: 1}, {Day: today, N: 1}}},
		{"forgiven", func() { a.Forgive(today-1, 1, true) }, []storage.DayCount{{Day: today, N: 1}}},
		{"nothing to forgive", func() { a.Forgive(today-5, 0, true) }, []storage.DayCount{{Day: today, N: 1}}},
		{"a year later", func() { a.AddFailure(now.Add(365*day), today+365, true) }, []storage.DayCount{{Day: today, N: 1}, {Day: today + 365, N: 1}}},
		{"more than a year later", func() { a.AddFailure(now.Add(366*day), today+366, true) }, []storage.DayCount{{Day: today + 365, N: 1}, {Day: today + 366, N: 1}}},
	}
	for _, s := range steps {
		if s.do(); !reflect.DeepEqual(a.Failures, s.want) {
			t.Fatalf("%s: got %v, want %v", s.name, a.Failures, s.want)
		}
	}
	if a.Strangers != (storage.DayCount{}) || a.LastStranger != 0 {
		t.Errorf("guesses of known devices count as strangers': %+v", a)
	}
}

func TestAddressGuessWait(t *testing.T) {
	tests := []struct {
		name    string
		guesses int // of strangers, at noon
		known   bool
		after   time.Duration
		want    time.Duration
	}{
		{"below the limit", 24, false, 0, 0},
		{"at the limit", 25, false, 0, 30 * second},
		{"almost waited", 25, false, 30*second - tick, tick},
		{"waited", 25, false, 30 * second, 0},
		{"one more", 26, false, 0, minute},
		{"six more", 31, false, 0, 32 * minute},
		{"the last wait", 32, false, 0, hour},
		{"far beyond", 1000, false, 0, hour},
		{"a known device", 1000, true, 0, 0},
		{"the next day", 1000, false, 12 * hour, 0},
	}
	noon := midnight.Add(12 * hour)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var a storage.Address
			for range tt.guesses {
				a.AddFailure(noon, today, false)
			}
			if got := a.GuessWait(noon.Add(tt.after), tt.known, limits); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAddressStrangers(t *testing.T) {
	var a storage.Address
	noon := midnight.Add(12 * hour)
	a.AddFailure(noon, today, false)
	a.AddFailure(noon.Add(second), today, false)
	if want := (storage.DayCount{Day: today, N: 2}); a.Strangers != want {
		t.Errorf("got %v, want %v", a.Strangers, want)
	}
	a.Forgive(today, 1, true)
	if a.Strangers.N != 2 {
		t.Errorf("the login of a known device forgave a stranger: %v", a.Strangers)
	}
	a.Forgive(today, 1, false)
	if a.Strangers.N != 1 {
		t.Errorf("the login of a stranger forgave it nothing: %v", a.Strangers)
	}
	a.Forgive(today, 9, false)
	if a.Strangers.N != 0 {
		t.Errorf("got %v, want none", a.Strangers)
	}
	a.AddFailure(noon.Add(day), today+1, false)
	if want := (storage.DayCount{Day: today + 1, N: 1}); a.Strangers != want || a.LastStranger != noon.Add(day).UnixMilli() {
		t.Errorf("got %v at %d, want %v", a.Strangers, a.LastStranger, want)
	}
}

func TestAddressDocument(t *testing.T) {
	full := sent(true, 0, hour)
	full.UserID = "user"
	full.AddFailure(midnight, today, false)
	for name, a := range map[string]*storage.Address{"full": full, "empty": {}} {
		doc, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := storage.DecodeAddress(doc)
		if err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, a)
		}
	}
	if got, err := storage.DecodeAddress(nil); err != nil || !reflect.DeepEqual(got, new(storage.Address)) {
		t.Errorf("no document: got %+v, %v", got, err)
	}
	if _, err := storage.DecodeAddress([]byte("{")); err == nil {
		t.Error("half a document is decoded")
	}
}

// The bounds hold in any 365 times 24 hours, from whatever moment on: all that
// can be guessed late on one day and early on the same day a year later.
func TestAbuse_C08_anyYear(t *testing.T) {
	t.Parallel()
	var a storage.Address
	var guesses [3]int
	storm := func(now time.Time) {
		for range 5000 {
			level := a.Level(now, limits)
			a.AddFailure(now, storage.DayOf(now), false)
			guesses[level]++
		}
	}
	storm(midnight.Add(-time.Minute))
	storm(midnight.Add(364*day + time.Minute))
	if p := float64(guesses[0])/1e6 + float64(guesses[1])/1e8; p >= 1e-4 {
		t.Errorf("guesses at codes of each level: %v; one of them is right with %.3g", guesses, p)
	}
}
