// Package program builds programs of the module, and runs these and others as
// processes of their own, which can be killed.
package program

import (
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
)

// Build builds a program into a directory and returns its path. It has the
// race detector when the test has it.
func Build(dir, pkg string, tags ...string) (path string, out []byte, err error) {
	path = filepath.Join(dir, filepath.Base(pkg))
	args := []string{"build", "-o", path}
	if Race() {
		args = append(args, "-race")
	}
	for _, tag := range tags {
		args = append(args, "-tags", tag)
	}
	out, err = exec.Command("go", append(args, pkg)...).CombinedOutput()
	return path, out, err
}

// Race reports whether this test has the race detector.
func Race() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
