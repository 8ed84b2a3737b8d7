package faults_test

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/faults"
	"example.com/mailkey/internal/integration/smtpd"
)

// check looks whether the site has kept its promises: the invariants of the
// catalogue. The server runs, and whatever was broken is mended. Two of them
// are looked at elsewhere: each answer when it comes (I5, [person.do]), and
// the time that it takes to recover (I7, [site.recovers]).
func (s *site) check() {
	s.Helper()
	for _, p := range s.people {
		p.checkNothingTwice()
		p.checkMails()
	}
	s.checkGuesses()
	s.checkSessions()
	s.checkGrowth()
	s.checkLogs()
}

// checkNothingTwice is I1: what was used is used. What was granted, and not
// taken back, is still there.
func (p *person) checkNothingTwice() {
	p.Helper()
	p.usedIsRefused()
	for token := range p.alive {
		if got := p.refresh(token); got != ok {
			p.Errorf("I1: a session that was granted: got %s", got)
		}
	}
}

// usedIsRefused tries again what was used up. Besides the answer that means so,
// others may be allowed.
func (p *person) usedIsRefused(or ...auth.Reason) {
	p.Helper()
	refused := func(got string, reasons ...auth.Reason) bool {
		return slices.Contains(append(reasons, or...), auth.Reason(got))
	}
	for ticket, answer := range p.tickets {
		if answer != ok {
			continue
		}
		if got := p.do(p.Context(), "POST", "/api/v2/sdk/email/send", nil,
			map[string]string{"email": p.email, "type": "LOGIN_EMS", "captcha_token": ticket}).code; !refused(got, auth.ReasonCaptcha) {
			p.Errorf("I1: a captcha_token that was used: got %s", got)
		}
	}
	for code, answers := range p.logins {
		granted := count(answers, ok)
		if granted > 1 {
			p.Errorf("I1: %d logins with one code", granted)
		}
		if granted == 0 {
			continue
		}
		if got := p.guess(code, false).code; !refused(got, auth.ReasonCode, auth.ReasonLimit) {
			p.Errorf("I1: a code that was used: got %s", got)
		}
	}
	for token := range p.ended {
		if got := p.refresh(token); !refused(got, auth.ReasonSessionInvalid) {
			p.Errorf("I1: a session that was ended: got %s", got)
		}
	}
}

// checkMails is I3: nobody gets more mails than were asked for. After a crash
// one may come twice, as the same mail.
func (p *person) checkMails() {
	p.Helper()
	copies := make(map[string][]string) // message id: the codes
	for _, m := range p.mails() {
		header, _ := m.Parse(p)
		id := header.Get("Message-Id")
		copies[id] = append(copies[id], m.Code(p))
	}
	for id, codes := range copies {
		if len(codes) > 2 || codes[0] != codes[len(codes)-1] {
			p.Errorf("I3: mail %s came %d times, with the codes %v", id, len(codes), codes)
		}
	}
	asked := 0
	for _, answer := range p.tickets {
		if answer == ok || answer == lost || answer == string(auth.ReasonBusy) {
			asked++
		}
	}
	if len(copies) > asked {
		p.Errorf("I3: %d mails where %d were asked for", len(copies), asked)
	}
}

func (p *person) mails() (mails []smtpd.Message) {
	for _, m := range p.relay.Messages() {
		if slices.Contains(m.To, p.email) {
			mails = append(mails, m)
		}
	}
	return mails
}

// checkGuesses is I2: at most five guesses are counted for a code, and each
// that was answered is.
func (s *site) checkGuesses() {
	s.Helper()
	const atCodes = "SELECT coalesce(max(guesses), 0) FROM challenges WHERE length(binding) > 1" // the others are decoys
	if got := s.db.number(s, atCodes); got > 5 {
		s.Errorf("I2: %d guesses at one code", got)
	}
	var least, most int
	for _, p := range s.people {
		for _, n := range p.wrong {
			least += min(n, 5)
		}
		most += p.guesses
	}
	if got := s.db.number(s, "SELECT coalesce(sum(n), 0) FROM failure_hours"); got < least || got > most {
		s.Errorf("I2: %d wrong guesses were counted, want %d to %d", got, least, most)
	}
}

// checkSessions is I4: there is a session for each login that was granted, and
// none without a code that was tried. Redis keeps none that was ended, may have
// lost others, and stores one late that nobody waited for any more: nobody has
// its token.
func (s *site) checkSessions() {
	s.Helper()
	sessions := s.sessions()
	if s.redis != nil {
		sessions = s.redis.sessions(s)
	}
	for _, p := range s.people {
		least, most := 0, 0
		for _, answers := range p.logins {
			if slices.Contains(answers, ok) {
				least++
				most++
			} else if slices.Contains(answers, lost) || slices.Contains(answers, string(auth.ReasonBusy)) {
				most++
			}
		}
		if s.redis != nil {
			least, most = 0, p.rightGuesses() // [person.checkNothingTwice] looks for those that are alive
		}
		if got := sessions[p.email]; got < least || got > most {
			s.Errorf("I4: %d sessions for the logins %v", got, p.logins)
		}
		delete(sessions, p.email)
	}
	if len(sessions) > 0 {
		s.Errorf("I4: sessions of nobody: %v", sessions)
	}
}

// rightGuesses are those that may have been let in.
func (p *person) rightGuesses() (n int) {
	for _, answers := range p.logins {
		n += count(answers, ok) + count(answers, lost) + count(answers, string(auth.ReasonBusy))
	}
	return n
}

// sessions are how many there are in the database, by address.
func (s *site) sessions() map[string]int {
	s.Helper()
	db := s.db.open(s)
	defer db.Close()
	rows, err := db.Query(`SELECT coalesce(users.email, ''), count(*) FROM sessions LEFT JOIN users ON users.id = sessions.user_id
		GROUP BY users.email`)
	if err != nil {
		s.Fatal(err)
	}
	defer rows.Close()
	sessions := make(map[string]int)
	for rows.Next() {
		var email string
		var n int
		if err := rows.Scan(&email, &n); err != nil {
			s.Fatal(err)
		}
		sessions[email] = n
	}
	if err := rows.Err(); err != nil {
		s.Fatal(err)
	}
	return sessions
}

// checkGrowth is I6: the server looks as it did before, if it is the same. Its
// pools may have filled meanwhile: a connection to SQLite has three files.
func (s *site) checkGrowth() {
	s.Helper()
	if s.calm == (faults.State{}) {
		return
	}
	for late := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got := s.state()
		if got.Goroutines <= s.calm.Goroutines+5 && got.Connections == 0 && got.Files <= s.calm.Files+40 &&
			got.Memory <= s.calm.Memory*11/10+4<<20 {
			return
		}
		if time.Now().After(late) {
			s.Errorf("I6: %+v, and %+v before", got, s.calm)
			return
		}
	}
}

var word = regexp.MustCompile(`[A-Za-z0-9_.-]+`)

// checkLogs is I8: no log holds a secret, or an address. And it shows no race.
func (s *site) checkLogs() {
	s.Helper()
	private := map[string]bool{faults.Secret: true}
	for _, p := range s.people {
		for _, value := range p.private {
			private[value] = true
		}
	}
	for i, p := range s.processes {
		log := p.Stdout.String() + p.Stderr.String()
		for _, w := range word.FindAllString(log, -1) {
			if private[w] {
				s.Errorf("I8: process %d wrote %q:\n%s", i, w, log)
			}
		}
		for _, text := range []string{"canary.example", faults.Secret, "DATA RACE"} {
			if strings.Contains(log, text) {
				s.Errorf("I8: process %d wrote %q:\n%s", i, text, log)
			}
		}
	}
}

func count(answers []string, answer string) (n int) {
	for _, a := range answers {
		if a == answer {
			n++
		}
	}
	return n
}
