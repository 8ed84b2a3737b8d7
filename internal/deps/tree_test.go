package deps

import (
	"bytes"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every package says what it is for, and those that others can import show it
// with an example that is compiled.
func TestPackagesExplainThemselves(t *testing.T) {
	t.Parallel()
	for path, p := range list(t) {
		own, isOwn := strings.CutPrefix(path, modulePath)
		if !isOwn || len(p.GoFiles) == 0 {
			continue
		}
		if p.Doc == "" {
			t.Errorf("%s has no package comment", path)
		}
		if p.Name != "main" && !strings.Contains(own, "/internal/") && !hasExample(t, p.Dir) {
			t.Errorf("%s has no Example", path)
		}
	}
}

func hasExample(t *testing.T, dir string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var parsed []*ast.File
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	return len(doc.Examples(parsed...)) > 0
}

// Nothing in the tree depends on where it was written, and nothing is left
// over from a merge.
func TestNoLeftovers(t *testing.T) {
	t.Parallel()
	leftovers := regexp.MustCompile(`(?m)(?:^|[\s"'` + "`" + `(=:])/(?:work|root|home)/|^<<<<<<< |^>>>>>>> `)
	eachText(t, func(name string, text []byte) {
		for _, at := range leftovers.FindAllIndex(text, -1) {
			line := 1 + bytes.Count(text[:at[0]+1], []byte("\n"))
			t.Errorf("%s:%d: %q", name, line, bytes.TrimSpace(text[at[0]:min(len(text), at[1]+20)]))
		}
	})
}

// A link in a document leads to a file that exists.
func TestLinksInDocuments(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	eachText(t, func(name string, text []byte) {
		if filepath.Ext(name) != ".md" {
			return
		}
		for _, found := range link.FindAllSubmatch(text, -1) {
			target, _, _ := strings.Cut(string(found[1]), "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root(t), filepath.Dir(name), target)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", name, found[1])
			}
		}
	})
}

// eachText calls f with each text file of the repository, named from its root.
func eachText(t *testing.T, f func(name string, text []byte)) {
	t.Helper()
	dir := root(t)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "bin", "vendor", "screenshots"}, entry.Name()) {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		ext := filepath.Ext(path)
		if !slices.Contains([]string{
			"", ".css", ".go", ".html", ".js", ".json", ".md", ".mod", ".sh", ".sql", ".subject", ".sum", ".txt", ".work", ".yaml", ".yml",
		}, ext) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.IndexByte(text, 0) >= 0 {
			return nil // a program
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(name), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
