package faults_test

import (
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/smtpd"
	"example.com/mailkey/internal/torture"
)

// The relay accepts connections and says nothing. Whoever asks for a mail does
// not notice; sixteen connections wait for it, for ten seconds each, until it is
// left alone, and people are told so.
func TestFault_R01_tarpit(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshSQLite(t))
	s.start()
	s.steady()
	n := torture.Rounds(40, 500)
	healthy := s.slowest(n)
	s.relay.Always(smtpd.Greeting, smtpd.Hang())
	stop, most := s.watchConnections()
	if slow := s.slowest(n); slow > 2*healthy+time.Second {
		t.Errorf("the slowest of %d answers took %v, and %v while the relay was well", n, slow, healthy)
	}
	s.eventually("the relay is left alone", 60*time.Second, func() bool {
		time.Sleep(500 * time.Millisecond)
		return s.newPerson().asks() == string(auth.ReasonNotSent)
	})
	s.eventually("ten attempts failed", time.Second, func() bool { return s.logged(notDelivered) >= 10 })
	stop()
	if got := most.Load(); got != 16 {
		t.Errorf("%d connections to the relay at a time, want 16", got)
	}
	s.relay.Always(smtpd.Greeting, smtpd.Pass())
	s.recovers()
	s.check()
}

// slowest lets n people ask for a mail, eight at a time, and returns how long
// the longest of their requests took.
func (s *site) slowest(n int) (longest time.Duration) {
	s.Helper()
	var most atomic.Int64
	var asks []func() string
	for range 8 {
		asks = append(asks, func() string {
			for range n / 8 {
				p := s.newPerson()
				ticket, refused := p.ticket()
				if refused != ok {
					return refused
				}
				before := time.Now()
				if got := p.send(ticket); got != ok {
					return got
				}
				took := int64(time.Since(before))
				for old := most.Load(); took > old && !most.CompareAndSwap(old, took); old = most.Load() {
				}
			}
			return ok
		})
	}
	for _, got := range together(asks...) {
		if got != ok {
			s.Errorf("somebody asks for a mail: %s", got)
		}
	}
	return time.Duration(most.Load())
}

// watchConnections looks how many there are to the relay at a time.
func (s *site) watchConnections() (stop func(), most *atomic.Int64) {
	most = new(atomic.Int64)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			most.Store(max(most.Load(), int64(s.relay.Open())))
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() { close(done); <-ended }, most
}

// The relay is too slow: an answer may take ten seconds, and a mail thirty.
func TestFault_R02_slowRelay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		slow func(*smtpd.Server)
		took time.Duration
	}{
		"a byte a second": {func(r *smtpd.Server) { r.On(smtpd.Greeting, smtpd.Drip(time.Second)) }, 10 * time.Second},
		"eight seconds an answer": {func(r *smtpd.Server) {
			for _, stage := range smtpd.Stages {
				r.Always(stage, smtpd.Wait(8*time.Second))
			}
		}, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, freshSQLite(t))
			s.start()
			s.steady()
			test.slow(s.relay)
			somebody := s.newPerson()
			began := time.Now()
			if got := somebody.asks(); got != ok {
				t.Fatal(got)
			}
			if slow := s.slowest(8); slow > 2*time.Second {
				t.Errorf("others waited %v", slow)
			}
			s.eventually("the attempt ends", 40*time.Second, func() bool { return s.logged(notDelivered) > 0 })
			for _, stage := range smtpd.Stages {
				s.relay.Always(stage, smtpd.Pass())
			}
			if took := time.Since(began); took < test.took-time.Second || took > test.took+4*time.Second {
				t.Errorf("the attempt took %v, want %v", took, test.took)
			}
			if _, err := somebody.mail(0); err != nil { // which is tried again after five
				t.Fatal(err)
			}
			if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
				t.Errorf("the code: %s", got.code)
			}
			s.check()
		})
	}
}
