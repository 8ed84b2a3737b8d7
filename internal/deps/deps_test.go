// Package deps holds no code. Its tests keep the module in the shape that
// docs/design.md draws: which package may import which, what each of them
// links, and what every one of them owes its readers.
package deps

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modulePath = "example.com/mailkey"

// The foreign modules that packages link, directly or not. What is not named
// here is not linked. A new name is a decision: every app that imports the
// package takes it over.
var (
	captchaLinks = []string{"github.com/dchest/captcha"}
	authLinks    = slices.Concat(captchaLinks, []string{
		"github.com/MicahParks/jwkset", "github.com/alexedwards/scs/v2", "github.com/golang-jwt/jwt/v5",
		"github.com/gorilla/mux", "golang.org/x/net", "golang.org/x/text", "golang.org/x/time",
	})
	sqlLinks    = []string{"github.com/jmoiron/sqlx"}
	sqliteLinks = slices.Concat(sqlLinks, []string{
		"github.com/dustin/go-humanize", "github.com/google/uuid", "github.com/mattn/go-isatty",
		"github.com/ncruces/go-strftime", "github.com/remyoudompheng/bigfft", "golang.org/x/sys",
		"modernc.org/libc", "modernc.org/mathutil", "modernc.org/memory", "modernc.org/sqlite",
	})
)

type row struct {
	path    string
	imports []string // of ours, directly: the arrows of docs/design.md
	links   []string // foreign modules
	never   []string // packages of the standard library that are not linked
	tests   bool     // is for tests alone: may import testing, and repeatable randomness
}

// packages are all packages of the module but programs. A row may wait for its
// package.
var packages = []row{
	{
		path:  "internal/failpoint",
		never: []string{"net"},
	}, {
		path:  "storage",
		never: []string{"database/sql", "net", "net/http"},
	}, {
		path:    "storage/memory",
		imports: []string{"storage"},
		never:   []string{"database/sql", "net", "net/http"},
	}, {
		path:    "storage/internal/sqlstore",
		imports: []string{"internal/failpoint", "storage"},
		links:   sqlLinks,
		never:   []string{"net/http"},
	}, {
		path:    "storage/sqlite",
		imports: []string{"internal/failpoint", "storage", "storage/internal/sqlstore"},
		links:   sqliteLinks,
		never:   []string{"net/http"},
	}, {
		path:    "storage/postgres",
		imports: []string{"storage", "storage/internal/sqlstore"},
		links:   sqlLinks, // and no driver: that is the app's
		never:   []string{"net/http"},
	}, {
		path:    "storage/storagetest",
		imports: []string{"storage"},
		never:   []string{"database/sql", "net/http"},
		tests:   true,
	}, {
		path:    "captcha",
		imports: []string{"internal/failpoint", "storage"},
		links:   captchaLinks,
		never:   []string{"database/sql"},
	}, {
		path:    "auth",
		imports: []string{"captcha", "internal/failpoint", "storage"},
		links:   authLinks,
		never:   []string{"database/sql", "net/smtp"},
	}, {
		path:    "auth/smtpmailer",
		imports: []string{"auth"},
		links:   slices.Concat(authLinks, []string{"github.com/wneessen/go-mail", "golang.org/x/crypto"}),
		never:   []string{"database/sql"},
	}, {
		path:    "auth/loginpage",
		imports: []string{"auth"},
		links:   authLinks,
		never:   []string{"database/sql"},
	}, {
		path:    "auth/authtest",
		imports: []string{"auth", "captcha", "storage", "storage/memory"},
		links:   authLinks,
		never:   []string{"database/sql"},
		tests:   true,
	}, {
		path:    "middleware",
		imports: []string{"auth"},
		links:   slices.Concat(authLinks, []string{"github.com/MicahParks/keyfunc/v3"}),
		never:   []string{"database/sql"},
	}, {
		path:    "example/internal/server",
		imports: []string{"auth", "auth/loginpage", "auth/smtpmailer", "captcha", "middleware", "storage", "storage/sqlite"},
		links: slices.Concat(authLinks, sqliteLinks, []string{
			"github.com/MicahParks/keyfunc/v3", "github.com/wneessen/go-mail", "golang.org/x/crypto",
		}),
	}, {
		path:  "internal/canary",
		never: []string{"net"},
	}, {
		path:  "internal/exampletest",
		never: []string{"database/sql", "net/http"},
		tests: true,
	}, {
		path: "internal/torture",
	}, {
		path: "example/wirecheck", // a program, but one that judges ours: it takes nothing from us
	},
}

// goPackage is what go list says about a package.
type goPackage struct {
	ImportPath string
	Name       string
	Doc        string
	Dir        string
	Standard   bool
	Module     *struct{ Path string }
	Imports    []string
	Deps       []string
	GoFiles    []string
}

func TestArrows(t *testing.T) {
	t.Parallel()
	all := list(t)
	for _, p := range packages {
		for _, path := range all[modulePath+"/"+p.path].Imports {
			own, isOwn := strings.CutPrefix(path, modulePath+"/")
			if isOwn && !slices.Contains(p.imports, own) {
				t.Errorf("%s imports %s: no arrow of docs/design.md goes there", p.path, own)
			}
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	all := list(t)
	for _, p := range packages {
		for _, path := range all[modulePath+"/"+p.path].Deps {
			dep := all[path]
			switch {
			case dep.Standard && slices.Contains(p.never, path):
				t.Errorf("%s links %s", p.path, path)
			case path == "testing" && !p.tests:
				t.Errorf("%s links testing: only packages for tests do", p.path)
			case path == "net/http/pprof", path == "expvar":
				t.Errorf("%s links %s, which adds itself to http.DefaultServeMux", p.path, path)
			case dep.Module != nil && dep.Module.Path != modulePath && !slices.Contains(p.links, dep.Module.Path):
				t.Errorf("%s links %s of %s, which is not among its modules", p.path, path, dep.Module.Path)
			}
		}
	}
}

// Whoever links a package that is for tests links testing, too, so that no
// program does so by accident.
func TestAbuse_C26_packagesForTestsShow(t *testing.T) {
	t.Parallel()
	all := list(t)
	for _, p := range packages {
		found, there := all[modulePath+"/"+p.path]
		if there && p.tests && !slices.Contains(found.Imports, "testing") {
			t.Errorf("%s is for tests and does not import testing: nobody would see that a program links it", p.path)
		}
	}
	for path, p := range all {
		if p.Name == "main" && strings.HasPrefix(path, modulePath+"/") && slices.Contains(p.Deps, "testing") {
			t.Errorf("%s is a program and links testing", path)
		}
	}
}

// Every package has its row, so that a new one is a decision, too.
func TestEveryPackageIsListed(t *testing.T) {
	t.Parallel()
	for path, p := range list(t) {
		own, isOwn := strings.CutPrefix(path, modulePath+"/")
		if !isOwn || p.Name == "main" || len(p.GoFiles) == 0 {
			continue
		}
		if !slices.ContainsFunc(packages, func(r row) bool { return r.path == own }) {
			t.Errorf("%s has no row in the table of this test", own)
		}
	}
}

// There is no other source that somebody could fall back on: where the system
// has no randomness, crypto/rand ends the program.
func TestFault_R45_randomnessIsCrypto(t *testing.T) {
	t.Parallel()
	for path, p := range list(t) {
		own, isOwn := strings.CutPrefix(path, modulePath+"/")
		if !isOwn || slices.ContainsFunc(packages, func(r row) bool { return r.path == own && r.tests }) {
			continue
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, "math/rand") {
				t.Errorf("%s imports %s: randomness is crypto/rand", path, imported)
			}
		}
	}
}

// modernc.org/sqlite is C translated to Go, against one version of libc.
func TestLibcIsTheOneThatSQLiteNames(t *testing.T) {
	t.Parallel()
	const sqlite, libc = "modernc.org/sqlite", "modernc.org/libc"
	selected := strings.TrimSpace(string(command(t, "list", "-m", "-f", "{{.Version}}", libc)))
	file := strings.TrimSpace(string(command(t, "list", "-m", "-f", "{{.GoMod}}", sqlite)))
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(command(t, "mod", "edit", "-json", file), &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		if r.Path == libc && r.Version == selected {
			return
		}
	}
	t.Errorf("go.mod selects %s %s, which is not what %s was made with: %v", libc, selected, sqlite, mod.Require)
}

// list asks go list about the packages of the module and all they link.
func list(t *testing.T) map[string]goPackage {
	t.Helper()
	out := command(t, "list", "-deps",
		"-json=ImportPath,Name,Doc,Dir,Standard,Module,Imports,Deps,GoFiles", "./...")
	all := make(map[string]goPackage)
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// command runs the go command in the root of the module.
func command(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", args[0], err, stderr.Bytes())
	}
	return out
}

// root is the directory of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return dir
}
