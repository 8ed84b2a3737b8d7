package authtest

import (
	"cmp"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
)

// Client returns a client that has a cookie jar and no session. Whatever host a
// request is for, Handler serves it, in the goroutine that makes the request
// and without a network; the answer is there when the handler has returned.
func (k *Kit) Client() *http.Client {
	jar, _ := cookiejar.New(nil) // never returns an error
	return &http.Client{Transport: transport{kit: k}, Jar: jar}
}

// transport hands requests to the kit's handler.
type transport struct {
	kit   *Kit
	token string // of a header client's session
}

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (res *http.Response, err error) {
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
	in.Header, in.ContentLength = r.Header.Clone(), r.ContentLength
	in.Host = cmp.Or(r.Host, in.Host)
	in.RequestURI, in.URL.Scheme, in.URL.Host = r.URL.RequestURI(), "", "" // as a server reads it
	if t.token != "" && in.Header.Get(tokenHeader) == "" {
		in.Header.Set(tokenHeader, t.token)
	}
	defer func() { _ = in.Body.Close() }()
	defer func() {
		if v := recover(); v == http.ErrAbortHandler {
			err = errors.New("authtest: the handler aborted the answer")
		} else if v != nil {
			panic(v)
		}
	}()
	w := httptest.NewRecorder()
	t.kit.Handler.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	res = w.Result()
	res.Request = r
	return res, nil
}
