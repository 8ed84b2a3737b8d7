package deps

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var updateSecurity = flag.Bool("update", false, "write the tests into docs/security.md")

// The rows of the catalogue in docs/security.md: so many of each kind.
var catalogue = []struct {
	kind string
	rows int
}{
	{"A", 18}, {"B", 18}, {"C", 30}, {"D", 13}, {"E", 22}, {"F", 16}, {"G", 19}, {"H", 9}, {"I", 9}, {"J", 12},
	{"R", 48},
}

// maxUntested is how many attacks may have a reason instead of a test.
const maxUntested = 12

var (
	testFunc    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)(?:Abuse|Fault)_\w+)\(`)
	rowID       = regexp.MustCompile(`^[A-JR][0-9]{2}$`)
	securityRow = regexp.MustCompile(`(?m)^\| ([A-JR][0-9]{2}) \|(.*)\|(.*)\|(.*)\|$`)
	quotedName  = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
)

// Every row of docs/security.md has a test or a reason why it has none, every
// test of a row is there, and every name in the document is that of a test.
func TestSecurityTable(t *testing.T) {
	path := filepath.Join(root(t), "docs", "security.md")
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tests := testsByRow(t)
	if *updateSecurity {
		doc = securityRow.ReplaceAllFunc(doc, func(line []byte) []byte {
			m := securityRow.FindSubmatch(line)
			if names := tests[string(m[1])]; names != nil {
				return fmt.Appendf(nil, "| %s |%s|%s| %s |", m[1], m[2], m[3], cell(names))
			}
			return line
		})
		if err := os.WriteFile(path, doc, 0o644); err != nil {
			t.Fatal(err)
		}
	}

	rows, untested := map[string]string{}, 0
	for _, m := range securityRow.FindAllSubmatch(doc, -1) {
		id, got := string(m[1]), string(bytes.TrimSpace(m[4]))
		if _, again := rows[id]; again {
			t.Errorf("%s is there twice", id)
		}
		rows[id] = got
		switch want := cell(tests[id]); {
		case want != "" && got != want:
			t.Errorf("%s: the table has %s, the tests are %s", id, got, want)
		case want == "" && !strings.HasSuffix(got, "."):
			t.Errorf("%s has neither a test nor a sentence that says why", id)
		case want == "" && id[0] != 'R':
			untested++
		}
	}
	for _, c := range catalogue {
		for n := 1; n <= c.rows; n++ {
			id := fmt.Sprintf("%s%02d", c.kind, n)
			if _, ok := rows[id]; !ok {
				t.Errorf("%s is missing", id)
			}
			delete(rows, id)
		}
	}
	for id := range rows {
		t.Errorf("%s is not in the catalogue", id)
	}
	for id := range tests {
		if !bytes.Contains(doc, []byte("\n| "+id+" |")) {
			t.Errorf("a test is named after %s, which is not in the table", id)
		}
	}
	if untested > maxUntested {
		t.Errorf("%d attacks have no test, at most %d may", untested, maxUntested)
	}

	all := map[string]bool{}
	for _, names := range tests {
		for _, name := range names {
			all[name] = true
		}
	}
	for _, m := range quotedName.FindAllSubmatch(doc, -1) {
		if name := string(m[1]); strings.Contains(name, "_") && !all[name] {
			t.Errorf("there is no %s", name)
		}
	}
}

// testsByRow are the tests of the tree by the rows that their names carry.
func testsByRow(t *testing.T) map[string][]string {
	t.Helper()
	tests := map[string][]string{}
	eachText(t, func(name string, text []byte) {
		if !strings.HasSuffix(name, "_test.go") {
			return
		}
		for _, m := range testFunc.FindAllSubmatch(text, -1) {
			for part := range strings.SplitSeq(string(m[1]), "_") {
				if rowID.MatchString(part) && !slices.Contains(tests[part], string(m[1])) {
					tests[part] = append(tests[part], string(m[1]))
				}
			}
		}
	})
	for _, names := range tests {
		slices.Sort(names)
	}
	return tests
}

func cell(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = "`" + name + "`"
	}
	return strings.Join(quoted, ", ")
}
