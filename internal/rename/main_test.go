package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The command of the README, run in a copy of the tree, leaves a module that
// builds and works under its new path.
func TestRename(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyTree(t, "../..", dir)
	old := regexp.MustCompile(`(?m)^module (\S+)$`).FindSubmatch(read(t, filepath.Join(dir, "go.mod")))[1]
	command := regexp.MustCompile(`(?m)^go run (\./internal/rename) (\S+)$`).FindSubmatch(read(t, filepath.Join(dir, "README.md")))
	if command == nil {
		t.Fatal("README.md does not say how to rename the module")
	}

	goCommand(t, dir, "run", string(command[1]), string(command[2]))
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && bytes.Contains(read(t, file), old) {
			t.Errorf("%s has the old path", file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := goCommand(t, dir, "list", "./auth"); got != string(command[2])+"/auth\n" {
		t.Errorf("package auth is %s", got)
	}
	goCommand(t, dir, "vet", "./...", "./example/cluster/...", "./internal/integration/...")
	goCommand(t, dir, "test", "-run", "^Test(Arrows|Links)$", "./internal/deps")
	goCommand(t, dir, "test", "./example/hello", "./auth/authtest", "./storage/memory")
}

func TestRenameRefuses(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "https://example.org/login", "example.org/log in", "-x", "example.org/login/v2"} {
		dir := t.TempDir()
		const mod = "module example.net/app\n\ngo 1.26.0\n"
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := rename(t.Context(), dir, path); err == nil {
			t.Errorf("%q is no error", path)
		}
		if got := read(t, filepath.Join(dir, "go.mod")); string(got) != mod {
			t.Errorf("after %q go.mod is\n%s", path, got)
		}
	}
}

// copyTree copies what belongs to the repository, as far as it can be told
// without git.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "bin", "screenshots"}, entry.Name()) {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() || strings.Contains(filepath.Base(file), "mailkey.db") {
			return nil
		}
		name, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(name)), 0o700); err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), read(t, file), info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
}

func goCommand(t *testing.T, dir string, args ...string) (stdout string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // so that what is imported is compiled as for others
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, &out, &complaints)
	}
	return out.String()
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
