package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is a piece of code in a document.
type block struct {
	document string // from the root
	line     int
	language string // of the fence; indented code has none
	text     string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.document, b.line) }

// usedBy are the tests that take code out of a document and use it as it stands
// there: all code of a language, or the block that begins so.
var usedBy = []struct{ document, language, beginning, test string }{
	{"README.md", "sh", "mkdir hello", "TestFirstFiveMinutes"},
	{"README.md", "sh", "go run ./internal/rename", "TestRename"},
	{"docs/clients.md", "sh", "server=", "TestCurl"},
	{"docs/clients.md", "js", "", "TestBrowserClients"},
	{"docs/clients.md", "html", "", "TestBrowserClients"},
	{"docs/cluster.md", "sh", "", "TestDocument"},
	{"docs/cluster.md", "nginx", "", "TestDocument"},
	{"docs/operating.md", "sh", "(umask", "TestBackup"},
	{"docs/operating.md", "sh", "rm -f", "TestBackup"},
	{"docs/postgresql.md", "sql", "", "TestPostgresAsDocumented"},
}

// notRun is code that no test runs, with the reason.
var notRun = map[string]string{
	"go get golang.org/x/text": "it changes go.mod",
	"sequenceDiagram":          "a picture",
	"flowchart":                "a picture",
}

// There is no code in a document that nothing looks at.
func TestCodeInDocuments(t *testing.T) {
	t.Parallel()
	sources := goSources(t)
	unused := make(map[string]bool) // rows of the tables above
	for _, use := range usedBy {
		unused[use.document+use.language+use.beginning] = true
		if !slices.ContainsFunc(slices.Collect(maps.Values(sources)), func(text string) bool {
			return strings.Contains(text, "\nfunc "+use.test+"(t *testing.T) {")
		}) {
			t.Errorf("there is no test %s, which is to use code of %s", use.test, use.document)
		}
	}
	for beginning := range notRun {
		unused[beginning] = true
	}

next:
	for _, b := range blocks(t) {
		for _, use := range usedBy {
			if b.document == use.document && b.language == use.language && strings.HasPrefix(b.text, use.beginning) {
				delete(unused, use.document+use.language+use.beginning)
				continue next
			}
		}
		for beginning := range notRun {
			if strings.HasPrefix(b.text, beginning) {
				delete(unused, beginning)
				continue next
			}
		}
		switch b.language {
		case "go":
			code := unindented(b.text)
			if !slices.ContainsFunc(slices.Collect(maps.Values(sources)), func(text string) bool { return strings.Contains(text, code) }) {
				t.Errorf("%v: no file of Go has this code, so nobody knows whether it compiles:\n%s", b, b.text)
			}
		case "json":
			if !json.Valid([]byte(b.text)) {
				t.Errorf("%v: this is not JSON:\n%s", b, b.text)
			}
		case "sh", "":
			checkCommands(t, b)
		case "text":
			// Is not code.
		default:
			t.Errorf("%v: nothing looks at this code:\n%s", b, b.text)
		}
	}
	for row := range unused {
		t.Errorf("no document has code for the row %q of this test", row)
	}
}

// checkCommands looks whether commands of the repository exist, with the flags
// that they are given. They take long, or never end, so they are not run.
func checkCommands(t *testing.T, b block) {
	t.Helper()
	for line := range strings.Lines(b.text) {
		command, _, _ := strings.Cut(strings.TrimSpace(line), " #")
		words := strings.Fields(command)
		switch {
		case len(words) == 0:
		case words[0] == "make":
			run(t, b, "sh", "-c", "make --dry-run "+strings.TrimPrefix(command, "make"))
		case len(words) > 2 && words[0] == "go" && words[1] == "run" && strings.HasPrefix(words[2], "./"):
			help := run(t, b, "go", "run", words[2], "-h")
			for _, flag := range regexp.MustCompile(` (-[a-z-]+)`).FindAllStringSubmatch(command, -1) {
				if flag[1] != "-h" && !strings.Contains(help, "  "+flag[1]) {
					t.Errorf("%v: %s has no flag %s", b, words[2], flag[1])
				}
			}
		case len(words) > 2 && words[0] == "go" && slices.Contains([]string{"generate", "test", "vet"}, words[1]):
			i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "./") })
			if i < 0 {
				t.Errorf("%v: no package is named: %s", b, command)
				continue
			}
			run(t, b, "go", "list", words[i])
		default:
			t.Errorf("%v: nothing looks at this command: %s", b, command)
		}
	}
}

// run runs a command in the root, and returns what it says.
func run(t *testing.T, b block, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s %s: %v\n%s", b, name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// The first code of the README is a whole example, and fits on a screen.
func TestFirstScreen(t *testing.T) {
	t.Parallel()
	const mostLines = 26
	all := blocks(t)
	i := slices.IndexFunc(all, func(b block) bool { return b.document == "README.md" && b.language == "go" })
	if i < 0 {
		t.Fatal("README.md has no code")
	}
	_, rest, _ := strings.Cut(goSources(t)["auth/example_mount_test.go"], "\nfunc Example() {\n")
	body, _, _ := strings.Cut(rest, "\n}\n\n")
	if got := unindented(all[i].text); got != body {
		t.Errorf("README.md shows\n%s\nand the example is\n%s", got, body)
	}
	if n := strings.Count(all[i].text, "\n"); n > mostLines {
		t.Errorf("%d lines are more than %d", n, mostLines)
	}
}

// eachFile calls f with the files of the repository that end so.
func eachFile(t *testing.T, ext string, f func(name, text string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "bin", "node_modules"}, entry.Name()) {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() || filepath.Ext(path) != ext {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		f(filepath.ToSlash(name), strings.ReplaceAll(string(text), "\r\n", "\n"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// goSources are all files of Go, by name, without their indentation.
func goSources(t *testing.T) map[string]string {
	t.Helper()
	sources := make(map[string]string)
	eachFile(t, ".go", func(name, text string) { sources[name] = unindented(text) })
	return sources
}

func unindented(code string) string {
	lines := strings.Split(strings.TrimSuffix(code, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], "\t")
	}
	return strings.Join(lines, "\n")
}

// blocks finds the code in all documents: between fences, or indented after an
// empty line.
func blocks(t *testing.T) []block {
	t.Helper()
	var all []block
	eachFile(t, ".md", func(name, text string) {
		var b *block // the one that the line is in
		before := ""
		for i, line := range strings.Split(text, "\n") {
			fence, isFence := strings.CutPrefix(line, "```")
			code, isIndented := strings.CutPrefix(line, "    ")
			switch {
			case isFence && b != nil && b.language != "":
				b = nil
			case isFence:
				if fence == "" {
					fence = "nothing"
				}
				all = append(all, block{document: name, line: i + 1, language: fence})
				b = &all[len(all)-1]
			case b != nil && b.language != "":
				b.text += line + "\n"
			case isIndented && b != nil:
				b.text += code + "\n"
			case isIndented && before == "":
				all = append(all, block{document: name, line: i + 1, text: code + "\n"})
				b = &all[len(all)-1]
			default:
				b = nil
			}
			before = line
		}
		if b != nil && b.language != "" {
			t.Errorf("%v: this code has no end", *b)
		}
	})
	return all
}
