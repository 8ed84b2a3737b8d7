package burst

import (
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// calls are requests to the handler itself, from a goroutine each, which wait
// at a barrier.
type calls struct {
	gate chan struct{}
	done sync.WaitGroup
	got  []Answer
}

func aimCalls(_ testing.TB, s *Server, requests []Request) shot {
	c := &calls{gate: make(chan struct{}), got: make([]Answer, len(requests))}
	for i, r := range requests {
		c.done.Go(func() {
			if r.Body == "" {
				<-c.gate
			}
			c.got[i] = s.call(r, &gated{text: r.Body, gate: c.gate})
		})
	}
	return c
}

func (c *calls) fire() error {
	close(c.gate)
	return nil
}

func (c *calls) answers() ([]Answer, error) {
	c.done.Wait()
	return c.got, nil
}

// Call makes one request to the handler, in this process.
func (s *Server) Call(r Request) Answer { return s.call(r, strings.NewReader(r.Body)) }

func (s *Server) call(r Request, body io.Reader) Answer {
	request := httptest.NewRequest(r.Method, r.Path, body)
	request.Header = r.Header.Clone()
	request.ContentLength = int64(len(r.Body))
	request.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, request)
	return Answer{w.Code, w.Header(), w.Body.String()}
}

// gated is a text whose last byte comes when the gate is open.
type gated struct {
	text string
	gate <-chan struct{}
}

func (g *gated) Read(p []byte) (n int, err error) {
	if len(g.text) == 0 {
		return 0, io.EOF
	}
	if len(g.text) == 1 {
		<-g.gate
	}
	n = copy(p, g.text[:max(1, len(g.text)-1)])
	g.text = g.text[n:]
	return n, nil
}
