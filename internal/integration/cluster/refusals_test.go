package cluster

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/program"
)

// What is wrong with the flags that only this program has is said in a sentence.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const url = "postgres://mailkey:hunter22@127.0.0.1:1/mailkey"
	for _, test := range []struct {
		name   string
		args   []string
		env    []string
		status int
		want   string
	}{
		{"no secret", []string{"-database", url}, nil, 2, "-secret-file is required with this -database"},
		{"no such secret", []string{"-database", url, "-secret-file", "missing"}, nil, 1, "open missing: no such file or directory"},
		{"no connections", []string{"-database", url, "-secret-file", "s", "-pool", "0"}, nil, 2, "-pool: 0 is not 1 or more"},
		{"no number", []string{"-secret-file", "s"}, []string{"MAILKEY_POOL=many"}, 2, `MAILKEY_POOL: invalid value "many"`},
		{"too long", []string{"-drain", "11s"}, nil, 2, "-drain: 11s is not between 0s and 5s"},
		{"too short", nil, []string{"MAILKEY_DRAIN=-1s"}, 2, "-drain: -1s is not between 0s and 5s"},
		{"import into nothing", []string{"-import", "mailkey.db"}, nil, 2, "-import needs the postgres:// URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(current(t), test.args...)
			cmd.Dir = directory(t)
			cmd.Env = append(cmd.Env, test.env...)
			p := program.Start(t, cmd)
			if got := p.Status(t, 30*time.Second); got != test.status || !strings.Contains(p.Log(), "mailkey: "+test.want) {
				t.Errorf("got %d, want %d %s\n%s", got, test.status, test.want, p.Log())
			}
		})
	}
}

// A database that cannot be reached ends the start; its password is not shown.
func TestUnreachableDatabase(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, url := range []string{
		"postgres://mailkey:hunter22@127.0.0.1:1/mailkey",
		"postgres://mailkey:hunter22@127.0.0.1:many/mailkey",
	} {
		c.database = url
		i := c.launch(t, current(t), freeAddrs(t, 1)[0])
		if got := i.Status(t, 30*time.Second); got != 1 || strings.Contains(i.Log(), "hunter22") || !strings.HasPrefix(i.Log(), "mailkey: ") {
			t.Errorf("got %d\n%s", got, i.Log())
		}
	}
}
