package faults_test

import (
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/torture"
)

// Redis does not answer: nobody is let in and nobody is out, a right code is not
// spent, wrong guesses are counted, and it costs each request five seconds at
// most. When it answers again everything is as it was.
func TestFault_R25_redisHangs(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newRedisSite(t, fresh(t))
		s.start()
		s.steady()
		somebody, token := s.signedIn()
		s.redis.Signal(t, syscall.SIGSTOP)
		somebody.isTold(auth.ReasonBusy, token)
		s.redis.Signal(t, syscall.SIGCONT)
		s.recovers()
		if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
			t.Errorf("the code afterwards: %s", got.code)
		}
		s.check()
	})
}

// isTold looks what somebody is told who tries everything that needs sessions.
func (p *person) isTold(want auth.Reason, token string) {
	p.Helper()
	if got := p.guess(other(p.lastCode()), false); got.code != string(auth.ReasonCode) || got.took > 2*time.Second {
		p.Errorf("a wrong guess, which has nothing to do with sessions: %s after %v", got.code, got.took)
	}
	for what, got := range map[string]string{
		"a login":   p.guess(p.lastCode(), true).code,
		"a refresh": p.refresh(token),
	} {
		if got != string(want) {
			p.Errorf("%s: %s, want %s", what, got, want)
		}
	}
}

// Redis is gone, and comes back empty: everybody has to log in again, and can.
func TestFault_R25_R26_redisDies(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newRedisSite(t, fresh(t))
		s.start()
		s.steady()
		somebody, token := s.signedIn()
		s.redis.Kill()
		somebody.isTold(auth.ReasonBusy, token)
		if got := somebody.logout(token); got != string(auth.ReasonBusy) {
			t.Errorf("a logout: %s, want BUSY", got)
		}
		s.redis.Start(t)
		s.forget()
		if got := somebody.refresh(token); got != string(auth.ReasonSessionInvalid) {
			t.Errorf("a session that was lost: %s", got)
		}
		s.recovers()
		if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
			t.Errorf("the code afterwards: %s", got.code)
		}
		s.check()
	})
}

// Redis is emptied again and again while somebody guesses: that gives nobody
// another guess, since guesses are counted elsewhere.
func TestFault_R26_redisIsEmptied(t *testing.T) {
	t.Parallel()
	s := newRedisSite(t, freshSQLite(t))
	s.start()
	s.steady()
	for range torture.Rounds(3, 100) {
		out, token := s.signedIn()
		if got := out.logout(token); got != ok {
			t.Error(got)
		}
		victim := s.newPerson()
		victim.mustGet()
		var stop atomic.Bool
		empty := func() string {
			for !stop.Load() {
				s.redis.do(t, "FLUSHALL")
			}
			return ""
		}
		guess := func() string {
			defer stop.Store(true)
			for range 8 {
				victim.guess(other(victim.lastCode()), false)
			}
			return victim.guess(victim.lastCode(), true).code
		}
		if got := together(guess, empty)[0]; got != string(auth.ReasonCode) {
			t.Errorf("the right code after eight guesses: %s", got)
		}
		s.forget()
	}
	s.recovers()
	s.check()
}

// Redis is full. Who has a session keeps it, and nobody gets one; a code is not
// spent by that.
func TestFault_R27_redisIsFull(t *testing.T) {
	t.Parallel()
	s := newRedisSite(t, freshSQLite(t))
	s.start()
	s.steady()
	somebody, token := s.signedIn()
	s.redis.do(t, "CONFIG", "SET", "maxmemory", "1") // its policy is noeviction
	if got := somebody.guess(somebody.lastCode(), true).code; got != string(auth.ReasonBusy) {
		t.Errorf("a login: %s, want BUSY", got)
	}
	if got := somebody.refresh(token); got != ok {
		t.Errorf("a session that there is: %s", got)
	}
	if got := somebody.logout(token); got != ok {
		t.Errorf("its end: %s", got)
	}
	s.redis.do(t, "CONFIG", "SET", "maxmemory", "0")
	s.recovers()
	if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
		t.Errorf("the code afterwards: %s", got.code)
	}
	s.check()
}

// A Redis that evicts what it likes ends sessions early, and does nothing worse.
func TestFault_R27_redisEvicts(t *testing.T) {
	t.Parallel()
	s := newRedisSite(t, freshSQLite(t))
	s.start()
	s.steady()
	for range 5 {
		if refused := s.newPerson().live(); refused != "" {
			t.Error(refused)
		}
		s.newPerson().logsIn()
	}
	s.redis.do(t, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	s.redis.do(t, "CONFIG", "SET", "maxmemory", "1") // all of them
	if got := s.newPerson(); got.gets() != "" {
		t.Error("no mail")
	}
	s.redis.client.Set(t.Context(), "x", "y", 0) // makes it look
	for _, p := range s.people {
		for token := range p.alive {
			if got := p.refresh(token); got != ok && got != string(auth.ReasonSessionInvalid) {
				t.Errorf("a session that was evicted: %s", got)
			}
		}
	}
	s.forget()
	s.redis.do(t, "CONFIG", "SET", "maxmemory", "0")
	s.recovers()
	s.check()
}
