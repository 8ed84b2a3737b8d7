package postgres

import (
	"regexp"
	"strings"
	"sync"

	"github.com/jmoiron/sqlx"
)

// tables are those of the migrations: the names that are qualified.
var tables = []string{
	"addresses", "beats", "captchas", "challenges", "devices", "failure_hours", "keys", "limits", "locks",
	"sessions", "tickets", "users",
}

var (
	comment  = regexp.MustCompile(`(?m)^--.*\n`)
	onlyHere = regexp.MustCompile(`/\*postgres (.*?)\*/`)
	notHere  = regexp.MustCompile(`/\*sqlite\*/.*?/\*\*/`)
	table    = regexp.MustCompile(`\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:` + strings.Join(tables, "|") + `)\b`)
)

// dialect turns the statements of sqlstore into PostgreSQL's, on tables of a
// schema. The schema is in the statements and not in search_path, which is a
// setting of a connection: behind a pooler each transaction has another.
type dialect struct {
	schema string // quoted
	texts  sync.Map
}

// text is what is sent for a statement.
func (d *dialect) text(query string) string {
	cached, ok := d.texts.Load(query)
	if !ok {
		cached, _ = d.texts.LoadOrStore(query, d.translate(query))
	}
	text, _ := cached.(string)
	return text
}

func (d *dialect) translate(query string) string {
	text := comment.ReplaceAllString(query, "")
	text = notHere.ReplaceAllString(text, "")
	text = onlyHere.ReplaceAllString(text, "$1")
	text = sqlx.Rebind(sqlx.DOLLAR, strings.TrimSpace(text))
	return table.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.LastIndexAny(found, " \n") + 1
		return found[:name] + d.schema + "." + found[name:]
	})
}

// quote makes an identifier of any text.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// notDurable is put behind a statement that is a transaction of its own and
// does not have to wait for the disk: the setting ends with it.
const notDurable = ` RETURNING set_config('synchronous_commit', 'off', true)`
