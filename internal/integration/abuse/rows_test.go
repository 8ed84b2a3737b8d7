package abuse

import (
	"slices"

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

// rows counts the rows of each table; none when the store is in memory.
func rows(h *house.House) map[string]int {
	h.Helper()
	counts := make(map[string]int)
	if h.Rows == nil {
		return counts
	}
	for table := range tables {
		var n int
		if err := h.Rows.GetContext(h.Context(), &n, "SELECT count(*) FROM "+table); err != nil {
			h.Fatal(err)
		}
		counts[table] = n
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
