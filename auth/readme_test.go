package auth_test

import (
	"os"
	"strings"
	"testing"
)

// The first code in the README is the one that is compiled here.
func TestReadmeShowsTheExample(t *testing.T) {
	t.Parallel()
	const mostLines = 20
	readme, example := readText(t, "../README.md"), readText(t, "example_mount_test.go")

	_, rest, _ := strings.Cut(readme, "\n```go\n")
	got, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("README.md has no go code")
	}
	_, rest, _ = strings.Cut(example, "\nfunc Example() {\n")
	body, _, found := strings.Cut(rest, "\n}\n")
	if !found {
		t.Fatal("there is no func Example")
	}
	var want strings.Builder
	for line := range strings.Lines(body + "\n") {
		want.WriteString(strings.TrimPrefix(line, "\t"))
	}
	if got != want.String() {
		t.Errorf("README.md shows\n%s\nand func Example is\n%s", got, want.String())
	}
	if n := strings.Count(got, "\n"); n > mostLines {
		t.Errorf("%d lines are more than %d", n, mostLines)
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
