package size

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jmoiron/sqlx"
)

const queries = "../../../storage/internal/sqlstore/queries"

// plans looks at how the statements of package sqlstore would be done: they find
// what they are about by an index, on both databases and however little these
// know of the values.
func (s *side) plans(scans func(s *side, query string) string) {
	s.Helper()
	files, err := filepath.Glob(filepath.Join(queries, "*.sql"))
	if err != nil || len(files) == 0 {
		s.Fatalf("%d queries, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			s.Fatal(err)
		}
		if plan := scans(s, string(text)); plan != "" {
			s.Errorf("%s: %s goes through a whole table:\n%s", s.name, filepath.Base(file), plan)
		}
	}
}

// bigTables are those that grow.
const bigTables = "addresses|captchas|challenges|devices|limits|sessions|tickets|users"

var (
	sqliteScan   = regexp.MustCompile(`^SCAN `)                                      // of whatever, by whatever name, but for
	smallScan    = regexp.MustCompile(`^SCAN (?:CONSTANT ROW|one|pending|newest)\b`) // bounded: so many mails, and captchas
	postgresScan = regexp.MustCompile(`Seq Scan on (?:` + bigTables + `)\b`)
	onPostgresIs = regexp.MustCompile(`/\*postgres (.*?)\*/`)
	onlySQLite   = regexp.MustCompile(`/\*sqlite\*/.*?/\*\*/`)
	noComment    = regexp.MustCompile(`(?m)^--.*\n`)
)

// sqliteScans returns the plan of a statement that goes through a whole table.
func sqliteScans(s *side, query string) string {
	s.Helper()
	args := make([]any, strings.Count(onPostgresIs.ReplaceAllString(noComment.ReplaceAllString(query, ""), ""), "?"))
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
		scans = scans || sqliteScan.MatchString(step.Detail) && !smallScan.MatchString(step.Detail)
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
	query = onlySQLite.ReplaceAllString(noComment.ReplaceAllString(query, ""), "")
	query = onPostgresIs.ReplaceAllString(query, "$1")
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
