// Command rename gives the module, and those that are nested in it, another
// path. It changes every file that names the old one: imports, go.mod files,
// documents. It is run in the root of a clone:
//
//	go run ./internal/rename git.example.org/you/mailkey
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: rename <new path of the module>")
		os.Exit(2)
	}
	changed, err := rename(context.Background(), ".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "rename:", err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stdout, "%d files were changed\n", changed)
}

// rename changes the files below root, and reports how many it changed.
func rename(ctx context.Context, root, path string) (changed int, err error) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return 0, err
	}
	module := regexp.MustCompile(`(?m)^module (\S+)$`).FindSubmatch(mod)
	if module == nil {
		return 0, errors.New("go.mod does not name a module")
	}
	if regexp.MustCompile(`/v[0-9]+$`).MatchString(path) {
		return 0, fmt.Errorf("%s is a path of another major version: nested modules require v0.0.0", path)
	}
	old := regexp.MustCompile(`\b` + regexp.QuoteMeta(string(module[1])) + `\b`)
	// The go command knows what a path may be.
	if err := edit(ctx, filepath.Join(root, "go.mod"), "-module="+path); err != nil {
		return 0, err
	}
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == ".git" {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil || bytes.IndexByte(text, 0) >= 0 { // a picture or a program
			return err
		}
		after := old.ReplaceAllLiteral(text, []byte(path))
		if bytes.Equal(text, after) {
			return nil
		}
		changed++
		if filepath.Ext(file) == ".go" {
			if after, err = format.Source(after); err != nil { // imports are sorted
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		if err := os.WriteFile(file, after, 0o600); err != nil { // keeps the mode it has
			return err
		}
		if filepath.Base(file) == "go.mod" {
			return edit(ctx, file, "-fmt") // so are requirements
		}
		return nil
	})
	return changed, err
}

func edit(ctx context.Context, mod, flag string) error {
	if out, err := exec.CommandContext(ctx, "go", "mod", "edit", flag, mod).CombinedOutput(); err != nil {
		return fmt.Errorf("go mod edit: %w\n%s", err, out)
	}
	return nil
}
