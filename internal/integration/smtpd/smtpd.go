// Package smtpd is a mail server for tests: a real one (emersion/go-smtp) that
// can be told to fail at any point of the conversation.
//
//	s := smtpd.New(t, smtpd.Config{})
//	mailer, err := smtpmailer.New(smtpmailer.Config{URL: s.URL(), From: "login@app.example"})
//	...
//	code := s.Next(t, "alice@example.org").Code(t)
//
// What goes wrong is said per [Stage], before or while mails come in:
//
//	s.On(smtpd.RCPT, smtpd.Reply(451, "4.7.1 greylisted"))  // the next time only
//	s.On(smtpd.Dot, smtpd.Lose())                           // takes the mail, answers nothing
//	s.Always(smtpd.Greeting, smtpd.Hang())                  // a tarpit, until Always(…, Pass())
package smtpd

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// Config says what kind of server it is. The zero value is a plain-text server
// without AUTH on a free port of 127.0.0.1.
type Config struct {
	Addr        string           // host:port to listen on; empty: a free port
	Certificate *tls.Certificate // offers STARTTLS; see [Authority]
	ImplicitTLS bool             // TLS from the first byte instead of STARTTLS

	// User and Password make AUTH compulsory before MAIL. With a Certificate it
	// is offered under TLS only.
	User, Password string
	Mechanisms     []string // what AUTH offers: PLAIN, LOGIN. Nil: PLAIN.
}

// Server is a running mail server. All methods are safe for concurrent use.
type Server struct {
	config   Config
	listener net.Listener
	server   *smtp.Server

	mu         sync.Mutex
	changed    chan struct{} // closed and replaced when a message arrives
	messages   []Message
	read       map[string]int // how many messages Next has returned, by recipient
	transcript []string
	queued     map[Stage][]Action
	always     map[Stage]Action
	reached    map[Stage]chan struct{} // closed at the first arrival
	open       int
	dialed     int
}

// New starts a server, which is closed when the test ends.
func New(tb testing.TB, c Config) *Server {
	tb.Helper()
	s := &Server{
		config:  c,
		changed: make(chan struct{}),
		read:    map[string]int{},
		queued:  map[Stage][]Action{},
		always:  map[Stage]Action{},
		reached: map[Stage]chan struct{}{},
	}
	addr := c.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	var err error
	if s.listener, err = net.Listen("tcp", addr); err != nil {
		tb.Fatalf("smtpd: %v", err)
	}
	s.server = smtp.NewServer(smtp.BackendFunc(s.newSession))
	s.server.Domain = "smtpd.test"
	s.server.AllowInsecureAuth = true // session.AuthMechanisms decides
	s.server.EnableSMTPUTF8 = true
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	go s.server.Serve(listener{s.listener, s})
	tb.Cleanup(s.Close)
	return s
}

// Close ends the server and all of its connections, like a machine that dies.
// A new one can take its Addr.
func (s *Server) Close() {
	s.listener.Close() // which go-smtp may not know yet
	s.server.Close()
}

// Addr is the host:port that the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is the server as the URL that smtpmailer takes, with the credentials.
func (s *Server) URL() string {
	u := url.URL{Scheme: "smtp", Host: s.Addr()}
	if s.config.ImplicitTLS {
		u.Scheme = "smtps"
	}
	if s.config.User != "" {
		u.User = url.UserPassword(s.config.User, s.config.Password)
	}
	return u.String()
}

// Messages returns the mails accepted so far, oldest first. A mail whose
// acceptance was lost on the way ([Lose]) counts.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Next returns the first mail to an address that it has not returned before,
// and waits for it up to half a minute.
func (s *Server) Next(tb testing.TB, to string) Message {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		s.mu.Lock()
		changed := s.changed
		skip := s.read[to]
		for _, m := range s.messages {
			if !slices.Contains(m.To, to) {
				continue
			}
			if skip == 0 {
				s.read[to]++
				s.mu.Unlock()
				return m
			}
			skip--
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			tb.Fatalf("smtpd: no new mail to %s within half a minute", to)
		}
	}
}

// Transcript returns the commands of all clients in the order in which they
// came, without the mails themselves: each ends in the line ".".
func (s *Server) Transcript() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.transcript)
}

// Verbs is the Transcript reduced to the first word of each command.
func (s *Server) Verbs() []string {
	lines := s.Transcript()
	for i, line := range lines {
		lines[i], _, _ = strings.Cut(line, " ")
	}
	return lines
}

// Open is the number of connections there are now, Dialed that of all there
// ever were.
func (s *Server) Open() int   { s.mu.Lock(); defer s.mu.Unlock(); return s.open }
func (s *Server) Dialed() int { s.mu.Lock(); defer s.mu.Unlock(); return s.dialed }

func (s *Server) record(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transcript = append(s.transcript, line)
}

func (s *Server) accept(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	close(s.changed)
	s.changed = make(chan struct{})
}
