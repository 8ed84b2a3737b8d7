package faults_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a name server.
type names struct {
	addr string
	conn net.PacketConn

	mu     sync.Mutex
	answer answer
	asked  int
}

// answer is what it says about a name, to the n-th question.
type answer func(n int, kind dnsmessage.Type) (code dnsmessage.RCode, addrs []string, silent bool)

// rightAnswer is that the relay is on this machine, where it listens on IPv4.
func rightAnswer(_ int, kind dnsmessage.Type) (dnsmessage.RCode, []string, bool) {
	if kind != dnsmessage.TypeA {
		return dnsmessage.RCodeSuccess, nil, false
	}
	return dnsmessage.RCodeSuccess, []string{"127.0.0.1"}, false
}

// startNames starts a name server that is right.
func startNames(tb testing.TB) *names {
	tb.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	n := &names{addr: conn.LocalAddr().String(), conn: conn, answer: rightAnswer}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.serve()
	}()
	tb.Cleanup(func() { conn.Close(); <-done })
	return n
}

// says changes what it answers.
func (n *names) says(a answer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answer, n.asked = a, 0
}

func (n *names) serve() {
	buffer := make([]byte, 1<<12)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:size]) != nil || len(m.Questions) != 1 {
			continue
		}
		if reply := n.reply(m.Header.ID, m.Questions[0]); reply != nil {
			_, _ = n.conn.WriteTo(reply, from) // who asked may have gone
		}
	}
}

func (n *names) reply(id uint16, q dnsmessage.Question) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	code, addrs, silent := n.answer(n.asked, q.Type)
	if silent {
		return nil
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, Response: true, RecursionAvailable: true, RCode: code},
		Questions: []dnsmessage.Question{q},
	}
	for _, text := range addrs {
		header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
		if addr := netip.MustParseAddr(text); addr.Is4() {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		} else {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	reply, _ := m.Pack() // it was made here
	return reply
}

// The name of the relay cannot be looked up, or leads elsewhere. Nobody who asks
// for a mail notices, nothing piles up, and the mail comes when the name is
// right.
func TestFault_R08_names(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]answer{
		"the server fails": func(int, dnsmessage.Type) (dnsmessage.RCode, []string, bool) {
			return dnsmessage.RCodeServerFailure, nil, false
		},
		"no such name": func(int, dnsmessage.Type) (dnsmessage.RCode, []string, bool) {
			return dnsmessage.RCodeNameError, nil, false
		},
		"no answer": func(int, dnsmessage.Type) (dnsmessage.RCode, []string, bool) { return 0, nil, true },
		"the wrong family": func(_ int, kind dnsmessage.Type) (dnsmessage.RCode, []string, bool) {
			if kind != dnsmessage.TypeAAAA {
				return dnsmessage.RCodeSuccess, nil, false
			}
			return dnsmessage.RCodeSuccess, []string{"::1"}, false
		},
		"now and then": func(n int, kind dnsmessage.Type) (dnsmessage.RCode, []string, bool) {
			if n%8 < 6 { // each lookup asks four times: two families, twice
				return dnsmessage.RCodeServerFailure, nil, false
			}
			return rightAnswer(n, kind)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSiteWithTLS(t, freshSQLite(t))
			s.start(s.trust())
			s.steady()
			s.names.says(wrong)
			var people []*person
			for range 6 {
				people = append(people, s.newPerson())
				if got := people[len(people)-1].asks(); got != ok {
					t.Errorf("who asks for a mail: %s", got)
				}
			}
			s.at.WaitFor(t, s.at.Stderr, `(`+notDelivered+`.* retry=true cause="smtpmailer: connect: )`)
			if got := s.state().Goroutines; got > s.calm.Goroutines+40 {
				t.Errorf("%d goroutines, and %d before", got, s.calm.Goroutines)
			}
			s.names.says(rightAnswer)
			s.eventually("all were tried", 20*time.Second, func() bool {
				return s.logged(notDelivered)+len(s.relay.Messages()) >= len(people)+1
			})
			s.pass(5 * time.Second)
			for _, p := range people {
				if _, err := p.mail(0); err != nil {
					t.Fatalf("%v\n%s", err, s.at.Stderr)
				}
				if got := p.guess(p.lastCode(), true); got.code != ok {
					t.Errorf("a code: %s", got.code)
				}
			}
			s.check()
		})
	}
}
