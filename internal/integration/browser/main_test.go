package browser

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestMain(m *testing.M) {
	status := m.Run()
	if chromium.process != nil {
		chromium.process.stop()
	}
	os.Exit(status)
}

// chromium is the one browser of all tests, which the first of them starts.
var chromium struct {
	start   sync.Once
	process *process
	err     error
}

// process is a running browser.
type process struct {
	ctx  context.Context
	stop func()
}

// startBrowser returns the context of the browser. A machine without Chromium
// skips the test.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skipf("chromium is not installed (Debian: apt-get install chromium): %v", err)
	}
	chromium.start.Do(func() { chromium.process, chromium.err = launch(program) })
	if chromium.err != nil {
		t.Fatalf("start chromium: %v", chromium.err)
	}
	return chromium.process.ctx
}

func launch(program string) (*process, error) {
	profile, err := os.MkdirTemp("", "mailkey-chromium-")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("mute-audio", true),
		// No name but ours leads anywhere.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	browser, _ := chromedp.NewContext(allocator)
	return &process{ctx: browser, stop: func() {
		end, done := context.WithTimeout(browser, 10*time.Second)
		defer done()
		_ = chromedp.Cancel(end) // it may have ended by itself
		cancel()
		_ = os.RemoveAll(profile)
	}}, chromedp.Do(browser) // starts it
}
