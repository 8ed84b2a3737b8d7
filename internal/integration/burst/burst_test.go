package burst_test

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"testing"

	_ "modernc.org/sqlite"

	"example.com/mailkey/internal/integration/burst"
)

var ways = []burst.Way{
	burst.OnePacket,
	burst.LastBytes,
	burst.Barrier.On("1 thread", 1),
	burst.Barrier.On("2 threads", 2),
	burst.Barrier.On("16 threads", 16),
}

// naive answers five requests, or so it means to: it looks how many there
// were, and counts. In between others get their turn, as they do while one
// waits for a database.
type naive struct{ db *sql.DB }

func (n naive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var guesses int
	err := n.db.QueryRow(`SELECT guesses FROM codes`).Scan(&guesses)
	if err == nil && guesses >= 5 {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if err == nil {
		runtime.Gosched()
		_, err = n.db.Exec(`UPDATE codes SET guesses = guesses + 1`)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// Each way breaks a handler that looks first and counts later; if it did not,
// it would prove nothing about the others.
func TestNaiveHandlerBreaks(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "naive.db"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec(`CREATE TABLE codes (guesses INTEGER); INSERT INTO codes VALUES (0)`); err != nil {
		t.Fatal(err)
	}
	server := burst.Serve(t, naive{db})
	for name, body := range map[string]string{"with a body": "123456", "without": ""} {
		requests := make([]burst.Request, 30)
		for i := range requests {
			requests[i] = burst.Request{Method: "POST", Path: fmt.Sprint("/", i), Body: body}
		}
		for _, way := range ways {
			t.Run(way.Name+" "+name, func(t *testing.T) {
				for range 100 {
					if _, err := db.Exec(`UPDATE codes SET guesses = 0`); err != nil {
						t.Fatal(err)
					}
					if n := through(t, way.Fire(t, requests, server)); n > 5 {
						t.Logf("%d of 30 requests got through a limit of five", n)
						return
					}
				}
				t.Error("in 100 rounds never more than five of 30 requests got through a limit of five")
			})
		}
	}
}

func through(t *testing.T, answers []burst.Answer) (n int) {
	t.Helper()
	for i, a := range answers {
		switch a.Status {
		case http.StatusOK:
			n++
		case http.StatusTooManyRequests:
		default:
			t.Fatalf("request %d: %d %s", i, a.Status, a.Body)
		}
	}
	return n
}
