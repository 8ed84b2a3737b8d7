package faults_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"example.com/mailkey/internal/torture"
)

// disk is a file system in a file, which holds what has reached the disk and
// nothing of what the system still keeps in memory.
type disk struct{ image, dir string }

func newDisk(t *testing.T) disk {
	t.Helper()
	dir := t.TempDir()
	d := disk{image: filepath.Join(dir, "image"), dir: filepath.Join(dir, "disk")}
	f, err := os.Create(d.image)
	if err == nil {
		err = f.Truncate(int64(torture.Rounds(32, 256)) << 20)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", d.image).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4 is not there: %v %s", err, out)
	}
	d.mount(t)
	return d
}

func (d disk) mount(t *testing.T) {
	t.Helper()
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "loop,commit=300", d.image, d.dir).CombinedOutput(); err != nil {
		t.Skipf("needs the right to mount a disk: %v %s", err, out)
	}
	t.Cleanup(func() { d.unmount(t) })
	if err := os.Chmod(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// unmount may be called again.
func (d disk) unmount(t *testing.T) {
	if err := unix.Unmount(d.dir, 0); err != nil && err != unix.EINVAL {
		t.Error(err)
	}
}

// remove makes room for the next, when it is unmounted.
func (d disk) remove(t *testing.T) {
	if err := os.Remove(d.image); err != nil {
		t.Error(err)
	}
}

// copy is what a power cut would leave now.
func (d disk) copy(t *testing.T) disk {
	t.Helper()
	dir := t.TempDir()
	c := disk{image: filepath.Join(dir, "image"), dir: filepath.Join(dir, "disk")}
	from, err := os.Open(d.image)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(c.image)
	if err == nil {
		_, err = io.Copy(to, from)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

// stall lets nothing be written for a while, nor be waited for.
func (d disk) stall(t *testing.T, wait func()) {
	t.Helper()
	f, err := os.Open(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const freeze, thaw = 0xC0045877, 0xC0045878 // FIFREEZE, FITHAW
	if err := unix.IoctlSetInt(int(f.Fd()), freeze, 0); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.IoctlSetInt(int(f.Fd()), thaw, 0); err != nil {
			t.Error(err)
		}
	}()
	wait()
}
