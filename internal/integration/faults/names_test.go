package faults_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"

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
