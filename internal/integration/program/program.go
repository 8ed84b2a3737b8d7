// Package program builds programs of the module, and runs these and others as
// processes of their own, which can be killed.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
)

// Build builds a program into a directory, with flags of go build, and returns
// its path. It is compiled as the test is, and with cgo for the race detector
// only: each way to build is one in which everything that is imported has to be
// compiled.
func Build(dir, pkg string, flags ...string) (path string, err error) {
	path = filepath.Join(dir, filepath.Base(pkg))
	args, cgo := append([]string{"build", "-o", path}, flags...), "CGO_ENABLED=0"
	if Race() {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	if f := setting("-gcflags"); f != "" {
		args = append(args, "-gcflags="+f)
	}
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// Race reports whether this test has the race detector.
func Race() bool { return setting("-race") == "true" }

// setting is how this test was built.
func setting(key string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == key {
				return s.Value
			}
		}
	}
	return ""
}
