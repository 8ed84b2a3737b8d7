package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

type outcome string

const (
	noticed    outcome = "noticed"
	unnoticed  outcome = "UNNOTICED"
	equivalent outcome = "equivalent"
	mislisted  outcome = "MISLISTED"
	broken     outcome = "broken" // no Go or SQL any more
)

// judge runs the tests on the change until one fails. If it is listed, only those
// that are likely to: all of them would take the most time of all, and find the
// least.
func (m mutant) judge(ctx context.Context, g group, reasons map[string]string) (outcome, error) {
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(dir)
	if err != nil {
		return "", err
	}
	all := m.tests(g)
	_, listed := reasons[m.key()]
	if listed {
		all = all[:1]
	}
	failed, built := false, make(map[string]string) // by package
	for _, t := range all {
		if built[t.pkg] == "" {
			built[t.pkg] = filepath.Join(dir, filepath.Base(t.pkg)+".test")
			err := exec.CommandContext(ctx, "go", "test", "-c", "-overlay="+overlay, "-vet=off", "-o", built[t.pkg], t.pkg).Run()
			if exit := new(exec.ExitError); errors.As(err, &exit) && ctx.Err() == nil {
				return broken, nil
			}
			if err != nil {
				return "", err
			}
		}
		passed, err := t.pass(ctx, built[t.pkg], dir)
		if err != nil {
			return "", err
		}
		if !passed {
			failed = true
			break
		}
	}
	switch {
	case failed && listed:
		return mislisted, nil
	case failed:
		return noticed, nil
	case listed:
		return equivalent, nil
	}
	return unnoticed, nil
}

// pass runs the tests, which are built, until one fails. They leave what they
// leave in dir.
func (t tests) pass(ctx context.Context, program, dir string) (bool, error) {
	cmd := exec.CommandContext(ctx, program, "-test.run="+t.names, "-test.failfast", "-test.timeout=2m", "-test.v")
	cmd.Dir, cmd.Env = t.pkg, append(os.Environ(), "TMPDIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	failed := false
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if strings.HasPrefix(strings.TrimSpace(line), "--- FAIL") {
			failed = true
			_ = cmd.Process.Kill() // else those go on that run beside it
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	if exit := new(exec.ExitError); ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		return false, cmp.Or(ctx.Err(), err)
	}
	return err == nil && !failed, nil
}

// tests are those of a package that have such names.
type tests struct{ pkg, names string }

// tests are what to run, in this order: those that are likely to notice, and
// then all of each package.
func (m mutant) tests(g group) (all []tests) {
	likely := g.likely
	if likely == (tests{}) {
		likely = m.namesakes()
	}
	if likely != (tests{}) {
		all = append(all, likely)
	}
	for _, p := range g.packages {
		all = append(all, tests{p, "."})
	}
	return all
}

// namesakes are the tests of the file, by its name.
func (m mutant) namesakes() tests {
	dir, base := filepath.Dir(m.file), strings.TrimSuffix(filepath.Base(m.file), filepath.Ext(m.file))
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+base+"*_test.go")) // the pattern is right
	var names []string
	for _, path := range paths {
		src, _ := os.ReadFile(path) // else all of them are run
		for _, found := range testName.FindAllSubmatch(src, -1) {
			names = append(names, string(found[1]))
		}
	}
	if len(names) == 0 {
		return tests{}
	}
	return tests{"./" + filepath.ToSlash(dir), "^(" + strings.Join(names, "|") + ")$"}
}

var testName = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// overlay writes the changed file into dir and what the go command has to
// know about it.
func (m mutant) overlay(dir string) (string, error) {
	src, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(dir, filepath.Base(m.file))
	text := string(src[:m.offset]) + m.now + string(src[m.offset+len(m.old):])
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		return "", err
	}
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	doc, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, doc, 0o600)
}

// readEquivalent reads lines of a file, a change, the line that it changes
// and the reason why nobody can notice it, separated by tabs.
func readEquivalent(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reasons := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, '\t')
		if strings.Count(line, "\t") != 3 || line[i+1:] == "" {
			return nil, fmt.Errorf("%s: want file, change, line and reason: %q", path, line)
		}
		reasons[line[:i]] = line[i+1:]
	}
	return reasons, nil
}
