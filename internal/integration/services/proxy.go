package services

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy is a connection to a server that can be cut at a chosen byte.
type Proxy struct {
	Addr   string
	target atomic.Value // string
	watch  func(sent []byte) Cut
	wg     sync.WaitGroup
}

// Cut says what becomes of what a client has sent.
type Cut int

// What may become of it.
const (
	Pass   Cut = iota // it is passed on
	Before            // it is not, and the connection is cut
	After             // it is, and the connection is cut when the server has answered; the client gets no answer
)

// StartProxy starts a proxy before a server. It calls watch with each piece
// that a client sends, which watch may change.
func StartProxy(tb testing.TB, target string, watch func(sent []byte) Cut) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), watch: watch}
	p.Redirect(target)
	p.wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(client) })
		}
	})
	tb.Cleanup(func() {
		_ = l.Close() // what is connected ends with the client's pool
		p.wg.Wait()
	})
	return p
}

// Redirect sends those who connect from now on to another server, as what
// watches over a primary does when that has failed.
func (p *Proxy) Redirect(target string) { p.target.Store(target) }

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target.Load().(string))
	if err != nil {
		return
	}
	defer server.Close()

	var mu sync.Mutex
	silent := false
	answers := make(chan struct{})
	go func() {
		defer close(answers)
		defer client.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			mu.Lock()
			stop := silent
			mu.Unlock()
			if stop {
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		cut := p.watch(buffer[:n])
		if cut == Before {
			return
		}
		mu.Lock()
		silent = cut == After
		mu.Unlock()
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
		if cut == After {
			<-answers
			return
		}
	}
}
