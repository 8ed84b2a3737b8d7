package middleware_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

// guards are all that can stand in front of a handler, with the credentials
// that open them.
func guards(t *testing.T, k *kit) []struct {
	name  string
	guard func(http.Handler) http.Handler
	open  edit
} {
	t.Helper()
	app, web := k.login("app", "app@b.example"), k.login("web", "web@b.example")
	idToken, err := middleware.RequireIDToken(t.Context(), middleware.IDTokenConfig{
		Issuer: k.conf.Issuer, Clients: []string{"app"}, Algorithm: k.conf.SigningAlgorithm, Auth: k.auth,
	})
	if err != nil {
		t.Fatal(err)
	}
	load, require, recent := middleware.LoadSession(k.auth), middleware.RequireSession(k.auth), middleware.RequireRecentLogin(time.Hour)
	all := func(h http.Handler) http.Handler { return load(require(recent(load(require(h))))) }
	return []struct {
		name  string
		guard func(http.Handler) http.Handler
		open  edit
	}{
		{"LoadSession", load, bySessionToken(app.session)},
		{"LoadSession of nobody", load, func(*http.Request) {}},
		{"RequireSession by header", require, byBearer(app.session)},
		{"RequireSession by cookie", require, byCookie(web.session)},
		{"RequireIDToken", idToken, byBearer(app.idToken)},
		{"all in one", all, byCookie(web.session)},
	}
}

// fullWriter can do all that a ResponseWriter of net/http can.
type fullWriter struct {
	*httptest.ResponseRecorder
	done []string
}

func (w *fullWriter) did(what string) error { w.done = append(w.done, what); return nil }

func (w *fullWriter) Push(string, *http.PushOptions) error { return w.did("Push") }
func (w *fullWriter) SetReadDeadline(time.Time) error      { return w.did("SetReadDeadline") }
func (w *fullWriter) SetWriteDeadline(time.Time) error     { return w.did("SetWriteDeadline") }
func (w *fullWriter) EnableFullDuplex() error              { return w.did("EnableFullDuplex") }
func (w *fullWriter) FlushError() error                    { return w.did("FlushError") }
func (w *fullWriter) ReadFrom(r io.Reader) (int64, error) {
	_ = w.did("ReadFrom")
	return io.Copy(w.ResponseRecorder, r)
}

func (w *fullWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, w.did("Hijack")
}

// The handler gets the very writer, and the request as it came but for its
// context.
func TestWriterAndRequestAreHandedOn(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	for _, row := range guards(t, k) {
		t.Run(row.name, func(t *testing.T) {
			type key struct{}
			r := request("PUT", "/a/b?c=d", row.open, header("X-Forwarded-For", "203.0.113.9"), header("X-Real-Ip", "203.0.113.9"))
			r = r.WithContext(context.WithValue(r.Context(), key{}, "kept"))
			r.RemoteAddr = "198.51.100.7:4711"
			r.SetPathValue("name", "value")
			before := r.Clone(r.Context())
			writer := &fullWriter{ResponseRecorder: httptest.NewRecorder()}
			called := false
			row.guard(http.HandlerFunc(func(w http.ResponseWriter, got *http.Request) {
				called = true
				if w != http.ResponseWriter(writer) {
					t.Errorf("the writer is a %T", w)
				}
				rc := http.NewResponseController(w)
				for name, err := range map[string]error{
					"Flush": rc.Flush(), "SetReadDeadline": rc.SetReadDeadline(time.Now()), "SetWriteDeadline": rc.SetWriteDeadline(time.Now()),
					"EnableFullDuplex": rc.EnableFullDuplex(), "Push": w.(http.Pusher).Push("/", nil),
				} {
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				if _, _, err := rc.Hijack(); err != nil {
					t.Errorf("Hijack: %v", err)
				}
				if got.RemoteAddr != "198.51.100.7:4711" || got.PathValue("name") != "value" || got.Context().Value(key{}) != "kept" ||
					got.Body != r.Body || got.URL.String() != before.URL.String() || got.RequestURI != before.RequestURI ||
					got.Host != before.Host || !reflect.DeepEqual(got.Header, before.Header) {
					t.Errorf("got %+v, want %+v", got, before)
				}
			})).ServeHTTP(writer, r)
			if !called {
				t.Fatalf("refused: %d %s", writer.Code, writer.Body)
			}
			if len(writer.done) != 6 {
				t.Errorf("done: %v", writer.done)
			}
			if r.RemoteAddr != "198.51.100.7:4711" || !reflect.DeepEqual(r.Header, before.Header) {
				t.Errorf("the request was changed: %+v", r)
			}
		})
	}
}

// The client sees what was flushed before the handler ends.
func TestStreaming(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	for _, row := range guards(t, k) {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/HTTP2 %v", row.name, http2), func(t *testing.T) {
				t.Parallel()
				seen := make(chan struct{})
				server := httptest.NewUnstartedServer(row.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					fmt.Fprint(w, "first")
					w.(http.Flusher).Flush()
					select {
					case <-seen:
					case <-r.Context().Done():
						t.Error("the client did not see the first part")
						return
					}
					fmt.Fprint(w, "second")
					if err := http.NewResponseController(w).Flush(); err != nil {
						t.Error(err)
					}
				})))
				server.EnableHTTP2 = http2
				server.StartTLS()
				t.Cleanup(server.Close)

				r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				row.open(r)
				res, err := server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				first := make([]byte, 5)
				if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "first" {
					t.Fatalf("%q %v", first, err)
				}
				close(seen)
				rest, err := io.ReadAll(res.Body)
				if err != nil || string(rest) != "second" || (res.ProtoMajor == 2) != http2 {
					t.Errorf("%q %v over %s", rest, err, res.Proto)
				}
			})
		}
	}
}

// A connection that the handler takes over is its own: here it becomes what a
// WebSocket begins with.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	for _, row := range guards(t, k) {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan struct{})
			var complaints syncBuffer
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				row.guard(http.HandlerFunc(upgrade)).ServeHTTP(w, r)
			}))
			server.Config.ErrorLog = log.New(&complaints, "", 0)
			server.Start()
			t.Cleanup(server.Close)

			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			r := request("GET", "/", row.open, header("Connection", "Upgrade"), header("Upgrade", "websocket"),
				header("Sec-WebSocket-Version", "13"), header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="))
			if err := r.Write(conn); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			res, err := http.ReadResponse(in, r)
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Header.Get("Sec-WebSocket-Accept"); res.StatusCode != 101 || got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
				t.Fatalf("got %d %q", res.StatusCode, got)
			}
			for _, word := range []string{"one", "two"} {
				if _, err := conn.Write(append([]byte{0x81, byte(len(word))}, word...)); err != nil {
					t.Fatal(err)
				}
				frame := make([]byte, 2+len(word))
				if _, err := io.ReadFull(in, frame); err != nil || string(frame[2:]) != word || frame[0] != 0x81 {
					t.Fatalf("%q %v", frame, err)
				}
			}
			conn.Close()
			<-ended
			if got := complaints.String(); got != "" {
				t.Errorf("the server complains: %s", got)
			}
		})
	}
}

// upgrade takes the connection over and sends frames back as they come.
func upgrade(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	for rw.Flush() == nil {
		head := make([]byte, 2)
		if _, err := io.ReadFull(rw, head); err != nil {
			return
		}
		body := make([]byte, head[1])
		if _, err := io.ReadFull(rw, body); err != nil {
			return
		}
		_, _ = rw.Write(append(head, body...))
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Panics are whoever's they were before.
func TestPanics(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	for _, row := range guards(t, k) {
		for _, value := range []any{http.ErrAbortHandler, "a bug", fmt.Errorf("wrapped: %w", io.EOF)} {
			t.Run(fmt.Sprintf("%s/%v", row.name, value), func(t *testing.T) {
				w := httptest.NewRecorder()
				defer func() {
					if got := recover(); got != value {
						t.Errorf("got %v, want %v", got, value)
					}
					if w.Body.Len() > 0 {
						t.Errorf("something was written: %s", w.Body)
					}
				}()
				row.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) })).ServeHTTP(w, request("GET", "/", row.open))
			})
		}
	}
}

// strictStore can do nothing but what a request may ask of it.
type strictStore struct {
	storage.Store // nil: a call of what is not below panics
	on            *countingStore
}

func (s strictStore) FindSession(ctx context.Context, tokenHash string, now time.Time) (storage.LiveSession, bool, error) {
	return s.on.FindSession(ctx, tokenHash, now)
}

func (s strictStore) SaveSessionData(ctx context.Context, tokenHash string, data []byte, now time.Time) (bool, error) {
	return s.on.SaveSessionData(ctx, tokenHash, data, now)
}

func (s strictStore) LoadKeys(ctx context.Context) ([]byte, int64, error) { return s.on.LoadKeys(ctx) }

// One read of the store for each request, however many ask, and no write and no
// cookie when nothing changed.
func TestStoreIsAskedOnce(t *testing.T) {
	onEachStore(t, func(t *testing.T, k *kit) {
		app, web := k.login("app", "app@b.example").session, k.login("web", "web@b.example").session
		conf := k.conf
		conf.Store = strictStore{on: k.store}
		a, err := auth.New(conf)
		if err != nil {
			t.Fatal(err)
		}
		load, require := middleware.LoadSession(a), middleware.RequireSession(a)
		look := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if a.SessionManager().GetString(r.Context(), "x") != "" || a.SessionManager().Exists(r.Context(), "x") {
				t.Error("there is an x")
			}
		})
		put := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			a.SessionManager().Put(r.Context(), "y", time.Now().String())
		})
		for _, row := range []struct {
			name         string
			handler      http.Handler
			edits        []edit
			finds, saves int64
		}{
			{"LoadSession", load(look), []edit{bySessionToken(app)}, 1, 0},
			{"RequireSession", require(look), []edit{bySessionToken(app)}, 1, 0},
			{"by cookie", require(look), []edit{byCookie(web)}, 1, 0},
			{"nested", load(require(look)), []edit{byCookie(web)}, 1, 0},
			{"nested the other way", require(load(load(require(look)))), []edit{byCookie(web)}, 1, 0},
			{"nobody", load(look), nil, 0, 0},
			{"a dead token", load(load(look)), []edit{bySessionToken(strings.Repeat("A", 43))}, 1, 0},
			{"no token at all", load(load(look)), []edit{bySessionToken("x")}, 0, 0},
			{"refused", require(look), nil, 0, 0},
			{"changed", require(put), []edit{byCookie(web)}, 1, 1},
			{"changed, nested", load(require(load(put))), []edit{byCookie(web)}, 1, 1},
		} {
			t.Run(row.name, func(t *testing.T) {
				k.store.counts()
				w := serve(row.handler, request("GET", "/", row.edits...))
				finds, saves, touches := k.store.counts()
				if finds != row.finds || saves != row.saves || touches != 0 {
					t.Errorf("%d reads and %d writes and %d touches, want %d, %d and none", finds, saves, touches, row.finds, row.saves)
				}
				if got := w.Header().Values("Set-Cookie"); got != nil {
					t.Errorf("Set-Cookie: %q", got)
				}
				if got := w.Header().Values("Vary"); len(got) != 1 {
					t.Errorf("Vary: %q", got)
				}
			})
		}
	})
}

// That a session is in use is noted once a minute, and not more often.
func TestTouch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, memory.New(), nil)
		token := k.login("app", "a@b.example").session
		h := middleware.RequireSession(k.auth)(whoami)
		for range 60 {
			time.Sleep(10 * time.Second)
			wantBody(t, serve(h, request("GET", "/", bySessionToken(token))), "a@b.example")
		}
		if finds, saves, touches := k.store.counts(); finds != 60 || saves != 0 || touches != 10 {
			t.Errorf("%d reads, %d writes, %d touches in ten minutes", finds, saves, touches)
		}
	})
}
