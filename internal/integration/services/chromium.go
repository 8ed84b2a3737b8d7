package services

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Chromium finds the browser.
func Chromium(tb testing.TB) (path string) {
	tb.Helper()
	return installed(tb, "chromium")
}

// Browser is a running Chromium.
type Browser struct {
	Context context.Context // that tabs are made from
	Stop    func()          // ends it
}

// StartChromium starts the browser, without a window and with an empty profile.
func StartChromium(path string) (*Browser, error) {
	profile, err := os.MkdirTemp("", "mailkey-chromium-")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("mute-audio", true),
		// No name but ours leads anywhere.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	browser, _ := chromedp.NewContext(allocator)
	b := &Browser{Context: browser, Stop: func() {
		end, done := context.WithTimeout(browser, 10*time.Second)
		defer done()
		_ = chromedp.Cancel(end) // it may have ended by itself
		cancel()
		_ = os.RemoveAll(profile) // what is still being written is left behind
	}}
	if err := chromedp.Do(browser); err != nil { // starts it
		b.Stop()
		return nil, err
	}
	return b, nil
}
