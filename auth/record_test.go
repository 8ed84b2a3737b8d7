package auth_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"os"

	"example.com/mailkey/auth"
)

// exchange is a request and the answer to it.
type exchange struct {
	Issuer         string // and InsecureCookie: of the Auth behind the handler
	InsecureCookie bool
	Method         string
	URI            string
	Header         http.Header
	Body           []byte // as far as it was read
	Status         int
	Answer         http.Header
	Content        []byte
}

// record is the file that MAILKEY_RECORD names, if it does. Everything that
// the tests of this package say and hear over HTTP is added to it, a line of
// JSON each: internal/integration compares it with openapi.json.
var record = func() *os.File {
	name := os.Getenv("MAILKEY_RECORD")
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		panic(err)
	}
	return file
}()

// recorded returns a handler that does the same and is recorded. The handler is
// of an Auth of this configuration.
func recorded(h http.Handler, conf auth.Config) http.Handler {
	if record == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := exchange{
			Issuer: conf.Issuer, InsecureCookie: conf.InsecureCookie,
			Method: r.Method, URI: r.URL.RequestURI(), Header: r.Header.Clone(),
		}
		var body bytes.Buffer
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &body), r.Body}
		answer := &recorder{ResponseWriter: w}
		h.ServeHTTP(answer, r)
		e.Body, e.Status, e.Answer, e.Content = body.Bytes(), cmp.Or(answer.status, http.StatusOK), w.Header(), answer.content.Bytes()
		line, err := json.Marshal(e)
		if err == nil {
			_, err = record.Write(append(line, '\n'))
		}
		if err != nil {
			panic(err)
		}
	})
}

// recorder keeps what is written.
type recorder struct {
	http.ResponseWriter
	status  int
	content bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = cmp.Or(r.status, status)
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.content.Write(b)
	return r.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
