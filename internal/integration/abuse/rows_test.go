package abuse

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/house"
)

// tables are all of a database's, and what bounds each of them.
var tables = map[string]string{
	"addresses":     "swept a year after the last mail",
	"beats":         "one row",
	"captchas":      "swept when they expire, and 20000 at most",
	"challenges":    "swept when they expire",
	"devices":       "swept 400 days after the last login",
	"failure_hours": "swept after eight days",
	"keys":          "one row",
	"limits":        "swept when they are full again",
	"sessions":      "swept when they expire",
	"tickets":       "swept when they expire",
	"users":         "people",
}

// dead fill each swept table with rows whose time is up, by the column that
// says so. BLOB is the type of keys.
var dead = map[string]struct{ columns, values, upAt string }{
	"addresses": {"key, state", "CAST('dead ' || i AS BLOB), ''", "seen_at"},
	"captchas":  {"id, kind, state, peer", "CAST('dead ' || i AS BLOB), 'pow', CAST('' AS BLOB), CAST('peer ' || i AS BLOB)", "expires_at"},
	"challenges": {
		"binding, id, secret_id, level, user_id, purpose, client_id, language, email, mail_to, created_at",
		"CAST('dead ' || i AS BLOB), CAST('x' AS BLOB), '', 0, '', '', '', '', '', '', 0", "expires_at",
	},
	"devices":       {"address, device", "CAST('dead ' || i AS BLOB), CAST('x' AS BLOB)", "seen_at"},
	"failure_hours": {"shard, n", "0, 1", "hour"},
	"limits":        {"key", "CAST('dead ' || i AS BLOB)", "tat"},
	"sessions": {
		"token_hash, id, user_id, client_id, agent, os, claimed_ip, ip, data, created_at, last_seen_at",
		"'dead ' || i, '', 'nobody', '', '', '', '', '', CAST('' AS BLOB), 0, 0", "expires_at",
	},
	"tickets": {"id, binding", "CAST('dead ' || i AS BLOB), CAST('x' AS BLOB)", "expires_at"},
}

// fill adds n dead rows to each swept table. Their times are those of 1970.
func fill(t *testing.T, db house.Database, n int) {
	t.Helper()
	for table, row := range dead {
		values := row.values
		if db.Rows.DriverName() == "pgx" {
			values = strings.ReplaceAll(values, "BLOB", "BYTEA")
		}
		query := fmt.Sprintf("INSERT INTO %s (%s, %s) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) SELECT %s, i FROM n",
			table, row.columns, row.upAt, n, values)
		if _, err := db.Rows.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

// count counts rows.
func count(h *house.House, from string, args ...any) (n int) {
	h.Helper()
	if err := h.Rows.GetContext(h.Context(), &n, h.Rows.Rebind("SELECT count(*) FROM "+from), args...); err != nil {
		h.Fatal(err)
	}
	return n
}

// sweepAll sweeps as Run does, at some time.
func sweepAll(h *house.House, now time.Time) {
	h.Helper()
	for {
		n, err := h.Store.Sweep(h.Context(), now, 500)
		if err != nil {
			h.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// rows counts the rows of each table; none when the store is in memory.
func rows(h *house.House) map[string]int {
	h.Helper()
	counts := make(map[string]int)
	if h.Rows == nil {
		return counts
	}
	for table := range tables {
		counts[table] = count(h, table)
	}
	return counts
}

// wantRows checks that there are as many rows as before, but in these tables.
func wantRows(h *house.House, before map[string]int, but ...string) {
	h.Helper()
	after := rows(h)
	for table, n := range before {
		if after[table] != n && !slices.Contains(but, table) {
			h.Errorf("%s had %d rows and has %d", table, n, after[table])
		}
	}
}
