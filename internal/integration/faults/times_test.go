package faults_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Neither a time zone, nor the change to and from summer time, nor a leap second
// (which clocks show as a second that they repeat), nor the end of 32 bits means
// anything: there are but counts of milliseconds and seconds.
func TestFault_R32_times(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, zone, at string }{
		{"2038", "UTC", "2038-01-19T03:14:07Z"},
		{"2106", "Asia/Kathmandu", "2106-02-07T06:28:15Z"},
		{"summer time begins", "America/New_York", "2027-03-14T06:59:59Z"},
		{"summer time ends", "America/New_York", "2027-11-07T05:59:59Z"},
		{"half an hour of it", "Australia/Lord_Howe", "2027-04-03T14:59:59Z"},
		{"a leap second", "UTC", "2028-12-31T23:59:59Z"},
		{"a leap day", "Pacific/Kiritimati", "2028-02-28T23:59:59Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339, test.at)
			if err != nil {
				t.Fatal(err)
			}
			s := newSite(t, freshSQLite(t))
			s.start("TZ=" + test.zone)
			s.livesAt(at.Add(-500 * time.Millisecond)) // and beyond
			if test.name == "a leap second" {
				s.livesAt(at)
			}
			s.livesAt(at.Add(time.Hour))
			s.steady()
			s.check()
		})
	}
	t.Run("the zone of the database", func(t *testing.T) {
		t.Parallel()
		db := freshPostgres(t)
		db.args[1] += "&timezone=Asia/Kathmandu"
		s := newSite(t, db)
		s.start("TZ=America/New_York")
		s.livesAt(time.Now())
		s.steady()
		s.check()
	})
}

// livesAt lets somebody live at a time, and looks at the times in between.
func (s *site) livesAt(at time.Time) {
	s.Helper()
	if ahead := time.Until(at); ahead.Abs() > time.Second {
		s.ahead = 0
		s.pass(ahead)
	}
	p := s.newPerson()
	if refused := p.gets(); refused != "" {
		s.Fatalf("%s\n%s", refused, s.at.Stderr)
	}
	login := p.guess(p.lastCode(), true)
	claims, _ := base64.RawURLEncoding.DecodeString(strings.Split(login.field("id_token")+"..", ".")[1])
	var times struct{ Exp, Iat, Nbf int64 }
	if err := json.Unmarshal(claims, &times); err != nil {
		s.Fatalf("%s: %v", login.code, err)
	}
	ends := s.db.number(s, fmt.Sprintf("SELECT expires_at FROM sessions JOIN users ON users.id = user_id WHERE email = '%s'", p.email))
	for what, got := range map[string]time.Duration{
		"iat":                    time.Unix(times.Iat, 0).Sub(at),
		"exp":                    time.Unix(times.Exp, 0).Sub(at) - 5*time.Minute,
		"nbf":                    time.Unix(times.Nbf, 0).Sub(at),
		"the end of the session": time.UnixMilli(int64(ends)).Sub(at) - 5*24*time.Hour,
	} {
		if got.Abs() > 20*time.Second {
			s.Errorf("at %v: %s is wrong by %v", at, what, got)
		}
	}
	if refused := s.newPerson().live(); refused != "" {
		s.Errorf("at %v: %s", at, refused)
	}
}
