package faults_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"
)

// The keys in the database are damaged, or gone, while a server runs: it goes on
// with those that it has, and says so. It does not start with them, and never
// makes others in their place.
func TestFault_R40_keysDamaged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ damage, refused string }{
		"garbage":         {"UPDATE keys SET sealed = x'00ff00ff'", "the keys in the store are damaged"},
		"emptied":         {"UPDATE keys SET sealed = x''", "the keys in the store are damaged"},
		"another version": {`UPDATE keys SET sealed = CAST('{"wraps":{},"box":""}' AS BLOB)`, "sealed under another Secret"},
		"removed":         {"DELETE FROM keys", ""}, // which looks like a first start
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, freshSQLite(t))
			s.start()
			s.steady()
			somebody, token := s.signedIn()
			version, sealed := s.keys()
			s.db.exec(t, test.damage)
			s.pass(2 * time.Minute) // after one, the keys are read anew
			if got := somebody.refresh(token); got != ok {
				t.Errorf("a session: %s", got)
			}
			s.eventually("an alarm", 10*time.Second, func() bool {
				return s.logged(`level=ERROR msg="the signing keys were not read anew"`) > 0
			})
			s.recovers()
			s.check()
			if _, now := s.keys(); name == "removed" && now != nil {
				t.Error("it made others")
			}
			if test.refused != "" {
				p := s.launch()
				if s.serves(p) {
					t.Error("another one starts")
				}
				if got := p.Status(t, 10*time.Second); got != 1 || !strings.Contains(p.Stderr.String(), test.refused) {
					t.Errorf("exit status %d and\n%s\nwant 1 and %s", got, p.Stderr, test.refused)
				}
			}
			db := s.db.open(t)
			defer db.Close()
			if _, err := db.Exec("INSERT INTO keys (id, version, sealed) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed",
				version, sealed); err != nil {
				t.Fatal(err)
			}
			s.start()
			if got := somebody.refresh(token); got != ok {
				t.Errorf("a session, after the backup: %s", got)
			}
		})
	}
}

// keys is the row of the keys.
func (s *site) keys() (version int64, sealed []byte) {
	s.Helper()
	db := s.db.open(s)
	defer db.Close()
	if err := db.QueryRow("SELECT version, sealed FROM keys").Scan(&version, &sealed); err != nil && err != sql.ErrNoRows {
		s.Fatal(err)
	}
	return version, sealed
}
