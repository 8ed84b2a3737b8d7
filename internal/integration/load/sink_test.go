package load

import (
	"io"
	"net"
	"regexp"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// sink takes mails for any number of people at once, and hands the codes out.
type sink struct {
	addr string
	mu   sync.Mutex
	due  map[string]chan string // by address
}

func newSink(t *testing.T) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{addr: l.Addr().String(), due: make(map[string]chan string)}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{sink: s}, nil }))
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return s
}

// code is where the next code for an address comes.
func (s *sink) code(to string) chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due[to] == nil {
		s.due[to] = make(chan string, 1)
	}
	return s.due[to]
}

type session struct {
	sink *sink
	to   string
}

func (s *session) Reset()                                    {}
func (s *session) Logout() error                             { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error      { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }

// codeLine is where the code stands in the text of the mail.
var codeLine = regexp.MustCompile(`(?m)^\s*([0-9]{6})\s*$`)

func (s *session) Data(r io.Reader) error {
	mail, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if found := codeLine.FindSubmatch(mail); found != nil {
		s.sink.code(s.to) <- string(found[1])
	}
	return nil
}
