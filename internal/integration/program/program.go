// Package program builds programs of the module, and runs these and others as
// processes of their own, which can be killed.
package program

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
)

// Build builds a program into a directory and returns its path. It has the
// race detector when the test has it, and cgo only then: each way to build is
// one in which everything that is imported has to be compiled.
func Build(dir, pkg string, tags ...string) (path string, out []byte, err error) {
	path = filepath.Join(dir, filepath.Base(pkg))
	args, cgo := []string{"build", "-o", path}, "CGO_ENABLED=0"
	if Race() {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	for _, tag := range tags {
		args = append(args, "-tags", tag)
	}
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), cgo)
	out, err = cmd.CombinedOutput()
	return path, out, err
}

// Race reports whether this test has the race detector.
func Race() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
