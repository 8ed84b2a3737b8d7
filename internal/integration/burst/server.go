package burst

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// patience is how long the requests may take to get to their last bytes. It is
// shorter than what a body may take to arrive.
const patience = 4 * time.Second

// Server serves a handler: HTTP/1.1 on one address, HTTP/2 on another, and
// knows when a request has been read but for its last byte.
type Server struct {
	handler http.Handler
	held    chan struct{}

	plain  *httptest.Server
	secure *httptest.Server
}

// Serve starts a server that ends with the test.
func Serve(tb testing.TB, handler http.Handler) *Server {
	tb.Helper()
	s := &Server{held: make(chan struct{}, 1024)}
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 0 {
			r.Body = &body{ReadCloser: r.Body, left: r.ContentLength, held: s.held}
		}
		handler.ServeHTTP(w, r)
	})
	s.plain = httptest.NewServer(s.handler)
	tb.Cleanup(s.plain.Close)
	s.secure = httptest.NewUnstartedServer(s.handler)
	s.secure.EnableHTTP2 = true
	s.secure.StartTLS()
	tb.Cleanup(s.secure.Close)
	return s
}

// Handler is what is served.
func (s *Server) Handler() http.Handler { return s.handler }

// Addr is where it serves HTTP/1.1.
func (s *Server) Addr() string { return s.plain.Listener.Addr().String() }

// dial opens a connection for HTTP/2.
func (s *Server) dial() (*tls.Conn, error) {
	config := s.secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = []string{"h2"}
	return tls.Dial("tcp", s.secure.Listener.Addr().String(), config)
}

// body says when one byte is missing.
type body struct {
	io.ReadCloser
	left int64
	held chan<- struct{}
}

func (b *body) Read(p []byte) (n int, err error) {
	n, err = b.ReadCloser.Read(p)
	b.left -= int64(n)
	if n > 0 && b.left == 1 {
		b.held <- struct{}{}
	}
	return n, err
}

// await waits until those of the requests that have a body wait for its last
// byte, and reports whether they all did.
func (s *Server) await(requests []Request) bool {
	late := time.After(patience)
	for _, r := range requests {
		if r.Body == "" {
			continue
		}
		select {
		case <-s.held:
		case <-late:
			return false
		}
	}
	return true
}

// forget is for after await was false.
func (s *Server) forget() {
	for {
		select {
		case <-s.held:
		default:
			return
		}
	}
}
