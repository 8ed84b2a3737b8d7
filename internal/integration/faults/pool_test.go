package faults_test

import (
	"database/sql"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
)

// All connections of the pool are in use: who gets none within a second is told
// BUSY, and who has one gives it back.
func TestFault_R23_poolExhausted(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshPostgres(t).with("-pool", "2"))
	s.start()
	s.steady()
	db := s.db.open(t)
	defer db.Close()
	tx, err := db.Begin()
	if err == nil {
		_, err = tx.Exec("LOCK TABLE limits IN ACCESS EXCLUSIVE MODE")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range together(s.crowd(20, 7*time.Second)...) {
		if got != string(auth.ReasonBusy) {
			t.Errorf("without a connection: %s, want BUSY", got)
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	s.recovers()
	s.check()
}

// Others have taken all connections that the server allows.
func TestFault_R23_maxConnections(t *testing.T) {
	t.Parallel()
	postgres := services.StartPostgres(t, "max_connections=12", "superuser_reserved_connections=0")
	s := newSite(t, postgresAt(postgres.URL("postgres")).with("-pool", "10"))
	s.start()
	s.steady()

	db := s.db.open(t)
	defer db.Close()
	db.SetMaxOpenConns(20)
	var taken []*sql.Conn
	busy := 0
	for {
		conn, err := db.Conn(t.Context())
		if err != nil {
			break
		}
		taken = append(taken, conn)
	}
	for _, got := range together(s.crowd(20, 3*time.Second)...) {
		if got != ok && got != string(auth.ReasonBusy) {
			t.Errorf("without a connection: %s, want BUSY", got)
		}
		if got == string(auth.ReasonBusy) {
			busy++
		}
	}
	if len(taken) == 0 || busy == 0 {
		t.Errorf("%d connections were taken, and %d people told BUSY", len(taken), busy)
	}
	for _, conn := range taken {
		conn.Close()
	}
	db.Close()
	s.recovers()
	s.check()
}

// crowd are so many people who ask for a mail, and wait for that long at most.
func (s *site) crowd(n int, longest time.Duration) (people []func() string) {
	for range n {
		people = append(people, func() string {
			began := time.Now()
			got := s.newPerson().asks()
			if took := time.Since(began); took > longest {
				s.Errorf("%s after %v", got, took)
			}
			return got
		})
	}
	return people
}
