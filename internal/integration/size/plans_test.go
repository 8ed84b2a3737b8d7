package size

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
)

const queries = "../../../storage/internal/sqlstore/queries"

// The statements of package sqlstore find what they are about by an index, on
// both databases and however little they know of the values.
func (s *side) plans(t *testing.T, scans func(s *side, query string) string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(queries, "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d queries, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if plan := scans(s, string(text)); plan != "" {
			t.Errorf("%s: %s goes through a whole table:\n%s", s.name, filepath.Base(file), plan)
		}
	}
}

// bigTables are those that grow.
const bigTables = "addresses|captchas|challenges|devices|limits|sessions|tickets|users"

var (
	sqliteScan   = regexp.MustCompile(`^SCAN (?:` + bigTables + `)\b`)
	postgresScan = regexp.MustCompile(`Seq Scan on (?:` + bigTables + `)\b`)
	onPostgresIs = regexp.MustCompile(`/\*postgres (.*?)\*/`)
	noComment    = regexp.MustCompile(`(?m)^--.*\n`)
)

// sqliteScans returns the plan of a statement that goes through a whole table.
func sqliteScans(s *side, query string) string {
	s.Helper()
	args := make([]any, strings.Count(noComment.ReplaceAllString(query, ""), "?"))
	var steps []struct {
		ID, Parent, NotUsed int
		Detail              string
	}
	if err := s.db.Unsafe().SelectContext(s.Context(), &steps, "EXPLAIN QUERY PLAN "+query, args...); err != nil {
		s.Fatalf("%s: %v", query, err)
	}
	var plan []string
	scans := false
	for _, step := range steps {
		plan = append(plan, step.Detail)
		scans = scans || sqliteScan.MatchString(step.Detail)
	}
	if !scans {
		return ""
	}
	return strings.Join(plan, "\n")
}

// postgresScans does so for the plan that is made once for all values, and if it
// is at all possible to do without: on a small table that would be no matter.
func postgresScans(s *side, query string) string {
	s.Helper()
	query = onPostgresIs.ReplaceAllString(noComment.ReplaceAllString(query, ""), "$1")
	n := strings.Count(query, "?")
	tx, err := s.db.BeginTxx(s.Context(), nil)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _, _ = tx.ExecContext(s.Context(), "DEALLOCATE asked"); _ = tx.Rollback() }()
	execute := "EXECUTE asked"
	if n > 0 {
		execute += "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	for _, statement := range []string{
		"SET LOCAL plan_cache_mode = force_generic_plan", "SET LOCAL enable_seqscan = off", "PREPARE asked AS " + sqlx.Rebind(sqlx.DOLLAR, query),
	} {
		if _, err := tx.ExecContext(s.Context(), statement); err != nil {
			s.Fatalf("%s: %v", statement, err)
		}
	}
	var steps []string
	if err := tx.SelectContext(s.Context(), &steps, "EXPLAIN "+execute); err != nil {
		s.Fatalf("%s: %v", query, err)
	}
	plan := strings.Join(steps, "\n")
	if !postgresScan.MatchString(plan) {
		return ""
	}
	return plan
}

// scanned reports how often PostgreSQL went through a whole table so far, by
// name: what it really did, with the values that there were.
func (s *side) scanned() map[string]int {
	s.Helper()
	var rows []struct {
		Relname string
		Seq     int `db:"seq_scan"`
	}
	if err := s.db.SelectContext(s.Context(), &rows, "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = current_schema()"); err != nil {
		s.Fatal(err)
	}
	scans := make(map[string]int)
	for _, r := range rows {
		if regexp.MustCompile(`^(?:` + bigTables + `)$`).MatchString(r.Relname) {
			scans[r.Relname] = r.Seq
		}
	}
	return scans
}
