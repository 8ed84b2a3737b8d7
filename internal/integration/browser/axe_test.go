package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// installAxe returns the source of axe-core, which npm installs once.
var installAxe = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "mailkey-axe-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS("axe")); err != nil {
		return "", err
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	source, err := os.ReadFile(filepath.Join(dir, "node_modules/axe-core/axe.min.js"))
	return string(source), err
})

// needAxe skips a test on a machine without npm.
func needAxe(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skipf("npm is not installed (Debian: apt-get install nodejs npm): %v", err)
	}
}

// accessible looks for what keeps people with disabilities from using the page
// as it is now.
func (b *tab) accessible(state string) {
	b.Helper()
	if !eval[bool](b, "'axe' in window") {
		source, err := installAxe()
		if err != nil {
			b.Fatal(err)
		}
		eval[bool](b, source+"; true")
	}
	var violations []struct {
		ID    string
		Help  string
		Nodes []struct {
			HTML           string
			FailureSummary string
		}
	}
	found := eval[string](b, `axe.run({resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))`)
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.Fatal(err)
	}
	for _, v := range violations {
		for _, n := range v.Nodes {
			b.Errorf("%s: %s: %s: %s\n%s", state, v.ID, v.Help, n.HTML, n.FailureSummary)
		}
	}
}
